"""`ota-modules init`: a manifest to begin with."""

from pathlib import Path
from typing import Annotated

import typer

from cli.commands.session import Session
from cli.errors import CliError

SCHEMA = Path(__file__).parents[2] / "events" / "manifest.schema.json"
EXAMPLE = """\
# yaml-language-server: $schema={schema}
# Every module for every product. Module names can never be changed; aliases and descriptions can.
#   ota-modules validate {name}    check it, offline
#   ota-modules plan {name}        compare it with the platform; changes nothing
#   ota-modules send --wait {name} create what is missing
defaults:
  OnExisting: keep  # or update: change alias and description of modules that are there; or fail

products:
  - a1Demo00001
  - a1Demo00002

modules:
  - {{ModuleName: mcu, AliasName: 主控, Desc: The main controller.}}
  - {{ModuleName: modem, AliasName: 通信模组}}

# Exceptions: by product, by module, or by both.
overrides:
  - {{ProductKey: a1Demo00002, ModuleName: modem, Skip: true}}
"""


def init(
    session: Session,
    path: Annotated[Path, typer.Argument(help="The file to write.")] = Path("fleet.yml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Write an example manifest to start from.

    Example: ota-modules init fleet.yml
    """
    text = EXAMPLE.format(schema=SCHEMA, name=path)
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise CliError(f"{path} exists; --force overwrites it") from None
    except OSError as error:
        raise CliError(f"{path}: {error.strerror}") from None
    session.screen.record({"Wrote": str(path)})
    session.screen.note(f"wrote {path}; next: ota-modules validate {path}")
