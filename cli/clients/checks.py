"""Checks of a deployment: what each found, and what to do where it is wrong."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from cli import records
from cli.errors import CliError

Verdict = Literal["ok", "wrong", "unknown"]


@dataclass(frozen=True)
class Finding:
    """What a check found; `advice` says what to do unless it is ok."""

    check: str
    verdict: Verdict
    text: str
    advice: str = ""

    def record(self) -> records.Finding:
        return {"Check": self.check, "Verdict": self.verdict, "Text": self.text, "Advice": self.advice}


@dataclass(frozen=True)
class Check:
    """One check: its name, and what looks; a look that fails could not be checked, and `advice` says what it needs."""

    name: str
    look: Callable[[], Finding | list[Finding]]
    advice: str = ""

    def run(self) -> list[Finding]:
        """Never raises CliError."""
        try:
            found = self.look()
        except CliError as error:
            return [Finding(self.name, "unknown", str(error), self.advice)]
        return found if isinstance(found, list) else [found]


def run_all(checks: list[Check]) -> Iterator[Finding]:
    """Run one after another."""
    for check in checks:
        yield from check.run()
