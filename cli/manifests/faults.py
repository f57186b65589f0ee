"""What is wrong in a manifest, and where."""

from collections.abc import Sequence
from dataclasses import dataclass

from cli.errors import UsageError


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


class ManifestError(UsageError):
    """A manifest breaks rules."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(str(fault) for fault in faults))
        self.faults = tuple(faults)
