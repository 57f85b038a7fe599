"""SQL of the Grafana dashboards as it reaches BigQuery: what Grafana fills in is filled in."""

import json
import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from pipelines.render import grafana


def queries() -> dict[str, str]:
    """`dashboard: panel` or `dashboard: variable` → SQL with Grafana's variables in it."""
    return dict(_queries())


def metrics() -> dict[str, str]:
    """`dashboard: panel` → the metric that it says it shows."""
    found = {}
    for path, text in grafana.files().items():
        for panel in json.loads(text)["panels"]:
            if named := re.search(r"Metric (\w+) of the semantic layer", panel["description"]):
                found[f"{path.stem}: {panel['title']}"] = named[1]
    return found


def filled(sql: str, dataset: str, environment: str, services: Sequence[str], first: datetime, last: datetime) -> str:
    """The same with the values that a reader has chosen."""
    values = {
        "dataset": dataset,
        "environment:singlequote": f"'{environment}'",
        "service:singlequote": ",".join(f"'{service}'" for service in services),
        "__from": str(round(first.timestamp() * 1000)),
        "__to": str(round(last.timestamp() * 1000)),
    }
    for name, value in values.items():
        sql = sql.replace(f"${{{name}}}", value)
    return sql


def _queries() -> Iterator[tuple[str, str]]:
    for path, text in grafana.files().items():
        dashboard = json.loads(text)
        for panel in dashboard["panels"]:
            (target,) = panel["targets"]
            yield f"{path.stem}: {panel['title']}", target["rawSql"]
        for variable in dashboard["templating"]["list"]:
            if variable["type"] == "query":
                yield f"{path.stem}: {variable['name']}", variable["query"]["rawSql"]
