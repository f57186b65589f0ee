"""An EventBridge event stream: takes messages from a queue and calls a function with them.

A message is deleted when a call with it succeeded, or when it was given up. Until then it is hidden in the queue, for a
little longer than the next call may take: a stream that was killed loses nothing, and its messages come again soon.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from emulator.clock import Clock
from emulator.eventbridge.config import StreamConfig
from emulator.eventbridge.events import event, payload
from emulator.smq.errors import QueueNotExist, SmqError
from emulator.smq.messages import Message
from emulator.smq.retries import pause
from emulator.smq.service import MessageService

READY = "Ready"
"""Not running: never started, stopped, or halted by a batch that failed for good and may not be skipped."""
RUNNING = "Running"
PAUSED = "Paused"
"""Takes nothing more until it is resumed; a call that was under way ends first."""
FAILED_TO_START = "Failed to start"
"""The queue or the function is not there, or may not be used: trying again would not help."""

CEILING = 300.0
"""Seconds after which EventBridge gives up on a call, whatever the function's own timeout."""
_HIDDEN = int(CEILING) + 60
_POLL = 30.0
_MOST = 16

_log = logging.getLogger(__name__)


class Result(Protocol):
    """What came of a call: the HTTP status, and X-Fc-Error-Type where the function failed."""

    @property
    def status(self) -> int: ...
    @property
    def error_type(self) -> str | None: ...


Invoke = Callable[[bytes], Awaitable[Result]]
"""Calls the function. With asynchronous invocation it returns when the call is accepted, not when it is done."""


@dataclass
class InHand:
    """A message that the stream has received: its event, made once, and the handle that is valid now."""

    message: Message
    event: str
    encoded: bytes
    handle: str


