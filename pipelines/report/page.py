"""The page: one HTML file that needs nothing else. Its content policy lets no request out and no other script run."""

from base64 import b64encode
from hashlib import sha256
from os import getpid
from pathlib import Path

from pipelines.report import headline
from pipelines.report.facts import Facts
from pipelines.report.html import Markup, join, tag
from pipelines.report.sections import (
    Maker,
    conversion,
    health,
    journeys,
    logs,
    metrics,
    objectives,
    platform,
    render,
    traffic,
    worst,
)

ASSETS = Path(__file__).resolve().parent / "assets"
SECTIONS: tuple[tuple[str, Maker], ...] = (
    ("Routes", traffic.heat),
    ("Traces", worst.worst),
    ("Latency", traffic.over_time),
    ("SLOs", objectives.board),
    ("Errors", health.errors),
    ("Logs", logs.volume),
    ("Services", health.services),
    ("Saturation", metrics.saturation),
    ("Metrics", metrics.values),
    ("Logins", health.logins),
    ("Funnel", conversion.funnels),
    ("Revenue", conversion.revenue),
    ("Journeys", journeys.paths),
    ("Sessions", journeys.sessions),
    ("Ledger", platform.ledger),
    ("Dead letters", platform.dead_letters),
    ("Left out", platform.excluded),
)
TERMS = (
    (
        "Request",
        "a SERVER span, or a local root span with a route or method; weighted by the sampling rate it carries.",
    ),
    ("Percentiles", "from a mergeable sketch, within 1 % of exact; hours and routes are merged, never averaged."),
    ("Session", "activity of one session id or user without a gap of more than 30 minutes."),
    ("Conversion", "sessions that reached the last step of the funnel, of those that reached the first."),
    (
        "Unexplained",
        "rows counted outside the pipeline, minus distinct rows written, dead-lettered, erased or expired: must be 0.",
    ),
)


def page(facts: Facts) -> str:
    """The whole document."""
    style, script = (ASSETS / "report.css").read_text(), (ASSETS / "report.js").read_text()
    title = f"otelmart report: {facts.scope.environment}, {facts.scope.period()}"
    made = [(short, maker(facts)) for short, maker in SECTIONS]
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="color-scheme", content="light dark"),
        tag("link", rel="icon", href="data:,"),
        tag("title", title),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#main", class_="skip"),
        _bar([(section.id, short) for short, section in made]),
        tag("main", headline.lead(facts), *(render(section, facts) for _, section in made), _footer(facts), id="main"),
        tag("p", id="spoken", class_="unseen", role="status", aria_live="polite"),
        tag("script", Markup(script)),
    )
    return "<!doctype html>\n" + tag("html", head, body, lang="en")


def write_page(facts: Facts, target: Path) -> int:
    """Size in bytes of the page at `target`. A reader sees the old page or the new one, never half of one."""
    data = page(facts).encode()
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.{getpid()}")
    unfinished.write_bytes(data)
    unfinished.replace(target)
    return len(data)


def _policy(script: str) -> str:
    digest = b64encode(sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; img-src data:; base-uri 'none'"
    )


def _bar(links: list[tuple[str, str]]) -> Markup:
    entries = [tag("li", tag("a", short, href=f"#{id_}")) for id_, short in links]
    theme = tag("button", "Light / dark", type="button", class_="theme script-only")
    return tag(
        "header",
        tag("a", "otelmart", href="#main", class_="brand"),
        tag("nav", tag("ul", *entries), aria_label="Sections"),
        theme,
        class_="bar",
    )


def _footer(facts: Facts) -> Markup:
    terms = join(tag("div", tag("dt", f"{term}:"), tag("dd", meaning)) for term, meaning in TERMS)
    return tag("footer", tag("h2", "How the numbers are made"), tag("dl", terms))
