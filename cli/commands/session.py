"""What all commands share: their options, where they write, and the cloud they talk to."""

import inspect
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cached_property, wraps
from typing import Annotated, Any, get_type_hints

import typer

from cli.clients.choosing import choose, is_silent
from cli.clients.target import Target
from cli.errors import UsageError
from cli.terminal.screen import Screen


@dataclass(frozen=True)
class Session:
    """One run of a command: the options that every command has, and its screen."""

    context: typer.Context
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON Lines.")] = False
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print only errors and the summary.")] = False
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Print each call to a cloud, and each outcome that is waited for.")
    ] = False

    @cached_property
    def screen(self) -> Screen:
        screen = Screen(as_json=self.as_json, quiet=self.quiet, verbose=self.verbose)
        if self.verbose:
            self._trace(screen)
        return screen

    def _trace(self, screen: Screen) -> None:
        """Print what the clients log, until the command ends."""
        logger = logging.getLogger("cli")
        handler = _Trace(screen)
        logger.addHandler(handler)
        logger.setLevel(logging.DEBUG)
        self.context.call_on_close(lambda: logger.removeHandler(handler))


class _Trace(logging.Handler):
    def __init__(self, screen: Screen) -> None:
        super().__init__()
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        self._screen.detail(record.getMessage())


@dataclass(frozen=True)
class Cloud(Session):
    """One run of a command that talks to a cloud."""

    local: Annotated[bool, typer.Option("--local", help="Use the local cloud, whatever the environment says.")] = False
    profile: Annotated[
        str | None, typer.Option("--profile", help="Profile of ~/.aliyun/config.json whose keys to use.")
    ] = None

    def target(self, *, sends: bool = False) -> Target:
        """Choose the target and print it.

        Raises: UsageError: the choice is unclear; or a script `sends` something and nothing says to which cloud.
        """
        profile = self.profile or self.context.find_root().params.get("profile")
        target = choose(os.environ, local=self.local, profile=profile)
        if sends and not self.screen.out.is_terminal and is_silent(os.environ, target, local=self.local):
            raise UsageError(
                "no keys are set: --local or OTA_TARGET=local sends to the local cloud, keys or --profile to an account"
            )
        self.screen.note(f"talking to {target}")
        return target


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that its dataclass parameters hold, for each of their fields one."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, type[Any]] = {
        name: kind for name, kind in hints.items() if isinstance(kind, type) and is_dataclass(kind)
    }

    def parameters() -> Iterator[inspect.Parameter]:
        for name, parameter in inspect.signature(command).parameters.items():
            if name not in groups:
                yield parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY)
                continue
            kinds = get_type_hints(groups[name], include_extras=True)
            for field in fields(groups[name]):
                yield inspect.Parameter(
                    field.name, inspect.Parameter.KEYWORD_ONLY, annotation=kinds[field.name], default=_default(field)
                )

    @wraps(command)
    def run(**given: Any) -> None:  # noqa: ANN401 - as typed as the command is
        made = {
            name: kind(**{field.name: given.pop(field.name) for field in fields(kind)}) for name, kind in groups.items()
        }
        command(**given, **made)

    # What every command has stands at the end of its help.
    taken = sorted(parameters(), key=lambda each: each.name in Cloud.__dataclass_fields__)
    run.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
    run.__annotations__ = {each.name: each.annotation for each in taken}
    return run


def _default(field: Any) -> Any:  # noqa: ANN401 - a field's default is any value
    return inspect.Parameter.empty if field.default is MISSING else field.default
