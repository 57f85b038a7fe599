"""notebooks/*.ipynb run from the top over a demo's warehouse, and keep no output."""

import os
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.demo.conftest import Built

NOTEBOOK = "notebooks/user_journeys.ipynb"


def test_no_output_is_kept(repo: Path) -> None:
    cells = nbformat.read(repo / NOTEBOOK, as_version=4).cells
    assert [cell.source for cell in cells if cell.get("outputs") or cell.get("execution_count")] == []


@pytest.mark.filterwarnings("default")  # the kernel's client opens sockets that it closes late
@pytest.mark.parametrize("built", ["default"], indirect=True)
def test_every_cell_runs_and_answers_in_words(built: Built, repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTELMART_WAREHOUSE", str(built.warehouse))
    notebook = nbformat.read(repo / NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(repo / "notebooks")}}).execute(
        env=dict(os.environ)
    )
    said = "".join(
        output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    )
    sessions = sum(row["session_count"] for row in built.truth["sessions"] if row["environment"] == "production")
    assert f"{sessions:,} sessions with" in said
    assert "/api/orders of order-service 1.1.0 cost most" in said
