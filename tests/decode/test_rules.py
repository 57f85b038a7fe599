"""Rules come from two files that people edit: what they mean, and what a mistake in them says."""

import json
import pickle
from pathlib import Path
from typing import Any

import pytest

from pipelines import tables
from pipelines.decode.rules import FILLED, Column, Compose, Rules
from pipelines.errors import UsageError
from pipelines.payloads import SIGNALS

PROMOTED = {"columns": [{"column": "http_target", "tables": ["traces"], "attributes": ["http.target"]}]}
PRIVACY: dict[str, Any] = {"rules": []}


def write(folder: Path, promoted: Any = PROMOTED, privacy: Any = PRIVACY) -> tuple[Path, Path]:
    paths = (folder / "promoted.json", folder / "privacy.json")
    for path, content in zip(paths, (promoted, privacy), strict=True):
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return paths


def test_shipped_rules_fill_every_column_that_decode_does_not():
    rules = Rules.load(b"key")
    for signal in SIGNALS:
        columns = {field["name"] for field in tables.table(signal)["schema"]["fields"]}
        assert FILLED[signal] <= columns
        assert {column.name for column in rules.columns[signal]} == columns - FILLED[signal] | (
            {"event_name"} if signal == "logs" else set()
        )


def test_shipped_rules_name_the_design_columns_newest_convention_first():
    traces = {column.name: column for column in Rules.load(b"key").columns["traces"]}
    assert traces["http_status_code"] == Column(
        "http_status_code", "INT64", ("http.response.status_code", "http.status_code")
    )
    assert traces["order_total"].kind == "NUMERIC"
    assert traces["page_load_time_ms"].kind == "FLOAT64"
    assert traces["http_target"].sources == (Compose("path_and_query", ("url.path", "url.query")), "http.target")


def test_shipped_rules_keep_personal_data_out():
    rules = Rules.load(b"key")
    assert rules.actions["user.id"] == "pseudonymise"
    assert rules.actions["user_agent.original"] == "browser_family"
    assert rules.actions["url.full"] == "redact_url"
    assert rules.actions["exception.message"] == "redact_text"
    assert rules.actions["http.request.header.authorization"] == "drop"
    assert rules.field_actions == {"traces.status_message": "redact_text", "logs.body": "redact_text"}


def test_rules_travel_to_workers():
    rules = Rules.load(b"key")
    assert pickle.loads(pickle.dumps(rules)) == rules


def test_a_later_privacy_rule_for_the_same_name_wins(tmp_path):
    _, privacy = write(
        tmp_path,
        privacy={
            "rules": [
                {"action": "drop", "attributes": ["user.id", "a"]},
                {"action": "pseudonymise", "attributes": ["user.id"]},
            ]
        },
    )
    assert Rules.load(b"key", privacy=privacy).actions == {"user.id": "pseudonymise", "a": "drop"}


def test_rules_without_weights_have_none(tmp_path):
    promoted, _ = write(tmp_path)
    rules = Rules.load(b"key", promoted=promoted)
    assert rules.weight_attributes == ()
    assert {signal: tuple(c for c in columns if c.sources) for signal, columns in rules.columns.items()} == {
        "traces": (Column("http_target", "STRING", ("http.target",)),),
        "logs": (),
        "metrics": (),
    }


def entry(**changes: Any) -> dict[str, Any]:
    return {"columns": [{**PROMOTED["columns"][0], **changes}]}


