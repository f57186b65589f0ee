"""Which outcomes are still to come, and whether those that came are the expected ones."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli import records
from cli.tour.matching import differences
from cli.tour.samples import Sample


@dataclass(frozen=True)
class Finding:
    """Something that is not as expected."""

    sample: str
    id: str
    problem: str

    def record(self) -> records.Deviation:
        return {"Sample": self.sample, "Id": self.id, "Problem": self.problem}


@dataclass(frozen=True)
class Arrival:
    """An outcome that came, the sample it belongs to, and where it differs from what was expected."""

    id: str
    outcome: Mapping[str, Any]
    sample: str
    differences: tuple[str, ...]

    @property
    def findings(self) -> list[Finding]:
        return [Finding(self.sample, self.id, difference) for difference in self.differences]


@dataclass(frozen=True)
class _Expected:
    sample: str
    outcome: Mapping[str, Any]


class Expectations:
    """The outcomes that the samples must have. An outcome may come again; then it must be the same one."""

    def __init__(self) -> None:
        self._expected: dict[str, _Expected] = {}
        self._waiting: set[str] = set()
        self._events: dict[str, str] = {}
        self._held: list[Mapping[str, Any]] = []

    def expect(self, sample: Sample, message_id: str = "") -> list[Arrival]:
        """Expect a sample's outcomes; returns those of them that came before anybody knew their ids."""
        for name, outcome in sample.expected(message_id).items():
            self._expected[name] = _Expected(sample.name, outcome)
            self._waiting.add(name)
        known = [event for event in self._held if _id(event) in self._expected]
        self._held = [event for event in self._held if _id(event) not in self._expected]
        return [arrival for event in known if (arrival := self.take(event))]

    def take(self, event: Mapping[str, Any]) -> Arrival | None:
        """An outcome's event; None where it came before, or is not known to be expected, yet."""
        name = _id(event)
        expected = self._expected.get(name)
        if expected is None:
            self._held.append(event)
            return None
        found = differences(expected.outcome, event.get("data"))
        again = self._events.setdefault(name, str(event.get("id")))
        if again != event.get("id"):
            found.append(f"a second outcome, {event.get('id')}, beside {again}")
        elif name not in self._waiting and not found:
            return None
        self._waiting.discard(name)
        return Arrival(name, event.get("data") or {}, expected.sample, tuple(found))

    @property
    def complete(self) -> bool:
        return not self._waiting

    def missing(self) -> list[Finding]:
        """What has not come."""
        return [
            Finding(
                self._expected[name].sample, name, f"expected {self._expected[name].outcome.get('Status')}, got nothing"
            )
            for name in sorted(self._waiting)
        ]

    def unexpected(self) -> list[Finding]:
        """What came and belongs to no sample."""
        return [
            Finding(
                "-", _id(event), f"not expected: {(event.get('data') or {}).get('Status')} of {event.get('subject')}"
            )
            for event in self._held
        ]


def _id(event: Mapping[str, Any]) -> str:
    """The request's Id: what caused the event."""
    return str(event.get("causationid"))
