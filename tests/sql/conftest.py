"""What the tests of SQL share: one GoogleSQL engine for a session, and the dbt project as compiled for BigQuery."""

import datetime as dt

import pytest

from pipelines import tables
from tests.sql.analysis import Analysis, analysis
from tests.sql.dbt_project import Project, compiled
from tests.sql.googlesql import Catalog

NOW = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)
AS_OF = f"{{as_of: '{NOW:%Y-%m-%d %H:%M:%S}', final_after_days: 1}}"


@pytest.fixture(scope="session")
def raw_tables() -> Catalog:
    """The tables of schemas/ as BigQuery has them, in dataset `observability`; it is 2026-11-18 12:00 UTC."""
    catalog = Catalog(now=NOW)
    for name in tables.TABLES:
        catalog.create(tables.ddl(name))
    return catalog


@pytest.fixture(scope="session")
def incremental(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project compiled for BigQuery as an ordinary run would: the last few dates are replaced."""
    return compiled(tmp_path_factory.mktemp("incremental"), "--vars", AS_OF)


@pytest.fixture(scope="session")
def full_refresh(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project compiled for BigQuery as a first run would: all dates are built."""
    return compiled(tmp_path_factory.mktemp("full_refresh"), "--full-refresh", "--vars", AS_OF)


@pytest.fixture(scope="session")
def analysed_incremental(incremental: Project) -> Analysis:
    return analysis(incremental, Catalog(now=NOW))


@pytest.fixture(scope="session")
def analysed_full_refresh(full_refresh: Project) -> Analysis:
    return analysis(full_refresh, Catalog(now=NOW))
