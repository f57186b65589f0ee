"""What is waiting, in flight, delayed and given up; how fast it goes; what went wrong last. Any of it may be unknown."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cli import records
from cli.clients.streams import Stream
from cli.errors import UsageError
from handler.errors import SettingError
from handler.settings import Settings

_REQUIRED = {"OTA_REGION": "any", "OTA_MNS_ENDPOINT": "https://any.example", "OTA_RESULT_TOPIC": "any"}
"""What settings need that has nothing to do with the quota."""


@dataclass(frozen=True)
class Figure:
    """A number, and how many seconds old it is; where there is none, `why` says so."""

    value: float | None
    age: float = 0.0
    why: str = ""

    def record(self) -> records.Known | records.NotKnown:
        return {"Value": self.value, "Age": round(self.age, 1)} if self.value is not None else {"Unknown": self.why}


@dataclass(frozen=True)
class LastError:
    """What went wrong last, and how many seconds ago."""

    text: str
    age: float


@dataclass(frozen=True)
class Figures:
    """All figures of a target. Depths count messages; a message that was put back may hold several requests."""

    waiting: Figure
    in_flight: Figure
    delayed: Figure
    dead: Figure
    calls: Figure
    """Calls of the IoT API a second."""
    outcomes: Figure
    """Outcomes a second."""
    share: Figure
    """Calls of one operation a second that the queue's function may make."""
    last_error: LastError | None = None
    streams: tuple[Stream, ...] = ()
    unknown: tuple[str, ...] = field(default=())
    """What else could not be told, and why."""

    @property
    def ahead(self) -> float | None:
        """Messages that are not finished; None where nobody tells how many."""
        known = [each.value for each in (self.waiting, self.in_flight, self.delayed) if each.value is not None]
        return sum(known) if self.waiting.value is not None else None

    @property
    def seconds_left(self) -> float | None:
        """How long what is queued takes with this share; None where that cannot be told."""
        return None if self.ahead is None or not self.share.value else self.ahead / self.share.value

    def record(self) -> records.Figures:
        """Return the figures as a JSON line has them."""
        left = self.seconds_left
        error = self.last_error
        return {
            "Waiting": self.waiting.record(),
            "InFlight": self.in_flight.record(),
            "Delayed": self.delayed.record(),
            "Dead": self.dead.record(),
            "Calls": self.calls.record(),
            "Outcomes": self.outcomes.record(),
            "Share": self.share.record(),
            "SecondsLeft": None if left is None else round(left),
            "LastError": {"Text": error.text, "Age": round(error.age, 1)} if error else None,
            "Streams": [{"Name": each.name, "State": each.state, "InFlight": each.in_flight} for each in self.streams],
            "Unknown": list(self.unknown),
        }


Read = Callable[[], Figures]
"""Reads the figures of a target as they are now. Raises: CloudError: nobody answers."""


def quota_settings(quota: Mapping[str, Any]) -> Settings:
    """Return the settings of a function that is told this about the quota. Raises: UsageError: one is refused."""
    known = {name: str(value) for name, value in quota.items() if name in Settings.model_fields and value != "set"}
    try:
        return Settings.read({**_REQUIRED, **known})
    except SettingError as error:
        raise UsageError(str(error)) from None


def share_of(quota: Mapping[str, Any]) -> Figure:
    """Return the calls a second of one operation that a function's settings let all its instances make."""
    try:
        settings = quota_settings(quota)
    except UsageError as error:
        return Figure(None, why=str(error))
    shared = settings.store is not None or "OTA_QUOTA_URL" in quota
    return Figure(settings.rate if shared else settings.share * settings.OTA_QUOTA_INSTANCES)
