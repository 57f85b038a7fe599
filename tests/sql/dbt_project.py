"""The dbt project as compiled for BigQuery, without BigQuery: its nodes in the order in which they are built."""

import csv
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[2]
DBT = REPO / "dbt"
KINDS = ("seed", "snapshot", "model", "test")


@dataclass(frozen=True)
class Node:
    """A seed, snapshot, model or test. `table` is its dotted name in BigQuery; `sql` is empty for a seed."""

    name: str
    kind: str
    path: str
    table: str
    materialized: str
    sql: str
    partition_column: str | None
    contract: list[tuple[str, str]] | None
    column_types: dict[str, str]

    def seed_header(self) -> list[str]:
        """Columns of a seed's file."""
        with (DBT / self.path).open(newline="") as file:
            return next(csv.reader(file))

    @property
    def is_view(self) -> bool:
        return self.materialized == "view"


@dataclass(frozen=True)
class Project:
    """Every node of a compiled project in build order; `sources` are the dotted names of the raw tables, `state_ddl` is
    the CREATE TABLE of what runs leave behind, by its dotted name, `manifest` is dbt's own, `semantic_manifest` its
    JSON of the semantic models and metrics."""

    nodes: list[Node]
    sources: dict[str, str]
    state_ddl: dict[str, str]
    manifest: dict[str, Any]
    semantic_manifest: str

    def model(self, name: str) -> Node:
        return next(node for node in self.nodes if node.kind == "model" and node.name == name)


def compiled(target_path: Path, *flags: str) -> Project:
    """The project compiled for BigQuery with dbt's own flags, offline. dbt's words are the error when it fails."""
    _compile(target_path, *flags)
    manifest = json.loads((target_path / "manifest.json").read_text())
    return _project(manifest, (target_path / "semantic_manifest.json").read_text())


def inline(target_path: Path, template: str) -> str:
    """BigQuery SQL of a template that may use the project's macros."""
    return _compile(target_path, "--inline", template)


def _compile(target_path: Path, *flags: str) -> str:
    command = [str(Path(sys.executable).with_name("dbt")), "--no-populate-cache", "--quiet", "compile"]
    options = ["--no-introspect", "--target", "bigquery", "--project-dir", "dbt", "--profiles-dir", "dbt"]
    paths = ["--target-path", str(target_path), "--log-path", str(target_path)]
    env = {**os.environ, "OTELMART_BIGQUERY_OFFLINE": "1"}
    done = subprocess.run([*command, *options, *paths, *flags], cwd=REPO, env=env, capture_output=True, text=True)
    assert done.returncode == 0, f"dbt compile failed:\n{done.stdout}{done.stderr}"
    return done.stdout


def _project(manifest: dict[str, Any], semantic_manifest: str) -> Project:
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] in KINDS}
    order = TopologicalSorter({key: node["depends_on"].get("nodes", []) for key, node in nodes.items()}).static_order()
    order = sorted(order, key=lambda key: nodes.get(key, {}).get("resource_type") == "test")  # tests see all tables
    sources = list(manifest["sources"].values())
    raw = {s["name"]: _dotted(s["relation_name"]) for s in sources if s["source_name"] == "observability"}
    state = {_dotted(s["relation_name"]): _source_ddl(s) for s in sources if s["source_name"] == "state"}
    return Project([_node(nodes[key]) for key in order if key in nodes], raw, state, manifest, semantic_manifest)


def _source_ddl(source: dict[str, Any]) -> str:
    columns = (f"{column['name']} {column['data_type']}" for column in source["columns"].values())
    return f"create table t ({', '.join(columns)})"


def _node(node: dict[str, Any]) -> Node:
    config = node["config"]
    columns = [(c["name"], (c["data_type"] or "").upper()) for c in node["columns"].values()]
    return Node(
        name=node["name"],
        kind=node["resource_type"],
        path=node["path"] if node["resource_type"] != "seed" else str(Path("seeds") / node["path"]),
        table=_dotted(node["relation_name"] or ""),
        materialized=config["materialized"],
        sql=node.get("compiled_code") or "",
        partition_column=(config.get("partition_by") or {}).get("field"),
        contract=columns if config.get("contract", {}).get("enforced") else None,
        column_types={name: kind.upper() for name, kind in (config.get("column_types") or {}).items()},
    )


def _dotted(relation_name: str) -> str:
    return relation_name.replace("`", "")
