"""Options that several commands share."""

import os
from typing import Annotated

import typer

from cli.clients import target
from cli.clients.target import Target
from cli.manifests.formats import Format
from cli.terminal.screen import Screen

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


def chosen(screen: Screen, *, local: bool) -> Target:
    """Choose the target and print it. Raises: UsageError."""
    found = target.read(os.environ, local=local)
    screen.note(f"talking to {found}")
    return found
