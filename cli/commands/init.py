"""`ota-modules init`: a manifest to begin with."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from cli.commands.session import Session
from cli.errors import CliError
from cli.terminal.files import write

SCHEMA = Path(__file__).parents[2] / "events" / "manifest.schema.json"
EXAMPLE = SCHEMA.parents[1] / "examples" / "fleet-start.yml"


def init(
    session: Session,
    path: Annotated[Path, Argument(help="The file to write.")] = Path("fleet.yml"),
    force: Annotated[bool, Option("--force", help="Overwrite the file if it exists.")] = False,
) -> None:
    """Write an example manifest to start from.

    Example: ota-modules init fleet.yml
    """
    if path.exists() and not force:
        raise CliError(f"{path} exists; --force overwrites it")
    # Where an editor finds the schema, whatever the folder of the new file.
    text = EXAMPLE.read_text(encoding="utf-8").replace("../events/manifest.schema.json", str(SCHEMA))
    write(path, text.replace(EXAMPLE.name, str(path)))
    session.screen.record({"Wrote": str(path)})
    session.screen.note(f"wrote {path}; next: ota-modules validate {path}")
