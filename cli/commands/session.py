"""What all commands share: their options, where they write, and the cloud they talk to."""

import inspect
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, is_dataclass
from functools import cached_property, wraps
from typing import Annotated, Any

import typer
from typer import Option

from cli.clients.choosing import choose, is_silent
from cli.clients.target import Target
from cli.errors import UsageError
from cli.terminal.screen import Screen

Qps = Annotated[float, Option(min=0.1, max=9, help="Calls a second, out of the account's ten.")]


@dataclass(frozen=True)
class Session:
    """One run of a command: the options that every command has, and its screen."""

    context: typer.Context
    as_json: Annotated[bool, Option("--json", help="Print JSON Lines.")] = False
    quiet: Annotated[bool, Option("--quiet", "-q", help="Print only errors and the summary.")] = False
    verbose: Annotated[bool, Option("--verbose", "-v", help="Print each call to a cloud and each outcome.")] = False

    @cached_property
    def screen(self) -> Screen:
        """The screen, which also prints what the clients log if the command is verbose."""
        screen = Screen(as_json=self.as_json, quiet=self.quiet, verbose=self.verbose)
        if self.verbose:
            logger, handler = logging.getLogger("cli"), _Trace(screen)
            logger.addHandler(handler)
            logger.setLevel(logging.DEBUG)
            self.context.call_on_close(lambda: logger.removeHandler(handler))
        return screen


class _Trace(logging.Handler):
    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        self._screen.detail(record.getMessage())


@dataclass(frozen=True)
class Cloud(Session):
    """One run of a command that talks to a cloud."""

    local: Annotated[bool, Option("--local", help="Use the local cloud, whatever the environment says.")] = False
    profile: Annotated[str | None, Option("--profile", help="Profile of ~/.aliyun/config.json.")] = None

    def target(self, *, sends: bool = False) -> Target:
        """Choose the target and print it.

        Raises: UsageError: the choice is unclear; or a script `sends` something and nothing says to which cloud.
        """
        profile = self.profile or self.context.find_root().params.get("profile")
        target = choose(os.environ, local=self.local, profile=profile)
        if sends and not self.screen.out.is_terminal and is_silent(os.environ, target, local=self.local):
            hint = "--local or OTA_TARGET=local sends to the local cloud, keys or --profile to an account"
            raise UsageError(f"no keys are set: {hint}")
        self.screen.note(f"talking to {target}")
        return target


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that its dataclass parameters hold, for each of their fields one."""
    groups: dict[str, Any] = {}
    taken: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if is_dataclass(parameter.annotation):
            groups[name] = parameter.annotation
            taken += inspect.signature(groups[name]).parameters.values()
        else:
            taken.append(parameter)
    # What every command has stands at the end of its help.
    taken.sort(key=lambda each: each.name in Cloud.__dataclass_fields__)

    @wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - as typed as the command is
        for name, kind in groups.items():
            given[name] = kind(**{each: given.pop(each) for each in kind.__dataclass_fields__})
        command(**given)

    keywords = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in taken]
    run.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in keywords}
    return run
