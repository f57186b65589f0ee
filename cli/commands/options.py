"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import click
import typer

from cli.clients.choosing import choose, is_silent
from cli.clients.target import Target
from cli.errors import Interrupted, UsageError
from cli.manifests.formats import Format
from cli.terminal.moments import DURATION, duration
from cli.terminal.screen import Screen, plural
from handler.messages import Policy

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON Lines.")]
Local = Annotated[bool, typer.Option("--local", help="Use the local cloud, whatever the environment says.")]

Manifests = Annotated[
    list[str], typer.Argument(help="YAML, JSON, JSON Lines, CSV, TSV or Excel files; - is standard input.")
]
Form = Annotated[Format | None, typer.Option("--format", help="Input format (default: detected from the file).")]
Encoding = Annotated[
    str | None, typer.Option(help="Encoding of text files (default: UTF-8, UTF-16 or GB18030, whichever fits).")
]
Sheet = Annotated[str | None, typer.Option(help="Sheet of a workbook (default: the first).")]

Qps = Annotated[float, typer.Option(min=0.1, max=9, help="Calls a second, out of the account's ten.")]
OnExisting = Annotated[
    Policy, typer.Option(help="OnExisting for requests that name none; use the function's OTA_ON_EXISTING.")
]
Instance = Annotated[
    str | None, typer.Option(help="Instance for requests that name none; use the function's OTA_IOT_INSTANCE_ID.")
]
State = Annotated[Path | None, typer.Option(help="Directory for resume state.")]
Timeout = Annotated[
    float, typer.Option(parser=duration, metavar=DURATION, help="Give up after this long without an outcome.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
EXPECTED_RATE = 7.0
"""Calls a second that template.yml gives the queue's function."""


def agree(screen: Screen, target: Target, count: int, *, yes: bool, rate: float = EXPECTED_RATE) -> None:
    """Ask before requests go to an account, where somebody can answer. Raises: Interrupted: the answer was no."""
    if yes or target.local or not screen.is_asked():
        return
    minutes = max(1, round(count / rate / 60))
    screen.warn(
        f"{plural(count, 'request')} for {target}, about {plural(minutes, 'minute')}. Module names can never be changed."
    )
    if not typer.confirm("Continue?", err=True):
        raise Interrupted("nothing was sent")


def chosen(screen: Screen, *, local: bool, sends: bool = False) -> Target:
    """Choose the target and print it.

    Raises: UsageError: the choice is unclear; or a script `sends` something and nothing says to which cloud.
    """
    found = choose(os.environ, local=local, profile=_profile())
    if sends and not screen.out.is_terminal and is_silent(os.environ, found, local=local):
        raise UsageError(
            "no keys are set: --local or OTA_TARGET=local sends to the local cloud, keys or --profile to an account"
        )
    screen.note(f"talking to {found}")
    return found


def _profile() -> str | None:
    """Return what --profile says: it stands before the command, for all of them."""
    context = click.get_current_context(silent=True)
    name = context.find_root().params.get("profile") if context else None
    return str(name) if name else None
