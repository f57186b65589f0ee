"""Streams, and functions that the tests play."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from emulator.clock import Clock
from emulator.eventbridge.config import QueueTrigger, StreamConfig
from emulator.eventbridge.streams import EventStream
from emulator.fc.client import Called
from emulator.smq.service import MessageService

GOOD = Called(200)
FAILED = Called(200, "UnhandledInvocationError")


@dataclass
class Function:
    """Keeps the payloads of its calls, and returns the given results, then `always`."""

    results: list[Called | type[Exception]] = field(default_factory=list)
    always: Called = GOOD
    payloads: list[bytes] = field(default_factory=list)

    async def __call__(self, payload: bytes) -> Called:
        self.payloads.append(payload)
        result = self.results.pop(0) if self.results else self.always
        if not isinstance(result, Called):
            raise result
        return result

    @property
    def calls(self) -> list[list[str]]:
        """The bodies of the messages of each call."""
        return [[event["data"]["messageBody"] for event in json.loads(payload)] for payload in self.payloads]


@dataclass
class Sleep:
    """Keeps the times for which it should sleep, and takes no time."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def make_stream(
    service: MessageService, invoke: Callable[[bytes], Awaitable[Called]], clock: Clock | None = None, **trigger: Any
) -> EventStream:
    config = StreamConfig(QueueTrigger(**{"name": "t", "queue": "q", **trigger}), "f", "cn-shanghai", "123")
    return EventStream(config, service, invoke, clock=clock or Clock(sleep=Sleep()))


def send(service: MessageService, *bodies: str) -> None:
    for body in bodies:
        service.send("q", base64.b64encode(body.encode()).decode())


def run(stream: EventStream, *conditions: Callable[[], bool]) -> None:
    """Run until each condition has held, 20 ms or more apart, or until the stream ends by itself."""

    async def scenario() -> None:
        running = asyncio.ensure_future(stream.run())
        for condition in conditions or (lambda: False,):
            for _ in range(4000):
                if running.done() or condition():
                    break
                await asyncio.sleep(0.005)
            else:
                raise AssertionError("nothing happened")
            await asyncio.sleep(0.02)
        stream.stop()
        await running

    asyncio.run(scenario())
