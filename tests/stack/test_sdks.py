"""Go, Java, Node and a browser: each language's stock SDK, run by the lines of the README, into `otelmart listen`.

The apps are in sdks/; each counts 300 orders, and the lake has 300 spans, log records and counts, no more and no less.
"""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from tests.listen.conftest import Listener, Start, starting
from tests.listen.readme import listen_options, script
from tests.pipeline.telemetry import rows
from tests.stack.test_report_in_chromium import CHROMIUM_FLAGS

pytestmark = pytest.mark.stack
BUILD = Path(__file__).parent / "sdks" / "build.sh"
NO_TOOLS = 127
ORIGIN = "http://localhost:3000"  # of the README
PAGE = "<!doctype html><title>page</title><link rel=icon href=data:,><script src=bundle.js></script>"
ORDERS = """
    select service_name, telemetry_sdk_language, count(*), count(distinct order_id)
    from traces where name = 'GET /orders' group by all
"""
LOGS = """
    select service_name, telemetry_sdk_language, count(*), count(distinct body), count(distinct trace_id)
    from logs where starts_with(body, 'order ') group by all
"""
COUNTER = "select service_name, max(value) from metrics where metric_name = 'orders' group by all"


@dataclass(frozen=True)
class Site:
    """A folder that a server on this machine shows under two names, which are two origins."""

    folder: Path
    port: int

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def other_origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the browser does."""


@pytest.fixture
def start(otelmart: str, tmp_path: Path) -> Iterator[Start]:
    yield from starting(otelmart, tmp_path)


@pytest.fixture
def listener(start: Start) -> Listener:
    """A receiver started by the README's command, on ports that are free."""
    return start(*listen_options())


@pytest.fixture
def site() -> Iterator[Site]:
    """The page with its bundler, on a server; no browser sends to this machine from a page of no server."""
    folder = built("node")
    (folder / "index.html").write_text(PAGE)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield Site(folder, server.server_port)
        server.shutdown()


def built(language: str) -> Path:
    """The folder with the app of a language and its SDK."""
    done = subprocess.run([str(BUILD), language], capture_output=True, text=True)
    if done.returncode == NO_TOOLS:
        pytest.skip(f"{done.stderr.strip()}; with CI=true tests/stack/install fails then")
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


def run(app: str, folder: Path, listener: Listener) -> str:
    """Runs the README's lines for an app; what it said on stderr."""
    told = script(app, listener.http.removeprefix("http://"))
    done = subprocess.run(["bash", "-c", told], cwd=folder, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_everything_that_the_go_sdk_sent_is_in_the_lake(listener: Listener) -> None:
    assert run("./app", built("go"), listener) == ""
    listener.stop()

    assert rows(listener.lake, ORDERS) == [("my-app", "go", 300, 300)]
    assert rows(listener.lake, LOGS) == [("my-app", "go", 300, 300, 300)]
    assert rows(listener.lake, COUNTER) == [("my-app", 300.0)]


def test_everything_that_auto_instrumented_node_sent_is_in_the_lake(listener: Listener) -> None:
    assert run("app.js", built("node"), listener) == ""
    listener.stop()

    assert rows(listener.lake, ORDERS) == [("my-app", "nodejs", 300, 300)]
    assert rows(listener.lake, LOGS) == [("my-app", "nodejs", 300, 300, 300)]
    assert rows(listener.lake, COUNTER) == [("my-app", 300.0)]


def test_everything_that_the_java_agent_sent_is_in_the_lake(listener: Listener) -> None:
    """The app has no telemetry of its own: the agent sees server, client and log, and counts the requests."""
    run("app.jar", built("java"), listener)
    listener.stop()

    assert rows(
        listener.lake,
        "select service_name, telemetry_sdk_language, kind, count(distinct span_id), count(distinct trace_id)"
        " from traces group by all order by kind",
    ) == [("my-app", "java", "CLIENT", 300, 300), ("my-app", "java", "SERVER", 300, 300)]
    assert rows(listener.lake, LOGS) == [("my-app", "java", 300, 300, 300)]
    assert rows(
        listener.lake,
        "select service_name, max(count) from metrics where metric_name = 'http.server.request.duration' group by all",
    ) == [("my-app", 300)]


def test_everything_that_a_page_of_the_allowed_origin_sent_is_in_the_lake(start: Start, site: Site) -> None:
    """The same page from another origin, which is not allowed, sends nothing: the browser keeps it back."""
    listener = start(*(site.origin if option == ORIGIN else option for option in listen_options()))
    run("page.js", site.folder, listener)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        page = chromium.new_page()
        with page.expect_console_message(lambda said: "No 'Access-Control-Allow-Origin' header" in said.text):
            page.goto(site.other_origin)
        page.goto(site.origin)
        page.wait_for_function("document.title === 'sent'", timeout=60_000)
        chromium.close()
    listener.stop()

    assert rows(listener.lake, ORDERS) == [("my-app", "webjs", 300, 300)]
    assert rows(listener.lake, LOGS) == [("my-app", "webjs", 300, 300, 0)]
    assert rows(listener.lake, COUNTER) == [("my-app", 300.0)]
