"""Nothing is answered that is not durable, and nothing durable is lost: full disk, kill -9, a stop, a port in use."""

import asyncio
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import duckdb
import psutil
import pytest
import requests

from pipelines.listen import keeper
from pipelines.listen.exports import Export
from pipelines.listen.inbox import Inbox
from tests.beforehand import AT_MOST_20_KB_A_FILE
from tests.listen.conftest import Start
from tests.pipeline.telemetry import rows, spans


def test_a_full_disk_is_answered_with_come_again_and_nothing_is_half_kept(start: Start) -> None:
    listener = start(before=AT_MOST_20_KB_A_FILE, environment={"PYTHONDONTWRITEBYTECODE": "1"})
    large = listener.post("traces", spans(1, count=1000))

    assert (large.status_code, large.headers["Retry-After"]) == (503, "5")
    assert b"disk full" in large.content
    assert listener.inbox_files() == []
    assert listener.post("traces", spans(1)).status_code == 200
    assert len(listener.inbox_files()) == 1


def test_what_was_answered_before_kill_9_is_in_the_lake_after_the_next_run(start: Start) -> None:
    listener = start()
    answered: list[int] = []

    def send(i: int) -> None:
        try:
            if listener.post("traces", spans(1000 + 10 * i, count=2)).status_code == 200:
                answered.append(1000 + 10 * i)
        except requests.ConnectionError:
            return
        if len(answered) >= 60:
            listener.process.kill()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(400)))
    assert listener.process.wait() == -9
    assert 60 <= len(answered) < 400
    (listener.folder / "inbox" / "traces" / ".half.otlp.1-1.tmp").write_bytes(b"half")
    start().stop()

    query = "select cast(('0x' || right(trace_id, 8)) as int) from traces"
    kept = {i for (i,) in rows(listener.lake, query)}
    assert kept >= {i + n for i in answered for n in (0, 1)}
    assert rows(listener.lake, "select count(*) - count(distinct trace_id) from traces") == [(0,)]
    assert listener.inbox_files() == []


def test_an_inbox_folder_that_was_removed_is_made_again(start: Start) -> None:
    listener = start()
    (listener.folder / "inbox" / "traces").rmdir()

    assert listener.post("traces", spans(1, count=3)).status_code == 200
    listener.stop()
    assert rows(listener.lake, "select count(*) from traces") == [(3,)]


def test_marts_and_report_follow_what_comes(start: Start) -> None:
    listener = start("--load-every", "1s", "--build-every", "1s")
    listener.post("traces", spans(1, count=7))
    assert listener.process.stderr
    said = [listener.process.stderr.readline() for _ in range(3)]

    assert [line.partition(":")[0] for line in said] == ["ingest", "build", "report"]
    assert "7 spans from 1 files" in said[0]
    assert (listener.folder / ".otelmart" / "report.html").stat().st_size > 10_000


def dbt_of(listener: int) -> list[psutil.Process]:
    """dbt's processes below it that have not ended."""
    found = []
    for process in psutil.Process(listener).children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            found += [process] if "pipelines.dbt_process" in process.cmdline() else []
    return found


def test_a_build_that_is_under_way_is_ended_by_a_stop_and_made_again(start: Start) -> None:
    listener = start("--load-every", "1s", "--build-every", "1s")
    listener.post("traces", spans(1, count=7))
    while not (dbt := dbt_of(listener.process.pid)):
        time.sleep(0.05)
    listener.post("traces", spans(101, count=5))
    said = listener.stop().splitlines()

    assert not any(each.is_running() for each in dbt)
    assert [line.partition(":")[0] for line in said[-3:]] == ["ingest", "build", "report"], said
    with duckdb.connect(str(listener.folder / "w.duckdb"), read_only=True) as warehouse:
        assert warehouse.execute("select sum(request_count) from marts.fct_latency_daily").fetchall() == [(12,)]


def test_the_lake_is_compacted_after_some_loads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(keeper, "_COMPACT_EVERY_LOADS", 2)
    inbox = Inbox(tmp_path / "inbox")
    said: list[str] = []
    plan = keeper.Plan("lake", 1 << 20, tmp_path / "w.duckdb", tmp_path / "r.html", 0.1, None)

    async def loads() -> None:
        running = asyncio.create_task(keeper.Keeper(inbox, plan, said.append).run())
        for number in range(3):
            inbox.keep([Export("traces", spans(1 + 10 * number), "protobuf")], ())
            while inbox.files():
                await asyncio.sleep(0.05)
        running.cancel()

    asyncio.run(asyncio.wait_for(loads(), 60))
    verbs = [line.partition(":")[0] for line in said]
    assert verbs[:4] == ["ingest", "ingest", "compact", "ingest"], said
    assert said[2] == "compact: nothing to compact: no table has 64 small parts of one date"


def test_an_inbox_has_one_receiver(start: Start, otelmart: str, tmp_path: Path) -> None:
    start()
    command = [otelmart, "listen", "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--inbox", "inbox"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        "otelmart: inbox is the inbox of an otelmart listen that runs: stop that, or name another with --inbox\n",
    )


@pytest.mark.parametrize("option", ["--http", "--grpc"])
def test_a_port_in_use_is_one_line_with_the_cure(start: Start, otelmart: str, tmp_path: Path, option: str) -> None:
    listener = start()
    address = listener.http.removeprefix("http://") if option == "--http" else listener.grpc
    free = ["--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
    done = subprocess.run(
        [otelmart, "listen", *free, option, address, "--inbox", "other"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert f"otelmart: cannot listen on {address} (" in done.stderr
    assert f"choose another with {option} 127.0.0.1:PORT" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--http", "4318"], "'4318' is no address: write HOST:PORT, for example 127.0.0.1:4318"),
        (["--load-every", "fast"], "'fast' is no interval: write for example 30s, 1m or 2h"),
        (["--memory", "1MB"], "--memory is less than --max-message"),
        (["--to", "s3:bucket"], "unknown scheme 's3'; write lake:DIR"),
    ],
)
def test_a_wrong_option_is_one_line_with_the_cure(otelmart: str, tmp_path: Path, options: list[str], text: str) -> None:
    done = subprocess.run([otelmart, "listen", *options], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_an_inbox_that_cannot_be_is_one_line(otelmart: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = subprocess.run([otelmart, "listen", "--inbox", "file/in"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "file/in" in done.stderr
