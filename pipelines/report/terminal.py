"""The summary: what happened, on one screen of 100 columns, for somebody who was just woken up."""

from collections import Counter
from collections.abc import Iterable
from io import StringIO
from itertools import groupby
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.report import sentences, units
from pipelines.report.facts import Facts

Row = dict[str, Any]
Pairs = Iterable[tuple[RenderableType, RenderableType]]
WIDTH_COLUMNS = 100
ROUTE_LIMIT, DAY_LIMIT, REASON_LIMIT = 6, 5, 6
STYLES = {"bad": ("✗", "bold red"), "good": ("✓", "green"), "plain": ("·", "")}


def summary(facts: Facts, next_steps: Pairs, *, in_colour: bool) -> str:
    """The story, what came in, routes, funnels, sessions and orders, and the commands that lead on: under 45 lines."""
    # markup and emoji off: a route named [red] or :boom: is shown as it was sent
    console = Console(
        file=StringIO(), width=WIDTH_COLUMNS, force_terminal=in_colour, markup=False, emoji=False, highlight=False
    )
    with console.capture() as captured:
        console.print(Group(*_parts(facts, next_steps)))
    lines = units.plain(captured.get()).splitlines()
    return "".join(f"{line.rstrip()}\n" for line in lines)


def _parts(facts: Facts, next_steps: Pairs) -> Iterable[RenderableType]:
    scope = facts.scope
    yield Text(f"otelmart · {scope.environment} · {scope.period()} (UTC)", style="bold")
    yield _pairs(_sentence(sentence) for sentence in sentences.sentences(facts))
    yield _heading("What came in", "all environments")
    yield _pairs(_arrived(facts), indent=2)
    yield _heading("Busiest routes", "requests weighted by sampling")
    yield _routes(facts)
    yield from _funnels(facts)
    yield _heading("Sessions and orders")
    yield _pairs(_business(facts), indent=2)
    yield _heading("Where to go next")
    yield _pairs(next_steps, indent=2)


def _sentence(sentence: sentences.Sentence) -> tuple[Text, Text]:
    mark, style = STYLES[sentence.tone]
    return Text(mark, style=style), Text(sentence.text, style="bold" if sentence.tone == "bad" else "")


def _heading(title: str, note: str = "") -> Text:
    return Text.assemble("\n", (title, "bold cyan"), (f"  {note}" if note else "", "dim"))


def _pairs(pairs: Pairs, indent: int = 0) -> Padding:
    grid = Table.grid(padding=(0, 2, 0, 0))
    for left, right in pairs:
        grid.add_row(left, right)
    return Padding(grid, (0, 0, 0, indent))


def _table(names: dict[str, int], numbers: Iterable[str]) -> Table:
    """An empty table: text columns with their widest width, then right-aligned ones."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for name, width in names.items():
        table.add_column(name, no_wrap=True, max_width=width)
    for number in numbers:
        table.add_column(number, justify="right", no_wrap=True)
    return table


def _arrived(facts: Facts) -> Pairs:
    tables, everything = facts.at_level("ledger", "table"), facts.at_level("ledger", "all")
    if not everything:
        yield "rows", "no data: the ledger is empty"
        return
    row, letters = everything[0], facts.rows("dead_letters")
    messages, deliveries = units.count(row["payload_count"]), units.count(row["delivery_count"])
    filled = [table for table in tables if table["distinct_row_count"]]
    yield "messages", f"{messages}, delivered {deliveries} times (one across midnight counts on both days)"
    yield "rows", ", ".join(f"{units.count(table['distinct_row_count'])} {table['table_name']}" for table in filled)
    yield "copies", f"{units.count(row['duplicate_row_count'])} rows came more than once; each counts once"
    yield "dead letters", _counted(letters, "reason", "dead_letter_count") or "none"
    yield "left out", _counted(facts.rows("excluded"), "reason", "span_count", " spans") or "nothing"


def _counted(rows: list[Row], name: str, count: str, unit: str = "") -> str:
    """`29: bad_json 2, …`; rows of the same name are added up."""
    sums: Counter[str] = Counter()
    for row in rows:
        sums[row[name]] += row[count]
    shown = [f"{key} {units.count(value)}" for key, value in sums.most_common(REASON_LIMIT)]
    more = [f"{len(sums) - REASON_LIMIT} more reasons"] if len(sums) > REASON_LIMIT else []
    return f"{units.count(sums.total())}{unit}: {', '.join(shown + more)}" if rows else ""


def _routes(facts: Facts) -> RenderableType:
    routes = facts.at_level("latency", "route")
    if not routes:
        return Text("  no data: no request was found")
    table = _table({"route": 36, "service": 18}, ("requests", "errors", "p50", "p95", "p99"))
    for row in routes[:ROUTE_LIMIT]:
        table.add_row(row["route"], row["service_name"], *_numbers(row))
    table.add_row(
        f"all {units.plural(len(routes), 'route')}", "", *_numbers(facts.at_level("latency", "all")[0]), style="bold"
    )
    return Padding(table, (0, 0, 0, 2))


def _numbers(row: Row) -> list[str]:
    latencies = (units.milliseconds(row[name]) for name in ("p50_ms", "p95_ms", "p99_ms"))
    return [units.count(row["request_count"]), units.percent(row["error_ratio"]), *latencies]


def _funnels(facts: Facts) -> Iterable[RenderableType]:
    totals, days = facts.at_level("funnel", "all"), facts.at_level("funnel", "day")
    if not totals:
        yield _heading("Funnel")
        yield Text("  no data: no session reached the first step")
    for name, steps in groupby(totals, key=lambda row: row["funnel_name"]):
        yield _heading(f"Funnel {name}", "continued from the step before")
        yield _funnel(list(steps), [day for day in days if day["funnel_name"] == name])


def _funnel(steps: list[Row], days: list[Row]) -> RenderableType:
    dates = sorted({row["event_date"] for row in days})[-DAY_LIMIT:]
    by_day = {(row["event_date"], row["step_number"]): row["step_conversion_ratio"] for row in days}
    table = _table({"step": 30}, ("sessions", "continued", *(units.day(date) for date in dates)))
    for step in steps:
        ratios = (step["step_conversion_ratio"], *(by_day.get((date, step["step_number"])) for date in dates))
        shown = ("" if step is steps[0] else units.percent(ratio) for ratio in ratios)
        table.add_row(step["step_name"], units.count(step["reached_count"]), *shown)
    return Padding(table, (0, 0, 0, 2))


def _business(facts: Facts) -> Pairs:
    sessions, revenue = facts.at_level("sessions", "all"), facts.at_level("revenue", "all")
    if not sessions:
        yield "sessions", "no data: no session was found"
    for row in sessions:
        median, bounced = units.seconds(row["median_duration_seconds"]), units.percent(row["bounce_ratio"])
        views = units.count(row["page_view_count"])
        yield (
            "sessions",
            f"{units.count(row['session_count'])} with {views} page views, median {median}, {bounced} bounced",
        )
    total = units.count(sum(row["order_count"] for row in revenue))
    each = (
        f"{row['currency']} {units.money(row['revenue'])} from {units.count(row['order_count'])}" for row in revenue
    )
    yield "orders", f"{total}: {', '.join(each)}" if revenue else "no data: no order was found"
