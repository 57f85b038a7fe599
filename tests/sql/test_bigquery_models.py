"""Everything that dbt would send to BigQuery, as compiled offline, is put to GoogleSQL's analyzer."""

from pathlib import Path

import pytest

from tests.sql.analysis import Analysis
from tests.sql.dbt_project import Project, inline

FORMS = pytest.mark.parametrize("form", ["incremental", "full_refresh"])


@pytest.fixture
def project(form: str, request: pytest.FixtureRequest) -> Project:
    found: Project = request.getfixturevalue(form)
    return found


@pytest.fixture
def analysed(form: str, request: pytest.FixtureRequest) -> Analysis:
    found: Analysis = request.getfixturevalue(f"analysed_{form}")
    return found


@FORMS
def test_every_model_test_and_snapshot_passes_the_analyzer(analysed: Analysis) -> None:
    assert not analysed.rejected, "\n".join(["BigQuery would reject:", *analysed.rejected])


@FORMS
def test_every_read_of_a_partitioned_table_filters_its_partition_column(analysed: Analysis) -> None:
    assert not analysed.wide_reads, "\n".join(["full scans:", *analysed.wide_reads])


@FORMS
def test_every_mart_has_the_columns_and_types_of_its_contract(project: Project, analysed: Analysis) -> None:
    marts = [node for node in project.nodes if node.contract]
    found = {mart.name: [(c.name, c.type) for c in analysed.columns.get(mart.table, [])] for mart in marts}
    assert marts
    assert found == {mart.name: mart.contract for mart in marts}


def test_every_seed_declares_the_types_of_all_its_columns(full_refresh: Project) -> None:
    seeds = [node for node in full_refresh.nodes if node.kind == "seed"]
    undeclared = [(seed.path, c) for seed in seeds for c in seed.seed_header() if c not in seed.column_types]
    assert seeds
    assert undeclared == []


def test_the_query_that_finds_the_changed_dates_passes_the_analyzer(
    analysed_full_refresh: Analysis, tmp_path: Path
) -> None:
    catalog = analysed_full_refresh.catalog
    catalog.create(
        "create table marts_state.built_dates (event_date date, table_name string, entry_count int64, row_count int64,"
        " definitions string, models string)"
    )
    statement = catalog.resolve(inline(tmp_path, "{{ changed_dates_sql() }}"))
    columns = [column.name for column in statement.output_column_list]
    assert columns == ["event_date", "table_name", "entry_count", "row_count", "is_changed", "models"]
