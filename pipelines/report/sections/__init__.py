"""The page's sections, in reading order: each turns facts into a heading, a sentence, a figure and its table."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from pipelines.report.facts import Facts
from pipelines.report.html import Markup, join, tag


@dataclass(frozen=True)
class Section:
    """One question answered, of the environment shown or `of_all`. `body` is None when there is nothing to show; then
    `why_empty` says why and what to do."""

    id: str
    title: str
    questions: tuple[str, ...]
    measures: str
    why_empty: str
    takeaway: str = ""
    body: Markup | None = None
    of_all: bool = False

    def showing(self, takeaway: str, *parts: Markup) -> "Section":
        """The same section with a sentence, its figures and its tables."""
        return replace(self, takeaway=takeaway, body=join(parts))


Maker = Callable[[Facts], Section]


def render(section: Section, facts: Facts) -> Markup:
    """The section as HTML, with the line that says unit, grain, environment and the marts it reads."""
    body = section.body if section.body is not None else _empty(section, facts)
    return tag(
        "section",
        tag("h2", section.title, id=f"{section.id}-title"),
        tag("p", section.takeaway, class_="takeaway") if section.takeaway and section.body is not None else None,
        body,
        _source(section, facts),
        id=section.id,
        aria_labelledby=f"{section.id}-title",
    )


def _empty(section: Section, facts: Facts) -> Markup:
    missing = [mart for question in section.questions for mart in facts.missing.get(question, ())]
    why = f"This warehouse has no {', '.join(missing)}: run otelmart build." if missing else section.why_empty
    return tag("p", tag("b", "No data."), " ", why, class_="empty")


def _source(section: Section, facts: Facts) -> Markup:
    marts = sorted({mart for question in section.questions for mart in facts.reads.get(question, ())})
    names = join((tag("code", mart) for mart in marts), ", ")
    environment = "all" if section.of_all else facts.scope.environment
    return tag("p", f"{section.measures} · environment: {environment} · UTC · reads ", names, class_="source")
