"""The batches of a stream: complete by number, by size, or by time."""

import json
from typing import Any

import pytest

from emulator.smq.service import MessageService
from tests.emulator.eventbridge.played import Function, make_stream, run, send


@pytest.mark.parametrize(
    ("bodies", "trigger", "sizes"),
    [
        ("abcde", {"batch_messages": 2}, [2, 2, 1]),
        # A queue returns 16 messages at a time; the window may hold thousands.
        ("x" * 50, {"batch_messages": 10_000}, [50]),
        ("a", {"batch_messages": 100, "batch_seconds": 0.01}, [1]),
        # An asynchronous invocation takes 128 KB.
        (["x" * 40_000] * 4, {"batch_messages": 100, "asynchronous": True}, [3, 1]),
    ],
    ids=["full", "thousands", "time", "bytes"],
)
def test_a_batch_is_pushed_when_it_is_complete(
    service: MessageService, bodies: str | list[str], trigger: dict[str, Any], sizes: list[int]
) -> None:
    send(service, *bodies)
    function = Function()
    pushing = make_stream(service, function, **trigger)
    run(pushing, lambda: pushing.delivered == len(bodies))
    assert [len(call) for call in function.calls] == sizes
    assert [body for call in function.calls for body in call] == [*bodies]


def test_an_open_window_takes_messages_that_come_later(service: MessageService) -> None:
    """It closes as soon as it is full, long before its 15 s are over."""
    send(service, "a")
    function = Function()
    waiting = make_stream(service, function, batch_messages=2, batch_seconds=15)

    def send_later() -> bool:
        if waiting.in_flight == 1 and service.depths("q").active == 0:
            send(service, "b")
        return waiting.delivered >= 2

    run(waiting, send_later)
    assert function.calls[0] == ["a", "b"]


def test_event_mode_calls_once_for_each_message(service: MessageService) -> None:
    send(service, "a", "b")
    function = Function()
    single = make_stream(service, function, mode="event-driven", batch_messages=100, batch_seconds=10)
    run(single, lambda: single.delivered == 2)
    assert [json.loads(payload)["data"]["messageBody"] for payload in function.payloads] == ["a", "b"]
