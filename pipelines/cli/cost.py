"""`otelmart cost`: what your own traffic would cost on Google Cloud, from measured figures and list prices."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.cli import options
from pipelines.errors import UsageError
from pipelines.shipped import shipped

if TYPE_CHECKING:
    from pipelines.cost.inputs import Catalog, Figures

BENCH = Path(".otelmart/bench.json")
COST = shipped("deploy/cost")
PRICES = COST / "prices.yaml"
MEASURED = "measured.json"  # beside the page: the figures it was rendered from
MOST = 1e12
SIZES = (10.0, 1_000.0, 100_000.0)  # pipelines/cost/choices.py has the same


class _Amount(click.FloatRange):
    """A number that is one: 1e308 spans a second are no traffic."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        number: float = super().convert(value, param, ctx)
        if not number <= MOST:
            self.fail(f"{value} is no amount: at most {MOST:g}", param, ctx)
        return number


@click.command(epilog="Example: otelmart cost --spans-per-second 250 --history-months 6")
@click.option(
    "--bench",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Measured figures, as make bench writes them; default: {BENCH}, and what it lacks as deploy/cost has it.",
)
@click.option(
    "--prices",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Your own prices, limits and assumptions; default: deploy/cost/prices.yaml.",
)
@click.option(
    "--spans-per-second",
    "rates",
    metavar="N",
    type=_Amount(0, min_open=True),
    multiple=True,
    default=SIZES,
    show_default="three sizes, 10, 1000 and 100000",
    help="Mean rate of spans; give several to compare.",
)
@click.option(
    "--logs-per-span", metavar="N", type=_Amount(0), default=0.0, show_default=True, help="Log records a span."
)
@click.option(
    "--points-per-span",
    metavar="N",
    type=_Amount(0),
    default=0.0,
    show_default=True,
    help="Metric points a span.",
)
@click.option(
    "--history-months",
    metavar="N",
    type=_Amount(0, min_open=True),
    default=12.0,
    show_default=True,
    help="How long rows are kept, in months.",
)
@click.option(
    "--page",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help=f"Write README.md into DIR, and {MEASURED} beside it, instead of printing.",
)
@options.as_json
def command(
    bench: Path | None,
    prices: Path | None,
    rates: tuple[float, ...],
    logs_per_span: float,
    points_per_span: float,
    history_months: float,
    page: Path | None,
    as_json: bool,
) -> None:
    """Compute a month on Google Cloud from what was measured here and dated list prices; nothing is asked of the cloud.

    Alternatives stand beside what deploy/ uses, whose sum is the line as deployed. The last lines are the first limit
    of a project's default quotas that the rate meets, and where.
    """
    from pipelines.cost.inputs import catalog, figures

    figures_there = _read(bench, json.loads, "make bench") if bench else _known_figures()
    prices_there = _read(prices or PRICES, _yaml, "give another with --prices")
    if page:
        _write_page(page, figures_there, prices_there)
        return
    measured, listed = figures(figures_there), catalog(prices_there)
    answers = [_answer(rate, logs_per_span, points_per_span, history_months, measured, listed) for rate in rates]
    click.echo(json.dumps(answers, ensure_ascii=False) if as_json else _text(answers))


def _known_figures() -> dict[str, Any]:
    """What was measured here, and for the rest what the committed page was rendered from."""
    there = [path for path in (COST / MEASURED, BENCH) if path.exists()]
    return {key: figure for path in there for key, figure in _read(path, json.loads, "make bench").items()}


def _write_page(folder: Path, measured: dict[str, Any], prices: dict[str, Any]) -> None:
    from pipelines.cost.page import page

    text = page(measured, prices)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "README.md").write_text(text)
    (folder / MEASURED).write_text(json.dumps(measured, indent=2, sort_keys=True) + "\n")
    click.echo(f"wrote {folder / 'README.md'}")


def _read(path: Path, parse: Callable[[str], Any], cure: str) -> dict[str, Any]:
    if not path.exists():
        raise UsageError(f"there is no {path}: {cure}")
    try:
        document = parse(path.read_text())
    except ValueError:
        raise UsageError(f"{path} cannot be read as what it should be: {cure}") from None
    if not isinstance(document, dict):
        raise UsageError(f"{path} holds no names with values: {cure}")
    return document


def _yaml(text: str) -> Any:
    import yaml

    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from None


def _answer(
    rate: float, logs: float, points: float, history_months: float, measured: Figures, listed: Catalog
) -> dict[str, Any]:
    """One rate: USD a month of each component, of what is deployed, and the limits that it exceeds."""
    from pipelines.cost.bill import DEPLOYED, bill, by_component
    from pipelines.cost.quantities import a_month
    from pipelines.cost.scaling import limits_met

    month = a_month(rate, history_months, logs, points)
    totals = by_component(bill(month, measured, listed))
    deployed_usd = sum(totals[name] for name in DEPLOYED)
    met = limits_met(rate, measured, listed)
    return {
        "spans_per_second": rate,
        "history_months": history_months,
        "usd_per_month": totals,
        "deployed_usd_per_month": deployed_usd,
        "deployed_usd_per_million_spans": deployed_usd / (month.traces / 1e6),
        "first_limit": {"limit": met[0].limit.key, "at_spans_per_second": met[0].at_spans_per_second},
        "exceeded_limits": [each.limit.key for each in met if each.is_exceeded],
    }


def _text(answers: list[dict[str, Any]]) -> str:
    from pipelines.cost.page import LABELS
    from pipelines.cost.text import number, usd

    rows = [("USD a month", *(f"{number(answer['spans_per_second'])} spans/s" for answer in answers))]
    rows += [(label, *(usd(answer["usd_per_month"][name]) for answer in answers)) for name, label in LABELS.items()]
    rows += [
        ("As deployed", *(usd(answer["deployed_usd_per_month"]) for answer in answers)),
        ("As deployed, a million spans", *(usd(answer["deployed_usd_per_million_spans"]) for answer in answers)),
        ("Limits exceeded", *(str(len(answer["exceeded_limits"])) for answer in answers)),
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows]
    first = answers[0]["first_limit"]
    exceeded = sorted({key for answer in answers for key in answer["exceeded_limits"]})
    lines.append(f"First limit: {first['limit']}, at {number(first['at_spans_per_second'])} spans/s of traces")
    lines += [f"Exceeded: {', '.join(exceeded)}"] if exceeded else []
    lines.append("List prices, nothing was run on Google Cloud: deploy/cost/README.md says what each number comes from")
    return "\n".join(lines)
