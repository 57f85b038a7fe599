"""Dead letters of a lake in a bucket, put back into it when they can be read now; a second replay adds nothing.

Each that is put back is a unit of its own, named after the letter: of two replays at once one commits it.
"""

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines import replay
from pipelines.decode.rules import Rules
from pipelines.ledger import Entries
from pipelines.load import route
from pipelines.sinks.bucket import LEDGER, BucketLake
from pipelines.sources.compression import Limits


def unit_id(letter_id: str) -> str:
    return hashlib.sha256(f"replay {letter_id}".encode()).hexdigest()[:20]


def done(folder: Path) -> Collection[str]:
    """Letters of a copied lake whose replay was committed."""
    committed = {path.stem for path in (folder / LEDGER).glob("*.parquet")}
    parts = (folder / "dead_letters").glob("event_date=*/*.parquet")
    columns = (pq.read_table(part, columns=["dead_letter_id"], partitioning=None).column(0) for part in parts)
    return {i for column in columns for i in map(str, column.unique().to_pylist()) if unit_id(i) in committed}


def put_back(letter_ids: Sequence[str], folder: Path, sink: BucketLake, rules: Rules, limits: Limits) -> int:
    """Commits the rows of letters of a copied lake; returns how many rows there are."""
    row_count = 0
    for letter, requests in replay.by_letter(folder, frozenset(letter_ids), limits):
        own = unit_id(letter.dead_letter_id)
        writing, entries = sink.begin(own), Entries(own, "replay")
        try:
            route(requests, rules, writing, entries)
            writing.publish()
        except BaseException:
            writing.discard()
            raise
        said = entries.table()
        sink.commit(own, said)
        row_count += int(pc.sum(said.column("replayed_row_count")).as_py() or 0)
    return row_count
