"""`ota-modules outcomes`."""

import json
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest

from tests.support.publishing import Publisher
from tests.support.waiting import eventually


def event(status: str, product: str = "a1", moment: str = "2026-01-31T08:00:00Z") -> str:
    data = {"Status": status, "ProductKey": product, "ModuleName": "mcu"}
    return json.dumps({"id": status, "causationid": "x", "time": moment, "data": data})


@contextmanager
def repeated(cloud: Any, *bodies: str) -> Iterator[None]:
    """Publish the same outcomes over and over while entered: a subscription sees only what comes later."""
    stop = threading.Event()

    def work() -> None:
        with closing(Publisher(cloud.target)) as mailbox:
            while not stop.wait(0.05):
                for body in bodies:
                    mailbox.publish(cloud.names.result_topic, body)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(10)


def test_only_wanted_outcomes_are_shown_as_they_come(cloud: Any, ota_modules: Any) -> None:
    """By status and by product; as JSON lines where that is asked for: the whole event."""
    arguments = ("outcomes", "--status", "rejected", "--product", "a1", "--count", "2")
    with repeated(cloud, event("created"), event("rejected", "a2"), event("rejected", "a1")):
        shown, records = ota_modules(*arguments).out, ota_modules(*arguments, "--json").out
    assert [line.split()[:2] for line in shown.splitlines()] == [["rejected", "a1/mcu"]] * 2
    assert [json.loads(line)["data"]["Status"] for line in records.splitlines()] == ["rejected"] * 2


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
    ended = ota_modules(*arguments)
    assert "reading about 3 earlier outcomes" in ended.err
    assert [json.loads(line)["time"] for line in ended.out.splitlines()] == [
        "2026-01-31T09:00:00Z",
        "2026-01-31T09:30:00Z",
    ]
    assert cloud.depth(queue) == 3
    eventually(lambda: cloud.visible(queue) == 3 or None)


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
    [("--since", "soon"), ("--since", "10"), ("--status", "done"), ("--forget", "a b"), ("--keep", "a b")],
)
def test_options_that_make_no_sense_are_refused(cloud: Any, ota_modules: Any, arguments: tuple[str, ...]) -> None:
    """Exit status 2."""
    assert ota_modules("outcomes", *arguments).status == 2
