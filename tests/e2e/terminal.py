"""The picture of the tour in a terminal, docs/screenshots/terminal.svg: `make screenshots`."""

import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).resolve().parents[2] / "docs" / "screenshots" / "terminal.svg"
COMMAND = [str(Path(sys.executable).with_name("ota-modules")), "run", "--once", "--port", "0"]
WIDTH = 112
FIRST, LAST = 14, 9
"""Lines that are shown of the beginning and of the end."""


def output() -> tuple[list[str], int]:
    """The lines of the tour as a terminal is told them, and its exit status."""
    child, terminal = pty.fork()
    if child == 0:
        environment = {**os.environ, "COLUMNS": str(WIDTH), "LINES": "40", "TERM": "xterm-256color"}
        os.execve(COMMAND[0], COMMAND, environment)
    written = bytearray()
    while part := _read(terminal):
        written += part
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return written.decode().replace("\r\n", "\n").rstrip().split("\n"), status


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so when the other end is closed.
        return b""


def picture(lines: list[str]) -> str:
    """An SVG that fetches nothing: rich's own names a font on another server."""
    shown = [*lines[:FIRST], "", f"… {len(lines) - FIRST - LAST} lines more", "", *lines[-LAST:]]
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        console.print(Text.from_ansi("\n".join(["$ make run ONCE=1", *shown])))
        drawn = console.export_svg(title="make run", unique_id="tour")
    return re.sub(r"@font-face\s*{[^}]*}\s*", "", drawn).replace("Fira Code", "ui-monospace, Menlo, Consolas")


def main() -> int:
    lines, status = output()
    if status == 0:
        PICTURE.write_text(picture(lines), encoding="utf-8")
    return status


if __name__ == "__main__":
    sys.exit(main())
