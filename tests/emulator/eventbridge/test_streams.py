"""Streams from a queue to a function that the test plays."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from emulator.clock import Clock
from emulator.fc.client import Called
from emulator.ram.keys import Accounts
from emulator.smq.messages import Depths
from emulator.smq.service import MessageService
from tests.emulator.eventbridge.played import FAILED, GOOD, Function, make_stream, run, send


@pytest.fixture
def service() -> Iterator[MessageService]:
    service = MessageService(Accounts())
    service.create_queue("q")
    service.create_queue("dead")
    yield service
    service.close()


@pytest.mark.parametrize(
    ("bodies", "trigger", "sizes"),
    [
        ("abcde", {"batch_messages": 2}, [2, 2, 1]),
        # A queue returns 16 messages at a time; the window may hold thousands.
        ("x" * 50, {"batch_messages": 10_000}, [50]),
        ("a", {"batch_messages": 100, "batch_seconds": 0.01}, [1]),
        # An asynchronous invocation takes 128 KB.
        (["x" * 40_000] * 4, {"batch_messages": 100, "asynchronous": True}, [3, 1]),
        ("ab", {"mode": "event-driven", "batch_messages": 100, "batch_seconds": 10}, [1, 1]),
    ],
    ids=["full", "thousands", "time", "bytes", "event mode"],
)
def test_a_batch_is_pushed_when_it_is_complete(
    service: MessageService, bodies: str | list[str], trigger: dict[str, Any], sizes: list[int]
) -> None:
    send(service, *bodies)
    function = Function()
    stream = make_stream(service, function, **trigger)
    run(stream, lambda: stream.delivered == len(bodies))
    assert [len(call) for call in function.calls] == sizes
    assert [body for call in function.calls for body in call] == [*bodies]


def test_an_open_window_takes_messages_that_come_later(service: MessageService) -> None:
    """It closes as soon as it is full, long before its 15 s are over."""
    send(service, "a")
    function = Function()
    stream = make_stream(service, function, batch_messages=2, batch_seconds=15)
    run(stream, lambda: stream.in_flight == 1, lambda: send(service, "b"), lambda: stream.delivered == 2)
    assert function.calls == [["a", "b"]]


def test_one_call_runs_at_a_time_and_a_stopped_stream_puts_its_message_back(service: MessageService) -> None:
    """A message is hidden during its call, and deleted after it."""
    depths: list[Depths] = []
    seconds = iter((0.01, 60))

    async def invoke(_payload: bytes) -> Called:
        depths.append(service.depths("q"))
        await asyncio.sleep(next(seconds))
        return GOOD

    send(service, "a", "b")
    stream = make_stream(service, invoke)
    run(stream, lambda: stream.delivered == 1, lambda: stream.in_flight == 1)
    assert depths == [Depths(active=1, inactive=1), Depths(inactive=1)]
    assert (stream.state, stream.in_flight, service.depths("q")) == ("Ready", 0, Depths(active=1))


@pytest.mark.parametrize("failure", [FAILED, Called(429), Called(503), ConnectionResetError, TimeoutError], ids=str)
def test_a_failed_call_is_repeated_with_the_same_bytes(
    service: MessageService, failure: Called | type[OSError]
) -> None:
    send(service, "a", "b")
    function = Function(failure, failure)
    stream = make_stream(service, function, batch_messages=2)
    run(stream, lambda: stream.delivered == 2)
    assert len(set(function.payloads)) == 1
    assert (len(function.payloads), stream.retried, service.depths("q")) == (3, 4, Depths())


@pytest.mark.parametrize(
    ("strategy", "pauses"),
    [
        ("BACKOFF_RETRY", [15.0] * 3),  # 10 to 20 seconds apart
        ("EXPONENTIAL_DECAY_RETRY", [2.0**n for n in range(9)] + [512.0] * 167),  # for a day
    ],
)
def test_a_retry_strategy_has_its_pauses_times_the_scale(strategy: str, pauses: list[float]) -> None:
    """Meanwhile its messages stay hidden, whatever the queue's visibility timeout; then they are discarded."""
    now, slept, visible = 1_700_000_000.0, list[float](), set[int]()
    service = MessageService(Accounts(), clock=Clock(wall=lambda: now))
    service.create_queue("q", visibility_timeout=1)
    send(service, "a")

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        slept.append(seconds)
        visible.add(service.depths("q").active)
        await asyncio.sleep(0)

    clock = Clock(sleep=sleep, random=lambda: 0.5, scale=0.5)
    stream = make_stream(service, Function(always=FAILED), clock, retry_strategy=strategy, errors_tolerance="ALL")
    run(stream, lambda: stream.discarded == 1)
    assert (slept, visible, service.depths("q")) == ([seconds * 0.5 for seconds in pauses], {0}, Depths())
    service.close()


