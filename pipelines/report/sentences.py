"""The story in sentences, the same on the page and in the terminal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from pipelines.report import story, units
from pipelines.report.facts import Facts


@dataclass(frozen=True)
class Sentence:
    """One line of the story; `tone` is good, bad or plain."""

    tone: str
    text: str


def sentences(facts: Facts) -> list[Sentence]:
    """What happened, what is behind it, and whether the numbers can be believed."""
    found = [*_trouble(facts)]
    if facts.due_dates:
        found.insert(0, Sentence("bad", unfinished(facts.due_dates)))
    if not found and facts.at_level("latency", "all"):
        found = [Sentence("good", "No funnel step and no route stands out as broken.")]
    if facts.at_level("ledger", "table"):
        tone = "good" if facts.is_reconciled() else "bad" if facts.unexplained_count() else "plain"
        found.append(Sentence(tone, ledger(facts)))
    if facts.older_dates:
        found.append(Sentence("plain", older(facts.older_dates)))
    return found


def _trouble(facts: Facts) -> Iterable[Sentence]:
    """The worst broken step, and the worst incident, or else the route that fails all the time."""
    for step in story.broken_steps(facts.at_level("funnel", "day"))[:1]:
        yield Sentence("bad", broken(step))
    incidents = story.incidents(facts.at_level("latency", "cell"), facts.times(), facts.rows("versions"))
    for incident in incidents[:1]:
        yield Sentence("bad", failing(incident, facts))
    for route in [] if incidents else story.failing_routes(facts.at_level("latency", "route"))[:1]:
        yield Sentence("bad", always_failing(route))


def unfinished(due_dates: Sequence[date]) -> str:
    """What to think of numbers after a build that did not end well; `due_dates` in their order, at least one."""
    doubt = f"numbers of {_first_to_last(due_dates)} may be missing, old or wrong"
    return f"The last build failed or left models out: {doubt}. Run otelmart build."


def older(dates: Sequence[date]) -> str:
    """What to think of numbers that the SQL of another release made; in their order, at least one date."""
    return (
        f"Numbers of {_first_to_last(dates)} were made by other models than later ones, and may not compare with them. "
        "Run otelmart build --full-refresh to make all anew."
    )


def _first_to_last(dates: Sequence[date]) -> str:
    first, last = units.long_day(dates[0]), units.long_day(dates[-1])
    return first if first == last else f"{first} to {last}"


def broken(step: story.BrokenStep) -> str:
    """`On 17 Nov only 21 % continued to order, against 68 % on the other days: about 140 sessions …`"""
    sessions = units.plural(step.missing_count, "session")
    return (
        f"On {units.day(step.event_date)} only {units.percent(step.conversion_ratio)} continued to {step.step_name}, "
        f"against {units.percent(step.usual_ratio)} on the other days: about {sessions} more than usual stopped there."
    )


def failing(incident: story.Incident, facts: Facts) -> str:
    """`POST /orders (order-service) failed 34.0 % of 1,204 requests on 17 Nov from 10:00 to 16:00 UTC; usually …`"""
    ratio = units.percent(incident.error_count / incident.request_count)
    when = facts.scope.stretch(incident.start, incident.end)
    return (
        f"{incident.route} ({incident.service_name}) failed {ratio} of {units.count(incident.request_count)} requests "
        f"{when}; usually {units.percent(incident.usual_ratio)}.{_blame(incident.version)}"
    )


def always_failing(route: story.Row) -> str:
    """`GET /items (shop) failed 100 % of 78 requests over the whole period.`"""
    ratio, requests = units.percent(route["error_ratio"]), units.plural(route["request_count"], "request")
    return f"{route['route']} ({route['service_name']}) failed {ratio} of {requests} over the whole period."


def _blame(version: story.BadVersion | None) -> str:
    if version is None:
        return ""
    ratio, others = units.percent(version.http_5xx_ratio), units.percent(version.others_ratio)
    return f" Its version {version.service_version} answered {ratio} of all requests with 5xx, other versions {others}."


def ledger(facts: Facts) -> str:
    """The verdict in plain words."""
    row = facts.at_level("ledger", "all")[0]
    if row["outside_row_count"] is None and not row["unexplained_count"]:
        return "The ledger and the stored rows agree; nobody counted outside, so a loss on the way here would not show."
    sent, unexplained = units.count(row["outside_row_count"]), row["unexplained_count"]
    if unexplained:
        return f"Of {sent} rows sent, {units.count(unexplained)} cannot be accounted for: run otelmart ledger --verify."
    said = [f"All {sent} rows that were sent are accounted for: 0 unexplained."]
    if row["uncounted_date_count"]:
        said.append(f"Nobody counted {units.plural(row['uncounted_date_count'], 'day')} of a table outside.")
    if row["unparsed_message_count"]:
        said.append(f"Rows of {units.plural(row['unparsed_message_count'], 'unreadable message')} are unknown.")
    return " ".join(said)
