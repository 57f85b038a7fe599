"""Dead letters of a BigQuery dataset, put back into it when they can be read now; a second replay adds nothing.

The letters are copied to this machine first. Each that is put back has ledger entries of a unit of its own,
`replay-DEAD_LETTER_ID`, which tells later replays that it is done.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import replay, tables
from pipelines.dataset import Dataset
from pipelines.dead_letters import Letter
from pipelines.decode.refusals import RowKey
from pipelines.decode.rules import Rules
from pipelines.ledger import Entries
from pipelines.load import route
from pipelines.payloads import Payload, Unreadable
from pipelines.sinks.bigquery import BigQuery
from pipelines.sources.compression import Limits
from pipelines.worker.batch import until_taken

UNIT_PREFIX = "replay-"
_ROWS_AT_ONCE = 16  # of up to 4 MiB each
_GROUP_LETTERS = 500
_GROUP_BYTES = 8 << 20
Request = Payload | Unreadable


def copy_letters(dataset: Dataset, sink: BigQuery, folder: Path, reason: str | None, signal: str | None) -> None:
    """Copies letters of that reason and signal (None is any) that are not done, as a lake has them."""
    path = folder / "dead_letters" / "event_date=1970-01-01" / "letters.parquet"
    path.parent.mkdir(parents=True)
    schema = tables.arrow_schema("dead_letters")
    rows = dataset.rows(letters_query(dataset.place, reason, signal))
    with pq.ParquetWriter(path, schema) as writer:
        while some := list(islice(rows, _ROWS_AT_ONCE)):
            writer.write_table(pa.Table.from_pylist(some, schema=schema))
    (folder / "ingest_ledger").mkdir()
    known = pa.table({"payload_id": pa.array(sorted(sink.known_payload_ids(date(1970, 2, 1))), pa.string())})
    pq.write_table(known, folder / "ingest_ledger" / "known.parquet")


def put_back(letter_ids: Sequence[str], folder: Path, sink: BigQuery, rules: Rules, limits: Limits) -> int:
    """Commits the rows of copied letters, some hundred letters at once; returns how many rows there are."""
    row_count = 0
    group: list[tuple[Letter, list[Request]]] = []
    for letter, requests in replay.by_letter(folder, frozenset(letter_ids), limits):
        group.append((letter, list(requests)))
        if len(group) == _GROUP_LETTERS or sum(each.byte_count for each, _ in group) > _GROUP_BYTES:
            row_count += _commit(group, sink, rules)
            group = []
    return row_count + (_commit(group, sink, rules) if group else 0)


def _commit(group: Sequence[tuple[Letter, list[Request]]], sink: BigQuery, rules: Rules) -> int:
    unit_id = UNIT_PREFIX + group[0][0].dead_letter_id
    entries: list[pa.Table] = []

    def write(refused: Mapping[RowKey, str]) -> dict[RowKey, str]:
        nonlocal entries
        entries, writing = [], sink.begin(unit_id)
        for letter, requests in group:
            own = Entries(UNIT_PREFIX + letter.dead_letter_id, "replay")
            route(requests, rules, writing, own, refused)
            entries.append(own.table())
        return {(row.payload_id, row.row_ordinal): row.error_text for row in writing.publish()}

    until_taken(write)
    said = pa.concat_tables(entries)
    sink.commit(unit_id, said)
    return int(pc.sum(said.column("replayed_row_count")).as_py())


def letters_query(dataset: str, reason: str | None = None, signal: str | None = None) -> str:
    """GoogleSQL: pieces of letters, each once, those of a letter together."""
    names = ", ".join(tables.arrow_schema("dead_letters").names)
    wanted = [f"{name} = '{value}'" for name, value in (("reason", reason), ("signal", signal)) if value]
    return f"""
with done as (
  select distinct unit_id
  from `{dataset}.ingest_ledger`
  where event_date >= '1970-01-01' and engine = 'replay'
),
numbered as (
  select {names}, row_number() over (partition by dead_letter_id, chunk_ordinal order by ingest_time) as copy_number
  from `{dataset}.dead_letters`
  where ingest_time >= '1970-01-01'{"".join(f" and {condition}" for condition in wanted)}
)
select {names}
from numbered
where copy_number = 1
  and concat('{UNIT_PREFIX}', dead_letter_id) not in (select unit_id from done)
order by dead_letter_id, chunk_ordinal"""
