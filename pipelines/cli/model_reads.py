"""What each model of a build read: from DuckDB's log of metrics, or from BigQuery's answers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

Read = Mapping[str, float | None]  # seconds, rows_read, bytes_read
Reads = Mapping[str, Read]
HEADINGS = f"{'seconds':>8} {'rows read':>13} {'MB read':>9}"


def of(results: list[dict[str, Any]], warehouse: Path | None) -> Reads:
    """{model: seconds, rows_read, bytes_read} of dbt's results, longest first; None where the engine does not say.

    DuckDB (`warehouse`): rows of the files and row groups that a scan could not skip, and bytes that came from disk,
    not from its cache. BigQuery: `bytes_processed`, which it bills by.
    """
    told = _told_by_duckdb(warehouse) if warehouse else _told_by_bigquery(results)
    models = [r for r in results if r["unique_id"].startswith("model.") and r["status"] == "success"]
    models.sort(key=lambda r: -float(r["execution_time"]))
    found: dict[str, Read] = {}
    for model in models:
        rows, size = told.get(model["unique_id"], (None, None))
        seconds = round(model["execution_time"], 3)
        found[model["unique_id"].split(".")[2]] = {"seconds": seconds, "rows_read": rows, "bytes_read": size}
    return found


def lines(reads: Reads) -> Iterator[str]:
    """A table of them, and their sum."""
    width = max((len(name) for name in reads), default=0)
    yield f"{'model':{width}} {HEADINGS}"
    for name, read in [*reads.items(), ("all", total(reads))]:
        yield f"{name:{width}} {figures(read)}"


def total(reads: Reads) -> Read:
    """The sum of them."""
    return {key: sum(read[key] or 0 for read in reads.values()) for key in ("seconds", "rows_read", "bytes_read")}


def figures(read: Read) -> str:
    """What stands below HEADINGS; empty where the engine did not say."""
    megabytes = None if read["bytes_read"] is None else read["bytes_read"] / 1e6
    texts = (_text(read["seconds"], ".2f"), _text(read["rows_read"], ",.0f"), _text(megabytes, ",.1f"))
    return "{:>8} {:>13} {:>9}".format(*texts)


def _told_by_duckdb(warehouse: Path) -> dict[str, tuple[int | None, int | None]]:
    import duckdb

    if not warehouse.exists():
        return {}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        if not connection.execute("from duckdb_tables() where table_name = 'reads'").fetchall():
            return {}  # the first build ended too early to leave it
        rows = connection.execute("select node_id, rows_read, bytes_read from marts_state.reads").fetchall()
    return {node: (count, size) for node, count, size in rows}


def _told_by_bigquery(results: list[dict[str, Any]]) -> dict[str, tuple[int | None, int | None]]:
    return {r["unique_id"]: (None, r["adapter_response"].get("bytes_processed")) for r in results}


def _text(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
