"""Streams that are paused and resumed."""

import asyncio
from collections.abc import Callable

from emulator.clock import Clock
from emulator.eventbridge.streams import PAUSED, READY, RUNNING
from emulator.smq.service import MessageService
from tests.emulator.eventbridge.played import FAILED, GOOD, Answer, stream


async def until(holds: Callable[[], bool]) -> None:
    for _ in range(500):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come to that")


def test_a_paused_stream_takes_nothing_until_it_is_resumed(service: MessageService) -> None:
    calls: list[bytes] = []

    async def invoke(payload: bytes) -> Answer:
        calls.append(payload)
        return GOOD

    async def run() -> None:
        one = stream(service, invoke, Clock())
        running = asyncio.ensure_future(one.run())
        await until(lambda: one.state == RUNNING)
        one.pause()
        await asyncio.sleep(0)
        service.send("q", "eA==")
        await asyncio.sleep(0.05)
        assert (one.state, calls, service.depths("q").active) == (PAUSED, [], 1)
        one.resume()
        await until(lambda: one.delivered == 1)
        assert one.state == RUNNING
        one.stop()
        await running

    asyncio.run(run())


def test_a_call_under_way_ends_and_counts(service: MessageService) -> None:
    go = asyncio.Event()

    async def invoke(_payload: bytes) -> Answer:
        await go.wait()
        return GOOD

    async def run() -> None:
        one = stream(service, invoke, Clock())
        running = asyncio.ensure_future(one.run())
        service.send("q", "eA==")
        service.send("q", "eQ==")
        await until(lambda: one.in_flight == 1)
        one.pause()
        go.set()
        await until(lambda: one.delivered == 1)
        await asyncio.sleep(0.05)
        assert (one.in_flight, service.depths("q").active) == (0, 1)
        one.stop()
        await running
        assert one.state == READY

    asyncio.run(run())


def test_a_batch_between_two_tries_goes_back_to_the_queue(service: MessageService) -> None:
    async def invoke(_payload: bytes) -> Answer:
        return FAILED

    async def run() -> None:
        one = stream(service, invoke, Clock())
        running = asyncio.ensure_future(one.run())
        service.send("q", "eA==")
        await until(lambda: one.in_flight == 1)
        await asyncio.sleep(0.05)
        one.pause()
        await until(lambda: one.in_flight == 0)
        assert (service.depths("q").active, one.discarded) == (1, 0)
        one.resume()
        await until(lambda: one.in_flight == 1)
        one.stop()
        await running

    asyncio.run(run())
