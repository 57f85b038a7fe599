"""schemas/DICTIONARY.md: every table and column for people: its meaning, what fills it, what privacy does to it."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from pipelines import tables

DICTIONARY = tables.SCHEMAS / "DICTIONARY.md"
HEAD = """\
<!-- Rendered from schemas/*.json by `otelmart render`: do not edit. -->
# Data dictionary

Every table of the dataset `observability`, column by column; the contract itself is the JSON beside this file.

- All times are UTC; a `TIMESTAMP` keeps µs, the `*_unix_nano` columns keep the nanoseconds as sent.
- An attribute's value is text: numbers in their shortest form, nested values as compact JSON, bytes as base64.
- *Promoted from* names the attributes that fill a column. The row's own attribute wins over its scope's, that over its
  resource's; within one, the first that is present wins, newest convention first.
- *Privacy* is what becomes of a promoted value or named field before a row is written (`privacy.json`):
  `pseudonymise` keyed HMAC, `browser_family` the browser's name only, `redact_url` no query, fragment or user info,
  `redact_text` no tokens, e-mail addresses or URL secrets. The same attributes are treated alike wherever they occur.
"""
PROMOTED_FROM = " Promoted from "
COMPOSED = " + "


def files() -> dict[Path, str]:
    """Text of the dictionary, by path."""
    return {DICTIONARY: "\n".join([HEAD, _index(), *map(_section, tables.TABLES), _never_kept()])}


def _index() -> str:
    rows = [f"| [{name}](#{name}) | {tables.table(name)['description']} |" for name in tables.TABLES]
    return "\n".join(["| table | grain |", "|---|---|", *rows, ""])


def _section(name: str) -> str:
    resource = tables.table(name)
    filtered = "required" if resource["requirePartitionFilter"] else "not required"
    return "\n".join(
        [
            f"## {name}",
            resource["description"],
            "",
            f"Partitioned by day of `{tables.partition_column(name)}` (filter {filtered}), "
            f"clustered by {_code(resource['clustering']['fields'])}.",
            "",
            "| column | type | meaning | promoted from | privacy |",
            "|---|---|---|---|---|",
            *_rows(resource["schema"]["fields"], f"{name}.", _promoted_from(name)),
            "",
        ]
    )


def _rows(fields: list[tables.Field], path: str, promoted_from: dict[str, list[str]]) -> Iterator[str]:
    for field in fields:
        place = path + field["name"]
        column = place.split(".", 1)[1]
        attributes = promoted_from.get(column, [])
        actions = _privacy(place, attributes)
        cells = [_code([column]), _code([_kind(field)]), _meaning(field), _code(attributes), _code(actions)]
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
        yield from _rows(field.get("fields", []), f"{place}.", promoted_from)


def _kind(field: tables.Field) -> str:
    kind = "STRUCT" if field["type"] == "RECORD" else field["type"]
    return {"REPEATED": f"ARRAY<{kind}>", "REQUIRED": f"{kind} NOT NULL", "NULLABLE": kind}[field["mode"]]


def _meaning(field: tables.Field) -> str:
    """The description without its list of attributes, which has a column of its own."""
    meaning: str = field["description"]
    return meaning.split(PROMOTED_FROM)[0]


def _code(words: list[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _promoted_from(table: str) -> dict[str, list[str]]:
    """Attribute names of each promoted column of a table; a composed one reads `url.path + url.query`."""
    promoted = _schema("promoted_attributes")["columns"]
    return {c["column"]: [_attribute(a) for a in c["attributes"]] for c in promoted if table in c["tables"]}


def _attribute(name: str | dict[str, Any]) -> str:
    return name if isinstance(name, str) else COMPOSED.join(name["of"])


def _privacy(place: str, attributes: list[str]) -> list[str]:
    """Actions that privacy.json names for a field, or for one of the attributes that fill it."""
    names = {name for attribute in attributes for name in attribute.split(COMPOSED)}
    return [
        rule["action"]
        for rule in _schema("privacy")["rules"]
        if place in rule.get("fields", []) or not names.isdisjoint(rule.get("attributes", []))
    ]


def _never_kept() -> str:
    dropped = [a for rule in _schema("privacy")["rules"] if rule["action"] == "drop" for a in rule["attributes"]]
    return f"## Never kept\nAttributes dropped before a row is written: {_code(dropped)}.\n"


@cache
def _schema(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((tables.SCHEMAS / f"{name}.json").read_text())
    return data
