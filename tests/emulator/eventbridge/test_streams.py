"""Streams from a queue to a function that the test plays."""

import asyncio
import json

import pytest

from emulator.clock import Clock
from emulator.fc.client import Called
from emulator.ram.keys import Accounts
from emulator.smq.messages import Depths
from emulator.smq.service import MessageService
from tests.emulator.eventbridge.played import FAILED, GOOD, Function, Sleep, make_stream, run, send


def test_a_delivered_message_is_deleted(service: MessageService) -> None:
    hidden: list[Depths] = []

    async def invoke(_payload: bytes) -> Called:
        hidden.append(service.depths("q"))
        return GOOD

    send(service, "a")
    stream = make_stream(service, invoke)
    run(stream, lambda: stream.delivered == 1)
    assert (hidden, service.depths("q")) == ([Depths(inactive=1)], Depths())


@pytest.mark.parametrize(
    "failure",
    [FAILED, Called(429), Called(500), Called(503), ConnectionResetError, TimeoutError],
    ids=["error", "429", "500", "503", "reset", "timeout"],
)
def test_a_failed_call_is_repeated_with_the_same_bytes(
    service: MessageService, failure: Called | type[OSError]
) -> None:
    send(service, "a", "b")
    function = Function([failure, failure])
    stream = make_stream(service, function, batch_messages=2)
    run(stream, lambda: stream.delivered == 2)
    assert len(set(function.payloads)) == 1
    assert (len(function.payloads), stream.retried, service.depths("q")) == (3, 4, Depths())


@pytest.mark.parametrize(
    ("strategy", "seconds"),
    [
        # 10 to 20 seconds apart.
        ("BACKOFF_RETRY", [15.0] * 3),
        # For a day.
        ("EXPONENTIAL_DECAY_RETRY", [2.0**n for n in range(9)] + [512.0] * 167),
    ],
)
def test_a_retry_strategy_has_its_pauses_times_the_scale(
    service: MessageService, strategy: str, seconds: list[float]
) -> None:
    send(service, "a")
    sleep = Sleep()
    clock = Clock(sleep=sleep, random=lambda: 0.5, scale=0.5)
    stream = make_stream(service, Function(always=FAILED), clock, errors_tolerance="ALL", retry_strategy=strategy)
    run(stream, lambda: stream.discarded == 1)
    assert sleep.seconds == [pause * 0.5 for pause in seconds]


def test_a_tolerated_failure_ends_in_the_dead_letter_queue(service: MessageService) -> None:
    send(service, "a", "b", "c")
    function = Function([FAILED] * 4)
    stream = make_stream(service, function, batch_messages=2, errors_tolerance="ALL", dead_letter_queue="dead")
    run(stream, lambda: stream.delivered == 1)
    letters = [json.loads(message.body) for message in service.receive("dead", 16)]
    assert letters == json.loads(function.payloads[0])
    assert (function.calls[-1], stream.dead_lettered, stream.state) == (["c"], 2, "Ready")


def test_a_failure_that_is_not_tolerated_halts_the_stream_until_it_is_restarted(service: MessageService) -> None:
    send(service, "a", "b")
    function = Function([FAILED] * 4)
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

    def removed() -> bool:
        if service.waiting:
            service.delete_queue("q")
        return False

    run(stream, removed)
    assert stream.state == "Failed to start"


def test_one_call_runs_at_a_time_and_a_stopped_stream_puts_its_message_back(service: MessageService) -> None:
    running, seconds = 0, iter((0.01, 60))

    async def invoke(_payload: bytes) -> Called:
        nonlocal running
        running += 1
        assert running == 1
        await asyncio.sleep(next(seconds))
        running -= 1
        return GOOD

    send(service, "a", "b")
    stream = make_stream(service, invoke)
    run(stream, lambda: stream.delivered == 1, lambda: stream.in_flight == 1)
    assert (stream.state, stream.in_flight, service.depths("q")) == ("Ready", 0, Depths(active=1))


def test_an_error_in_the_caller_s_code_is_not_hidden(service: MessageService) -> None:
    send(service, "a")
    stream = make_stream(service, Function([KeyError]))
    with pytest.raises(KeyError):
        run(stream)
    assert (stream.state, service.depths("q")) == ("Ready", Depths(active=1))


def test_messages_stay_hidden_while_a_stream_waits() -> None:
    now, seen = 1_700_000_000.0, set[int]()
    service = MessageService(Accounts(), clock=Clock(wall=lambda: now))
    service.create_queue("q", visibility_timeout=1)
    send(service, "a")

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        seen.add(service.depths("q").active)
        await asyncio.sleep(0)

    stream = make_stream(service, Function(always=FAILED), Clock(sleep=sleep), retry_strategy="EXPONENTIAL_DECAY_RETRY")
    run(stream)
    assert seen == {0}
    assert service.receive("q")[0].dequeue_count == 2
    service.close()
