"""Mistakes in the seeds of funnels and rules that SQL could not name by line: looked for before a build."""

import csv
from pathlib import Path

from pipelines.errors import UsageError

MAX_STEPS, MAX_WINDOW_HOURS = 8, 24
COLUMNS = {  # what is looked at here
    "funnels.csv": ("funnel", "window_hours"),
    "funnel_steps.csv": ("funnel", "step_number", "fact"),
    "fact_rules.csv": ("fact",),
}
HOURS = [str(hours) for hours in range(1, MAX_WINDOW_HOURS + 1)]
FACTS = ("page_view", "user_action", "login", "registration", "order", "payment")
Row = dict[str, str]


def check(seeds: Path) -> None:
    """Raises UsageError with the first mistake in funnels.csv, funnel_steps.csv or fact_rules.csv: file, line, cure."""
    funnels = _rows(seeds / "funnels.csv")
    steps = _rows(seeds / "funnel_steps.csv")
    for line, row in funnels:
        where = f"{seeds.name}/funnels.csv line {line}"
        own = [step for step in steps if step[1]["funnel"] == row["funnel"]]
        if not own:
            raise UsageError(
                f"{where}: funnel {row['funnel']!r} has no step: add rows to funnel_steps.csv, or remove it"
            )
        if row["window_hours"] not in HOURS:
            raise UsageError(f"{where}: window_hours is {row['window_hours']!r}; write 1 to {MAX_WINDOW_HOURS}")
        _check_numbers(seeds, row["funnel"], own)
    names = {row["funnel"] for _, row in funnels}
    for file, named in (("funnel_steps.csv", steps), ("fact_rules.csv", _rows(seeds / "fact_rules.csv"))):
        for line, row in named:
            where = f"{seeds.name}/{file} line {line}"
            if row["fact"] not in FACTS:
                raise UsageError(f"{where}: unknown fact {row['fact']!r}; choose one of {', '.join(FACTS)}")
            if "funnel" in row and row["funnel"] not in names:
                raise UsageError(f"{where}: no funnel {row['funnel']!r} in funnels.csv: add it there")


def _check_numbers(seeds: Path, funnel: str, steps: list[tuple[int, Row]]) -> None:
    """Steps are numbered 1, 2, 3 … in their rows' order."""
    for number, (line, row) in enumerate(steps, 1):
        where = f"{seeds.name}/funnel_steps.csv line {line}"
        if row["step_number"] != str(number):
            raise UsageError(f"{where}: step_number of {funnel!r} is {row['step_number']!r}; the next is {number}")
        if number > MAX_STEPS:
            raise UsageError(f"{where}: funnel {funnel!r} has more than {MAX_STEPS} steps: leave some out")


def _rows(path: Path) -> list[tuple[int, Row]]:
    """(line, row) of a CSV file. Raises UsageError if it is none, or a row has more or fewer cells than the header."""
    where, found = f"{path.parent.name}/{path.name}", []
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        try:
            header = reader.fieldnames or ()
            found += [(reader.line_num, row) for row in reader]
        except UnicodeDecodeError:
            raise UsageError(f"{where}: not UTF-8 text: save it as UTF-8") from None
        except csv.Error as error:
            raise UsageError(f"{where} line {reader.line_num}: no CSV, {error}: take that line out") from None
    for name in COLUMNS[path.name]:
        if name not in header:
            raise UsageError(f"{where} line 1: no column {name!r}: add it to the header")
    for line, row in found:
        if None in row or None in row.values():
            raise UsageError(f"{where} line {line}: not as many cells as the header has names")
    return found
