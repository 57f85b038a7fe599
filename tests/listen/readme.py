"""The commands that the README gives to a user with an app of their own, as a shell runs them."""

import re
from pathlib import Path

README = Path(__file__).resolve().parents[2] / "README.md"
HTTP, GRPC = "127.0.0.1:4318", "127.0.0.1:4317"


def lines(start: str) -> list[str]:
    """Lines of the block of commands whose first line starts with `start`."""
    (block,) = re.findall(rf"^```\w*\n({re.escape(start)}.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    return str(block).splitlines()


def listen_options() -> list[str]:
    """Options of the `otelmart listen` that an app is pointed at."""
    (command,) = lines("otelmart listen")
    return command.split()[2:]


def script(app: str, address: str) -> str:
    """The variables and the one line that runs this app, which sends to the OTLP/HTTP of `address` (HOST:PORT)."""
    exports, *commands = lines("export OTEL_SERVICE_NAME=")
    (command,) = (line for line in commands if app in line.split())
    assert HTTP in exports
    return f"{exports}\n{command}".replace(HTTP, address)


def over_grpc(script_over_http: str, address: str) -> str:
    """The same with the README's other protocol, to the OTLP/gRPC of `address`."""
    (variables,) = re.findall(
        r"`(OTEL_EXPORTER_OTLP_ENDPOINT=\S+ OTEL_EXPORTER_OTLP_PROTOCOL=grpc)`", README.read_text()
    )
    exports, command = script_over_http.splitlines()
    return f"{exports}\nexport {variables}\n{command}".replace(GRPC, address)
