"""Pictures of the commands in a terminal, in docs/screenshots: `make screenshots`.

terminal.svg is the tour of `make run`; fleet.svg is what is done with a manifest of 50 products and 8 modules; the others
show a command each.
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
PROGRAMS = Path(sys.executable).parent
WIDTH, LONGEST = 112, 2_000
"""Columns of the terminal, and the lines that it can show at once."""
COLOURS = {"brown": "yellow", "brightbrown": "bright_yellow"}
"""What pyte calls otherwise than rich."""


@dataclass(frozen=True)
class Shown:
    """A command line, how it is typed, and how many lines are shown of the beginning and the end of what it prints."""

    command: str
    first: int = 30
    last: int = 30
    typed: str = ""
    status: int = 0
    """The exit status with which it must end."""

    @property
    def prompt(self) -> str:
        return "$ " + (self.typed or self.command)


TOUR = Shown("ota-modules run --once --port 0", 14, 9, typed="make run ONCE=1")
FOLLOWED = Shown("ota-modules outcomes --count 4", 1, 4)
BEFORE = Shown(f"ota-modules plan {FLEET}", 6, 4)
SENT = Shown(f"ota-modules send {FLEET} --wait", 0, 12)
LETTERS = Shown("ota-modules dead-letters list", 0, 8)
AFTER = Shown(f"ota-modules plan {FLEET}", 0, 8)

WRONG = """\
产品,模块名,别名
a1Demo00001,mcu,主控
a1Demo00001,MCU,主控
a1Demo00002,default,
a1Demo00003,bar code,扫码
"""
SMALL = """\
products: [a1Demo00001, a1Demo00002, a1Demo00003, a1Demo00004, a1Demo00005]
modules:
  - {ModuleName: gps, AliasName: 定位模块}
  - {ModuleName: ble, AliasName: 蓝牙}
"""
HELD = "ota-modules export a1Demo00001 a1Demo00002 a1Demo00003"
JOBS: Mapping[str, Sequence[Shown]] = {
    "validate": [Shown("ota-modules validate wrong.csv", status=2)],
    "apply": [
        Shown("ota-modules apply fleet.yml --report out.csv"),
        Shown("sed -i s/定位模块/GPS/ fleet.yml"),
        Shown("ota-modules apply --on-existing update fleet.yml"),
    ],
    "export": [Shown(f"{HELD} > held.yml; cat held.yml"), Shown("ota-modules plan held.yml")],
    "status": [
        Shown("ota-modules send large.yml"),
        Shown("timeout --preserve-status -s INT 15 ota-modules status --watch", typed="ota-modules status --watch"),
    ],
    "cancel": [Shown("ota-modules cancel large.yml", 8, 4)],
    "doctor": [Shown("ota-modules doctor --send a1Demo00001")],
}
"""Pictures of one command each, taken one after another on the same local cloud."""


def ran(shown: Shown, environment: Mapping[str, str], folder: Path = ROOT) -> tuple[list[Text], int]:
    """Run a command in a terminal; return what the screen shows in the end, and the exit status."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(folder)
        own = {"COLUMNS": str(WIDTH), "LINES": "40", "TERM": "xterm-256color"}
        path = f"{PROGRAMS}:{os.environ['PATH']}"
        os.execve("/bin/sh", ["sh", "-c", shown.command], {**os.environ, **environment, **own, "PATH": path})
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
    """Draw an SVG that fetches nothing: rich's own names a font on another server."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        for line in lines:
            console.print(line, no_wrap=True, crop=True)
        drawn = console.export_svg(title=title, unique_id=title.replace(" ", "-"))
    return re.sub(r"@font-face\s*{[^}]*}\s*", "", drawn).replace("Fira Code", "ui-monospace, Menlo, Consolas")


def environment_of(cloud: LocalCloud, state: str) -> Mapping[str, str]:
    """Return the variables with which commands talk to a local cloud, and keep their state in a folder."""
    urls = cloud.urls
    return {
        "OTA_IOT_ENDPOINT": urls.iot,
        "OTA_MNS_ENDPOINT": urls.smq,
        "OTA_FC_ENDPOINT": urls.fc,
        "OTA_CONSOLE_ENDPOINT": urls.console,
        "XDG_STATE_HOME": state,
    }


def jobs() -> None:
    """Draw the pictures of one command each."""
    with TemporaryDirectory() as state, local_cloud(Options(port=0)) as cloud:
        folder, environment = Path(state), environment_of(cloud, state)
        (folder / "wrong.csv").write_text(WRONG, encoding="gb18030")
        (folder / "fleet.yml").write_text(SMALL, encoding="utf-8")
        (folder / "large.yml").write_bytes((ROOT / FLEET).read_bytes())
        for name, commands in JOBS.items():
            lines: list[Text] = []
            for shown in commands:
                printed, status = ran(shown, environment, folder)
                if status != shown.status:
                    raise SystemExit(f"{shown.command}: exit status {status}, not {shown.status}")
                lines += [*([Text()] if lines else []), *cut(shown, printed)]
            (PICTURES / f"{name}.svg").write_text(picture(f"ota-modules {name}", lines), encoding="utf-8")


def fleet(cloud: LocalCloud, state: str) -> list[Text]:
    """Draw a manifest before, while and after it is sent; one of its requests meets an API that is out of order for it alone."""
    environment = environment_of(cloud, state)
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
    jobs()
    return 0


if __name__ == "__main__":
    sys.exit(main())
