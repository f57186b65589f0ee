"""When a stream's batch is pushed: full by number, full by size, or its time over."""

import json

from emulator.smq.service import MessageService
from tests.emulator.eventbridge.played import Function, run, send, stream


def test_a_batch_is_pushed_when_it_is_full(service: MessageService) -> None:
    send(service, *"abcde")
    function = Function()
    one = stream(service, function, batch_messages=2)
    run(one, lambda: one.delivered == 5)
    assert function.calls == [["a", "b"], ["c", "d"], ["e"]]


def test_a_batch_may_be_larger_than_one_reception(service: MessageService) -> None:
    """A queue returns 16 messages at a time; the window may hold thousands."""
    send(service, *(str(n) for n in range(50)))
    function = Function()
    one = stream(service, function, batch_messages=10_000)
    run(one, lambda: one.delivered == 50)
    assert [len(call) for call in function.calls] == [50]


def test_an_open_window_takes_what_comes_later(service: MessageService) -> None:
    send(service, "a")
    function = Function()
    one = stream(service, function, batch_messages=2, batch_seconds=15)

    def later() -> bool:
        if one.in_flight == 1 and service.depths("q").active == 0:
            send(service, "b")
        return one.delivered >= 2

    run(one, later)
    assert function.calls[0] == ["a", "b"]


def test_a_window_closes_with_its_time(service: MessageService) -> None:
    send(service, "a")
    function = Function()
    one = stream(service, function, batch_messages=100, batch_seconds=0.01)
    run(one, lambda: one.delivered == 1)
    assert function.calls == [["a"]]


def test_a_batch_is_pushed_when_the_payload_is_full(service: MessageService) -> None:
    """An asynchronous invocation takes 128 KB."""
    send(service, *("x" * 40_000 for _ in range(4)))
    function = Function()
    one = stream(service, function, batch_messages=100, asynchronous=True)
    run(one, lambda: one.delivered == 4)
    assert [len(call) for call in function.calls] == [3, 1]
    assert max(map(len, function.payloads)) <= 128 * 1024


def test_event_mode_calls_once_for_each_message(service: MessageService) -> None:
    send(service, "a", "b")
    function = Function()
    one = stream(service, function, mode="event-driven", batch_messages=100)
    run(one, lambda: one.delivered == 2)
    assert [json.loads(payload)["data"]["messageBody"] for payload in function.payloads] == ["a", "b"]
