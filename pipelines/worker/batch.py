"""One batch of messages: read → decode → write → commit; what the ledger already has is left out."""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from pipelines.decode.refusals import RowKey
from pipelines.decode.rules import Rules
from pipelines.errors import RunError
from pipelines.ledger import Engine, Entries
from pipelines.load import route
from pipelines.payloads import Payload, Unreadable
from pipelines.sinks import Units
from pipelines.worker.own import is_own

KNOWN_PAYLOADS = 200_000  # some 30 MB; Pub/Sub sends again within minutes, and staging removes what comes later


class Known:
    """Payloads that are committed, the latest `limit` of them; None: all, some 150 B each."""

    def __init__(self, payload_ids: Iterable[str] = (), limit: int | None = KNOWN_PAYLOADS) -> None:
        self._limit = limit
        self._ids: OrderedDict[bytes, None] = OrderedDict()
        self.add(payload_ids)

    def __contains__(self, payload_id: str) -> bool:
        return bytes.fromhex(payload_id) in self._ids

    def add(self, payload_ids: Iterable[str]) -> None:
        for payload_id in payload_ids:
            self._ids[bytes.fromhex(payload_id)] = None
        while self._limit is not None and len(self._ids) > self._limit:
            self._ids.popitem(last=False)


@dataclass(slots=True)
class Batch:
    """What one batch became: its new payloads, uncompressed bytes of them, copies left out, ledger rows by table;
    and whether there was nothing, copies included, but the worker's own telemetry."""

    payload_ids: set[str] = field(default_factory=set)
    byte_count: int = 0
    copy_count: int = 0
    row_counts: dict[str, int] = field(default_factory=dict)
    is_own: bool = True


def commit(
    unit_id: str,
    found: Iterable[Payload | Unreadable],
    sink: Units,
    rules: Rules,
    known: Known,
    engine: Engine = "worker",
) -> Batch:
    """Commits the payloads that are not known yet as one unit; nothing when there are none.

    `found` is gone through again when the sink refuses rows: they become dead letters, and the unit is written anew.
    Raises RunError or OSError, with nothing committed: the messages must not be acknowledged.
    """
    batch, entries = Batch(), Entries(unit_id, engine)

    def write(refused: Mapping[RowKey, str]) -> dict[RowKey, str]:
        nonlocal batch, entries
        batch, entries = Batch(), Entries(unit_id, engine)
        return _written(unit_id, _new(found, known, batch), sink, rules, entries, refused)

    until_taken(write)
    if entries:
        table = entries.table()
        sink.commit(unit_id, table)
        known.add(batch.payload_ids)
        batch.row_counts = _row_counts(table)
    return batch


def until_taken(write: Callable[[Mapping[RowKey, str]], dict[RowKey, str]]) -> None:
    """Calls `write` with the rows refused so far, by their key, until it returns none that are refused now."""
    refused: dict[RowKey, str] = {}
    while rows := write(refused):
        if refused.keys() >= rows.keys():
            raise RunError(f"the sink refuses rows that were not written: {next(iter(rows.values()))}")
        refused |= rows


def _written(
    unit_id: str,
    found: Iterable[Payload | Unreadable],
    sink: Units,
    rules: Rules,
    entries: Entries,
    refused: Mapping[RowKey, str],
) -> dict[RowKey, str]:
    """Rows that the sink refuses of the unit, with its words; when there are none, the unit's rows are durable."""
    writing = sink.begin(unit_id)
    try:
        route(found, rules, writing, entries, refused)
        if not entries:
            writing.discard()
            return {}
        rows = writing.publish()
    except BaseException:
        writing.discard()
        raise
    return {(row.payload_id, row.row_ordinal): row.error_text for row in rows}


def _new(found: Iterable[Payload | Unreadable], known: Known, batch: Batch) -> Iterator[Payload | Unreadable]:
    for item in found:
        identity = item.payload_id
        batch.is_own = batch.is_own and is_own(item)
        if identity is not None and (identity in known or identity in batch.payload_ids):
            batch.copy_count += 1
            continue
        if identity is not None:
            batch.payload_ids.add(identity)
        batch.byte_count += len(item.data) if isinstance(item, Payload) else 0
        yield item


def _row_counts(entries: object) -> dict[str, int]:
    """Rows by table; of dead_letters, rows and whole messages."""
    counts: dict[str, int] = {}
    columns = ("table_name", "written_row_count", "dead_lettered_row_count", "unparsed_message_count")
    for table, *numbers in zip(*(entries.column(name).to_pylist() for name in columns), strict=True):  # type: ignore[attr-defined]
        counts[table] = counts.get(table, 0) + sum(numbers)
    return counts
