"""Delays, visibility, retention and dead letters, on a clock that the test sets."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.clock import Clock
from emulator.ram.keys import Accounts
from emulator.smq.errors import InvalidArgument, NotFound, SmqError
from emulator.smq.messages import Depths
from emulator.smq.queues import DlqPolicy
from emulator.smq.service import MessageService


@pytest.fixture
def time() -> SimpleNamespace:
    return SimpleNamespace(now=1_700_000_000.0)


@pytest.fixture
def service(time: SimpleNamespace) -> Iterator[MessageService]:
    service = MessageService(Accounts(), clock=Clock(wall=lambda: time.now))
    service.create_queue("q")
    yield service
    service.close()


def bodies(service: MessageService, queue: str = "q") -> list[str]:
    return [message.body for message in service.receive(queue, 16)]


def test_a_delayed_message_is_not_seen_before_its_time(service: MessageService, time: SimpleNamespace) -> None:
    """The queue's delay holds for messages that name none."""
    service.create_queue("slow", delay_seconds=60)
    service.send("slow", "default")
    service.send("slow", "own", delay=0)
    assert bodies(service, "slow") == ["own"]
    service.send("q", "later", delay=10)
    time.now += 9.999
    assert bodies(service) == []
    time.now += 0.001
    assert bodies(service) == ["later"]
    time.now += 50
    assert "default" in bodies(service, "slow")


def test_a_message_comes_again_when_its_visibility_ends(service: MessageService, time: SimpleNamespace) -> None:
    """The queue's visibility is 30 s, unless the receiver asks for another; the handle ends with it."""
    service.send("q", "x")
    [first] = service.receive("q")
    time.now += 30
    with pytest.raises(SmqError, match="handle you provide has expired"):
        service.delete("q", first.handle)
    [again] = service.receive("q", visibility=300)
    assert (again.dequeue_count, again.first_dequeued) == (2, first.first_dequeued)
    assert again.next_visible == first.next_visible + 300_000
    with pytest.raises(SmqError, match="handle you provide has expired"):
        service.change_visibility("q", first.handle, 60)
    time.now += 299
    assert bodies(service) == []
    time.now += 1
    [last] = service.receive("q")
    service.delete("q", last.handle)
    assert service.depths("q") == Depths()


def test_a_message_is_dropped_when_its_retention_ends(service: MessageService, time: SimpleNamespace) -> None:
    service.create_queue("short", message_retention_period=60)
    service.send("short", "unseen")
    service.send("short", "seen", priority=1)
    handle = service.receive("short", visibility=3600)[0].handle
    time.now += 60
    assert service.depths("short") == Depths()
    with pytest.raises(SmqError, match="Message not exist"):
        service.delete("short", handle)


def test_depths_tell_the_three_states_apart(service: MessageService, time: SimpleNamespace) -> None:
    for body in ("a", "b"):
        service.send("q", body)
    service.send("q", "c", delay=60)
    service.receive("q")
    assert service.depths("q") == Depths(active=1, inactive=1, delayed=1)
    time.now += 60
    assert service.depths("q") == Depths(active=3)


def test_a_dead_letter_keeps_its_age(service: MessageService, time: SimpleNamespace) -> None:
    service.create_queue("dead", message_retention_period=100)
    service.create_queue("work", dlq_policy=DlqPolicy("dead", max_receive_count=1))
    service.send("work", "old")
    service.receive("work")
    time.now += 50
    assert service.depths("dead").active == 1
    time.now += 50
    assert service.depths("dead") == Depths()


def test_a_policy_that_is_not_in_force_moves_nothing(service: MessageService, time: SimpleNamespace) -> None:
    """One that is off, or without a target."""
    for name, policy in {"off": DlqPolicy("q", 1, enabled=False), "lost": DlqPolicy("nowhere", 1)}.items():
        service.create_queue(name, dlq_policy=policy)
        service.send(name, "x")
        service.receive(name)
    time.now += 30
    assert (bodies(service, "off"), bodies(service, "lost")) == (["x"], ["x"])


def test_a_message_outside_the_limits_is_refused(service: MessageService) -> None:
    """A body that XML cannot carry, or that is too long in bytes; priorities are 1 to 16, delays up to a week."""
    service.create_queue("small", maximum_message_size=1024)
    service.send("small", "é" * 512)
    messages: list[dict[str, Any]] = [
        *({"body": body} for body in ("", "\x00", "a\x0bb", "\ud800", "\ufffe", "é" * 512 + "x")),
        *({"body": "x", "priority": priority} for priority in (0, 17)),
        *({"body": "x", "delay": delay} for delay in (-1, 604_801)),
    ]
    for message in messages:
        with pytest.raises(InvalidArgument):
            service.send("small", **message)


def test_a_queue_must_exist_to_be_used(service: MessageService) -> None:
    for use in (lambda name: service.send(name, "x"), service.receive, service.peek, service.purge, service.depths):
        with pytest.raises(NotFound):
            use("none")


def test_an_error_in_a_transaction_undoes_all_of_it(service: MessageService) -> None:
    with pytest.raises(NotFound), service._database.transaction():
        service.send("q", "x")
        service.send("none", "y")
    assert service.depths("q") == Depths()
