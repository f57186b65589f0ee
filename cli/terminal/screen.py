"""Prints results on standard output and everything else on standard error; without colours where it is no terminal."""

import json
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic_core import to_jsonable_python
from rich import box
from rich.table import Table
from rich.text import Text

from cli.records import Record
from cli.terminal import streams

STYLES = {"created": "green", "existing": "cyan", "updated": "blue", "rejected": "yellow", "failed": "red"}
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Categories of characters that could move a terminal's cursor or hide other text."""


class Screen:
    """Where one command writes. With `as_json`, standard output holds one JSON value a line and nothing else.

    `quiet` leaves out everything but summaries and errors; `verbose` adds details.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        self.out = streams.console(sys.stdout)
        self.err = streams.console(sys.stderr)

    def is_asked(self) -> bool:
        """Tell whether somebody can answer a question."""
        return sys.stdin.isatty()

    def note(self, text: str | Text) -> None:
        """Print what the command is doing."""
        if not self.quiet:
            self.err.print(text, style="dim" if isinstance(text, str) else "")

    def detail(self, text: str | Text) -> None:
        """Print a detail that only --verbose shows."""
        if self.verbose:
            self.err.print(text, style="dim" if isinstance(text, str) else "")

    def warn(self, text: str) -> None:
        self.err.print(Text(text, style="yellow"))

    def say(self, text: str | Text = "") -> None:
        """Print text of the result, unless it is JSON or only its summary is wanted."""
        if not self.quiet:
            self.summary(text)

    def summary(self, text: str | Text) -> None:
        """Print the summary of the result, unless it is JSON."""
        if not self.as_json:
            self.out.print(text, soft_wrap=not self.out.is_terminal)

    def line(self, text: Text) -> None:
        """Print one line of the result, cut to the terminal's width, unless it is JSON."""
        if not self.as_json:
            narrow = self.out.is_terminal
            self.out.print(text, no_wrap=narrow, overflow="ellipsis" if narrow else None, soft_wrap=not narrow)

    def record(self, value: Record) -> None:
        """Print a JSON line of the result, where --json is given."""
        if self.as_json:
            plain = to_jsonable_python(value, by_alias=True, fallback=str)
            text = json.dumps(plain, ensure_ascii=not self.out.encoding.startswith("utf"))
            self.out.print(text, soft_wrap=True)

    def table(self, heading: Sequence[str], rows: Iterable[Sequence[str | Text]], *, title: str = "") -> None:
        """Print a table of the result, unless it is JSON."""
        if self.as_json or self.quiet:
            return
        if title:
            self.out.print(title)
        cells = [[cell if isinstance(cell, Text) else Text(visible(cell)) for cell in row] for row in rows]
        if self.out.is_terminal:
            table = Table(*heading, box=box.SIMPLE_HEAD, pad_edge=False)
            for row in cells:
                table.add_row(*row)
            self.out.print(table)
            return
        # Columns of equal width, nothing folded, no blanks at the end.
        lines = [[Text(name) for name in heading], *cells]
        widths = [max(cell.cell_len for cell in column) for column in zip(*lines, strict=True)]
        for line in lines:
            padded = (cell.plain + " " * (width - cell.cell_len) for cell, width in zip(line, widths, strict=True))
            self.out.print("  ".join(padded).rstrip(), soft_wrap=True)


def status_text(status: str, width: int = 0) -> Text:
    """Return a status in its colour."""
    return Text(status.ljust(width), style=STYLES.get(status, ""))


def plural(count: int, noun: str) -> str:
    """Return `1 request`, `2 requests`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def counts_line(what: str, statuses: Mapping[str, int]) -> Text:
    """Return `4 requests: 3 created, 1 failed`, each status in its colour."""
    counts = [Text(f"{count} {status}", style=STYLES.get(status, "")) for status, count in sorted(statuses.items())]
    return Text(f"{what}: ").append_text(Text(", ").join(counts))


def visible(text: str) -> str:
    """Escape the characters of the `HIDDEN` categories."""
    return "".join(f"\\u{ord(each):04x}" if unicodedata.category(each) in HIDDEN else each for each in text)


def outcome_line(outcome: Mapping[str, Any], note: str = "") -> Text:
    """Return an outcome's data as a line: status, module, a note, and why."""
    status, shown = status_text(str(outcome.get("Status")), 10), (f"  {note:<36}" if note else "", "dim")
    line = Text.assemble(status, f"{visible(module_of(outcome)):<32}", shown, f"  {visible(remark(outcome))}")
    line.rstrip()
    return line


def module_of(outcome: Mapping[str, Any]) -> str:
    """Return `<ProductKey>/<ModuleName>`, with a dash for what is not known."""
    return f"{outcome.get('ProductKey') or '-'}/{outcome.get('ModuleName') or '-'}"


def remark(outcome: Mapping[str, Any]) -> str:
    """Say why an outcome is what it is: the rules broken, the drift, or the API's code and message.

    Errors and drift that another program wrote in another form are shown as they are.
    """
    errors, drift = outcome.get("Errors"), outcome.get("Drift") or {}
    try:
        rules = "; ".join(f"{error['Field'] or 'message'} {error['Problem']}" for error in errors or ())
        differs = ", ".join(f"{name}: {each['Found']!r}, not {each['Wanted']!r}" for name, each in drift.items())
    except (AttributeError, TypeError, KeyError):
        return repr(errors or drift)
    code, message = (str(outcome.get(name) or "") for name in ("Code", "ErrorMessage"))
    # Of answers that were not the API's own, the message begins with what stands for a code.
    reason = message if message.startswith(code) else ": ".join(part for part in (code, message) if part)
    return rules or " ".join(part for part in (differs, reason) if part)
