"""`ota-modules faults`: faults injected into the local cloud."""

import json
from pathlib import Path
from typing import Annotated, Any, get_args

import typer
import yaml

from cli.clients import http
from cli.commands.options import AsJson, chosen
from cli.errors import CliError, UsageError
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
    lines = [f"  {name:<{width}}  {kind.help} ({', '.join(kind.services)})" for name, kind in KINDS.items()]
    parts = (
        WORDS,
        "\n".join(["The kinds, with the fields that they use in upper case:", *lines]),
        f"The steps: {', '.join(get_args(Step))}.",
        f"All fields: {', '.join(Rule.model_fields)}.",
    )
    return "\n\n".join(f"\b\n{part}" for part in parts)


@app.command("set", epilog=manual())
def set_(
    parts: Annotated[
        list[str],
        typer.Argument(help="name=value pairs of one rule (values may be JSON), or a plan file."),
    ],
    as_json: AsJson = False,
) -> None:
    """Inject a fault, or replace all faults with a plan file.

    Example: ota-modules faults set service=iot operation=CreateOTAModule kind=delay seconds=2 times=5
    """
    screen = Screen(as_json=as_json)
    whole = len(parts) == 1 and "=" not in parts[0]
    said = plan(parts[0]) if whole else rule(parts)
    _show(screen, _call(screen, "PUT" if whole else "POST", json.dumps(said).encode()))


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the injected faults and how often each has struck.

    Example: ota-modules faults list
    """
    screen = Screen(as_json=as_json)
    _show(screen, _call(screen, "GET"))


@app.command()
def clear(
    name: Annotated[str | None, typer.Argument(help="Only the fault with this id.")] = None, as_json: AsJson = False
) -> None:
    """Remove injected faults.

    Example: ota-modules faults clear
    """
    screen = Screen(as_json=as_json)
    _show(screen, _call(screen, "DELETE", path=f"/{name}" if name else ""))


def plan(name: str) -> object:
    """Read a plan from a JSON or YAML file. Raises: UsageError."""
    try:
        return yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"{name}: {error}") from None


def rule(parts: list[str]) -> dict[str, Any]:
    """`name=value` pairs as an object. Raises: UsageError."""
    found: dict[str, Any] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        if not equals or not name or name in found:
            raise UsageError(f"{part!r} is not name=value, or is there twice")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _call(screen: Screen, method: str, body: bytes | None = None, path: str = "") -> Any:  # noqa: ANN401 - any JSON value
    # Never in an account: only a local cloud does what this asks for.
    target = chosen(screen, local=True)
    headers = {"Content-Type": "application/json"} if body else {}
    answer = http.call(f"{target.console_url}/faults{path}", method, headers, body, seconds=10)
    if answer.status in (404, 405) and not path:
        raise CliError("this local cloud has no fault API")
    try:
        value = json.loads(answer.content or b"null")
    except ValueError:
        value = None
    if answer.status >= 400:
        detail = value.get("detail") if isinstance(value, dict) else None
        wrong = UsageError if answer.status in (400, 422) else CliError
        raise wrong(
            f"the local cloud answered {answer.status}: {detail or answer.content[:200].decode('utf-8', 'replace')}"
        )
    return value


def _show(screen: Screen, value: object) -> None:
    screen.record(value)
    faults = value if isinstance(value, list) else [value] if value else []
    for fault in faults:
        said = fault if isinstance(fault, dict) else {"fault": fault}
        screen.say("  ".join(f"{name}={each}" for name, each in said.items()))
    if not faults:
        screen.say("no faults injected")
