"""`otelmart demo`: what a person sees when it works and when they misuse it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest


def run(otelmart: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([otelmart, "demo", *arguments], capture_output=True, text=True, check=False)


def test_it_writes_a_demo_and_says_what_is_in_it(otelmart: str, tmp_path: Path) -> None:
    done = run(otelmart, "--to", str(tmp_path / "shop"), "--seed", "5", "--days", "1", "--users", "5", "--json")
    assert done.returncode == 0
    written = json.loads(done.stdout)
    assert (written["seed"], written["start"], written["days"], written["users"]) == (5, "2026-11-16", 1, 5)
    outside = json.loads((tmp_path / "shop/outside_counts.json").read_text())
    assert written["rows"] == {row["table_name"]: row["row_count"] for row in outside}
    assert "day 1 of 1" in done.stderr


@pytest.fixture(scope="module")
def written(otelmart: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One day with 5 users."""
    out = tmp_path_factory.mktemp("command") / "shop"
    run(otelmart, "--to", str(out), "--days", "1", "--users", "5")
    return out


def test_a_demo_that_is_there_already_is_left_alone(otelmart: str, written: Path) -> None:
    before = (written / "truth.json").stat().st_mtime_ns
    again = run(otelmart, "--to", str(written), "--days", "1", "--users", "5")
    assert (again.returncode, (written / "truth.json").stat().st_mtime_ns) == (0, before)
    assert "already there, nothing to do" in again.stderr


def test_another_demo_in_the_way_is_replaced_only_with_force(otelmart: str, written: Path, tmp_path: Path) -> None:
    out = tmp_path / "shop"
    shutil.copytree(written, out)
    refused = run(otelmart, "--to", str(out), "--days", "1", "--users", "6")
    assert refused.returncode == 2
    assert refused.stderr == (
        f"otelmart: {out} holds another demo (--users 5): choose another --to, or replace it with --force\n"
    )
    forced = run(otelmart, "--to", str(out), "--days", "1", "--users", "6", "--force", "--json")
    assert (forced.returncode, json.loads(forced.stdout)["users"]) == (0, 6)


def test_a_directory_with_other_files_is_never_touched(otelmart: str, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("irreplaceable")
    for truth in (None, "{}", "no JSON", '["parameters"]', '{"parameters": {"seed": 7}}'):
        if truth:  # what ingest reads receive times from stands beside it
            (tmp_path / "manifest.jsonl").write_text("{}\n")
            (tmp_path / "truth.json").write_text(truth)
        done = run(otelmart, "--to", str(tmp_path), "--force", "--days", "1", "--users", "5")
        assert done.returncode == 2
        assert "holds no demo" in done.stderr
        assert (tmp_path / "thesis.txt").read_text() == "irreplaceable"


def test_options_out_of_range_are_refused(otelmart: str, tmp_path: Path) -> None:
    out = str(tmp_path / "shop")
    for wrong in (("--days", "0"), ("--users", "0"), ("--start", "yesterday"), ("--seed", "x")):
        done = run(otelmart, "--to", out, *wrong)
        assert done.returncode == 2
        assert wrong[0] in done.stderr
    assert not Path(out).exists()


def test_a_file_where_the_directory_should_go_is_refused(otelmart: str, tmp_path: Path) -> None:
    (tmp_path / "shop").write_text("a file")
    for out, code in ((tmp_path / "shop", 2), (tmp_path / "shop/below", 1)):
        done = run(otelmart, "--to", str(out), "--days", "1", "--users", "5")
        assert done.returncode == code
        assert done.stderr.splitlines()[-1].startswith("otelmart: ")
        assert "Traceback" not in done.stderr


def test_a_full_disk_ends_in_one_line_and_leaves_nothing(otelmart: str, tmp_path: Path) -> None:
    command = f"ulimit -f 8; PYTHONDONTWRITEBYTECODE=1 exec {otelmart} demo --to {tmp_path}/shop --days 1 --users 5"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "otelmart: disk full" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
