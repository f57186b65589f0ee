"""`ota-modules faults`: faults injected into the local cloud."""

import json
import os
from typing import Annotated, Any, get_args

import typer
import yaml
from typer import Argument

from cli import records
from cli.clients import console, http
from cli.clients.target import local_target
from cli.commands.session import Session, with_groups
from cli.errors import CloudError, UsageError
from cli.terminal.files import read as read_file
from cli.terminal.screen import Screen
from emulator.faults.plan import KINDS, Rule
from emulator.fc.runtime.steps import Step

app = typer.Typer(
    no_args_is_help=True,
    help="Inject faults into the local cloud, list and remove them.\n\n"
    "Example: ota-modules faults set service=smq kind=reset times=3",
)

WORDS = """\
Where: service (iot, smq, fc or stream); operation (of the API, or a function's name); instance (of the IoT API); contains.
When: from the nth matching call on, at most times, with probability, between since and until (seconds from now).
What: kind; with after, once the call has had its effect instead of before it."""


def manual() -> str:
    """Describe the fields of a rule, and the kinds of faults with their services."""
    width = max(map(len, KINDS))
    kinds = "\n".join(f"  {name:<{width}}  {kind.help} ({', '.join(kind.services)})" for name, kind in KINDS.items())
    parts = (WORDS, f"The kinds, with the fields that they use in upper case:\n{kinds}")
    steps, fields = ", ".join(get_args(Step)), ", ".join(Rule.model_fields)
    return "\n\n".join(f"\b\n{part}" for part in (*parts, f"The steps: {steps}.", f"All fields: {fields}."))


@app.command("set", epilog=manual())
@with_groups
def set_(
    session: Session,
    parts: Annotated[list[str], Argument(help="name=value pairs of one rule (values may be JSON), or a plan file.")],
) -> None:
    """Inject a fault, or replace all faults with a plan file.

    Example: ota-modules faults set service=iot operation=CreateOTAModule kind=delay seconds=2 times=5
    """
    whole = len(parts) == 1 and "=" not in parts[0]
    try:
        body = json.dumps(yaml.safe_load(read_file(parts[0])) if whole else read_rule(parts)).encode()
    except (TypeError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{parts[0]}: {error}") from None
    _call(session.screen, "PUT" if whole else "POST", body)


@app.command("list")
@with_groups
def list_(session: Session) -> None:
    """List the injected faults and how often each has struck.

    Example: ota-modules faults list
    """
    _call(session.screen, "GET")


@app.command()
@with_groups
def clear(session: Session, name: Annotated[str | None, Argument(help="Only the fault with this id.")] = None) -> None:
    """Remove injected faults.

    Example: ota-modules faults clear
    """
    _call(session.screen, "DELETE", path=f"/{name}" if name else "")


def read_rule(parts: list[str]) -> dict[str, Any]:
    """Return `name=value` pairs as an object. Raises: UsageError."""
    found: dict[str, Any] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals or not name or name in found:
            raise UsageError(f"{part!r} is not name=value, or is there twice")
        found[name] = http.json_value(value, value)
    return found


def _call(screen: Screen, method: str, body: bytes | None = None, path: str = "") -> None:
    """Call the fault API, and show the faults that it answers. Raises: CloudError, UsageError."""
    # Never in an account: only a local cloud does what this asks for.
    target = local_target(os.environ, forced=True)
    screen.note(f"talking to {target}")
    try:
        value = console.call(target, f"/faults{path}", method, body)
    except CloudError as error:
        if error.code in ("400", "422"):
            raise UsageError(str(error)) from None
        if error.code in ("404", "405") and not path:
            raise CloudError("this local cloud has no fault API", error.code) from None
        raise
    faults: list[records.Injected] = value if isinstance(value, list) else [value] if value else []
    for fault in faults:
        screen.record(fault)
        screen.summary("  ".join(f"{name}={each}" for name, each in fault.items()))
    if not faults:
        screen.summary("no faults injected")
