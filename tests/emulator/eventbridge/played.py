"""Streams, and the functions that tests play for them."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from emulator.clock import Clock
from emulator.eventbridge.config import QueueTrigger, StreamConfig
from emulator.eventbridge.streams import EventStream
from emulator.smq.service import MessageService


@dataclass(frozen=True)
class Answer:
    """What a call of the function gives."""

    status: int = 200
    error_type: str | None = None


GOOD = Answer()
FAILED = Answer(200, "UnhandledInvocationError")


@dataclass
class Function:
    """Notes the events of each call, and gives the answers in their order, then good ones."""

    answers: list[Answer | type[OSError]] = field(default_factory=list)
    always: Answer | None = None
    payloads: list[bytes] = field(default_factory=list)

    async def __call__(self, payload: bytes) -> Answer:
        self.payloads.append(payload)
        answer = self.answers.pop(0) if self.answers else self.always or GOOD
        if not isinstance(answer, Answer):
            raise answer
        return answer

    @property
    def calls(self) -> list[list[str]]:
        """The bodies that each call got."""
        return [[one["data"]["messageBody"] for one in json.loads(payload)] for payload in self.payloads]


@dataclass
class Sleep:
    """Notes how long it was asked to sleep, and takes no time."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


def stream(
    service: MessageService,
    invoke: Callable[[bytes], Awaitable[Answer]],
    clock: Clock | None = None,
    **trigger: Any,
) -> EventStream:
    config = StreamConfig(QueueTrigger(**{"name": "t", "queue": "q", **trigger}), "f", "cn-shanghai", "123")
    return EventStream(config, service, invoke, clock=clock or Clock(sleep=Sleep()))


def send(service: MessageService, *bodies: str) -> None:
    for body in bodies:
        service.send("q", base64.b64encode(body.encode()).decode())


def run(stream: EventStream, until: Callable[[], bool] = lambda: False) -> None:
    """Run until a condition holds, or the stream ends by itself."""

    async def scenario() -> None:
        running = asyncio.ensure_future(stream.run())
        for _ in range(4000):
            if running.done() or until():
                break
            await asyncio.sleep(0.005)
        else:
            raise AssertionError("nothing happened")
        stream.stop()
        await running

    asyncio.run(scenario())
