"""What the report knows: the scope it looks at, and one list of plain rows a question."""

import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from pipelines.report import scales, units
from pipelines.report.deltas import Days, current_days, days_before

Row = dict[str, Any]
NOT_SET = "(not set)"


@dataclass(frozen=True)
class Scope:
    """One environment, the dates its marts cover (None: empty), and the step of time axes: `grain` is hour or day."""

    environment: str
    first_date: date | None
    last_date: date | None
    as_of: datetime
    grain: str

    @property
    def current(self) -> Days | None:
        """The last whole days: what the overview compares."""
        if self.first_date is None or self.last_date is None:
            return None
        return current_days(self.first_date, self.last_date, self.as_of.date())

    @property
    def previous(self) -> Days | None:
        """As many days before, if there is data of all of them."""
        before = days_before(self.current) if self.current else None
        return before if before and self.first_date and before.first >= self.first_date else None

    def title(self) -> str:
        """The environment as the first words of a heading."""
        return (
            self.environment[:1].upper() + self.environment[1:]
            if self.environment != NOT_SET
            else "No environment named"
        )

    def period(self) -> str:
        """`16 Nov 2026`, `14 – 16 Nov 2026`, or `no data`."""
        first, last = self.first_date, self.last_date
        if first is None or last is None or first == last:
            return units.long_day(last)
        same_month = (first.year, first.month) == (last.year, last.month)
        start = str(first.day) if same_month else units.day(first) if first.year == last.year else units.long_day(first)
        return f"{start} – {units.long_day(last)}"

    def stretch(self, start: datetime, end: datetime) -> str:
        """From the beginning of step `start` to the end of step `end`, with its preposition."""
        if self.grain == "day":
            return f"on {self.when(start)}" if start == end else f"from {self.when(start)} to {self.when(end)}"
        stop = end + timedelta(hours=1)
        if start.date() == stop.date():
            return f"on {units.day(start.date())} from {start:%H:%M} to {stop:%H:%M} UTC"
        return f"from {units.moment(start)} to {units.moment(stop)} UTC"

    def when(self, time: datetime) -> str:
        """One step of the time axis: `16 Nov 14:00 UTC` or `16 Nov`."""
        return f"{units.moment(time)} UTC" if self.grain == "hour" else units.day(time.date())


@dataclass(frozen=True)
class Facts:
    """Answers by question (its SQL file's name); `reads`: the marts of each question, `missing`: those not there;
    `due_dates`: those that an unfinished build was to rebuild; `older_dates`: those built by other models than the last
    build's."""

    scope: Scope
    answers: dict[str, list[Row]]
    reads: dict[str, tuple[str, ...]]
    missing: dict[str, tuple[str, ...]]
    due_dates: tuple[date, ...]
    older_dates: tuple[date, ...]

    def rows(self, question: str) -> list[Row]:
        return self.answers.get(question, [])

    def at_level(self, question: str, level: str) -> list[Row]:
        """Rows of one level (`all`, `time`, `route`, `cell` …) of a question that answers several at once."""
        return [row for row in self.rows(question) if row["level"] == level]

    def times(self, question: str = "latency") -> list[datetime]:
        """The columns of a time axis: each hour or day from the first that had a request, or what another question is
        about, to the last."""
        step = timedelta(hours=1) if self.scope.grain == "hour" else timedelta(days=1)
        return scales.without_gaps([row["time"] for row in self.at_level(question, "time")], step)

    def unexplained_count(self) -> int | None:
        """Rows that nobody can account for, over all tables and dates; None when nobody counted and none is lost."""
        for row in self.at_level("ledger", "all"):
            return row["unexplained_count"] or (0 if row["outside_row_count"] is not None else None)
        return None

    def is_reconciled(self) -> bool:
        """Whether somebody counted outside and nothing is unexplained."""
        return self.unexplained_count() == 0

    def as_json(self) -> str:
        """Everything as one document: the scope, and the rows of each question; money as text, times as ISO 8601."""
        document = {
            "scope": vars(self.scope),
            "due_dates": self.due_dates,
            "older_dates": self.older_dates,
            "unexplained_count": self.unexplained_count(),
            "answers": self.answers,
        }
        return json.dumps(document, default=str, indent=2, ensure_ascii=False)
