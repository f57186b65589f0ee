"""How messages age: delays, visibility, retention and dead letters, on a clock that the test moves."""

from collections.abc import Iterator

import pytest

from emulator.clock import Clock
from emulator.ram.keys import Accounts
from emulator.smq.errors import InvalidArgument, QueueNotExist, SmqError
from emulator.smq.messages import Depths, Properties, Property
from emulator.smq.queues import DlqPolicy
from emulator.smq.service import MessageService


class Wall:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Wall:
    return Wall()


@pytest.fixture
def service(clock: Wall) -> Iterator[MessageService]:
    service = MessageService(Accounts(wall=clock), clock=Clock(wall=clock))
    service.create_queue("q")
    yield service
    service.close()


def bodies(service: MessageService, queue: str = "q") -> list[str]:
    return [message.body for message in service.receive(queue, 16)]


def test_a_delayed_message_is_not_seen_before_its_time(service: MessageService, clock: Wall) -> None:
    service.send("q", "later", delay=10)
    clock.advance(9.999)
    assert bodies(service) == []
    clock.advance(0.001)
    assert bodies(service) == ["later"]


def test_a_queue_s_delay_holds_for_messages_that_name_none(service: MessageService, clock: Wall) -> None:
    service.create_queue("slow", delay_seconds=60)
    service.send("slow", "default")
    service.send("slow", "own", delay=0)
    assert bodies(service, "slow") == ["own"]
    clock.advance(60)
    assert "default" in bodies(service, "slow")


def test_a_received_message_comes_again_when_its_visibility_ends(service: MessageService, clock: Wall) -> None:
    service.send("q", "x")
    first = service.receive("q")[0]
    clock.advance(30)
    again = service.receive("q")[0]
    assert (again.dequeue_count, again.first_dequeued) == (2, first.first_dequeued)
    assert again.next_visible == first.next_visible + 30_000


def test_a_receiver_may_ask_for_a_visibility_of_its_own(service: MessageService, clock: Wall) -> None:
    service.send("q", "x")
    service.receive("q", visibility=300)
    clock.advance(299)
    assert bodies(service) == []
    clock.advance(1)
    assert bodies(service) == ["x"]


def test_a_handle_ends_with_the_visibility(service: MessageService, clock: Wall) -> None:
    service.send("q", "x")
    handle = service.receive("q")[0].handle
    clock.advance(30)
    with pytest.raises(SmqError, match="receipt handle"):
        service.delete("q", handle)
    assert bodies(service) == ["x"]


def test_an_earlier_receiver_s_handle_is_refused(service: MessageService, clock: Wall) -> None:
    service.send("q", "x")
    stale = service.receive("q")[0].handle
    clock.advance(30)
    valid = service.receive("q")[0].handle
    with pytest.raises(SmqError, match="receipt handle"):
        service.change_visibility("q", stale, 60)
    service.delete("q", valid)


@pytest.mark.parametrize("handle", ["", "nonsense", "1-x", "1-" + "0" * 33, "-1-" + "0" * 32])
def test_what_is_no_handle_is_refused(service: MessageService, handle: str) -> None:
    with pytest.raises(SmqError, match="receipt handle"):
        service.delete("q", handle)


def test_a_visibility_of_nothing_shows_a_message_at_once(service: MessageService) -> None:
    service.send("q", "x")
    service.change_visibility("q", service.receive("q")[0].handle, 0)
    assert bodies(service) == ["x"]


def test_a_message_is_dropped_when_its_retention_ends(service: MessageService, clock: Wall) -> None:
    service.create_queue("short", message_retention_period=60)
    service.send("short", "unseen")
    service.send("short", "seen", priority=1)
    handle = service.receive("short", visibility=3600)[0].handle
    clock.advance(60)
    assert service.depths("short") == Depths()
    with pytest.raises(SmqError, match="Message not exist"):
        service.delete("short", handle)


def test_depths_tell_the_three_states_apart(service: MessageService, clock: Wall) -> None:
    for body in ("a", "b"):
        service.send("q", body)
    service.send("q", "c", delay=60)
    service.receive("q")
    assert service.depths("q") == Depths(active=1, inactive=1, delayed=1)
    clock.advance(60)
    assert service.depths("q") == Depths(active=3)


def test_a_message_is_dead_lettered_after_its_last_reception(service: MessageService, clock: Wall) -> None:
    service.create_queue("dead")
    service.create_queue("work", dlq_policy=DlqPolicy("dead", max_receive_count=2))
    service.send("work", "poison", priority=3, properties=Properties(user=(Property("a", "b"),)))
    for _ in range(2):
        assert bodies(service, "work") == ["poison"]
        assert bodies(service, "dead") == []
        clock.advance(30)
    assert bodies(service, "work") == []
    letter = service.receive("dead")[0]
    assert (letter.body, letter.priority, letter.dequeue_count) == ("poison", 3, 1)
    assert letter.properties.user == (Property("a", "b"),)


def test_a_dead_letter_keeps_its_age(service: MessageService, clock: Wall) -> None:
    service.create_queue("dead", message_retention_period=100)
    service.create_queue("work", dlq_policy=DlqPolicy("dead", max_receive_count=1))
    service.send("work", "old")
    service.receive("work")
    clock.advance(50)
    assert service.depths("dead").active == 1
    clock.advance(50)
    assert service.depths("dead") == Depths()


def test_a_disabled_policy_moves_nothing(service: MessageService, clock: Wall) -> None:
    service.create_queue("dead")
    service.create_queue("work", dlq_policy=DlqPolicy("dead", max_receive_count=1, enabled=False))
    service.send("work", "x")
    service.receive("work")
    clock.advance(30)
    assert bodies(service, "work") == ["x"]


def test_without_its_dead_letter_queue_a_message_stays(service: MessageService, clock: Wall) -> None:
    service.create_queue("work", dlq_policy=DlqPolicy("nowhere", max_receive_count=1))
    service.send("work", "x")
    service.receive("work")
    clock.advance(30)
    assert bodies(service, "work") == ["x"]


@pytest.mark.parametrize("body", ["", "\x00", "a\x0bb", "\ud800", "\ufffe"])
def test_a_body_that_xml_cannot_carry_is_refused(service: MessageService, body: str) -> None:
    with pytest.raises(InvalidArgument):
        service.send("q", body)


@pytest.mark.parametrize(("delay", "priority"), [(0, 0), (0, 17), (-1, 8), (604_801, 8)])
def test_a_message_outside_the_limits_is_refused(service: MessageService, delay: int, priority: int) -> None:
    with pytest.raises(InvalidArgument):
        service.send("q", "x", delay, priority)


def test_a_queue_may_take_less_than_64_kib(service: MessageService) -> None:
    """The limit counts bytes, not characters."""
    service.create_queue("small", maximum_message_size=1024)
    service.send("small", "é" * 512)
    with pytest.raises(InvalidArgument):
        service.send("small", "é" * 512 + "x")


def test_nothing_can_be_done_with_a_queue_that_is_not_there(service: MessageService) -> None:
    for attempt in (lambda: service.send("none", "x"), lambda: service.receive("none"), lambda: service.depths("none")):
        with pytest.raises(QueueNotExist):
            attempt()


def test_a_fault_in_a_transaction_undoes_all_of_it(service: MessageService) -> None:
    database = service._database
    with pytest.raises(QueueNotExist), database.transaction():
        service.send("q", "x")
        service.send("none", "y")
    assert service.depths("q") == Depths()
