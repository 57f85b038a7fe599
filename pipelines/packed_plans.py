"""Files and letters of finished plans, in an index: a listener makes thousands of plans a day, and each load asks only
about what lies there now."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipelines.errors import RunError

INDEX = "packed.sqlite"
_TABLES = """
    create table if not exists files (
        name text, byte_count integer, digest text, unit_id text, primary key (name, byte_count, digest)
    ) without rowid;
    create table if not exists letters (letter_id text primary key, unit_id text) without rowid;
"""

FileKey = tuple[str, int, str]  # name, bytes, digest


def add(folder: Path, files: Iterable[tuple[FileKey, str]], letters: Iterable[tuple[str, str]]) -> None:
    """Files and letters with the unit of each, durably, all or none."""
    with _index(folder) as index, index:
        index.executemany("insert or replace into files values (?, ?, ?, ?)", ((*key, unit) for key, unit in files))
        index.executemany("insert or replace into letters values (?, ?)", letters)


def units_of_files(folder: Path, files: Iterable[FileKey]) -> dict[FileKey, str]:
    """The unit of each of these files that is in the index."""
    question = "select unit_id from files where name = ? and byte_count = ? and digest = ?"
    if not (folder / INDEX).exists():
        return {}
    with _index(folder) as index:
        found = ((key, index.execute(question, key).fetchone()) for key in files)
        return {key: row[0] for key, row in found if row}


def units_of_letters(folder: Path) -> dict[str, str]:
    """The unit that replayed each letter that is in the index."""
    if not (folder / INDEX).exists():
        return {}
    with _index(folder) as index:
        return dict(index.execute("select letter_id, unit_id from letters"))


@contextmanager
def _index(folder: Path) -> Iterator[sqlite3.Connection]:
    """The index, made if there is none. Raises RunError where it cannot be used."""
    path = folder / INDEX
    try:
        with closing(sqlite3.connect(path)) as index:
            index.executescript(_TABLES)
            yield index
    except sqlite3.Error as error:
        raise RunError(f"{path} cannot be used: {error}: make room on the disk, or restore it from a copy") from None
