"""`otelmart trace`: one trace of the local warehouse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from pipelines.cli import options
from pipelines.cli.answers import asked, counted, json_text, objects, seen
from pipelines.cli.report import warehouse_option
from pipelines.errors import RunError, UsageError
from pipelines.report.span_tree import placed

BAR = 24  # characters of the waterfall

Span = dict[str, Any]


@click.command(epilog="Example: otelmart trace 4bf92f3577b34da6a3ce929d0e0e4736")
@click.argument("trace_id", metavar="ID")
@warehouse_option
@options.as_json
def command(trace_id: str, warehouse: Path, as_json: bool) -> None:
    """Show one trace: its spans under their parents, with start and duration in ms, then its logs.

    ID has 32 hex digits; upper case and dashes are fine. Each span counts once, however often it was delivered.
    """
    identity = trace_id.replace("-", "").lower()
    if not re.fullmatch("[0-9a-f]{32}", identity):
        raise UsageError(f"{trace_id!r} is no trace id: give its 32 hex digits")
    spans = objects(asked("trace", warehouse, trace_id=identity))
    logs = objects(asked("trace_logs", warehouse, trace_id=identity))
    if not spans and not logs:
        raise RunError(
            f"no span or log of trace {identity} in {warehouse}: has it arrived, and otelmart build run since?"
        )
    if as_json:
        click.echo(json_text({"trace_id": identity, "spans": spans, "logs": logs}))
        return
    for line in (*_waterfall(spans), *_logs(logs)):
        click.echo(seen(line))


def _waterfall(spans: Sequence[Span]) -> Iterator[str]:
    """A line a span, below its parent; a span whose parent is not there stands at the left, marked."""
    if not spans:
        return
    start = min(span["start_time_unix_nano"] for span in spans)
    whole_ms = max((span["start_time_unix_nano"] - start) / 1e6 + (span["duration_ms"] or 0.0) for span in spans) or 1.0
    services = {span["service_name"] for span in spans}
    errors = [span for span in spans if span["is_error"]]
    counts = [counted(len(spans), "span"), counted(len(services), "service"), counted(len(errors), "error")]
    environment = spans[0]["deployment_environment"] or "no environment"
    yield "  ".join([str(spans[0]["start_time"]), environment, *counts, f"{whole_ms:,.1f} ms"])
    tree = list(placed(spans))
    width = max(len(_title(span, depth)) for span, depth in tree)
    for span, depth in tree:
        offset_ms = (span["start_time_unix_nano"] - start) / 1e6
        left = min(BAR - 1, int(BAR * max(0.0, offset_ms) / whole_ms))
        length = max(1, min(BAR - left, round(BAR * max(0.0, span["duration_ms"] or 0.0) / whole_ms)))
        took = "unfinished" if span["is_unfinished"] else f"{span['duration_ms']:,.1f} ms"
        bar = (" " * left + "#" * length).ljust(BAR)
        trouble = " ".join(filter(None, [span["exception_type"], span["status_message"]])) or "error"
        told = f"  {trouble}" if span["is_error"] else ""
        yield f"{_title(span, depth).ljust(width)}  |{bar}|  +{offset_ms:,.1f}  {took}{told}"


def _title(span: Span, depth: int) -> str:
    orphan = "? " if depth == 0 and span["parent_span_id"] else ""
    return f"{'  ' * depth}{orphan}{span['service_name'] or '-'}: {span['name']}"


def _logs(logs: Sequence[dict[str, Any]]) -> Iterator[str]:
    for log in logs:
        told = " ".join(filter(None, [log["event_name"], log["body"]]))
        yield f"{log['log_time']}  {log['severity'] or '-'}  {log['service_name'] or '-'}: {told}"
