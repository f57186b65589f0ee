"""The command line as its program has it: every command, its options and their defaults."""

from collections.abc import Iterator, Mapping
from typing import Any

import typer.main

from cli.main import app

COMMON = ("--json", "--quiet", "--verbose", "--local", "--profile", "--help", "--version")
"""Options that mean the same everywhere; the page lists them once."""


def _walk(group: Any, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _walk(command, f"{prefix}{name} ")
        elif not command.hidden:
            shown = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
            names = [next((option for option in each.opts if option.startswith("--")), None) for each in shown]
            yield f"{prefix}{name}", {name: each.default for name, each in zip(names, shown, strict=True) if name}


COMMANDS: Mapping[str, Mapping[str, Any]] = dict(_walk(typer.main.get_command(app)))
"""Each command's options by their long names, with their defaults; hidden commands are left out."""
