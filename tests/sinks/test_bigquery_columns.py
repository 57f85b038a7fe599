"""Columns that a BigQuery table has beyond schemas/, lacks, or gets while a worker writes."""

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipelines.decode.rules import Rules
from pipelines.errors import RunError
from pipelines.payloads import Payload, payload_id
from pipelines.sinks import storage_columns, storage_write
from pipelines.sinks.bigquery import BigQuery, bigquery
from pipelines.worker.batch import Known, commit
from tests.pipeline.telemetry import logs, spans
from tests.sinks.storage_service import Fault, StorageService

PLACE = "shop.observability"
STREAMS = ["pending", "default"]


def message(data: bytes, signal: str = "logs") -> Payload:
    return Payload(signal, data, "protobuf", payload_id(data), 1_795_000_000_000_000, "pubsub:test")  # type: ignore[arg-type]


def taken(service: StorageService, table: str, column: str) -> dict[str, object]:
    """A column of a table, at its end as one that was added; the table lacks it from now on."""
    fields = service.tables[table].fields
    return fields.pop(next(i for i, each in enumerate(fields) if each["name"] == column))


@pytest.mark.parametrize("stream", STREAMS)
def test_a_column_that_schemas_do_not_know_yet_is_null_and_holds_nothing_up(
    service: StorageService, rules: Rules, stream: str
) -> None:
    sink, known = bigquery(f"{PLACE}?stream={stream}"), Known()
    commit("a" * 20, [message(logs(1, 2))], sink, rules, known)
    service.tables["logs"].fields.append({"name": "team", "type": "STRING", "mode": "NULLABLE"})
    commit("b" * 20, [message(logs(3, 2))], sink, rules, known)
    assert service.rows("logs")["team"].null_count == 4
    assert sorted(service.rows("logs")["body"].to_pylist()) == ["line 1", "line 2", "line 3", "line 4"]
    assert sink.left_out() == {}


@pytest.mark.parametrize("stream", STREAMS)
def test_a_column_that_the_table_lacks_is_left_out_until_it_is_added(
    service: StorageService, rules: Rules, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_columns, "LOOK_SECONDS", 0.0)
    body = taken(service, "logs", "body")
    sink, known = bigquery(f"{PLACE}?stream={stream}"), Known()
    commit("a" * 20, [message(logs(1, 3))], sink, rules, known)
    assert sink.left_out() == {"logs.body": 3}
    service.tables["logs"].fields.append(body)
    commit("b" * 20, [message(logs(4, 2))], sink, rules, known)
    assert sink.left_out() == {}
    assert service.rows("logs")["body"].to_pylist() == [None, None, None, "line 4", "line 5"]
    assert sum(row["written_row_count"] for row in service.rows("ingest_ledger").to_pylist()) == 5


