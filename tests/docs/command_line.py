"""The command line as its program has it: every command, its options and their defaults."""

from collections.abc import Iterator, Mapping
from typing import Any

import typer.main

from cli.main import app

COMMON = ("--json", "--quiet", "--verbose", "--local", "--profile", "--help", "--version")
"""Options that mean the same everywhere; the page lists them once."""


def commands() -> dict[str, dict[str, Any]]:
    """Each command's options by their long names, with their defaults; hidden commands are left out."""
    return {name: dict(_options(command)) for name, command in _walk(typer.main.get_command(app), "")}


def _walk(group: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from _walk(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


def _options(command: Any) -> Iterator[tuple[str, Any]]:
    for parameter in command.params:
        name = next((option for option in parameter.opts if option.startswith("--")), None)
        if name is not None and not getattr(parameter, "hidden", False):
            yield name, parameter.default


COMMANDS: Mapping[str, Mapping[str, Any]] = commands()
