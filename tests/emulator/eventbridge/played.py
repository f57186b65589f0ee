"""Streams, and functions that the tests play."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from itertools import chain, repeat
from typing import Any

from emulator.clock import Clock
from emulator.eventbridge.config import QueueTrigger, StreamConfig
from emulator.eventbridge.streams import EventStream
from emulator.fc.client import Called
from emulator.smq.service import MessageService

GOOD = Called(200)
FAILED = Called(200, "UnhandledInvocationError")


class Function:
    """Returns or raises the given results, then returns `always`; keeps the payloads of its calls."""

    def __init__(self, *results: Called | type[Exception], always: Called = GOOD) -> None:
        self._results = chain(results, repeat(always))
        self.payloads: list[bytes] = []

    async def __call__(self, payload: bytes) -> Called:
        self.payloads.append(payload)
        result = next(self._results)
        if not isinstance(result, Called):
            raise result
        return result

    @property
    def calls(self) -> list[list[str]]:
        """The bodies of the messages of each call."""
        events = [json.loads(payload) for payload in self.payloads]
        batches = [payload if isinstance(payload, list) else [payload] for payload in events]
        return [[event["data"]["messageBody"] for event in batch] for batch in batches]


def make_config(**trigger: Any) -> StreamConfig:
    return StreamConfig(QueueTrigger(**{"name": "requests", "queue": "q", **trigger}), "f", "cn-shanghai", "123")


def make_stream(
    service: MessageService, invoke: Callable[[bytes], Awaitable[Called]], clock: Clock | None = None, **trigger: Any
) -> EventStream:
    clock = clock or Clock(sleep=lambda _seconds: asyncio.sleep(0))
    return EventStream(make_config(**trigger), service, invoke, clock=clock)


def send(service: MessageService, *bodies: str) -> None:
    for body in bodies:
        service.send("q", base64.b64encode(body.encode()).decode())


def run(stream: EventStream, *steps: Callable[[], bool | None]) -> None:
    """Run until no step is False any more, one after another, 20 ms or more apart; or until the stream ends by itself."""

    async def scenario() -> None:
        running = asyncio.ensure_future(stream.run())
        for step in steps or (lambda: False,):
            for _ in range(4000):
                if running.done() or step() is not False:
                    break
                await asyncio.sleep(0.005)
            else:
                raise AssertionError("nothing happened")
            await asyncio.sleep(0.02)
        stream.stop()
        await running

    asyncio.run(scenario())
