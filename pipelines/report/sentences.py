"""The story in sentences, the same on the page and in the terminal."""

from dataclasses import dataclass

from pipelines.report import story, units
from pipelines.report.facts import Facts


@dataclass(frozen=True)
class Sentence:
    """One line of the story; `tone` is good, bad or plain."""

    tone: str
    text: str


def sentences(facts: Facts) -> list[Sentence]:
    """What happened, what is behind it, and whether the numbers can be believed."""
    step = story.broken_steps(facts.at_level("funnel", "day"))[:1]
    incident = story.incidents(facts.at_level("latency", "cell"), facts.times(), facts.rows("versions"))[:1]
    found = [*(Sentence("bad", broken(s)) for s in step), *(Sentence("bad", failing(i, facts)) for i in incident)]
    if not found and facts.at_level("latency", "all"):
        found = [Sentence("good", "No funnel step and no route stands out as broken.")]
    if facts.at_level("ledger", "table"):
        found.append(Sentence("good" if facts.is_reconciled() else "bad", ledger(facts)))
    return found


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


def _blame(version: story.BadVersion | None) -> str:
    if version is None:
        return ""
    ratio, others = units.percent(version.http_5xx_ratio), units.percent(version.others_ratio)
    return f" Its version {version.service_version} answered {ratio} of all requests with 5xx, other versions {others}."


def ledger(facts: Facts) -> str:
    """The verdict in plain words."""
    row = facts.at_level("ledger", "all")[0]
    if row["outside_row_count"] is None and not row["unexplained_count"]:
        return "Nobody counted outside the pipeline, so nothing can be compared: no outside_counts came with the data."
    sent, unexplained = units.count(row["outside_row_count"]), row["unexplained_count"]
    if unexplained:
        return f"Of {sent} rows sent, {units.count(unexplained)} cannot be accounted for: run otelmart ledger --verify."
    said = [f"All {sent} rows that were sent are accounted for: 0 unexplained."]
    if row["uncounted_date_count"]:
        said.append(f"Nobody counted {units.plural(row['uncounted_date_count'], 'day')} of a table outside.")
    if row["unparsed_message_count"]:
        said.append(f"Rows of {units.plural(row['unparsed_message_count'], 'unreadable message')} are unknown.")
    return " ".join(said)
