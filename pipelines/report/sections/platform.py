"""Whether to believe it: the ledger against counts from outside, what was set aside, what was left out on purpose."""

from typing import Any

from pipelines.dead_letters import REASONS
from pipelines.report import sentences, units
from pipelines.report.facts import Facts
from pipelines.report.figures.bars import Bar, bars
from pipelines.report.html import tag
from pipelines.report.sections import Section
from pipelines.report.tables import Column, folded, scrolled

Row = dict[str, Any]
TABLE = Column("table_name", "table")
LEDGER_COLUMNS = (
    Column("outside_row_count", "sent", lambda count: "not counted" if count is None else units.count(count)),
    Column("accounted_row_count", "accounted for", units.count),
    Column("stored_row_count", "stored", units.count),
    Column("duplicate_row_count", "copies", units.count),
    Column("distinct_row_count", "distinct", units.count),
    Column("dead_lettered_row_count", "dead-lettered", units.count),
    Column("unexplained_count", "unexplained", units.count, is_bad=True),
)
UNREADABLE = Column("unparsed_message_count", "unreadable messages", units.count)
DEAD_LETTER_COLUMNS = (
    Column("reason", "reason"),
    Column("signal", "signal"),
    Column("message_count", "messages", units.count),
    Column("row_count", "single rows", units.count),
    Column("sample_error_text", "what was wrong with one of them", is_long=True),
    Column("sample_source", "where one came from"),
)
EXCLUDED_COLUMNS = (
    Column("environment", "environment"),
    Column("reason", "left out as"),
    Column("span_count", "spans", units.count),
    Column("log_record_count", "log records", units.count),
)
ENVIRONMENT_COLUMNS = (
    Column("environment", "environment"),
    Column("request_count", "requests", units.count),
    Column("is_shown", "in this report", lambda is_shown: "yes" if is_shown else "no", is_text=True),
)


def ledger(facts: Facts) -> Section:
    tables = facts.at_level("ledger", "table")
    section = Section(
        "ledger",
        "Ledger",
        ("ledger",),
        "rows · grain: table × event date",
        "The ledger is empty: nothing was ingested yet; run otelmart ingest.",
        of_all=True,
    )
    if not tables:
        return section
    unexplained = facts.unexplained_count()
    number = tag("strong", "?" if unexplained is None else units.count(unexplained))
    words = tag("span", tag("b", "unexplained rows"), tag("br"), sentences.ledger(facts))
    tone = "good" if facts.is_reconciled() else "bad" if unexplained else "plain"
    verdict = tag("p", number, words, class_=f"verdict {tone}")
    counted = Column("counted_by", "counted by")
    by_day = (TABLE, Column("event_date", "event date", units.day), *LEDGER_COLUMNS, UNREADABLE, counted)
    return section.showing(
        "",
        tag("figure", verdict, scrolled("reconciliation by table", (TABLE, *LEDGER_COLUMNS, counted), tables)),
        folded("reconciliation by table and event date", by_day, facts.at_level("ledger", "day")),
    )


def dead_letters(facts: Facts) -> Section:
    rows = facts.rows("dead_letters")
    section = Section(
        "dead-letters",
        "Dead letters",
        ("dead_letters",),
        "messages and single rows, each with its bytes kept · grain: reason × signal",
        "Nothing was dead-lettered: every message and row that came in could be decoded.",
        of_all=True,
    )
    if not rows:
        return section
    messages, single = (sum(row[name] for row in rows) for name in ("message_count", "row_count"))
    said = (
        f"{units.plural(messages, 'message')} and {units.plural(single, 'single row')} could not become rows. "
        "After a fix, otelmart replay tries them again."
    )
    return section.showing(
        said,
        tag("figure", bars(_by_reason(rows))),
        folded("dead letters by reason", DEAD_LETTER_COLUMNS, rows),
    )


def excluded(facts: Facts) -> Section:
    rows, environments = facts.rows("excluded"), facts.rows("environments")
    others = [row for row in environments if not row["is_shown"]]
    section = Section(
        "excluded",
        "Left out of the numbers",
        ("excluded", "environments"),
        "spans, log records and requests, weighted by sampling · grain: environment × reason",
        "Nothing was left out: no health check, probe, bot or synthetic traffic, and no other environment.",
        of_all=True,
    )
    if not rows and not others:
        return section
    spans = units.plural(sum(row["span_count"] for row in rows), "span")
    said = f"{spans} matched the seed excluded_traffic: stored, and in no number but the ledger's."
    return section.showing(
        said,
        tag(
            "figure",
            tag("div", tag("h3", "By rule"), bars([_left_out(row) for row in rows])) if rows else None,
            tag("div", tag("h3", "Other environments"), bars([_other(row) for row in others])) if others else None,
            class_="side-by-side",
        ),
        folded("excluded traffic", EXCLUDED_COLUMNS, rows),
        folded("environments", ENVIRONMENT_COLUMNS, environments),
    )


def _by_reason(rows: list[Row]) -> list[Bar]:
    """A bar a reason, largest first; the note says what it means and which signals it struck."""
    struck: dict[str, list[Row]] = {}
    for row in rows:
        struck.setdefault(row["reason"], []).append(row)
    counted = [(reason, sum(row["dead_letter_count"] for row in own), own) for reason, own in struck.items()]
    return [
        (reason, count, units.count(count), f"{REASONS.get(reason, '')} ({_signals(own)})".strip())
        for reason, count, own in sorted(counted, key=lambda entry: -entry[1])
    ]


def _signals(rows: list[Row]) -> str:
    """`traces 2, logs 1`"""
    return ", ".join(f"{row['signal']} {units.count(row['dead_letter_count'])}" for row in rows)


def _left_out(row: Row) -> Bar:
    return f"{row['reason']} · {row['environment']}", row["span_count"], units.plural(row["span_count"], "span"), None


def _other(row: Row) -> Bar:
    return row["environment"], row["request_count"], units.plural(row["request_count"], "request"), None
