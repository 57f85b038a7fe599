"""Options of a Flex Template's job as data: what Beam parses, what is refused, and deploy/dataflow/ has the same."""

import argparse
import re
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from apache_beam.options.pipeline_options import PipelineOptions

from pipelines.errors import RunError, UsageError
from pipelines.secret import VERSION


@dataclass(frozen=True, slots=True)
class Option:
    """One option. Without `default` it must be given; `lowest` and `highest` bound a number."""

    name: str
    label: str
    help: str
    pattern: str
    default: str | None = None
    lowest: float = 0
    highest: float = 0
    is_shown: bool = True  # in an error; what is given by mistake may be a secret

    @property
    def is_optional(self) -> bool:
        return self.default is not None


NUMBER: Final = "[1-9][0-9]*"
SINK: Final = Option(
    "sink",
    "BigQuery dataset",
    "Where rows go: bigquery:PROJECT.DATASET shows a batch table by table, whole; with ?stream=default rows show "
    "at once, and more cheaply.",
    r"bigquery:(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]*[a-z0-9]\.[A-Za-z0-9_]+(?:\?stream=(?:pending|default))?",
)
PRIVACY_KEY: Final = Option(
    "privacy_key",
    "Key of the pseudonyms",
    "Version in Secret Manager of the key that pseudonyms are made with, by its number: "
    "secret:projects/PROJECT/secrets/NAME/versions/1. The worker needs the same key.",
    f"secret:{VERSION}",
    is_shown=False,
)
MESSAGE_BYTES: Final = Option(
    "max_message_bytes",
    "Bytes of a message",
    "Largest message in bytes, uncompressed, up to 268435456; a larger one becomes a dead letter.",
    NUMBER,
    "67108864",
    1,
    256 << 20,
)


class SharedOptions(PipelineOptions):
    """What both jobs are told. Nothing is required here, where any pipeline of the process would have to give it."""

    @classmethod
    def _add_argparse_args(cls, parser: argparse.ArgumentParser) -> None:
        add(parser, (SINK, PRIVACY_KEY, MESSAGE_BYTES))


def add(parser: argparse.ArgumentParser, options: Iterable[Option]) -> None:
    for option in options:
        parser.add_argument(f"--{option.name}", default=option.default, help=option.help)


def texts(given: PipelineOptions, options: Iterable[Option]) -> dict[str, str]:
    """The text of each option, by its name. Raises UsageError for one that is missing or does not fit."""
    found = given.get_all_options()
    return {option.name: _checked(option, found[option.name]) for option in options}


def _checked(option: Option, text: str | None) -> str:
    if text is None:
        raise UsageError(f"--{option.name} is missing. {option.help}")
    is_fit = re.fullmatch(option.pattern, text, re.ASCII)
    if not is_fit or (option.highest and not option.lowest <= int(text) <= option.highest):
        raise UsageError(f"--{option.name}{f' {text!r}' if option.is_shown else ''} does not fit. {option.help}")
    return text


def said(run: Callable[[], Any]) -> None:
    """Runs; exits with 2 on misuse, 1 when something is refused, in one line."""
    try:
        run()
    except (UsageError, RunError) as error:
        print(f"otelmart dataflow: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, UsageError) else 1)
