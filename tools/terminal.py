"""Pictures of the commands in a terminal, in docs/screenshots: `make screenshots`.

terminal.svg is the tour of `make run`; fleet.svg is what is done with a manifest of 50 products and 8 modules.
"""

import os
import pty
import re
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyte
from pyte.screens import Char
from rich.console import Console
from rich.text import Text

from emulator.cloud import Options
from emulator.faults.plan import Plan, Rule
from emulator.local import LocalCloud, local_cloud
from tests.support.paths import ROOT

PICTURES = ROOT / "docs" / "screenshots"
FLEET = "examples/fleet.yml"
PROGRAM = Path(sys.executable).with_name("ota-modules")
WIDTH, LONGEST = 112, 2_000
"""Columns of the terminal, and the lines that it can show at once."""
COLOURS = {"brown": "yellow", "brightbrown": "bright_yellow"}
"""What pyte calls otherwise than rich."""


@dataclass(frozen=True)
class Shown:
    """A command, how it is typed, and how many lines are shown of the beginning and the end of what it prints."""

    arguments: Sequence[str]
    first: int
    last: int
    typed: str = ""

    @property
    def prompt(self) -> str:
        return "$ " + (self.typed or " ".join(["ota-modules", *self.arguments]))


TOUR = Shown(("run", "--once", "--port", "0"), 14, 9, typed="make run ONCE=1")
FOLLOWED = Shown(("outcomes", "--count", "4"), 1, 4)
BEFORE = Shown(("plan", FLEET), 6, 4)
SENT = Shown(("send", FLEET, "--wait"), 0, 12)
LETTERS = Shown(("dead-letters", "list"), 0, 8)
AFTER = Shown(("plan", FLEET), 0, 8)


def ran(shown: Shown, environment: Mapping[str, str]) -> tuple[list[Text], int]:
    """What the screen shows in the end, and the exit status."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(ROOT)
        own = {"COLUMNS": str(WIDTH), "LINES": "40", "TERM": "xterm-256color"}
        os.execve(PROGRAM, [str(PROGRAM), *shown.arguments], {**os.environ, **environment, **own})
    screen = pyte.Screen(WIDTH, LONGEST)
    stream = pyte.ByteStream(screen)
    while part := _read(terminal):
        stream.feed(part)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    lines = [_line([screen.buffer[row][column] for column in range(WIDTH)]) for row in range(screen.cursor.y + 1)]
    while lines and not lines[-1].plain:
        lines.pop()
    return lines, status


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # Linux says so when the other end is closed.
        return b""


def _line(characters: Sequence[Char]) -> Text:
    line = Text()
    for one in characters:
        line.append(one.data, _style(one))
    line.rstrip()
    return line


def _style(one: Char) -> str:
    words = [word for word, on in (("bold", one.bold), ("italic", one.italics), ("underline", one.underscore)) if on]
    return " ".join([*words, _colour(one.fg), "on", _colour(one.bg)])


def _colour(name: str) -> str:
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return COLOURS.get(name, name.replace("bright", "bright_"))


def cut(shown: Shown, lines: Sequence[Text]) -> list[Text]:
    """The prompt, and of long output the beginning and the end."""
    left = len(lines) - shown.first - shown.last
    if left > 1:
        lines = [*lines[: shown.first], Text(f"… {left} lines more", "dim"), *lines[len(lines) - shown.last :]]
    return [Text(shown.prompt, "bold"), *lines]


def picture(title: str, lines: Sequence[Text]) -> str:
    """An SVG that fetches nothing: rich's own names a font on another server."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        for line in lines:
            console.print(line, no_wrap=True, crop=True)
        drawn = console.export_svg(title=title, unique_id=title.replace(" ", "-"))
    return re.sub(r"@font-face\s*{[^}]*}\s*", "", drawn).replace("Fira Code", "ui-monospace, Menlo, Consolas")


def fleet(cloud: LocalCloud, state: str) -> list[Text]:
    """A manifest before, while and after it is sent; one of its requests meets an API that is out of order for it alone."""
    urls = cloud.urls
    environment = {
        "OTA_IOT_ENDPOINT": urls.iot,
        "OTA_MNS_ENDPOINT": urls.smq,
        "OTA_FC_ENDPOINT": urls.fc,
        "OTA_CONSOLE_ENDPOINT": urls.console,
        "XDG_STATE_HOME": state,
    }
    broken = Rule(service="iot", operation="CreateOTAModule", kind="status", contains="云高仪")
    found = cut(BEFORE, ran(BEFORE, environment)[0])
    cloud.call(lambda parts: parts.faults.set(Plan(rules=(broken,))))
    with ThreadPoolExecutor(1) as beside:
        followed = beside.submit(ran, FOLLOWED, environment)
        sent = cut(SENT, ran(SENT, environment)[0])
        outcomes = cut(FOLLOWED, followed.result()[0])
    for part in (sent, outcomes, *(cut(shown, ran(shown, environment)[0]) for shown in (LETTERS, AFTER))):
        found += [Text(), *part]
    return found


def main() -> int:
    lines, status = ran(TOUR, {})
    if status != 0:
        return status
    (PICTURES / "terminal.svg").write_text(picture("make run", cut(TOUR, lines)), encoding="utf-8")
    options = Options(port=0, retry_scale=0.05, delay_scale=0.02)
    with TemporaryDirectory() as state, local_cloud(options) as cloud:
        shown = fleet(cloud, state)
    (PICTURES / "fleet.svg").write_text(picture("ota-modules", shown), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
