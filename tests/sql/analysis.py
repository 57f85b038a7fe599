"""Every node of a compiled dbt project put to GoogleSQL's analyzer, upstream first: columns by table, and problems."""

from dataclasses import dataclass, field

from pipelines import tables
from tests.sql.dbt_project import Node, Project
from tests.sql.googlesql import Catalog, Column, SqlError, output_columns
from tests.sql.partitions import FOR_PARTITIONS, Read, left_open, unfiltered_reads


@dataclass
class Analysis:
    """What the analyzer found. `rejected` and `wide_reads` are lines for people: the node, the line, what is wrong;
    `partitions` is what `tests.sql.partitions` asks for."""

    catalog: Catalog
    columns: dict[str, list[Column]] = field(default_factory=dict)
    partitions: dict[str, list[tuple[str, frozenset[str]]]] = field(default_factory=dict)
    rejected: list[str] = field(default_factory=list)
    wide_reads: list[str] = field(default_factory=list)


def analysis(project: Project, catalog: Catalog) -> Analysis:
    """Analyses a project against the raw tables and what its own nodes, one after the other, turn out to be."""
    found = Analysis(catalog)
    for name, table in project.sources.items():
        catalog.create(tables.ddl(name), table)
        found.partitions[table] = [(table, frozenset({tables.partition_column(name)}))]
    for table, ddl in project.state_ddl.items():
        catalog.create(ddl, table)
    for node in project.nodes:
        if node.kind == "seed":
            catalog.create(seed_ddl(node), node.table)
        else:
            _analyse(node, found)
    return found


def seed_ddl(node: Node) -> str:
    """CREATE TABLE of a seed, by the column types that its yml declares; text where it declares none."""
    columns = (f"{name} {node.column_types.get(name, 'STRING')}" for name in node.seed_header())
    return f"create table t ({', '.join(columns)})"


def _analyse(node: Node, found: Analysis) -> None:
    partitions = found.partitions
    if node.contract and node.table in node.sql.replace("`", ""):  # it reads what earlier runs left in it
        columns_sql = ", ".join(f"{name} {kind}" for name, kind in node.contract)
        found.catalog.create(f"create table t ({columns_sql})", node.table)
        partitions[node.table] = [(node.table, frozenset({node.partition_column or ""}))]
    try:
        statement = found.catalog.resolve(node.sql, **FOR_PARTITIONS)
    except SqlError as error:
        found.rejected.append(f"{node.path}: {error}")
        return
    if node.is_view:
        partitions[node.table] = left_open(statement, partitions)
    else:
        found.wide_reads += [_wide_read(node, read) for read in unfiltered_reads(statement, partitions)]
    if node.kind in ("model", "snapshot"):
        columns = found.columns[node.table] = output_columns(statement)
        found.catalog.add(node.table, columns)
        if not node.is_view and node.partition_column in {c.name for c in columns}:
            partitions[node.table] = [(node.table, frozenset({node.partition_column}))]


def _wide_read(node: Node, read: Read) -> str:
    line = node.sql.encode()[: read.offset].count(b"\n") + 1
    return f"{node.path}: reads all of {read.table} [compiled line {line}]: filter its partition column"
