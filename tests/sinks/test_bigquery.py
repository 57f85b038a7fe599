"""A batch into BigQuery by the Storage Write API, over real gRPC, whatever the other side answers."""

import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import duckdb
import grpc
import pyarrow as pa
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from pipelines import tables
from pipelines.decode.rules import Rules
from pipelines.errors import RunError, UsageError
from pipelines.payloads import Payload, payload_id
from pipelines.sinks import bigquery as bigquery_sink
from pipelines.sinks import storage_write
from pipelines.sinks.bigquery import WRITTEN, BigQuery, bigquery
from pipelines.sinks.lake import Lake
from pipelines.sinks.storage_write import HOST_VARIABLE, requests_of
from pipelines.sinks.uris import opened
from pipelines.worker.batch import Known, commit
from tests.pipeline.telemetry import logs, points, spans
from tests.sinks.storage_service import REFUSED, REQUEST_BYTES, Fault, StorageService

RECEIVED_US = 1_795_000_000_000_000
PLACE = "shop.observability"
STREAMS = ["pending", "default"]
CODE = grpc.StatusCode
METHODS = ["create_write_stream", "append_rows", "finalize_write_stream", "batch_commit_write_streams"]
PASSING = [
    CODE.RESOURCE_EXHAUSTED,  # 429
    CODE.INTERNAL,  # 500
    CODE.UNAVAILABLE,  # 503
    CODE.DEADLINE_EXCEEDED,
    CODE.ABORTED,
]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call that is not answered for half a second is tried again, for two seconds in all."""
    monkeypatch.setattr(storage_write, "CALL_SECONDS", 0.5)
    monkeypatch.setattr(storage_write, "GIVE_UP_SECONDS", 2.0)


def message(data: bytes, signal: str = "traces") -> Payload:
    return Payload(signal, data, "protobuf", payload_id(data), RECEIVED_US, "pubsub:test")  # type: ignore[arg-type]


def found(first: int = 1, count: int = 5) -> list[Payload]:
    return [
        message(spans(first, count, bad_ordinals=(2,))),
        message(logs(first, count), "logs"),
        message(points(first, count), "metrics"),
        message(b"\x0a\xff"),
    ]


def identities(rows: pa.Table) -> list[tuple[str, int]]:
    columns = rows.select(["payload_id", "row_ordinal"]).to_pydict()
    return sorted(zip(columns["payload_id"], columns["row_ordinal"], strict=True))


def once(method: str, fault: Fault) -> Callable[[str], Fault | None]:
    """The fault at the first call of a method."""
    left = [fault]
    return lambda called: left.pop() if called == method and left else None


@pytest.mark.parametrize("stream", STREAMS)
def test_rows_letters_and_ledger_are_those_of_a_lake(
    service: StorageService, rules: Rules, tmp_path: Path, stream: str
) -> None:
    done = commit("a" * 20, found(), opened(f"bigquery:{PLACE}?stream={stream}"), rules, Known())
    commit("a" * 20, found(), Lake(tmp_path), rules, Known())

    assert done.row_counts == {"traces": 4, "logs": 5, "metrics": 5, "dead_letters": 2}
    for table in WRITTEN:
        there = service.rows(table)
        columns = [name for name in there.column_names if name != "commit_time"]  # NULL in a lake
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            files = f"read_parquet('{tmp_path}/{table}/**/*.parquet', hive_partitioning = false)"
            local = connection.sql(f"select {', '.join(columns)} from {files}").fetchall()
            sent = connection.sql(f"select {', '.join(columns)} from there").fetchall()
        assert sorted(map(repr, sent)) == sorted(map(repr, local)) != []
    assert service.rows("ingest_ledger")["commit_time"].null_count == 0
    assert set(service.calls) == set(METHODS if stream == "pending" else ["append_rows"])


@pytest.mark.parametrize("code", PASSING, ids=lambda code: code.name)
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("method", METHODS)
def test_an_error_that_passes_neither_loses_nor_doubles(
    service: StorageService, rules: Rules, method: str, is_after: bool, code: CODE
) -> None:
    service.faults = once(method, Fault(code, is_after))
    commit("a" * 20, found(), bigquery(PLACE), rules, Known())
    assert_once(service)


@pytest.mark.parametrize("code", [CODE.ALREADY_EXISTS, CODE.OUT_OF_RANGE, CODE.UNAVAILABLE, CODE.INTERNAL])
@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_an_error_in_an_answer_neither_loses_nor_doubles(
    service: StorageService, rules: Rules, is_after: bool, code: CODE
) -> None:
    service.faults = once("append_rows", Fault(code, is_after, in_answer=True))
    commit("a" * 20, found(), bigquery(PLACE), rules, Known())
    assert_once(service)
    assert len(service.streams) == 6  # five tables; the stream with the error is given up


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("method", METHODS)
def test_silence_neither_loses_nor_doubles(service: StorageService, rules: Rules, method: str) -> None:
    service.faults = once(method, Fault(is_after=True, seconds=1.0))
    commit("a" * 20, found(), bigquery(PLACE), rules, Known())
    assert_once(service)


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_the_default_stream_loses_nothing_and_doubles_at_most_one_request(
    service: StorageService, rules: Rules, is_after: bool
) -> None:
    service.faults = once("append_rows", Fault(CODE.UNAVAILABLE, is_after))
    commit("a" * 20, found(), bigquery(f"{PLACE}?stream=default"), rules, Known())
    counts = [service.rows(table).num_rows for table in ("traces", "logs", "metrics", "ingest_ledger")]
    assert counts == [8 if is_after else 4, 5, 5, 5]
    assert len(set(identities(service.rows("traces")))) == 4


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("stream", STREAMS)
def test_an_outage_ends_loudly_with_nothing_in_the_ledger(service: StorageService, rules: Rules, stream: str) -> None:
    service.faults = lambda method: Fault(CODE.UNAVAILABLE)
    with pytest.raises(
        RunError, match=r"BigQuery refuses \S+/tables/\w+ for 2 s: ServiceUnavailable: fault: try again"
    ):
        commit("a" * 20, found(), bigquery(f"{PLACE}?stream={stream}"), rules, Known())
    assert sum(service.rows(table).num_rows for table in tables.TABLES) == 0


def test_a_batch_that_is_cut_short_shows_in_whole_tables_and_not_in_the_ledger(
    service: StorageService, rules: Rules
) -> None:
    refusals = iter([None, Fault(CODE.PERMISSION_DENIED)])
    service.faults = lambda method: next(refusals, None) if method == "batch_commit_write_streams" else None
    with pytest.raises(RunError, match="PermissionDenied"):
        commit("a" * 20, found(), bigquery(PLACE), rules, Known())
    shown = {table: service.rows(table).num_rows for table in WRITTEN}
    assert shown == {"traces": 4, "logs": 0, "metrics": 0, "dead_letters": 0, "ingest_ledger": 0}

    commit("b" * 20, found(), bigquery(PLACE), rules, Known())
    assert len(service.rows("traces")) == 8
    assert len(set(identities(service.rows("traces")))) == 4
    assert len(service.rows("ingest_ledger")) == 5


def test_a_batch_of_many_requests_stays_below_the_limit(service: StorageService, rules: Rules) -> None:
    many = [message(spans(1_000 * i + 1, 1_000)) for i in range(60)]
    commit("a" * 20, many, bigquery(PLACE), rules, Known())
    assert identities(service.rows("traces")) == sorted((each.payload_id, i) for each in many for i in range(1_000))
    assert service.calls["append_rows"] > 3
    assert service.largest_request_bytes < REQUEST_BYTES


@pytest.mark.parametrize("stream", STREAMS)
def test_refused_rows_become_dead_letters_in_bigquerys_words(
    service: StorageService, rules: Rules, stream: str
) -> None:
    service.refused_text = "line 3"
    sent = [
        message(logs(1, 5), "logs"),
        message(spans(1, 2)),
        message(logs(31, 2), "logs"),
        message(logs(1000, 2), "logs"),
    ]
    done = commit("a" * 20, sent, bigquery(f"{PLACE}?stream={stream}"), rules, Known())
    assert done.row_counts == {"logs": 6, "traces": 2, "dead_letters": 3}
    assert len(set(identities(service.rows("logs")))) == 6
    letters = service.rows("dead_letters").to_pylist()
    assert {(row["reason"], row["error_text"], row["signal"]) for row in letters} == {
        ("refused_by_table", REFUSED, "logs")
    }
    assert sorted(row["payload"] for row in letters) == sorted(logs(i, 1) for i in (3, 31, 32))
    ledger = service.rows("ingest_ledger").to_pylist()
    assert sum(row["written_row_count"] for row in ledger) == 8
    assert sum(row["dead_lettered_row_count"] for row in ledger) == 3
    if stream == "pending":
        assert service.rows("logs").num_rows == 6


def test_a_row_that_fits_no_request_becomes_a_dead_letter(service: StorageService, rules: Rules) -> None:
    request = ExportTraceServiceRequest.FromString(spans(2, 1))
    request.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="k").value.string_value = "v" * 8_000_000
    commit("a" * 20, [message(spans(1, 1)), message(request.SerializeToString())], bigquery(PLACE), rules, Known())
    assert service.rows("traces").num_rows == 1
    letters = service.rows("dead_letters").to_pylist()
    assert b"".join(row["payload"] for row in letters) == request.SerializeToString()
    assert letters[0]["error_text"].endswith("more than the 7000000 that are sent at once")
    assert service.largest_request_bytes < REQUEST_BYTES


def test_a_new_process_knows_what_the_ledger_has(service: StorageService, rules: Rules) -> None:
    commit("a" * 20, [message(spans(1))], bigquery(PLACE), rules, Known())
    known = Known(bigquery(PLACE).known_payload_ids(date(2026, 11, 1)))
    again = commit("b" * 20, [message(spans(1)), message(spans(11))], bigquery(PLACE), rules, known)
    assert (again.copy_count, service.rows("traces").num_rows) == (1, 4)


def test_the_same_even_cuts_whenever_asked() -> None:
    schema = tables.arrow_schema("dead_letters")
    row = {name: None for name in schema.names} | {"payload": b"x" * 900_000}
    batch = pa.RecordBatch.from_pylist([row] * 30, schema=schema)
    cuts = [[part.num_rows for part in requests_of("dead_letters", [batch, batch])] for _ in range(2)]
    assert cuts[0] == cuts[1] == [6] * 10  # 5.4 MB each: 27 MB take five of at most 7 MB, with some to spare


def test_columns_without_a_value_are_not_sent_but_for_required_ones() -> None:
    schema = tables.arrow_schema("logs")
    row = dict.fromkeys(schema.names)
    batches = [pa.RecordBatch.from_pylist([row | {"body": body}], schema=schema) for body in (None, "line 1")]
    required = {"time", "is_time_inferred", "ingest_time", "payload_id", "row_ordinal", "schema_version"}
    assert [set(part.schema.names) for part in requests_of("logs", batches)] == [required | {"body"}] * 2


def test_tables_that_fit_are_found_fit(service: StorageService) -> None:
    service.tables["traces"].fields.append({"name": "team", "type": "STRING", "mode": "NULLABLE"})
    look_at(BigQuery(PLACE, "pending"))


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda s: s.tables.pop("logs"), r"NotFound.*tables/logs: make it: otelmart init"),
        (lambda s: s.tables["logs"].fields.pop(), r"logs has no schema_version, which every row needs: otelmart init"),
        (
            lambda s: s.tables["logs"].fields.__setitem__(0, s.tables["logs"].fields[0] | {"type": "DATE"}),
            r"logs\.\w+ is \w+ DATE, but \w+ \w+ in schemas/logs.json: otelmart init --dry-run",
        ),
        (
            lambda s: s.tables["logs"].fields.append({"name": "team", "type": "STRING", "mode": "REQUIRED"}),
            r"logs wants team in every row, which schemas/logs.json does not have",
        ),
        (
            lambda s: setattr(s, "faults", lambda _: Fault(CODE.PERMISSION_DENIED)),
            r"PermissionDenied: fault: grant roles/bigquery.dataEditor on the dataset to this account",
        ),
        (
            lambda s: setattr(s, "faults", once("create_read_session", Fault(CODE.PERMISSION_DENIED))),
            r"tables/ingest_ledger: PermissionDenied: fault: grant roles/bigquery.readSessionUser on the project and "
            r"roles/bigquery.dataViewer on the dataset to this account",
        ),
    ],
)
def test_tables_that_cannot_take_the_rows_are_said_with_the_cure(
    service: StorageService, change: Callable[[StorageService], object], text: str
) -> None:
    change(service)
    with pytest.raises(RunError, match=text):
        look_at(BigQuery(PLACE, "pending"))


@pytest.mark.parametrize("fault", [Fault(seconds=1.5), Fault(CODE.UNAVAILABLE)], ids=["silent", "unavailable"])
def test_a_check_that_gets_no_answer_ends_soon_with_the_cure(
    service: StorageService, monkeypatch: pytest.MonkeyPatch, fault: Fault
) -> None:
    monkeypatch.setattr(bigquery_sink, "CHECK_SECONDS", 0.5)
    service.faults = lambda _: fault
    start = time.monotonic()
    for check in BigQuery(PLACE, "pending").checks():
        with pytest.raises(
            RunError,
            match=r"BigQuery refuses projects/shop/.*: (DeadlineExceeded|ServiceUnavailable): .*: try again "
            r"later; can this machine reach bigquerystorage\.googleapis\.com, or the emulator that ",
        ):
            check.look()
    assert time.monotonic() - start < 12  # of six checks


@pytest.mark.parametrize("place", ["shop", "shop.", ".o", "shop.o.p", "shop.o?stream=both", "shop.o?x=y", "SHOP.o"])
def test_what_is_no_dataset_is_said(place: str) -> None:
    with pytest.raises(UsageError, match=r"write bigquery:PROJECT\.DATASET"):
        opened(f"bigquery:{place}")


def test_without_credentials_the_cure_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(HOST_VARIABLE, raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "none.json"))
    with pytest.raises(RunError, match="no Google credentials: run gcloud auth"):
        look_at(BigQuery(PLACE, "pending"))


def look_at(sink: BigQuery) -> None:
    assert [check.look() for check in sink.checks()] == [""] * (len(WRITTEN) + 1)


def assert_once(service: StorageService) -> None:
    """Every row, letter and ledger entry of `found()` shows once."""
    wanted = {"traces": 4, "logs": 5, "metrics": 5, "dead_letters": 2, "ingest_ledger": 5}
    assert {table: service.rows(table).num_rows for table in wanted} == wanted
    for table in ("traces", "logs", "metrics"):
        assert len(set(identities(service.rows(table)))) == wanted[table]
