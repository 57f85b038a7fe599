"""`otelmart journey`: what one user or session did."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.cli import options
from pipelines.cli.answers import asked, brief, json_text, most_rows, objects, say
from pipelines.cli.report import warehouse_option
from pipelines.errors import RunError, UsageError


@click.command(epilog="Example: otelmart journey ada@example.com")
@click.argument("user")
@warehouse_option
@click.option("--environment", metavar="NAME", help="Only this environment; default: all.")
@most_rows
@options.as_json
def command(user: str, warehouse: Path, environment: str | None, limit: int, as_json: bool) -> None:
    """Show the sessions of a user, step by step, with the requests behind each step and the slowest service.

    USER is a user id as the app sends it, its pseudonym in the marts, or a session id. The marts hold pseudonyms only:
    the one of USER is made with the key of this directory, or of OTELMART_PRIVACY_KEY.
    """
    from pipelines.decode.privacy import pseudonymise

    if any("\ud800" <= letter <= "\udfff" for letter in user):  # how Python keeps bytes that are no UTF-8
        raise UsageError(f"{user!r} is no user: it has characters that no text has")
    key = options.known_privacy_key()
    pseudonym = pseudonymise(user, key) if key else user
    answer = asked("journey", warehouse, user=user, pseudonym=pseudonym, environment=environment)
    if not answer.rows:
        raise RunError(f"no session of {user!r} in {warehouse}: is the key the one that the rows were loaded with?")
    if as_json:
        click.echo(json_text(objects(answer)))
    else:
        say(brief(answer), limit)
