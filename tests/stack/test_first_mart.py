"""From `pip install` to the first mart of one's own app: the README's five commands, outside the checkout, timed."""

import os
import shlex
import signal
import subprocess
import sys
import venv
from pathlib import Path
from time import perf_counter

import pytest

from tests.listen.conftest import READY, SECRET
from tests.listen.readme import HTTP, lines

pytestmark = pytest.mark.stack


@pytest.fixture
def place(repo: Path, tmp_path: Path) -> Path:
    """A folder with the wheel and an app, and an environment that has the dependencies but not otelmart."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(build, check=True, capture_output=True, cwd=repo)
    (tmp_path / "app.py").write_text((repo / "tests" / "listen" / "app.py").read_text())
    venv.create(tmp_path / "env", with_pip=True)
    (site_packages,) = (tmp_path / "env").glob("lib/*/site-packages")
    # Paths only: a .pth file in one of them, which may lead to the checkout, is not read.
    shared = [path for path in sys.path if path.endswith("site-packages")]
    (site_packages / "dependencies.pth").write_text("\n".join(shared))
    return tmp_path


def test_five_commands_lead_from_nothing_to_the_first_mart(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    commands = lines("pip install ./otelmart")
    install, listen, app, build, query = commands
    environment = SECRET | {"PATH": f"{place}/env/bin:{os.environ['PATH']}", "HOME": str(place), "PIP_NO_INDEX": "1"}

    def run(command: str) -> str:
        done = subprocess.run(
            ["bash", "-c", command], cwd=place, env=environment, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    started = perf_counter()
    run(install)
    free = [*shlex.split(listen), "--http", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]
    with subprocess.Popen(free, cwd=place, env=environment, stderr=subprocess.PIPE, text=True) as receiver:
        assert receiver.stderr
        ports = READY.match(receiver.stderr.readline())
        assert ports
        run(app.replace(HTTP, ports[1].removeprefix("http://")))
        receiver.send_signal(signal.SIGINT)
        receiver.communicate(timeout=300)
    run(build)
    answer = run(query)
    seconds = perf_counter() - started

    where = run("python -c 'import pipelines; print(pipelines.__file__)'")
    assert where.startswith(str(place / "env"))
    assert answer.splitlines()[1].split()[:4] == ["my-app", "GET", "/orders", "1200.0"]
    with capsys.disabled():
        print(f"\n{len(commands)} commands from pip install to the first mart: {seconds:.1f} s")
