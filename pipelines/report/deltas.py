"""How the last whole days compare with those before them: which days, and what a change is called. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from pipelines.report import units

WEEKS_FROM_DAYS, WEEK_DAYS = 14, 7
MANY_TIMES = 3
NOTABLE_RATIO = 0.05  # smaller changes are told, but called neither better nor worse
Number = float | int | Decimal | None


@dataclass(frozen=True)
class Days:
    """From the first to the last date, both included."""

    first: date
    last: date

    def name(self) -> str:
        """`17 Nov`, or `11 Nov – 17 Nov`."""
        return units.day(self.first) if self.first == self.last else f"{units.day(self.first)} – {units.day(self.last)}"


@dataclass(frozen=True)
class Change:
    """What became of a number, in words; `tone` is good, bad or plain."""

    text: str
    tone: str = "plain"


def current_days(first: date, last: date, today: date) -> Days:
    """The last day, or of two weeks and more the last seven; the day that is not over yet does not count."""
    end = max(first, min(last, today - timedelta(days=1)))
    length = WEEK_DAYS if (last - first).days + 1 >= WEEKS_FROM_DAYS else 1
    return Days(end - timedelta(days=length - 1), end)


def days_before(current: Days) -> Days:
    """As many days just before."""
    length = (current.last - current.first).days + 1
    return Days(current.first - timedelta(days=length), current.first - timedelta(days=1))


def change(current: Number, previous: Number, higher_is: str = "plain", *, is_ratio: bool = False) -> Change:
    """What became of `previous`; a ratio's in points of percent. `higher_is` says what growth is: good, bad."""
    if current is None or previous is None:
        return Change("no data" if current is None else "none before")
    now, then = float(current), float(previous)
    amount = _points(abs(now - then)) if is_ratio else _share(now, then)
    if amount is None:
        return Change("unchanged" if now == then else "none before")
    is_judged = higher_is != "plain" and abs(now - then) >= NOTABLE_RATIO * abs(then)
    tone = "plain" if not is_judged else "good" if (now > then) == (higher_is == "good") else "bad"
    verdict = {"good": " better", "bad": " worse", "plain": ""}[tone]
    return Change(f"{'▲' if now > then else '▼'}{units.NBSP}{amount}{verdict}", tone)


def _points(difference: float) -> str | None:
    shown = f"{100 * difference:.{1 if difference >= 0.01 else 2}f}"
    return f"{shown}{units.NBSP}points" if float(shown) else None


def _share(now: float, then: float) -> str | None:
    """None when nothing changed, or there was nothing before."""
    if not then or now == then:
        return None
    if now > MANY_TIMES * then:
        return units.times(now / then)
    return units.percent(abs(now - then) / abs(then))