class EventStream:
    """One trigger's stream. What it did is told by `state`, `in_flight`, `delivered`, `retried`, `dead_lettered` and
    `discarded`, in messages."""

    def __init__(
        self,
        config: StreamConfig,
        service: MessageService,
        invoke: Invoke,
        *,
        clock: Clock | None = None,
        ceiling: float = CEILING,
    ) -> None:
        self.config = config
        self.state = READY
        self.delivered = 0
        self.retried = 0
        self.dead_lettered = 0
        self.discarded = 0
        self._service = service
        self._invoke = invoke
        self._clock = clock or Clock()
        self._ceiling = ceiling
        self._batch: list[InHand] = []
        self._left: list[InHand] = []
        self._work: asyncio.Task[None] | None = None
        self._calling = False
        self._resumed = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """How many messages the stream has received and not finished."""
        return len(self._batch) + len(self._left)

    async def run(self) -> None:
        """Deliver until stopped or halted. May be called again afterwards: that restarts the stream."""
        self.state = RUNNING
        while self.state == RUNNING:
            self._work = asyncio.ensure_future(self._deliver_all())
            try:
                await asyncio.wait({self._work})
                if not self._work.cancelled():
                    self._work.result()
            finally:
                self._work.cancel()
                self._release()
                if self.state == RUNNING:
                    self.state = READY
            await self._wait_while_paused()

    async def _wait_while_paused(self) -> None:
        if self.state == PAUSED:
            await self._resumed.wait()
        if self.state == PAUSED:
            self.state = RUNNING

    def pause(self) -> None:
        """Take nothing more, and put back what waits for its next call. A call under way ends, and counts."""
        if self.state in (RUNNING, PAUSED):
            self.state = PAUSED
            self._resumed.clear()
            if self._work and not self._calling:
                self._work.cancel()

    def resume(self) -> None:
        """Go on after a pause."""
        self._resumed.set()

    def stop(self) -> None:
        """End `run`. It hangs up on a call that is under way: the function goes on, and its messages come again."""
        if self.state == PAUSED:
            self.state = READY
            self._resumed.set()
        if self._work:
            self._work.cancel()

    async def _deliver_all(self) -> None:
        while self.state == RUNNING:
            try:
                await self._collect()
            except QueueNotExist:
                self.state = FAILED_TO_START
                return
            await self._deliver()

    # A batch

    async def _collect(self) -> None:
        """Fill the batch: until it is full by number or by size, or its time is over."""
        self._batch, self._left = self._left, []
        while not self._batch:
            await self._receive(_POLL)
        loop = asyncio.get_running_loop()
        end = loop.time() + self.config.batch_seconds
        while not self._full() and (seconds := end - loop.time()) > 0:
            await self._receive(seconds)
        while not self._full() and await self._receive(0):
            pass
        self._cut()

    async def _receive(self, seconds: float) -> bool:
        count = min(_MOST, self.config.batch_messages - len(self._batch))
        messages = await self._service.wait_receive(self.config.trigger.queue, count, seconds, _HIDDEN)
        self._batch += [self._hold(message) for message in messages]
        return bool(messages)

    def _hold(self, message: Message) -> InHand:
        text = event(message, self.config, self._clock.wall())
        return InHand(message, text, text.encode(), message.handle)

    def _full(self) -> bool:
        return len(self._batch) >= self.config.batch_messages or self._size() >= self.config.batch_bytes

    def _cut(self) -> None:
        """Leave for the next batch what makes this one too large, but never all of it."""
        while len(self._batch) > 1 and self._size() > self.config.batch_bytes:
            self._left.insert(0, self._batch.pop())

    def _size(self) -> int:
        # Each element and the comma or bracket after it, and the bracket before the first.
        return sum(len(held.encoded) + 1 for held in self._batch) + 1

    # Its delivery

    async def _deliver(self) -> None:
        """Call until it succeeds or the retries end; the same bytes every time."""
        body = payload([held.encoded for held in self._batch], self.config)
        failures = 0
        self._hide(0)
        while not await self._try(body):
            failures += 1
            seconds = pause(self.config.trigger.retry_strategy, failures, self._clock.random)
            if self.state != RUNNING or seconds is None:
                self._give_up()
                return
            self._hide(seconds * self._clock.scale)
            await self._clock.sleep(seconds * self._clock.scale)
            self._hide(0)
            self.retried += len(self._batch)
        self.delivered += len(self._batch)
        self._finish()

    async def _try(self, body: bytes) -> bool:
        try:
            result = await self._call(body)
        except OSError as error:
            _log.warning("stream %s: %s", self.config.name, type(error).__name__)
            return False
        if result.status in (401, 403, 404, 412):
            self.state = FAILED_TO_START
        if result.error_type or not 200 <= result.status < 300:
            _log.info("stream %s: %s %s", self.config.name, result.status, result.error_type or "")
            return False
        return True

    async def _call(self, body: bytes) -> Result:
        """Return what the function answers. Raises: OSError; TimeoutError, and hangs up, after the ceiling."""
        call: asyncio.Future[Result] = asyncio.ensure_future(self._invoke(body))
        self._calling = True
        try:
            await asyncio.wait({call}, timeout=self._ceiling)
            if not call.done():
                raise TimeoutError
            return call.result()
        finally:
            self._calling = False
            call.cancel()

    def _give_up(self) -> None:
        """Halt where failures are not tolerated or will not end, else dead-letter the batch and go on."""
        if self.state == RUNNING and self.config.trigger.errors_tolerance == "NONE":
            self.state = READY
        if self.state != RUNNING:
            return
        for held in self._batch:
            self._bury(held)
        self._finish()

    def _bury(self, held: InHand) -> None:
        """Put the event, as it was pushed, into the dead-letter queue; where there is none it is dropped."""
        queue = self.config.trigger.dead_letter_queue
        if queue is None:
            self.discarded += 1
            return
        try:
            self._service.send(queue, held.event)
            self.dead_lettered += 1
        except SmqError as error:
            self.discarded += 1
            _log.warning("queue %s did not take dead letter %s: %s", queue, held.message.id, error.code)

    # The messages in hand

    def _hide(self, seconds: float) -> None:
        """Keep what is in hand hidden for a wait, and for the call after it."""
        for held in [*self._batch, *self._left]:
            self._show_in(held, int(seconds) + _HIDDEN)

    def _finish(self) -> None:
        for held in self._batch:
            self._delete(held)
        self._batch = []

    def _delete(self, held: InHand) -> None:
        try:
            self._service.delete(self.config.trigger.queue, held.handle)
        except SmqError as error:
            # Its retention is over, or the queue was removed: done all the same.
            _log.info("message %s could not be deleted: %s", held.message.id, error.code)

    def _release(self) -> None:
        """Put back what was received and not finished: it is visible at once."""
        released, self._batch, self._left = [*self._batch, *self._left], [], []
        for held in released:
            self._show_in(held, 0)

    def _show_in(self, held: InHand, seconds: int) -> None:
        try:
            held.handle = self._service.change_visibility(self.config.trigger.queue, held.handle, seconds).handle
        except SmqError as error:
            _log.info("message %s is gone: %s", held.message.id, error.code)
