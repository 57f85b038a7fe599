"""The semantic layer's metrics, as MetricFlow compiles them for BigQuery, put to GoogleSQL's analyzer."""

from metricflow.protocols.sql_client import SqlEngine

from tests.demo.test_metrics import QUESTIONS
from tests.sql.analysis import Analysis
from tests.sql.dbt_project import Project
from tests.sql.metric_queries import Metrics


def test_every_metric_passes_the_analyzer(full_refresh: Project, analysed_full_refresh: Analysis) -> None:
    metrics = Metrics(full_refresh.semantic_manifest, SqlEngine.BIGQUERY)
    columns = {
        name: analysed_full_refresh.catalog.analyze(metrics.sql(name, QUESTIONS[name][0])) for name in metrics.names
    }
    assert {name: found[-1].name for name, found in columns.items()} == {name: name for name in metrics.names}