def test_a_tolerated_failure_ends_in_the_dead_letter_queue(service: MessageService) -> None:
    """The whole batch, as it was pushed."""
    send(service, "a", "b", "c")
    function = Function(*[FAILED] * 4)
    stream = make_stream(service, function, batch_messages=2, errors_tolerance="ALL", dead_letter_queue="dead")
    run(stream, lambda: stream.delivered == 1)
    letters = [json.loads(message.body) for message in service.receive("dead", 16)]
    assert letters == json.loads(function.payloads[0])
    assert (function.calls[-1], stream.dead_lettered, stream.state) == (["c"], 2, "Ready")


def test_a_failure_that_is_not_tolerated_halts_the_stream_until_it_is_restarted(service: MessageService) -> None:
    send(service, "a", "b")
    function = Function(*[FAILED] * 4)
    stream = make_stream(service, function, batch_messages=2)
    run(stream)
    assert (stream.state, stream.in_flight, service.depths("q")) == ("Ready", 0, Depths(active=2))
    run(stream, lambda: stream.delivered == 2)
    assert (function.calls[-1], service.depths("q")) == (["a", "b"], Depths())


@pytest.mark.parametrize("status", [403, 404])
def test_a_function_that_is_not_there_halts_the_stream(service: MessageService, status: int) -> None:
    send(service, "a")
    function = Function(always=Called(status))
    stream = make_stream(service, function, errors_tolerance="ALL")
    run(stream)
    assert (stream.state, len(function.payloads), service.depths("q")) == ("Failed to start", 1, Depths(active=1))


def test_a_queue_that_is_not_there_halts_the_stream(service: MessageService) -> None:
    stream = make_stream(service, Function())
    run(stream, lambda: bool(service.waiting), lambda: service.delete_queue("q"), lambda: False)
    assert stream.state == "Failed to start"


def test_an_error_in_the_caller_s_code_is_not_hidden(service: MessageService) -> None:
    send(service, "a")
    stream = make_stream(service, Function(KeyError))
    with pytest.raises(KeyError):
        run(stream)
    assert (stream.state, service.depths("q")) == ("Ready", Depths(active=1))


def test_a_paused_stream_receives_nothing_until_it_is_resumed(service: MessageService) -> None:
    function = Function()
    stream = make_stream(service, function)

    def check() -> None:
        assert (stream.state, function.calls, service.depths("q").active) == ("Paused", [], 1)

    sent = [stream.pause, lambda: send(service, "x"), check]
    run(stream, lambda: stream.state == "Running", *sent, stream.resume, lambda: stream.delivered == 1)


def test_a_running_call_ends_and_counts_though_its_stream_is_paused(service: MessageService) -> None:
    may_end = asyncio.Event()

    async def invoke(_payload: bytes) -> Called:
        await may_end.wait()
        return GOOD

    send(service, "x", "y")
    stream = make_stream(service, invoke)
    ended = [lambda: stream.delivered == 1, lambda: stream.in_flight == 0]
    run(stream, lambda: stream.in_flight == 1, stream.pause, may_end.set, *ended)
    assert (stream.state, service.depths("q").active) == ("Ready", 1)


def test_a_batch_between_two_tries_goes_back_to_the_queue(service: MessageService) -> None:
    stream = make_stream(service, Function(always=FAILED), Clock())
    send(service, "x")

    def check() -> None:
        assert (service.depths("q").active, stream.discarded) == (1, 0)

    paused = [lambda: stream.in_flight == 1, stream.pause, lambda: stream.in_flight == 0, check]
    run(stream, *paused, stream.resume, lambda: stream.in_flight == 1)
