"""Grafana dashboards, rendered from the panels of deploy/grafana/*.yaml: SQL over the marts, in BigQuery's dialect."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.errors import UsageError
from pipelines.render import REPO
from pipelines.render.places import Place, documents

FOLDER = REPO / "deploy" / "grafana"
DATA_SOURCE = {"type": "grafana-bigquery-datasource", "uid": "otelmart"}
TIME_SERIES, TABLE = 0, 1  # formats of that data source
GRID_WIDTH, USUAL_WIDTH, USUAL_HEIGHT = 24, 12, 9
SCHEMA_VERSION = 39  # Grafana 11
FROM, TO = "timestamp_millis(${__from})", "timestamp_millis(${__to})"
DATES = f"event_date between date({FROM}) and date({TO})"
# what stands in braces in a panel's SQL → what Grafana fills in; names are quoted by it, as BigQuery wants them
FILTERS = {
    "marts": "${dataset}",
    "dates": DATES,
    "hours": f"{DATES} and hour_time between timestamp_trunc({FROM}, hour) and {TO}",
    "environment": "deployment_environment = ${environment:singlequote}",
    "services": "service_name in (${service:singlequote})",
    "service_names": "${service:singlequote}",
}
IN_LAST_DAYS = "event_date >= date_sub(current_date(), interval 30 day)"
ENVIRONMENTS = f"""
select distinct deployment_environment
from ${{dataset}}.fct_volume_daily
where {IN_LAST_DAYS}
order by deployment_environment
"""
SERVICES = f"""
select distinct service_name
from ${{dataset}}.fct_volume_daily
where {IN_LAST_DAYS} and deployment_environment = ${{environment:singlequote}}
order by service_name
"""
LINES = {"drawStyle": "line", "lineWidth": 2, "fillOpacity": 0, "showPoints": "auto", "spanNulls": False}
BARS = {"drawStyle": "bars", "lineWidth": 0, "fillOpacity": 80, "stacking": {"mode": "normal"}}
LEGEND = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
    "tooltip": {"mode": "multi", "sort": "desc"},
}
# kind of a panel → Grafana's type, format of its rows, options, and how series are drawn
KINDS: dict[str, tuple[str, int, dict[str, Any], dict[str, Any]]] = {
    "lines": ("timeseries", TIME_SERIES, LEGEND, LINES),
    "bars": ("timeseries", TIME_SERIES, LEGEND, BARS),
    "stat": ("stat", TABLE, {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value"}, {}),
    "table": ("table", TABLE, {"cellHeight": "sm"}, {"filterable": True}),
}
REQUIRED = ("title", "kind", "sql")
OPTIONAL = ("unit", "units", "metric", "description", "width", "height", "red_from")


def files() -> dict[Path, str]:
    """Every dashboard, by path. Raises UsageError for a mistake in a file of panels."""
    sources = {path: str(path.relative_to(REPO)) for path in sorted(FOLDER.glob("*.yaml"))}
    return {FOLDER / "dashboards" / f"{path.stem}.json": dashboard(path, shown) for path, shown in sources.items()}


def dashboard(path: Path, shown: str) -> str:
    """JSON of the dashboard whose panels a YAML file lists; `shown` is the path that errors name."""
    found = documents(path, shown)
    if len(found) != 1:
        raise UsageError(f"{shown}:1: {len(found)} YAML documents, and a file is one dashboard")
    fields = found[0].fields(("title", "description", "panels"), ("by_service",))
    has_service = "by_service" in fields and fields["by_service"].boolean()
    made = {
        "uid": f"otelmart-{path.stem}",
        "title": fields["title"].text(),
        "description": f"{fields['description'].text()} Rendered by otelmart render: do not edit.",
        "tags": ["otelmart"],
        "timezone": "utc",
        "schemaVersion": SCHEMA_VERSION,
        "graphTooltip": 1,  # one reading line in all panels
        "time": {"from": "now-7d", "to": "now"},
        "templating": {"list": list(_variables(has_service))},
        "annotations": {"list": []},
        "links": [{"type": "dashboards", "title": "otelmart", "tags": ["otelmart"], "keepTime": True}],
        "panels": list(_placed(fields["panels"].items())),
    }
    return json.dumps(made, indent=2, ensure_ascii=False) + "\n"


def _variables(has_service: bool) -> Iterator[dict[str, Any]]:
    yield {"name": "dataset", "type": "constant", "query": "marts", "hide": 2}
    yield _asked("environment", ENVIRONMENTS, current={"text": "production", "value": "production"})
    if has_service:
        everything = {"text": ["All"], "value": ["$__all"]}
        yield _asked("service", SERVICES, current=everything, multi=True, includeAll=True)


def _asked(name: str, sql: str, **more: Any) -> dict[str, Any]:
    """A variable whose values a query lists, each time the dashboard is opened or the time changes."""
    return {
        "name": name,
        "label": name,
        "type": "query",
        "datasource": DATA_SOURCE,
        "query": _query(name, sql, TABLE),
        "refresh": 2,
        **more,
    }


def _placed(panels: list[Place]) -> Iterator[dict[str, Any]]:
    """Panels from left to right, a new line where one has no room; a line is as high as its highest."""
    x = y = line_height = 0
    for number, place in enumerate(panels, start=1):
        fields = place.fields(REQUIRED, OPTIONAL)
        width, height = (
            int(fields[name].number()) if name in fields else usual
            for name, usual in (("width", USUAL_WIDTH), ("height", USUAL_HEIGHT))
        )
        if x + width > GRID_WIDTH:
            x, y, line_height = 0, y + line_height, 0
        yield {"id": number, "gridPos": {"x": x, "y": y, "w": width, "h": height}, **_panel(fields)}
        x, line_height = x + width, max(line_height, height)


def _panel(fields: dict[str, Place]) -> dict[str, Any]:
    type_, format_, options, drawn = KINDS[fields["kind"].choice(KINDS)]
    defaults: dict[str, Any] = {"custom": drawn}
    if "unit" in fields:
        defaults["unit"] = fields["unit"].text()
    if "red_from" in fields:
        steps = [{"value": None, "color": "green"}, {"value": int(fields["red_from"].number()), "color": "red"}]
        defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    units = fields["units"].texts() if "units" in fields else {}
    return {
        "type": type_,
        "title": fields["title"].text(),
        "description": " ".join(_said(fields)),
        "datasource": DATA_SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": [_unit_of(column, unit) for column, unit in units.items()]},
        "options": options,
        "targets": [_query("A", _filtered(fields["sql"]), format_)],
    }


def _said(fields: dict[str, Place]) -> Iterator[str]:
    if "description" in fields:
        yield fields["description"].text()
    if "metric" in fields:
        yield f"Metric {fields['metric'].text()} of the semantic layer."


def _unit_of(column: str, unit: str) -> dict[str, Any]:
    return {"matcher": {"id": "byName", "options": column}, "properties": [{"id": "unit", "value": unit}]}


def _query(ref_id: str, sql: str, format_: int) -> dict[str, Any]:
    return {
        "refId": ref_id,
        "datasource": DATA_SOURCE,
        "editorMode": "code",
        "rawQuery": True,
        "format": format_,
        "rawSql": sql.strip(),
    }


def _filtered(place: Place) -> str:
    def filled(match: re.Match[str]) -> str:
        if match[1] not in FILTERS:
            raise place.error(f"unknown {match[0]}; known here: {', '.join(f'{{{name}}}' for name in FILTERS)}")
        return FILTERS[match[1]]

    return re.sub(r"\{(\w+)\}", filled, place.text())
