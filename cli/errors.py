"""What ends a command early, and the faults of a manifest.

CliError            some of what was wished could not be done (exit status 1)
+-- CloudError      the cloud did not answer, or refused
+-- UsageError      what was asked for makes no sense (exit status 2)
    +-- ManifestError   a manifest breaks rules; carries every fault
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands in a manifest."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, order=True)
class Fault:
    """A rule that a manifest breaks; `field` is empty where it is not one field's."""

    place: Place
    field: str
    rule: str

    def __str__(self) -> str:
        return f"{self.place}: {self.field + ': ' if self.field else ''}{self.rule}"

    def record(self) -> dict[str, object]:
        return {"File": self.place.file, "Line": self.place.line, "Field": self.field, "Rule": self.rule}


class CliError(Exception):
    """Some of what was wished could not be done; the text is for the user."""

    exit_status: ClassVar[int] = 1


class CloudError(CliError):
    """The cloud did not answer, or refused; `code` is its own, empty where there was no answer."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(text)
        self.code = code


class UsageError(CliError):
    """What was asked for makes no sense."""

    exit_status: ClassVar[int] = 2


class ManifestError(UsageError):
    """A manifest breaks rules."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)
