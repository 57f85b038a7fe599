"""The `otelmart` command: verbs as subcommands, each imported only when it runs."""

import importlib
import os
import sys
from difflib import get_close_matches
from typing import Any

import click

from pipelines.errors import RunError, UsageError, refused

# verb → (module:attribute of its click command, first line of its help)
VERBS = {
    "demo": ("pipelines.cli.demo:command", "Write days of a demo shop's telemetry, as OTLP files."),
    "ingest": ("pipelines.cli.ingest:command", "Load OTLP files into a lake; running it again adds nothing."),
    "listen": ("pipelines.cli.listen:command", "Receive OTLP over HTTP and gRPC, and keep the lake fresh."),
    "worker": ("pipelines.cli.worker:command", "Pull OTLP from Pub/Sub and commit it, always on."),
    "init": ("pipelines.cli.init:command", "Create or extend the BigQuery dataset that schemas/ describe."),
    "doctor": ("pipelines.cli.doctor:command", "Check, before a deploy, that the worker's edges are fit."),
    "replay": ("pipelines.cli.replay:command", "Put back dead letters that have become readable."),
    "backfill": ("pipelines.cli.backfill:command", "Load files of some dates into BigQuery, and prove it."),
    "compact": ("pipelines.cli.compact:command", "Put a lake's many small parts together."),
    "ledger": ("pipelines.cli.ledger:command", "Reconcile what came in with what is in the lake."),
    "build": ("pipelines.cli.build:command", "Build the marts from the lake with dbt."),
    "summary": ("pipelines.cli.summary:command", "Print what the marts say, on one screen."),
    "query": ("pipelines.cli.query:command", "Ask the marts one statement of SQL."),
    "trace": ("pipelines.cli.trace:command", "Show one trace: its spans as a waterfall, and its logs."),
    "slo": ("pipelines.cli.slo:command", "Show every objective's budget, and the alerts that fire."),
    "errors": ("pipelines.cli.errors:command", "Show what breaks, most frequent first."),
    "journey": ("pipelines.cli.journey:command", "Show what one user or session did, step by step."),
    "report": ("pipelines.cli.report:command", "Write the marts as one HTML page."),
    "cost": ("pipelines.cli.cost:command", "Compute what your traffic would cost on Google Cloud."),
    "render": ("pipelines.cli.render:render", "Write the files generated from schemas/ and dbt/slos/."),
}


class _Absent:
    """Modules that nothing here uses, but libraries import where they find them: pandas, which comes with Beam, would
    be a third of the start of every verb that makes an Arrow array."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("otelmart goes without pandas", name=fullname)


_ABSENT = _Absent()


class _Verbs(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in VERBS:
            return None
        module, attribute = VERBS[cmd_name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args[0] not in VERBS:
            near = get_close_matches(args[0], VERBS, 1)
            cure = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(VERBS)}"
            raise UsageError(f"unknown verb {args[0]!r}: {cure}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Verbs"):
            formatter.write_dl([(verb, text) for verb, (_, text) in VERBS.items()])

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Runs the command; a person's mistake or a machine's refusal becomes one line and an exit code."""
        # NumPy's BLAS, which nothing here calls, would start threads that spin for 0.1 s of CPU in each process.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        if _ABSENT not in sys.meta_path:
            sys.meta_path.insert(0, _ABSENT)
        try:
            return super().main(*args, **{"prog_name": "otelmart"} | kwargs | {"standalone_mode": False})
        except click.ClickException as error:
            _stop(_advice(error), error.exit_code)
        except click.Abort:
            _stop("stopped; run the same command again to finish", 1)
        except UsageError as error:
            _stop(str(error), 2)
        except RunError as error:
            _stop(str(error), 1)
        except OSError as error:
            _stop(str(refused(error)), 1)


@click.group(
    cls=_Verbs,
    epilog="Example: otelmart ingest --from files:otlp/ --to lake:.otelmart/lake && otelmart build && otelmart report",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="otelmart", message="%(prog)s %(version)s")
def main() -> None:
    """OpenTelemetry analytics marts: OTLP in, reconciled marts out."""


def _advice(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{error.format_message().rstrip('.')}; see {context.command_path if context else 'otelmart'} --help"


def _stop(text: str, code: int) -> None:
    click.echo(f"otelmart: {text}", err=True)
    sys.exit(code)
