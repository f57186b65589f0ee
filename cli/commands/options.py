"""Options that several commands share."""

import os
from typing import Annotated

import typer

from cli.clients import target
from cli.clients.target import Target
from cli.terminal.screen import Screen

AsJson = Annotated[bool, typer.Option("--json", help="One JSON value a line on standard output.")]
Local = Annotated[bool, typer.Option("--local", help="The local cloud, whatever the environment says.")]


def chosen(screen: Screen, *, local: bool) -> Target:
    """The target, said aloud. Raises: UsageError."""
    found = target.read(os.environ, local=local)
    screen.note(f"talking to {found}")
    return found
