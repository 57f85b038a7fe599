"""Rows of captured telemetry have the counts, sums and percentiles of truth.json, which decode had no part in."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from pipelines.decode import decode
from pipelines.payloads import SIGNALS, Signal

Row = dict[str, Any]


@dataclass(frozen=True)
class Rows:
    truth: dict[str, Any]
    rows: dict[Signal, list[Row]]


@pytest.fixture(scope="module")
def decoded(captured, rules) -> Rows:
    rows = {}
    for signal in SIGNALS:
        result = decode(captured.payloads[signal], rules)
        assert result.bad_rows == []
        assert set(result.repaired_row_counts) | set(result.wrong_type_counts) <= {0}
        rows[signal] = [row for row in result.rows.to_pylist()]
    return Rows(captured.truth, rows)


def test_spans_have_the_counts_of_the_truth(decoded):
    truth, rows = decoded.truth["spans"], decoded.rows["traces"]
    exceptions = [event for row in rows for event in row["events"] if event["name"] == "exception"]
    ids = {(row["trace_id"], row["span_id"]) for row in rows}
    assert {
        "total": len(rows),
        "distinct_span_ids": len({span_id for _, span_id in ids}),
        "distinct_traces": len({row["trace_id"] for row in rows}),
        "roots": sum(row["parent_span_id"] is None for row in rows),
        "parent_not_in_data": sum(
            row["parent_span_id"] is not None and (row["trace_id"], row["parent_span_id"]) not in ids for row in rows
        ),
        "events": sum(len(row["events"]) for row in rows),
        "exception_events": len(exceptions),
        "exception_types": _count(_attributes(event).get("exception.type") for event in exceptions),
        "links": sum(len(row["links"]) for row in rows),
        "with_trace_state": sum(row["trace_state"] is not None for row in rows),
        "negative_durations": sum(row["has_clock_skew"] for row in rows),
        "non_ascii_spans": sum(not row["name"].isascii() for row in rows),
        "min_start_unix_ns": min(row["start_time_unix_nano"] for row in rows),
        "max_end_unix_ns": max(row["end_time_unix_nano"] for row in rows),
        "by_service": _count(row["service_name"] for row in rows),
        "by_kind": _count(row["kind"] for row in rows),
        "by_status": _count(row["status_code"] for row in rows),
        "by_scope": _count(row["scope_name"] for row in rows),
        "by_service_name_kind_status": _count_by(rows, "service_name", "name", "kind", "status_code"),
        "http_service_kind_route_method_status": _count_by(
            [row for row in rows if _is_http(row)],
            "service_name", "kind", "http_route", "http_method", "http_status_code",
        ),
        "durations_by_service_name": _durations(rows),
        "attribute_keys": _count(pair["key"] for row in rows for pair in row["attributes"]),
    } == truth  # fmt: skip


def test_resources_are_those_of_the_truth_after_privacy(decoded, rules):
    rows = [row for signal in SIGNALS for row in decoded.rows[signal]]
    seen = {row["service_name"]: _attributes(row, "resource_attributes") for row in rows}
    assert seen.keys() == decoded.truth["resources"].keys()
    for service, sent in decoded.truth["resources"].items():
        private = {"user_agent.original"} & sent.keys()
        assert {k: v for k, v in seen[service].items() if k not in private} == {
            k: _text(v) for k, v in sent.items() if k not in private
        }
        assert all(seen[service][name] == "HeadlessChrome" for name in private)


def test_logs_have_the_counts_of_the_truth(decoded):
    truth, rows = decoded.truth["logs"], decoded.rows["logs"]
    assert {
        "total": len(rows),
        "by_service": _count(row["service_name"] for row in rows),
        "by_service_severity_number": _count_by(rows, "service_name", "severity_number"),
        "by_service_severity_text": _count_by(rows, "service_name", "severity_text"),
        "with_trace_id": sum(row["trace_id"] is not None for row in rows),
        "with_exception_type": sum(row["exception_type"] is not None for row in rows),
        "with_event_name": sum(row["event_name"] is not None for row in rows),
    } == {name: value for name, value in truth.items() if name != "body_types"}
    assert sum(row["body"] is not None for row in rows) == sum(truth["body_types"].values())


def test_points_have_the_counts_of_the_truth(decoded):
    truth, rows = decoded.truth["metrics"], decoded.rows["metrics"]
    assert {
        "points": len(rows),
        "by_service": _count(row["service_name"] for row in rows),
        "by_type_temporality": _count(_kind(row) for row in rows),
        "by_service_name_type_temporality": _count(
            f"{row['service_name']}|{row['metric_name']}|{_kind(row)}" for row in rows
        ),
        "exemplars": sum(len(row["exemplars"]) for row in rows),
        "units": {row["metric_name"]: row["unit"] or "" for row in rows},
    } == {name: value for name, value in truth.items() if name != "histogram_series"}


def test_histogram_series_have_the_sums_of_the_truth(decoded):
    series = defaultdict(list)
    for row in decoded.rows["metrics"]:
        if row["metric_type"] in ("HISTOGRAM", "EXPONENTIAL_HISTOGRAM"):
            head = f"{row['service_name']}|{row['metric_name']}|{_kind(row)}"
            series[head, frozenset(_attributes(row).items())].append(row)
    truth = {_truth_series(key): value for key, value in decoded.truth["metrics"]["histogram_series"].items()}
    assert series.keys() == truth.keys()
    for key, rows in series.items():
        last = max(rows, key=lambda row: row["time_unix_nano"])
        exact = {
            "points": len(rows),
            "sum_of_counts": sum(row["count"] for row in rows),
            "last_time": last["time_unix_nano"],
            "last_count": last["count"],
            "last_sum": last["sum"],
        }
        assert exact == {name: value for name, value in truth[key].items() if name != "sum_of_sums"}
        assert math.isclose(sum(row["sum"] for row in rows), truth[key]["sum_of_sums"], rel_tol=1e-12)
        assert len({row["series_id"] for row in rows}) == 1


def test_buckets_of_a_point_add_up_to_its_count(decoded):
    rows = [row for row in decoded.rows["metrics"] if row["metric_type"] == "HISTOGRAM"]
    assert [sum(row["bucket_counts"]) for row in rows] == [row["count"] for row in rows]
    assert all(len(row["bucket_counts"]) == len(row["explicit_bounds"]) + 1 for row in rows)


def test_no_client_address_or_full_user_agent_is_left(decoded):
    names = {"net.peer.ip", "client.address", "network.peer.address", "http.user_agent", "user_agent.original"}
    texts = {
        pair["value"]
        for signal in SIGNALS
        for row in decoded.rows[signal]
        for column in ("attributes", "resource_attributes")
        for pair in row[column]
        if pair["key"] in names
    }
    assert not [text for text in texts if "Mozilla" in text or "127.0.0.1" in text]


def _attributes(row: Row, column: str = "attributes") -> dict[str, str | None]:
    return {pair["key"]: pair["value"] for pair in row[column]}


def _count(values: Iterable[Any]) -> dict[Any, int]:
    return dict(Counter(values))


def _count_by(rows: list[Row], *columns: str) -> dict[str, int]:
    return _count("|".join("" if row[c] is None else str(row[c]) for c in columns) for row in rows)


def _is_http(row: Row) -> bool:
    return any(row[column] is not None for column in ("http_route", "http_method", "http_status_code"))


def _durations(rows: list[Row]) -> dict[str, dict[str, int]]:
    durations = defaultdict(list)
    for row in rows:
        durations[f"{row['service_name']}|{row['name']}"].append(row["duration_ns"])
    return {key: _summary(sorted(values)) for key, values in durations.items()}


def _summary(values: list[int]) -> dict[str, int]:
    """Nearest rank: sorted[ceil(q * n) - 1]."""
    rank: Callable[[int], int] = lambda percent: values[-(-percent * len(values) // 100) - 1]  # noqa: E731
    return {
        "n": len(values),
        "min_ns": values[0],
        "p50_ns": rank(50),
        "p95_ns": rank(95),
        "p99_ns": rank(99),
        "max_ns": values[-1],
        "sum_ns": sum(values),
    }


def _kind(row: Row) -> str:
    """The truth's words for type, temporality and monotonicity."""
    kind = f"{row['metric_type'].lower()}|{row['temporality'] or '-'}"
    return kind + {True: "/mono", False: "/nonmono", None: ""}[row["is_monotonic"]]


def _truth_series(key: str) -> tuple[str, frozenset[tuple[str, str]]]:
    head, attributes = key[: key.index("|{")], json.loads(key[key.index("|{") + 1 :])
    return head, frozenset((name, _text(value)) for name, value in attributes.items())


def _text(value: Any) -> str:
    """A value of truth.json as attributes hold it."""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"), ensure_ascii=False)
