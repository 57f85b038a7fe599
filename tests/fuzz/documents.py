"""Hypothesis strategies for inputs that are right in form and odd in content; whatever fails is made small."""

import json
import random
from collections.abc import Callable

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.decode.rules import ACTIONS, FIELDS
from pipelines.payloads import SIGNALS
from pipelines.render.funnel_seeds import FACTS
from tests.decode.random_otlp import random_request

TEXT = st.text(max_size=20) | st.sampled_from(("http.target", "duration_ms", "service", "order", "1", "", "24"))
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | TEXT
ANY = st.recursive(
    SCALAR, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3), max_leaves=6
)


def _entry(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.fixed_dictionaries({}, optional={name: field | ANY for name, field in fields.items()})


_NAMES = st.lists(TEXT, max_size=3)
_COMPOSITION = _entry(compose=st.just("path_and_query"), of=st.lists(TEXT, min_size=2, max_size=2))
_COLUMN = _entry(
    column=st.sampled_from(("http_target", "order_total", "http_status_code", "name")),
    tables=st.lists(st.sampled_from(SIGNALS), max_size=2),
    attributes=st.lists(TEXT | _COMPOSITION, max_size=3),
)
_RULE = _entry(action=st.sampled_from(ACTIONS), attributes=_NAMES, fields=st.lists(st.sampled_from(FIELDS)))
RULES = _entry(
    columns=st.lists(_COLUMN, max_size=3), rules=st.lists(_RULE, max_size=3), sampling_weight_attributes=_NAMES
)

_SOURCE = _entry(
    metricSource=_entry(
        type=st.just("otelmart"),
        spec=_entry(
            kind=st.sampled_from(("requests", "logins", "page_views")),
            condition=st.sampled_from(("not_error", "error")),
            durationBelowMs=st.floats() | st.integers(),
            value=st.just("duration_ms"),
            groupBy=st.just(["service"]),
            service=TEXT | _NAMES,
        ),
    )
)
_INDICATOR = _entry(spec=_entry(ratioMetric=_entry(total=_SOURCE, good=_SOURCE, bad=_SOURCE), thresholdMetric=_SOURCE))
_DURATION = st.from_regex(r"[0-9]{1,4}[mhdwMQY]", fullmatch=True)
_WINDOW = _entry(
    duration=_DURATION,
    isRolling=st.booleans(),
    calendar=_entry(startTime=st.sampled_from(("2026-01-01 00:00:00", "2026-01-01")), timeZone=st.just("UTC")),
)
_OBJECTIVE = _entry(
    target=st.floats(0, 1),
    targetPercent=st.floats(0, 100),
    displayName=TEXT,
    timeSliceTarget=st.floats(),
    timeSliceWindow=_DURATION | st.integers(),
    op=st.sampled_from(("lt", "gte")),
    value=st.floats(),
)
SLO = st.fixed_dictionaries(
    {
        "apiVersion": st.just("openslo/v1"),
        "kind": st.sampled_from(("SLO", "SLO", "SLI")),
        "metadata": _entry(
            name=st.just("fuzz"), displayName=TEXT, annotations=st.dictionaries(TEXT, SCALAR, max_size=2)
        ),
        "spec": _entry(
            service=TEXT,
            indicator=_INDICATOR,
            timeWindow=st.lists(_WINDOW, min_size=1, max_size=2),
            budgetingMethod=st.sampled_from(("Occurrences", "Timeslices")),
            objectives=st.lists(_OBJECTIVE, min_size=1, max_size=2),
        ),
    }
)  # fmt: skip


def _csv(header: str) -> st.SearchStrategy[bytes]:
    cell = TEXT | st.sampled_from((*FACTS, "registration_to_order", "2", "in_order"))
    rows = st.lists(st.lists(cell, max_size=7).map(",".join), max_size=6)
    return rows.map(lambda lines: "\n".join([header, *lines]).encode(errors="surrogatepass"))


def _json(strategy: st.SearchStrategy[object]) -> st.SearchStrategy[bytes]:
    return strategy.map(lambda document: json.dumps(document).encode())


def _yaml(found: list[object]) -> bytes:
    text: str = yaml.safe_dump_all(found, allow_unicode=True)
    return text.encode()


_RECEIPT = _entry(path=TEXT, received_unix_ns=st.integers(0, 2**63) | st.floats())
DRAWN: dict[str, st.SearchStrategy[bytes]] = {
    **{
        f"protobuf {signal}": st.integers(0, 2**64).map(lambda n, of=signal: random_request(random.Random(n), of))
        for signal in SIGNALS
    },
    "rules": _json(RULES),
    "slos": st.lists(SLO, min_size=1, max_size=2).map(_yaml),
    "funnels.csv": _csv("funnel,description,window_hours,counted_per,step_order"),
    "funnel_steps.csv": _csv("funnel,step_number,step_name,fact,name"),
    "fact_rules.csv": _csv("fact,priority,signal,name,column_name,column_value,is_stand_in"),
    "manifest": _json(_RECEIPT),
    "privacy": st.text(max_size=200).map(lambda text: text.encode(errors="replace")),
    "numbers": st.from_regex(r"[+-]?[0-9]{0,40}\.?[0-9]{0,40}([eE][+-]?[0-9]{1,4})?", fullmatch=True).map(str.encode),
    "framing": st.lists(st.binary(max_size=30) | st.just(b'\n{"resourceLogs":[]}\n'), max_size=4).map(b"".join),
    "compression": st.binary(max_size=60).map(lambda data: b"\x1f\x8b\x08" + data),
    "object names": st.text(max_size=60).map(lambda name: name.encode(errors="replace")),
}  # fmt: skip


def check(name: str, examples: int, check_inputs: Callable[[list[bytes]], object]) -> None:
    """Gives a check that many drawn inputs, one at a time; the smallest that fails is in the error."""

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None, suppress_health_check=HealthCheck)
    @given(DRAWN[name])
    def one(data: bytes) -> None:
        check_inputs([data])

    one()
