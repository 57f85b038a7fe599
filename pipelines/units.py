"""Units of work, written down before any of them is loaded: a planned file keeps its unit for ever.

Part names, and what a part holds, then depend on the input alone, and a killed run is finished by the same command.
A file is known by its name below the source's root, its size and a digest of its content, so a copy of a directory is
nothing new. What a run takes does not grow with the runs before it: finished plans are packed into an index, and what
killed runs left is looked for after those that did not end well.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from pipelines import durable, packed_plans
from pipelines.errors import RunError
from pipelines.packed_plans import FileKey
from pipelines.sinks.lake import ledger_file
from pipelines.sources.contents import File

PLANS = "_plans"
UNIT_BYTES = 32 << 20
UNIT_FILES = 4096
_UNPACKED_PLANS = 64
Packed = TypeVar("Packed", FileKey, str)  # a file, or a letter by its id
_ENDED_WELL = "ended_well"  # there while no run is under way and the last one has left nothing


@dataclass(frozen=True, slots=True)
class Unit:
    """What is loaded together and committed at once: files of a source, or dead letters that can be read now."""

    unit_id: str
    files: tuple[File, ...] = ()
    letter_ids: tuple[str, ...] = ()

    @property
    def byte_count(self) -> int:
        return sum(file.byte_count for file in self.files)


@contextmanager
def only_writer(lake: Path) -> Iterator[None]:
    """Holds the lake for this process: two runs at once would remove each other's unfinished work.

    What a run before has left half written is removed."""
    (lake / PLANS).mkdir(parents=True, exist_ok=True)
    with (lake / PLANS / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(f"another otelmart is writing to {lake}: wait until it has finished") from None
        sign = lake / PLANS / _ENDED_WELL
        if not sign.exists():
            _sweep(lake)
        sign.unlink(missing_ok=True)
        yield
        with suppress(OSError):  # a disk that is full by now costs the next run a look
            sign.touch()


def is_committed(lake: Path, unit_id: str) -> bool:
    return ledger_file(lake, unit_id).exists()


def plan_files(lake: Path, files: Sequence[File]) -> list[Unit]:
    """Units still to load for the files that a source holds now; what is new among them is written down first.

    A unit that was planned but never finished, and whose files are no longer there as they were, is forgotten: what is
    left of its files is planned anew.
    """
    present = {_key(file): file.generation for file in files}
    forget(lake, [u for u in _pending(lake) if u.files and not {_key(f) for f in u.files} <= present.keys()])
    _pack(lake)
    known = _committed(lake, packed_plans.units_of_files(lake / PLANS, present))
    known |= {_key(file) for unit in _unpacked(lake) for file in unit.files}
    fresh = grouped((f for f in files if _key(f) not in known), UNIT_BYTES)
    _write(lake, fresh)
    return [_as_it_lies(unit, present) for unit in _pending(lake) if unit.files]


def _as_it_lies(unit: Unit, generations: Mapping[FileKey, int]) -> Unit:
    """A unit with the generations that its objects have now: one written again with the same bytes is the same file."""
    return replace(unit, files=tuple(replace(file, generation=generations[_key(file)]) for file in unit.files))


def plan_letters(lake: Path, letter_ids: Sequence[str]) -> list[Unit]:
    """One unit of the letters that can be read now; replays that never finished are forgotten, their letters wait."""
    forget(lake, [unit for unit in _pending(lake) if unit.letter_ids])
    if not letter_ids:
        return []
    unit = Unit(_digest(["replay", *sorted(letter_ids)]), letter_ids=tuple(sorted(letter_ids)))
    _write(lake, [unit])
    return [unit]


def replayed_letter_ids(lake: Path) -> set[str]:
    """Letters whose replay was committed."""
    unpacked = {i for unit in _unpacked(lake) if is_committed(lake, unit.unit_id) for i in unit.letter_ids}
    return unpacked | _committed(lake, packed_plans.units_of_letters(lake / PLANS))


def forget(lake: Path, units: Iterable[Unit]) -> None:
    """Removes what unfinished units may have left in the lake, then their plan."""
    gone = {unit.unit_id for unit in units}
    for unit_id in gone:
        for path in lake.glob(f"*/event_date=*/{unit_id}*.parquet"):
            path.unlink()
    for path in _plan_files(lake) if gone else ():
        units_there = _read(path)
        kept = [unit for unit in units_there if unit.unit_id not in gone]
        if not kept:
            path.unlink()
        elif len(kept) < len(units_there):
            durable.write_bytes(path, encoded(kept))


def grouped(files: Iterable[File], unit_bytes: int) -> list[Unit]:
    """Units of files in name order, as many as fit one; a file that does not fit has a unit to itself."""
    return [Unit(_unit_id(group), files=group) for group in _groups(files, unit_bytes)]


def _unpacked(lake: Path) -> list[Unit]:
    """Units of the plans that are not packed, oldest first."""
    return [unit for path in _plan_files(lake) for unit in _read(path)]


def _pending(lake: Path) -> list[Unit]:
    return [unit for unit in _unpacked(lake) if not is_committed(lake, unit.unit_id)]


def _committed(lake: Path, packed: Mapping[Packed, str]) -> set[Packed]:
    """Files or letters of packed plans whose unit is still in the lake: one may have been taken out."""
    units = {unit_id for unit_id in set(packed.values()) if is_committed(lake, unit_id)}
    return {key for key, unit_id in packed.items() if unit_id in units}


def _pack(lake: Path) -> None:
    """Moves finished plans into the index once there are many plans."""
    paths = _plan_files(lake)
    if len(paths) < _UNPACKED_PLANS:
        return
    plans = {path: _read(path) for path in paths}
    finished = {path: units for path, units in plans.items() if all(is_committed(lake, u.unit_id) for u in units)}
    units = [unit for each in finished.values() for unit in each]
    packed_plans.add(
        lake / PLANS,
        ((_key(file), unit.unit_id) for unit in units for file in unit.files),
        ((letter_id, unit.unit_id) for unit in units for letter_id in unit.letter_ids),
    )
    for path in finished:
        path.unlink()


def _groups(files: Iterable[File], unit_bytes: int) -> Iterator[tuple[File, ...]]:
    group: list[File] = []
    group_bytes = 0
    for file in sorted(files, key=lambda f: f.name):
        if group and (len(group) == UNIT_FILES or group_bytes + file.byte_count > unit_bytes):
            yield tuple(group)
            group, group_bytes = [], 0
        group.append(file)
        group_bytes += file.byte_count
    if group:
        yield tuple(group)


def _key(file: File) -> FileKey:
    return file.name, file.byte_count, file.digest


def _unit_id(files: Sequence[File]) -> str:
    return _digest([_key(file) for file in files])


def _digest(document: object) -> str:
    return hashlib.sha256(json.dumps(document).encode()).hexdigest()[:20]


def _plan_files(lake: Path) -> list[Path]:
    return sorted((lake / PLANS).glob("*.json"))


def _read(path: Path) -> list[Unit]:
    return decoded(path.read_bytes())


def _file(planned: dict[str, Any]) -> File:
    """Plans of the first release call the digest by its kind."""
    return File(**{("digest" if name == "sha256" else name): value for name, value in planned.items()})


def _write(lake: Path, units: Sequence[Unit]) -> None:
    if units:
        numbers = [int(path.stem) for path in _plan_files(lake)]
        durable.write_bytes(lake / PLANS / f"{max(numbers, default=-1) + 1:06d}.json", encoded(units))


def decoded(plan: bytes) -> list[Unit]:
    return [
        Unit(u["unit_id"], tuple(_file(file) for file in u["files"]), tuple(u["letter_ids"])) for u in json.loads(plan)
    ]


def encoded(units: Sequence[Unit]) -> bytes:
    """Units as a plan has them, and as they travel between steps: at most UNIT_FILES names of 1 KB each."""
    return json.dumps([asdict(unit) for unit in units], indent=1).encode()


def _sweep(lake: Path) -> None:
    """Removes what killed runs left half written."""
    for folder, _, names in os.walk(lake):
        for name in names:
            if name.endswith(durable.TEMPORARY):
                Path(folder, name).unlink(missing_ok=True)
