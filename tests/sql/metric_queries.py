"""SQL of the semantic layer's metrics, as MetricFlow compiles it for either engine."""

from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.big_query import BigQuerySqlPlanRenderer
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow.sql.render.sql_plan_renderer import SqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

RENDERERS: dict[SqlEngine, type[SqlPlanRenderer]] = {
    SqlEngine.BIGQUERY: BigQuerySqlPlanRenderer,
    SqlEngine.DUCKDB: DuckDbSqlPlanRenderer,
}


class Compiler:
    """As much of a connection as MetricFlow needs to compile and not to run."""

    def __init__(self, sql_engine_type: SqlEngine) -> None:
        self.sql_engine_type = sql_engine_type
        self.sql_plan_renderer = RENDERERS[sql_engine_type]()

    def render_bind_parameter_key(self, key: str) -> str:
        return f"@{key}"

    def close(self) -> None:
        pass


class Metrics:
    """The metrics of a semantic manifest (dbt writes it beside its manifest), for one engine."""

    def __init__(self, semantic_manifest: str, engine: SqlEngine) -> None:
        manifest = parse_manifest_from_dbt_generated_manifest(manifest_json_string=semantic_manifest)
        self.names = sorted(metric.name for metric in manifest.metrics)
        self._engine = MetricFlowEngine(SemanticManifestLookup(manifest), Compiler(engine))

    def sql(self, metric: str, group_by: tuple[str, ...]) -> str:
        """A query whose rows have the metric after the columns it is grouped by; MetricFlow orders these as the
        semantic model lists them."""
        request = MetricFlowQueryRequest.create(metric_names=[metric], group_by_names=group_by)
        return str(self._engine.explain(request).sql_statement.without_descriptions.sql)
