"""local-bigquery 0.4.0 with three repairs that dbt and typed loads need. Runs in its own Python 3.13 environment.

Arguments are those of `local-bigquery`.
"""

import sys

import sqlglot
from local_bigquery.cli import main
from local_bigquery.jobs import load, query, runner
from local_bigquery.sql import script
from sqlglot import exp


def name_the_created_table() -> None:
    """BigQuery names the table of CREATE TABLE AS SELECT as the job's destination; dbt-bigquery reads it."""
    execute = query.execute

    def named(*args, **kwargs):
        statistics, children, destination = execute(*args, **kwargs)
        if destination is None and statistics.statementType == "CREATE_TABLE_AS_SELECT":
            destination = statistics.ddlTargetTable
        return statistics, children, destination

    query.execute = runner.query.execute = named


def assign_from_structs() -> None:
    """`SET (x) = (SELECT AS STRUCT expression)`, as insert_overwrite sends it."""
    interpret = script.Interpreter.set

    def assigned(self, statement):
        tree = sqlglot.parse_one(statement.text, dialect=script.BigQueryDialect)
        for item in tree.expressions:
            target, value = item.this.this, item.this.expression
            inner = value.this if isinstance(value, (exp.Subquery, exp.Paren)) else value
            if isinstance(target, exp.Paren) and isinstance(inner, exp.Select) and inner.args.get("kind") == "STRUCT":
                scalar = inner.copy()
                scalar.set("kind", None)
                return self.assign(self.variable(target.this.name), exp.Subquery(this=scalar))
        return interpret(self, statement)

    script.Interpreter.set = assigned


def load_bytes_of_parquet_as_they_are() -> None:
    """BYTES are base64 in JSON and CSV only."""
    projection, decoded = load._projection, load._decoded

    def projected(config, fields, columns):
        load._decoded = (lambda expression, *_: expression) if config.sourceFormat == "PARQUET" else decoded
        return projection(config, fields, columns)

    load._projection = projected


if __name__ == "__main__":
    name_the_created_table()
    assign_from_structs()
    load_bytes_of_parquet_as_they_are()
    sys.exit(main())