def test_the_default_stream_looks_again_once_in_a_while_and_not_at_every_batch(
    service: StorageService, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr(storage_columns.time, "monotonic", lambda: now[0])  # a clock: a minute is too long for a test
    body = taken(service, "logs", "body")
    sink, known = bigquery(f"{PLACE}?stream=default"), Known()
    for i in range(3):
        commit(f"{i:020d}", [message(logs(i + 1, 1))], sink, rules, known)
    assert (service.calls["get_write_stream"], sink.left_out()) == (1, {"logs.body": 3})
    service.tables["logs"].fields.append(body)
    now[0] += storage_columns.LOOK_SECONDS
    commit("a" * 20, [message(logs(4, 1))], sink, rules, known)
    assert (service.calls["get_write_stream"], sink.left_out()) == (2, {})


@pytest.mark.parametrize("stream", STREAMS)
def test_a_nested_column_that_the_table_lacks_is_left_out(service: StorageService, rules: Rules, stream: str) -> None:
    request = ExportTraceServiceRequest.FromString(spans(1, 2))
    request.resource_spans[0].scope_spans[0].spans[0].events.add(name="retry", time_unix_nano=1_794_000_000_000_000_000)
    events = next(each for each in service.tables["traces"].fields if each["name"] == "events")
    place = service.tables["traces"].fields.index(events)
    less = [each for each in events["fields"] if each["name"] != "name"]
    service.tables["traces"].fields[place] = events | {"fields": less}
    sink = bigquery(f"{PLACE}?stream={stream}")
    commit("a" * 20, [message(request.SerializeToString(), "traces")], sink, rules, Known())
    assert sink.left_out() == {"traces.events.name": 1}
    written = service.rows("traces")["events"].to_pylist()
    assert sorted(map(len, written)) == [0, 1]
    assert "name" not in max(written, key=len)[0]


@pytest.mark.parametrize("stream", STREAMS)
def test_a_column_that_is_not_known_yet_where_rows_are_taken_is_waited_for(
    service: StorageService, rules: Rules, stream: str
) -> None:
    service.tables["logs"].fields.append(taken(service, "logs", "body"))
    service.tables["logs"].old_appends = 2
    sink = bigquery(f"{PLACE}?stream={stream}")
    commit("a" * 20, [message(logs(1, 2))], sink, rules, Known())
    assert service.rows("logs")["body"].to_pylist() == ["line 1", "line 2"]
    assert (service.tables["logs"].old_appends, sink.left_out()) == (0, {})


@pytest.mark.parametrize("stream", STREAMS)
def test_a_column_that_stays_unknown_ends_loudly(
    service: StorageService, rules: Rules, stream: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_write, "GIVE_UP_SECONDS", 1.0)
    service.tables["logs"].fields.append(taken(service, "logs", "body"))
    service.tables["logs"].old_appends = 1_000
    with pytest.raises(RunError, match=r"tables/logs for 1 s: ExtraFields: Input schema has more.*otelmart init"):
        commit("a" * 20, [message(logs(1, 2))], bigquery(f"{PLACE}?stream={stream}"), rules, Known())
    assert service.rows("logs").num_rows == service.rows("ingest_ledger").num_rows == 0


def test_the_default_stream_goes_on_after_the_requests_that_were_taken(
    service: StorageService, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cuts between requests stay where they were when a column goes in the middle of a batch."""
    monkeypatch.setattr(storage_write, "REQUEST_BYTES", 10_000)
    calls = []

    def fault(method: str) -> None:
        calls.append(method)
        if method == "append_rows" and calls.count(method) == 3:
            taken(service, "logs", "body")

    service.faults = fault
    sink = bigquery(f"{PLACE}?stream=default")
    commit("a" * 20, [message(logs(1, 500))], sink, rules, Known())
    rows = service.rows("logs").select(["payload_id", "row_ordinal"]).to_pydict()
    assert sorted(rows["row_ordinal"]) == list(range(500))
    assert calls.count("get_write_stream") == 1


def test_a_change_told_in_an_answer_is_looked_at_with_the_next_batch(
    service: StorageService, rules: Rules, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage_write, "REQUEST_BYTES", 10_000)
    body = taken(service, "logs", "body")
    sink, known = bigquery(f"{PLACE}?stream=default"), Known()
    commit("a" * 20, [message(logs(1, 1))], sink, rules, known)
    appends = []

    def fault(method: str) -> Fault | None:
        appends.append(method)
        if len(appends) == 2:
            service.tables["logs"].fields.append(body)
        return None

    service.faults = fault
    commit("b" * 20, [message(logs(2, 500))], sink, rules, known)
    assert sink.left_out() == {"logs.body": 501}
    commit("c" * 20, [message(logs(600, 1))], sink, rules, known)
    assert sink.left_out() == {}
    assert service.rows("logs")["body"].to_pylist()[-1] == "line 600"


def test_a_table_that_lacks_a_column_deserves_care_and_is_no_obstacle(service: StorageService) -> None:
    taken(service, "logs", "body")
    taken(service, "logs", "severity_text")
    notes = [note for check in BigQuery(PLACE, "pending").checks() if (note := check.look())]
    assert len(notes) == 1
    assert "logs has no severity_text, body: values are left out until otelmart init --to" in notes[0]


def test_another_invalid_argument_is_not_taken_for_a_column(service: StorageService, rules: Rules) -> None:
    service.faults = lambda method: Fault(grpc.StatusCode.INVALID_ARGUMENT) if method == "append_rows" else None
    with pytest.raises(RunError, match="InvalidArgument: fault: compare it with schemas/"):
        commit("a" * 20, [message(logs(1, 1))], bigquery(PLACE), rules, Known())
    assert service.calls["append_rows"] == 1
