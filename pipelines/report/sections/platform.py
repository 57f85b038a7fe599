"""Whether to believe it: the ledger against counts from outside, what was set aside, what was left out on purpose."""

from typing import Any

from pipelines.report import sentences, units
from pipelines.report.facts import Facts
from pipelines.report.figures.bars import bars
from pipelines.report.html import tag
from pipelines.report.sections import Section
from pipelines.report.tables import Column, folded, scrolled

Row = dict[str, Any]
LEDGER_COLUMNS = (
    Column("table_name", "table"),
    Column("event_date", "event date", units.day),
    Column("outside_row_count", "sent (counted outside)", units.count),
    Column("accounted_row_count", "in the lake", units.count),
    Column("dead_lettered_row_count", "dead-lettered", units.count),
    Column("duplicate_row_count", "duplicates removed", units.count),
    Column("unexplained_count", "unexplained", units.count, is_bad=True),
)


def ledger(facts: Facts) -> Section:
    totals = facts.at_level("ledger", "table")
    section = Section(
        "ledger",
        "Ledger",
        ("ledger",),
        "rows · grain: table × event date · all environments together",
        "The ledger is empty: nothing was ingested yet; run otelmart ingest.",
    )
    if not totals:
        return section
    unexplained = facts.unexplained_count()
    number = tag("strong", "?" if unexplained is None else units.count(unexplained))
    words = tag("span", "unexplained rows. ", sentences.ledger(facts))
    verdict = tag("p", number, words, class_=f"verdict {'good' if facts.is_reconciled() else 'bad'}")
    by_table = tuple(column for column in LEDGER_COLUMNS if column.key != "event_date")
    return section.showing(
        "",
        tag("figure", verdict, scrolled("reconciliation by table", by_table, totals)),
        folded("reconciliation by table and event date", LEDGER_COLUMNS, facts.at_level("ledger", "day")),
    )


def dead_letters(facts: Facts) -> Section:
    rows = facts.rows("dead_letters")
    section = Section(
        "dead-letters",
        "Dead letters",
        ("dead_letters",),
        "rows and whole messages that could not become rows; their bytes are kept · grain: reason × signal",
        "Nothing was dead-lettered: every message and row that came in could be decoded.",
    )
    if not rows:
        return section
    total = sum(row["dead_letter_count"] for row in rows)
    entries = [
        (
            f"{row['reason']} · {row['signal']}",
            row["dead_letter_count"],
            units.count(row["dead_letter_count"]),
            row["meaning"],
        )
        for row in rows
    ]
    columns = (
        Column("reason", "reason"),
        Column("signal", "signal"),
        Column("dead_letter_count", "dead letters", units.count),
        Column("meaning", "what it means"),
    )
    said = (
        f"{units.plural(total, 'dead letter')}, the most for {rows[0]['reason']}. "
        "After a fix, otelmart replay tries them again."
    )
    return section.showing(said, tag("figure", bars(entries)), folded("dead letters by reason", columns, rows))


def excluded(facts: Facts) -> Section:
    rows = facts.rows("excluded")
    section = Section(
        "excluded",
        "Left out of the numbers",
        ("excluded", "environments"),
        "spans · grain: environment × reason",
        "Nothing was left out: no health check, probe, synthetic or other traffic matched the seed excluded_traffic.",
    )
    if not rows:
        return section
    columns = (
        Column("environment", "environment"),
        Column("reason", "left out as"),
        Column("span_count", "spans", units.count),
    )
    entries = [
        (f"{row['reason']} · {row['environment']}", row["span_count"], f"{units.count(row['span_count'])} spans", None)
        for row in rows
    ]
    said = f"{units.count(sum(row['span_count'] for row in rows))} spans are stored but count in no number above."
    return section.showing(said, tag("figure", bars(entries)), folded("excluded traffic", columns, rows))
