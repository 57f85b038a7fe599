"""What the numbers say, in sentences: the step that broke, the route behind it, and the ledger's verdict. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from math import sqrt
from statistics import median
from typing import Any

Row = dict[str, Any]
SURE_SIGMAS = 3.0  # around a known ratio chance falls this low on about one day in 700
POORER_BY_RATIO = 0.08
EXCESS_REQUESTS = 10.0
FAR_MORE_TIMES = 3
OFTEN_RATIO = 0.1


@dataclass(frozen=True)
class BrokenStep:
    """A funnel step whose conversion on one day is far below that of the other days."""

    funnel_name: str
    step_name: str
    event_date: date
    conversion_ratio: float
    usual_ratio: float
    missing_count: int


@dataclass(frozen=True)
class BadVersion:
    """A version of a service that answered with 5xx far more than the service's other versions did."""

    service_version: str
    http_5xx_ratio: float
    others_ratio: float


@dataclass(frozen=True)
class Incident:
    """A route that failed far more than it usually does, from the start of column `start` to the end of column `end`.

    `excess_count` is the errors above twice the usual; `version` is the release to blame, if one is.
    """

    service_name: str
    route: str
    start: datetime
    end: datetime
    request_count: float
    error_count: float
    usual_ratio: float
    excess_count: float
    version: BadVersion | None


def broken_steps(funnel_days: list[Row]) -> list[BrokenStep]:
    """Steps that broke, most missing sessions first.

    Rows: funnel_name, event_date, step_number, step_name, reached_count, previous_count (None for the first step).
    """
    by_step: dict[tuple[str, int], list[Row]] = defaultdict(list)
    for row in funnel_days:
        if row["previous_count"]:
            by_step[row["funnel_name"], row["step_number"]].append(row)
    found = (_broken(row, rows) for rows in by_step.values() for row in rows)
    return sorted((step for step in found if step), key=lambda step: -step.missing_count)


def incidents(cells: list[Row], times: list[datetime], versions: list[Row]) -> list[Incident]:
    """Per route the stretch of time with most errors above its usual ratio, if it is worth naming; the cause first.

    The stretch is the run of columns with the largest sum of errors − 2 × usual ratio × requests. A failure is seen
    by every route above it, so among the large ones a route comes first whose service had a bad version at that time.
    """
    by_route: dict[str, dict[datetime, Row]] = defaultdict(dict)
    for cell in cells:
        by_route[cell["route_id"]][cell["time"]] = cell
    found = [incident for series in by_route.values() for incident in _stretch(series, times, versions)]
    largest = max((incident.excess_count for incident in found), default=0)
    return sorted(found, key=lambda i: (i.version is None or i.excess_count < largest / 2, -i.excess_count))


def failing_routes(routes: list[Row]) -> list[Row]:
    """Routes that fail often all the time, most errors first."""
    failing = [r for r in routes if r["error_count"] >= EXCESS_REQUESTS and r["error_ratio"] >= OFTEN_RATIO]
    return sorted(failing, key=lambda route: -route["error_count"])


def _broken(row: Row, rows: list[Row]) -> BrokenStep | None:
    others = [other for other in rows if other is not row]
    entered = sum(other["previous_count"] for other in others)
    if not entered:
        return None
    usual = sum(other["reached_count"] for other in others) / entered
    ratio = row["reached_count"] / row["previous_count"]
    spread = sqrt(usual * (1 - usual) / row["previous_count"])
    if ratio > usual * (1 - POORER_BY_RATIO) or usual - ratio <= SURE_SIGMAS * spread:
        return None
    missing = round((usual - ratio) * row["previous_count"])
    return BrokenStep(row["funnel_name"], row["step_name"], row["event_date"], ratio, usual, missing)


def _stretch(series: dict[datetime, Row], times: list[datetime], versions: list[Row]) -> Iterable[Incident]:
    usual = median(cell["error_count"] / cell["request_count"] for cell in series.values() if cell["request_count"])
    best, best_range, running, start = 0.0, (0, 0), 0.0, 0
    for column, time in enumerate(times):
        cell = series.get(time)
        running += cell["error_count"] - (2 * usual + 0.01) * cell["request_count"] if cell else 0.0
        if running <= 0:
            running, start = 0.0, column + 1
        elif running > best:
            best, best_range = running, (start, column)
    if best > EXCESS_REQUESTS:
        yield _incident(
            [series[t] for t in times[best_range[0] : best_range[1] + 1] if t in series], usual, best, versions
        )


def _incident(cells: list[Row], usual_ratio: float, excess_count: float, versions: list[Row]) -> Incident:
    return Incident(
        cells[0]["service_name"],
        cells[0]["route"],
        cells[0]["time"],
        cells[-1]["time"],
        sum(cell["request_count"] for cell in cells),
        sum(cell["error_count"] for cell in cells),
        usual_ratio,
        excess_count,
        _bad_version([row for row in versions if row["service_name"] == cells[0]["service_name"]], cells),
    )


def _bad_version(versions: list[Row], cells: list[Row]) -> BadVersion | None:
    """The version that ran in the stretch and failed most, if it failed far more than the others did."""
    ran = [v for v in versions if v["first_time"] <= cells[-1]["time"] and v["last_time"] >= cells[0]["time"]]
    if not ran:
        return None
    worst = max(ran, key=lambda version: version["http_5xx_ratio"])
    others = [version for version in versions if version is not worst]
    requests = sum(version["request_count"] for version in others)
    usual = sum(v["http_5xx_ratio"] * v["request_count"] for v in others) / requests if requests else 1.0
    if worst["http_5xx_ratio"] <= FAR_MORE_TIMES * usual + 0.01:
        return None
    return BadVersion(worst["service_version"], worst["http_5xx_ratio"], usual)
