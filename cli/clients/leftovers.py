"""Temporary queues and subscriptions that commands left behind, because they were killed or never resumed."""

from collections.abc import Callable
from dataclasses import dataclass

from cli import records
from cli.clients.smq import Mailbox
from cli.errors import CloudError

PREFIXES = {
    "ota-modules-cli-": "outcomes that nobody follows any more",
    "ota-modules-send-": "a send --wait that was not resumed",
    "ota-modules-tour-": "a run that was killed",
}
"""How temporary queues begin, with what made them. A subscription has the name of its queue."""


@dataclass(frozen=True)
class Leftover:
    """A queue, its subscription, or both; `age` in seconds."""

    name: str
    age: float
    what: str

    def record(self) -> records.Leftover:
        return {"Queue": self.name, "Age": round(self.age), "What": self.what}


class Leftovers:
    """What is left behind on the result topic."""

    def __init__(self, mailbox: Mailbox, topic: str) -> None:
        self._mailbox = mailbox
        self._topic = topic

    def find(self, now: float) -> list[Leftover]:
        """Return all of them, the oldest first; `now` in unix seconds. Raises: CloudError."""
        found = [
            Leftover(name, now - created, what)
            for prefix, what in PREFIXES.items()
            for name, created in self._created(prefix).items()
        ]
        return sorted(found, key=lambda each: -each.age)

    def _created(self, prefix: str) -> dict[str, float]:
        created = {name: self._mailbox.subscription_created(self._topic, name) for name in self._subscriptions(prefix)}
        created.update((name, self._mailbox.queue_created(name)) for name in self._mailbox.queues(prefix))
        # What another command removed meanwhile has no moment.
        return {name: moment for name, moment in created.items() if moment is not None}

    def _subscriptions(self, prefix: str) -> list[str]:
        try:
            return self._mailbox.subscriptions(self._topic, prefix)
        except CloudError as error:
            if error.code.endswith("NotExist"):
                return []
            raise

    def remove(self, leftover: Leftover) -> None:
        """Remove subscription and queue; what is gone already is no fault. Raises: CloudError."""
        _unless_gone(lambda: self._mailbox.unsubscribe(self._topic, leftover.name))
        _unless_gone(lambda: self._mailbox.delete_queue(leftover.name))


def _unless_gone(remove: Callable[[], None]) -> None:
    try:
        remove()
    except CloudError as error:
        if not error.code.endswith("NotExist"):
            raise
