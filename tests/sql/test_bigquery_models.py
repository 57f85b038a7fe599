"""Everything that dbt would send to BigQuery, as compiled offline, is put to GoogleSQL's analyzer."""

import pytest

from tests.sql.analysis import Analysis, analysis
from tests.sql.conftest import NOW
from tests.sql.dbt_project import Project, compiled
from tests.sql.googlesql import Catalog

FORMS = {"incremental": [], "full refresh": ["--full-refresh"]}


@pytest.fixture(scope="module", params=list(FORMS))
def project(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    return compiled(tmp_path_factory.mktemp("target"), *FORMS[request.param])


@pytest.fixture(scope="module")
def analysed(project: Project) -> Analysis:
    return analysis(project, Catalog(now=NOW))


def test_every_model_test_and_snapshot_passes_the_analyzer(analysed: Analysis) -> None:
    assert not analysed.rejected, "\n".join(["BigQuery would reject:", *analysed.rejected])


def test_every_read_of_a_partitioned_table_filters_its_partition_column(analysed: Analysis) -> None:
    assert not analysed.wide_reads, "\n".join(["full scans:", *analysed.wide_reads])


def test_every_mart_has_the_columns_and_types_of_its_contract(project: Project, analysed: Analysis) -> None:
    declared = {node.name: node.contract for node in project.nodes if node.contract}
    analysed_columns = {
        node.name: [(c.name, c.type) for c in analysed.columns.get(node.table, [])]
        for node in project.nodes
        if node.contract
    }
    assert declared
    assert analysed_columns == declared