@pytest.mark.parametrize(
    ("promoted", "error"),
    [
        ('{"columns": [', "line 1 column 14: not JSON: Expecting value"),
        ("[]", "must be a JSON object"),
        ({}, 'must have a list "columns"'),
        ({"columns": ["x"]}, "columns[0]: must be an object"),
        (entry(column=None), 'columns[0]: "column" must be the name of a column'),
        (
            entry(tables=["spans"]),
            "columns[0]: unknown table 'spans'; choose one of traces, logs, metrics",
        ),
        (entry(tables="traces"), 'columns[0]: "tables" must be a list of names'),
        (entry(attributes=[]), 'columns[0]: "attributes" must be a list of attribute names, newest first'),
        (entry(attributes=[7]), "columns[0]: 7 is neither an attribute name nor a composition"),
        (
            entry(attributes=[{"compose": "concat", "of": ["a", "b"]}]),
            "columns[0]: unknown composition 'concat'; choose one of path_and_query",
        ),
        (
            entry(attributes=[{"compose": "path_and_query", "of": ["a"]}]),
            'columns[0]: path_and_query is made of 2 attributes, "of" names 1',
        ),
        (
            entry(column="tenant_id"),
            "columns[0]: traces has no column 'tenant_id'; add it to schemas/traces.json",
        ),
        (
            entry(tables=["traces", "metrics"]),
            "columns[0]: metrics has no column 'http_target'; add it to schemas/metrics.json",
        ),
        (
            entry(column="trace_state"),
            "columns[0]: column 'trace_state' of traces is filled from OTLP itself; choose another column",
        ),
        (
            {"columns": PROMOTED["columns"] * 2},
            "columns[1]: column 'http_target' of traces stands here twice; put all its attributes in one entry",
        ),
        (
            {**PROMOTED, "sampling_weight_attributes": "SampleRate"},
            '"sampling_weight_attributes" must be a list of names',
        ),
    ],
)
def test_a_mistake_in_promoted_attributes_names_file_place_and_cure(tmp_path, promoted, error):
    path, _ = write(tmp_path, promoted=promoted)
    with pytest.raises(UsageError) as raised:
        Rules.load(b"key", promoted=path)
    assert str(raised.value) == f"{path}: {error}"


@pytest.mark.parametrize(
    ("privacy", "error"),
    [
        ({"rules": {}}, 'must have a list "rules"'),
        (
            {"rules": [{"action": "mask", "attributes": ["a"]}]},
            "rules[0]: unknown action 'mask'; "
            "choose one of pseudonymise, browser_family, redact_url, redact_text, drop",
        ),
        (
            {"rules": [{"action": "drop", "fields": ["traces.name"]}]},
            "rules[0]: unknown field 'traces.name'; choose one of traces.status_message, logs.body",
        ),
        ({"rules": [{"action": "drop", "attributes": [""]}]}, 'rules[0]: "attributes" must be a list of names'),
    ],
)
def test_a_mistake_in_privacy_rules_names_file_place_and_cure(tmp_path, privacy, error):
    _, path = write(tmp_path, privacy=privacy)
    with pytest.raises(UsageError) as raised:
        Rules.load(b"key", privacy=path)
    assert str(raised.value) == f"{path}: {error}"


def test_a_missing_rules_file_is_a_mistake_of_the_user(tmp_path):
    with pytest.raises(UsageError, match=r"none\.json: No such file or directory; give a readable file$"):
        Rules.load(b"key", privacy=tmp_path / "none.json")


def test_a_rules_file_that_is_not_utf8_says_so(tmp_path):
    (tmp_path / "latin1.json").write_bytes(b'{"rules": "\xe9"}')
    with pytest.raises(UsageError, match=r"latin1\.json: not UTF-8 text; save it as UTF-8$"):
        Rules.load(b"key", privacy=tmp_path / "latin1.json")


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 100_000, r'"\ud800"}'], ids=["digits", "nesting", "surrogate"])
def test_a_rules_file_that_python_cannot_hold_says_so(tmp_path, value):
    (tmp_path / "huge.json").write_text(f'{{"rules": {value}')
    with pytest.raises(UsageError, match=r"huge\.json: no JSON that can be read: "):
        Rules.load(b"key", privacy=tmp_path / "huge.json")


def test_a_column_that_no_entry_fills_is_null(tmp_path):
    path, _ = write(tmp_path, promoted=PROMOTED)
    rules = Rules.load(b"key", promoted=path)
    names = {column.name: column.sources for column in rules.columns["traces"]}
    assert (names["http_target"], names["service_name"]) == (("http.target",), ())
    assert set(names) | FILLED["traces"] == {field["name"] for field in tables.table("traces")["schema"]["fields"]}


def test_an_empty_key_is_refused():
    with pytest.raises(UsageError, match="the privacy key is empty: set OTELMART_PRIVACY_KEY"):
        Rules.load(b"")
