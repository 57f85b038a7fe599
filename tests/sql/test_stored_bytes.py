"""The BigQuery form of what fct_storage is made of: rows and bytes of every table, from each dataset's `__TABLES__`."""

from pathlib import Path

import pyarrow as pa

from tests.sql.conftest import NOW
from tests.sql.dbt_project import inline
from tests.sql.googlesql import META_TABLE, Catalog

LAYERS = {"observability": "raw", "marts_staging": "staging", "marts_intermediate": "intermediate", "marts": "mart"}


def test_tables_of_every_layer_are_counted_and_views_are_not(tmp_path: Path) -> None:
    catalog, listed = Catalog(now=NOW), {}
    for number, dataset in enumerate(LAYERS):
        name = f"otelmart.{dataset}.__TABLES__"
        catalog.create(META_TABLE, name)
        listed[name] = pa.table(
            {
                "table_id": ["kept", "seen_through"],
                "row_count": [number + 1, 0],
                "size_bytes": [100 * (number + 1), 0],
                "type": [1, 2],  # table, view
            }
        )
    found = catalog.evaluate(inline(tmp_path, "{{ bigquery__stored_bytes_sql() }}"), listed)

    assert [column.name for column in found.columns] == [
        "layer", "table_name", "row_count", "logical_bytes", "physical_bytes"
    ]  # fmt: skip
    assert sorted(found.values) == [
        ("intermediate", "kept", 3, 300, None),
        ("mart", "kept", 4, 400, None),
        ("raw", "kept", 1, 100, None),
        ("staging", "kept", 2, 200, None),
    ]
