"""Pausing and resuming a stream."""

import asyncio

from emulator.clock import Clock
from emulator.fc.client import Called
from emulator.smq.service import MessageService
from tests.emulator.eventbridge.played import FAILED, GOOD, Function, make_stream, run, send


def test_a_paused_stream_receives_nothing_until_it_is_resumed(service: MessageService) -> None:
    function = Function()
    paused = make_stream(service, function)

    def pause() -> bool:
        paused.pause()
        send(service, "x")
        return True

    def resume() -> bool:
        assert (paused.state, function.calls, service.depths("q").active) == ("Paused", [], 1)
        paused.resume()
        return True

    run(paused, lambda: paused.state == "Running", pause, resume, lambda: paused.delivered == 1)


def test_a_running_call_ends_and_counts(service: MessageService) -> None:
    go = asyncio.Event()

    async def invoke(_payload: bytes) -> Called:
        await go.wait()
        return GOOD

    def pause() -> bool:
        paused.pause()
        go.set()
        return True

    send(service, "x", "y")
    paused = make_stream(service, invoke)
    run(paused, lambda: paused.in_flight == 1, pause, lambda: paused.delivered == 1, lambda: paused.in_flight == 0)
    assert (paused.state, service.depths("q").active) == ("Ready", 1)


def test_a_batch_between_two_tries_goes_back_to_the_queue(service: MessageService) -> None:
    def pause() -> bool:
        paused.pause()
        return True

    def resume() -> bool:
        assert (service.depths("q").active, paused.discarded) == (1, 0)
        paused.resume()
        return True

    send(service, "x")
    paused = make_stream(service, Function(always=FAILED), Clock())
    tried = lambda: paused.in_flight == 1  # noqa: E731
    run(paused, tried, pause, lambda: paused.in_flight == 0, resume, tried)
