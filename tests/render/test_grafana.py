"""Dashboards of Grafana: what its own types make of them, where panels stand, and mistakes named by file and line."""

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from pipelines.errors import UsageError
from pipelines.render import grafana

DASHBOARDS = {path.stem: json.loads(text) for path, text in grafana.files().items()}
GOOD = """title: t
description: d
panels:
  - title: a
    kind: stat
    sql: select count(*) from {marts}.fct_sessions where {dates}
"""


@pytest.mark.parametrize("name", DASHBOARDS)
def test_grafanas_types_know_every_field_of_a_dashboard(name: str) -> None:
    plugins.register_default_plugins()
    understood = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARDS[name])))
    assert _lost(DASHBOARDS[name], understood, "") == []


@pytest.mark.parametrize("name", DASHBOARDS)
def test_panels_stand_side_by_side_in_the_grid(name: str) -> None:
    places = [panel["gridPos"] for panel in DASHBOARDS[name]["panels"]]
    assert all(place["x"] + place["w"] <= grafana.GRID_WIDTH for place in places)
    assert [(a, b) for a, b in combinations(places, 2) if _overlap(a, b)] == []


def test_every_panel_asks_the_data_source_that_is_provisioned() -> None:
    provisioned = yaml.safe_load((grafana.FOLDER / "provisioning" / "datasources.yaml").read_text())["datasources"]
    assert {(source["type"], source["uid"]) for source in provisioned} == {tuple(grafana.DATA_SOURCE.values())}
    asked = re.findall(r'"datasource": ({[^}]+})', "".join(grafana.files().values()))
    assert {tuple(json.loads(source).values()) for source in asked} == {tuple(grafana.DATA_SOURCE.values())}


def test_a_panel_is_given_the_filters_that_its_sql_asks_for(tmp_path: Path) -> None:
    (panel,) = json.loads(_dashboard(tmp_path, GOOD))["panels"]
    assert panel["targets"][0]["rawSql"] == (
        "select count(*) from ${dataset}.fct_sessions where event_date between"
        " date(timestamp_millis(${__from})) and date(timestamp_millis(${__to}))"
    )


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("{dates}", "{date}", "x.yaml:6: unknown {date}; known here: {marts}, {dates}, {hours},"),
        ("kind: stat", "kind: pie", "x.yaml:5: unknown panels[0].kind 'pie'; choose one of lines, bars, stat, table"),
        ("kind: stat", "sort: stat", "x.yaml:5: unknown field 'panels[0].sort'"),
        ("description: d\n", "", "x.yaml:1: missing field 'description'"),
        (GOOD, "", "x.yaml:1: 0 YAML documents, and a file is one dashboard"),
        ("title: t\n", "title: t\n---\ntitle: t\n", "x.yaml:1: 2 YAML documents"),
        ("title: t\n", "title: [t\n", "x.yaml:2: not YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_by_file_and_line(tmp_path: Path, old: str, new: str, text: str) -> None:
    with pytest.raises(UsageError, match=re.escape(text)):
        _dashboard(tmp_path, GOOD.replace(old, new))


def _dashboard(folder: Path, text: str) -> str:
    (folder / "x.yaml").write_text(text)
    return grafana.dashboard(folder / "x.yaml", "x.yaml")


def _lost(ours: Any, understood: Any, where: str) -> list[str]:
    """Places of what is not there any more once it was read; what was added are Grafana's defaults."""
    if isinstance(ours, dict) and isinstance(understood, dict):
        return [lost for key in ours for lost in _lost(ours[key], understood.get(key), f"{where}.{key}")]
    if isinstance(ours, list) and isinstance(understood, list) and len(ours) == len(understood):
        return [
            lost for n, pair in enumerate(zip(ours, understood, strict=True)) for lost in _lost(*pair, f"{where}[{n}]")
        ]
    return [] if ours == understood else [f"{where}: {ours!r} is {understood!r}"]


def _overlap(a: dict[str, int], b: dict[str, int]) -> bool:
    return all(a[at] < b[at] + b[size] and b[at] < a[at] + a[size] for at, size in (("x", "w"), ("y", "h")))
