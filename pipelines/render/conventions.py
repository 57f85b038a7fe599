"""schemas/promoted_attributes.json → attribute_conventions.csv: attribute names that a newer one has taken over."""

import csv
import io
import json
from pathlib import Path
from typing import Any

from pipelines.tables import SCHEMAS

SEED = SCHEMAS.parent / "dbt" / "seeds" / "rendered" / "attribute_conventions.csv"


def files() -> dict[Path, str]:
    """The seed, one row per older name: its column, and the newest name for the same."""
    columns = json.loads((SCHEMAS / "promoted_attributes.json").read_text())["columns"]
    newest = {name for column in columns for name in _names(column["attributes"][0])}
    rows = {
        (name, column["column"], _names(column["attributes"][0])[0])
        for column in columns
        for alternative in column["attributes"][1:]
        for name in _names(alternative)
        if name not in newest
    }
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("attribute_key", "column_name", "current_attribute_key"))
    writer.writerows(sorted(rows))
    return {SEED: text.getvalue()}


def _names(alternative: str | dict[str, Any]) -> list[str]:
    """Attribute names of one alternative, which may be composed of several."""
    return [alternative] if isinstance(alternative, str) else list(alternative["of"])
