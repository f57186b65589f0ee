"""`ota-modules outcomes`."""

import json
import threading
import time
from typing import Any

import pytest

from tests.support.publishing import Publisher


def event(status: str, product: str = "a1", moment: str = "2026-01-31T08:00:00Z") -> str:
    data = {"Status": status, "ProductKey": product, "ModuleName": "mcu"}
    return json.dumps({"id": status, "causationid": "x", "time": moment, "data": data})


class Repeater:
    """Publishes the same outcomes over and over, until it is stopped: a subscription sees only what comes later."""

    def __init__(self, cloud: Any, *bodies: str) -> None:
        self._cloud, self._bodies, self._stop = cloud, bodies, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Repeater":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join(10)

    def _run(self) -> None:
        mailbox = Publisher(self._cloud.target)
        while not self._stop.wait(0.05):
            for body in self._bodies:
                mailbox.publish(self._cloud.names.result_topic, body)
        mailbox.close()


def test_outcomes_are_shown_as_they_come(cloud: Any, ota_modules: Any) -> None:
    """As JSON lines where that is asked for: the whole event."""
    with Repeater(cloud, event("created")):
        ended = ota_modules("outcomes", "--count", "2", "--json")
    assert [json.loads(line)["data"]["Status"] for line in ended.out.splitlines()] == ["created", "created"]


def test_only_wanted_outcomes_are_shown(cloud: Any, ota_modules: Any) -> None:
    """By status and by product."""
    with Repeater(cloud, event("created"), event("rejected", "a2"), event("rejected", "a1")):
        ended = ota_modules("outcomes", "--status", "rejected", "--product", "a1", "--count", "2")
    assert [line.split()[:2] for line in ended.out.splitlines()] == [["rejected", "a1/mcu"]] * 2


def test_a_kept_subscription_misses_nothing(cloud: Any, ota_modules: Any) -> None:
    """What comes between two runs is there in the second; --since leaves the older out."""
    ota_modules("outcomes", "--keep", "mine", "--seconds", "0")
    for moment in ("2026-01-31T08:00:00Z", "2026-01-31T09:00:00Z"):
        cloud.mailbox.publish(cloud.names.result_topic, event("created", moment=moment))
    ended = ota_modules("outcomes", "--keep", "mine", "--since", "2026-01-31T08:30:00Z", "--count", "1", "--json")
    assert json.loads(ended.out)["time"] == "2026-01-31T09:00:00Z"


def test_the_past_is_read_from_the_queue_of_the_deployment(cloud: Any, ota_modules: Any) -> None:
    """By time, as far as it is wanted; and it stays there for others."""
    queue = cloud.names.outcome_queue
    moments = ("2026-01-31T09:30:00Z", "2026-01-31T08:00:00Z", "2026-01-31T09:00:00Z")
    cloud.mailbox.send(queue, [event("created", moment=moment) for moment in moments])
    arguments = ("outcomes", "--since", "2026-01-31T08:30:00Z", "--seconds", "0", "--json")
    shown = [json.loads(line)["time"] for line in ota_modules(*arguments).out.splitlines()]
    assert shown == ["2026-01-31T09:00:00Z", "2026-01-31T09:30:00Z"]
    assert cloud.depth(queue) == 3
    until = time.monotonic() + 10
    while cloud.visible(queue) < 3:
        assert time.monotonic() < until
        time.sleep(0.02)


def test_what_is_kept_can_be_forgotten(cloud: Any, ota_modules: Any) -> None:
    """Its queue and its subscription are gone, or it would gather outcomes for ever."""
    ota_modules("outcomes", "--keep", "mine", "--seconds", "0")
    assert cloud.depth("ota-modules-kept-mine") == 0
    assert ota_modules("outcomes", "--forget", "mine").status == 0
    with pytest.raises(Exception, match="QueueNotExist"):
        cloud.mailbox.send("ota-modules-kept-mine", ["x"])


def test_a_subscription_that_is_not_kept_is_removed(cloud: Any, ota_modules: Any) -> None:
    """Nothing is left in the account."""
    ended = ota_modules("outcomes", "--seconds", "0")
    name = ended.err.split("through queue ")[1].split(";")[0]
    with pytest.raises(Exception, match="QueueNotExist"):
        cloud.mailbox.send(name, ["x"])


@pytest.mark.parametrize(
    "arguments",
    [
        ("--since", "soon"),
        ("--status", "done"),
        ("--forget", "a b"),
        ("--keep", "a b"),
        ("--keep", "a", "--since", "soon"),
    ],
)
def test_options_that_make_no_sense_are_refused(cloud: Any, ota_modules: Any, arguments: tuple[str, ...]) -> None:
    """Exit status 2."""
    assert ota_modules("outcomes", *arguments).status == 2
