"""One GoogleSQL engine for the whole session: its start is the dear part."""

import datetime as dt

import pytest

from pipelines import tables
from tests.sql.googlesql import Catalog

NOW = dt.datetime(2026, 11, 18, 12, tzinfo=dt.UTC)


@pytest.fixture(scope="session")
def raw_tables() -> Catalog:
    """The tables of schemas/ as BigQuery has them, in dataset `observability`; it is 2026-11-18 12:00 UTC."""
    catalog = Catalog(now=NOW)
    for name in tables.TABLES:
        catalog.create(tables.ddl(name))
    return catalog
