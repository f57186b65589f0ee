"""`ota-modules`: the commands, and how a command that fails ends."""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cli.commands import dead_letters, faults
from cli.commands.cancel import cancel
from cli.commands.clean import clean
from cli.commands.doctor import doctor
from cli.commands.export import export
from cli.commands.invoke import invoke
from cli.commands.outcomes import outcomes
from cli.commands.run import run
from cli.commands.sending import apply, plan, send
from cli.commands.session import with_groups
from cli.commands.status import status
from cli.commands.streams import pause, resume
from cli.commands.validate import init, validate
from cli.errors import CliError, UsageError
from cli.terminal.screen import Screen
from cli.terminal.streams import escape_unencodable

EPILOG = "Exit status: 0 success, 1 error, 2 usage error or invalid manifest, 3 some requests failed or differ, 130 interrupted."
FORMER = {"most": "limit", "patience": "timeout", "seconds": "for"}
"""Former names of options, which still work."""


class _Commands(TyperGroup):
    """Ends a command that raises an error with its text and its exit status; with --json as JSON, too."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # noqa: ANN401 - typer's signature
        ctx.meta["screen"] = Screen(as_json="--json" in args)
        with _errors_shown(ctx.meta["screen"]):
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer's signature
        with _errors_shown(ctx.meta["screen"]):
            return super().invoke(ctx)


@contextmanager
def _errors_shown(screen: Screen) -> Iterator[None]:
    """Print one of our errors, and write any error as JSON where that is asked for; typer prints its own."""
    try:
        yield
    except CliError as error:
        screen.record(error.record())
        screen.warn(f"ota-modules: {error}")
        raise typer.Exit(error.exit_status) from None
    except typer.TyperException as error:
        if text := error.format_message():
            screen.record(UsageError(text).record())
        raise
    except typer.Abort:
        screen.record(CliError("the question was not answered").record())
        raise


app = typer.Typer(
    name="ota-modules",
    cls=_Commands,
    help="Create OTA modules on Alibaba Cloud IoT Platform and track the outcomes. Uses the local cloud if "
    "no account is configured (ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET, ALIBABA_CLOUD_ACCOUNT_ID).",
    epilog=EPILOG,
    no_args_is_help=True,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "token_normalize_func": lambda name: FORMER.get(name, name),
    },
    pretty_exceptions_enable=False,
)
COMMANDS = (
    run, init, validate, plan, apply, send, export, outcomes, invoke, status, pause, resume, cancel, clean, doctor,
)  # fmt: skip
for command in COMMANDS:
    app.command()(with_groups(command))
app.command(help="Send dead letters again; short for dead-letters replay.\n\nExample: ota-modules replay --all")(
    dead_letters.replay
)
app.add_typer(dead_letters.app, name="dead-letters")
app.add_typer(faults.app, name="faults")


def _tell_version(asked: bool) -> None:
    if asked:
        typer.echo(f"ota-modules {version('ota-modules')}")
        raise typer.Exit


@app.callback()
def _commands(
    *,
    profile: Annotated[
        str | None, typer.Option("--profile", help="Profile of ~/.aliyun/config.json whose keys to use.")
    ] = None,
    _version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Keeps the command's name on the command line."""


def main() -> None:
    """The entry point of the command line."""
    escape_unencodable()
    app()
