"""Where a value stands on an axis (0 at the start, 100 at the end), and which values deserve a tick."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil, floor, log10

STEPS = (1, 2, 5)
LINEAR_STEPS = (1, 1.5, 2, 3, 4, 5, 6, 8)
MOST_TIMES = 400
MOST_MARKS = 8


@dataclass(frozen=True)
class Scale:
    """An axis from `low` to `high`; logarithmic when `is_log` (then low > 0). Ticks lie inside it."""

    low: float
    high: float
    ticks: tuple[float, ...]
    is_log: bool = False

    def at(self, value: float) -> float:
        """Percent of the axis, 0 at `low`, 100 at `high`; outside values stay on the edge."""
        inside = min(max(value, self.low), self.high)
        if self.is_log:
            return 100 * (log10(inside) - log10(self.low)) / (log10(self.high) - log10(self.low))
        return 100 * (inside - self.low) / (self.high - self.low)


def linear(highest: float, tick_count: int = 3) -> Scale:
    """From 0 to a round number that holds `highest`."""
    step = _round_up((highest or 1) / tick_count, LINEAR_STEPS)
    steps = max(1, ceil(highest / step - 1e-9))
    return Scale(0, steps * step, tuple(step * i for i in range(steps + 1)))


def whole(highest: float, tick_count: int = 3) -> Scale:
    """As `linear`, for things that are counted: between two of them there is no tick."""
    step = ceil(linear(highest, tick_count).ticks[1])
    steps = max(1, ceil(highest / step))
    return Scale(0, steps * step, tuple(step * i for i in range(steps + 1)))


def shares(highest: float, tick_count: int = 3) -> Scale:
    """As `linear`, for shares: no tick stands above all of them."""
    axis = linear(highest, tick_count)
    return axis if axis.high <= 1 else Scale(0, max(highest, 1), (0, 0.5, 1))


def logarithmic(lowest: float, highest: float) -> Scale:
    """From a round number below `lowest` to one above `highest`, both > 0; ticks at powers of ten, or 1-2-5 if few."""
    low, high = _round_down(lowest), _round_up(highest)
    high = high if high > low else low * 10
    decades = [10.0**k for k in range(floor(log10(low)), ceil(log10(high)) + 1)]
    fine = [step * decade for decade in decades for step in STEPS]
    inside = [tick for tick in decades if low <= tick <= high]
    ticks = inside if len(inside) >= 3 else [tick for tick in fine if low <= tick <= high * (1 + 1e-9)]
    return Scale(low, high, tuple(ticks), is_log=True)


def colour_steps(values: list[float], count: int) -> list[float]:
    """Up to `count - 1` rising thresholds between the extremes: 1-2-5 if they part the values well, else quantiles."""
    ordered = sorted(values)
    if not ordered:
        return []
    low, high = ordered[len(ordered) // 20], ordered[-1 - len(ordered) // 500]
    decades = range(floor(log10(low)), ceil(log10(high)) + 1)
    steps = [step * 10.0**decade for decade in decades for step in STEPS if low < step * 10.0**decade < high]
    if len(steps) >= 4:
        return steps[-(count - 1) :]
    cuts = {_two_digits(ordered[len(ordered) * i // count]) for i in range(1, count)}
    return sorted(cut for cut in cuts if cut > ordered[0])


def without_gaps(times: Sequence[datetime], step: timedelta) -> list[datetime]:
    """Each step from the first of `times` to the last, so that an outage has its length; `times` alone if too many."""
    count = (times[-1] - times[0]) // step + 1 if times else 0
    return [times[0] + step * i for i in range(count)] if count <= MOST_TIMES else list(times)


def time_marks(times: Sequence[datetime]) -> list[tuple[float, str]]:
    """(percent of the axis, text) where days begin, and hours of few of them; at most eight, and none hides another."""
    begins = [i for i, time in enumerate(times) if i == 0 or time.date() != times[i - 1].date()]
    if len(begins) == 1 and len(times) > 1:
        steps = range(0, len(times), ceil(len(times) / MOST_MARKS))
        return [(100 * i / len(times), f"{times[i]:%H:%M}") for i in steps]
    apart = len(times) / MOST_MARKS / 2
    days = begins[:: ceil(len(begins) / MOST_MARKS) or 1]
    if len(days) > 1 and days[1] - days[0] <= apart:  # of the first day there is little
        days = days[1:]
    step_hours = 24 // max(1, MOST_MARKS // len(begins)) if begins else 24
    hours = [i for i, time in enumerate(times) if time.hour % step_hours == 0 and i not in begins]
    between = [i for i in hours if all(abs(i - day) > apart for day in days)]
    texts = {**{i: f"{times[i]:%H:%M}" for i in between}, **{i: f"{times[i].day} {times[i]:%b}" for i in days}}
    return [(100 * i / len(times), texts[i]) for i in sorted(texts)]


def _round_up(value: float, steps: Sequence[float] = STEPS) -> float:
    decade = 10.0 ** floor(log10(value))
    return next(step * decade for step in (*steps, 10) if step * decade >= value * (1 - 1e-9))


def _round_down(value: float) -> float:
    decade = 10.0 ** floor(log10(value))
    return next(step * decade for step in reversed(STEPS) if step * decade <= value * (1 + 1e-9))


def _two_digits(value: float) -> float:
    return float(f"{value:.2g}")
