"""Options that several commands share."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cli.clients import target
from cli.clients.target import Target
from cli.errors import Interrupted
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


def chosen(screen: Screen, *, local: bool) -> Target:
    """Choose the target and print it. Raises: UsageError."""
    found = target.read(os.environ, local=local)
    screen.note(f"talking to {found}")
    return found
