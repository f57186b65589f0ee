"""EventBridge event streams: receive messages from a queue and call a function with them.

A message is deleted when a call with it succeeded, or when the retries ended. Until then it is hidden in the queue, for a
little longer than the next call may take: a stream that was killed loses nothing, and its messages come again soon.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from emulator.clock import Clock
from emulator.eventbridge.config import StreamConfig
from emulator.eventbridge.events import build_event, build_payload
from emulator.fc.client import Called
from emulator.smq.errors import NotFound, SmqError
from emulator.smq.retries import pause
from emulator.smq.service import MessageService

CEILING = 300.0
"""Seconds after which EventBridge ends a call, whatever the function's own timeout."""
_HIDDEN = int(CEILING) + 60
_POLL = 30.0
_LARGEST_RECEPTION = 16
"""Messages."""

_log = logging.getLogger(__name__)

Invoke = Callable[[bytes], Awaitable[Called]]
"""Calls the function, for `CEILING` seconds at most; an asynchronous call returns when it is accepted. Raises: OSError."""


@dataclass
class Held:
    """A message that the stream has received: its event, built once, and the handle that is valid now."""

    id: str
    event: bytes
    handle: str


class EventStream:
    """The stream of one trigger; `in_flight`, `delivered`, `retried`, `dead_lettered` and `discarded` count messages."""

    def __init__(
        self, config: StreamConfig, service: MessageService, invoke: Invoke, *, clock: Clock | None = None
    ) -> None:
        self.config = config
        self.state = "Ready"
        """Ready: not running; never started, stopped, or halted by a batch that failed after all retries.

        Running. Paused: receives nothing until it is resumed; a running call ends first. Failed to start: the queue or the
        function does not exist, or may not be used: a retry would not help.
        """
        self.delivered = 0
        self.retried = 0
        self.dead_lettered = 0
        self.discarded = 0
        self._service = service
        self._invoke = invoke
        self._clock = clock or Clock()
        self._batch: list[Held] = []
        self._leftover: list[Held] = []
        self._work: asyncio.Task[None] | None = None
        self._calling = False
        self._resumed = asyncio.Event()

    @property
    def in_flight(self) -> int:
        """The number of messages that the stream has received and not finished."""
        return len(self._batch) + len(self._leftover)

    async def run(self) -> None:
        """Deliver until stopped or halted. May be called again afterwards: that restarts the stream."""
        self.state = "Running"
        while self.state == "Running":
            self._work = asyncio.ensure_future(self._deliver_all())
            try:
                await asyncio.wait({self._work})
                if not self._work.cancelled():
                    self._work.result()
            finally:
                self._work.cancel()
                self._release_messages()
                if self.state == "Running":
                    self.state = "Ready"
            if self.state == "Paused":
                await self._resumed.wait()
                if self.state == "Paused":
                    self.state = "Running"

    def pause(self) -> None:
        """Receive nothing more, and put back messages that wait for their next call. A running call ends, and counts."""
        if self.state in ("Running", "Paused"):
            self.state = "Paused"
            self._resumed.clear()
            if self._work and not self._calling:
                self._work.cancel()

    def resume(self) -> None:
        """Go on after a pause."""
        self._resumed.set()

    def stop(self) -> None:
        """End `run`. It closes the connection of a running call: the function goes on, and its messages come again."""
        if self.state == "Paused":
            self.state = "Ready"
            self._resumed.set()
        if self._work:
            self._work.cancel()

    async def _deliver_all(self) -> None:
        while self.state == "Running":
            try:
                await self._collect_batch()
            except NotFound:
                self.state = "Failed to start"
                return
            await self._deliver_batch()

    # A batch

    async def _collect_batch(self) -> None:
        """Fill the batch until it has enough messages or bytes, or its time is over."""
        self._batch, self._leftover = self._leftover, []
        while not self._batch:
            await self._receive_messages(_POLL)
        loop = asyncio.get_running_loop()
        end = loop.time() + self.config.batch_seconds
        while not self._is_full() and (seconds := end - loop.time()) > 0:
            await self._receive_messages(seconds)
        while not self._is_full() and await self._receive_messages(0):
            pass
        self._trim_batch()

    async def _receive_messages(self, seconds: float) -> bool:
        count = min(_LARGEST_RECEPTION, self.config.batch_messages - len(self._batch))
        messages = await self._service.wait_receive(self.config.trigger.queue, count, seconds, _HIDDEN)
        for message in messages:
            built = build_event(message, self.config, self._clock.wall()).encode()
            self._batch.append(Held(message.id, built, message.handle))
        return bool(messages)

    def _is_full(self) -> bool:
        return len(self._batch) >= self.config.batch_messages or self._measure_payload() >= self.config.batch_bytes

    def _trim_batch(self) -> None:
        """Leave messages for the next batch while this one is too large; it keeps at least one."""
        while len(self._batch) > 1 and self._measure_payload() > self.config.batch_bytes:
            self._leftover.insert(0, self._batch.pop())

    def _measure_payload(self) -> int:
        # Every event with the comma or bracket after it, and the first bracket.
        return sum(len(held.event) + 1 for held in self._batch) + 1

    # Its delivery

    async def _deliver_batch(self) -> None:
        """Call until it succeeds or the retries end, with the same bytes every time."""
        body = build_payload([held.event for held in self._batch], self.config)
        failures = 0
        self._hide_batch(0)
        while not await self._call_function(body):
            failures += 1
            seconds = pause(self.config.trigger.retry_strategy, failures, self._clock.random)
            if self.state != "Running" or seconds is None:
                self._give_up_batch()
                return
            self._hide_batch(seconds * self._clock.scale)
            await self._clock.sleep(seconds * self._clock.scale)
            self._hide_batch(0)
            self.retried += len(self._batch)
        self.delivered += len(self._batch)
        self._finish_batch()

    async def _call_function(self, body: bytes) -> bool:
        """Call the function once, and return True if it succeeded."""
        self._calling = True
        try:
            result = await self._invoke(body)
        except OSError as error:
            _log.warning("stream %s: %s", self.config.name, type(error).__name__)
            return False
        finally:
            self._calling = False
        if result.status in (401, 403, 404, 412):
            self.state = "Failed to start"
        if result.error_type or not 200 <= result.status < 300:
            _log.info("stream %s: %s %s", self.config.name, result.status, result.error_type or "")
            return False
        return True

    def _give_up_batch(self) -> None:
        """Halt where failures are not tolerated or the stream cannot go on; else dead-letter the batch."""
        if self.state == "Running" and self.config.trigger.errors_tolerance == "NONE":
            self.state = "Ready"
        if self.state != "Running":
            return
        for held in self._batch:
            self._dead_letter(held)
        self._finish_batch()

    def _dead_letter(self, held: Held) -> None:
        """Put the event, as it was pushed, into the dead-letter queue; without one it is discarded."""
        queue = self.config.trigger.dead_letter_queue
        if queue is None:
            self.discarded += 1
            return
        try:
            self._service.send(queue, held.event.decode())
            self.dead_lettered += 1
        except SmqError as error:
            self.discarded += 1
            _log.warning("queue %s did not accept dead letter %s: %s", queue, held.id, error.code)

    # The messages that it holds

    def _hide_batch(self, seconds: float) -> None:
        """Keep the messages hidden for a wait, and for the call after it."""
        self._reveal_in(int(seconds) + _HIDDEN)

    def _finish_batch(self) -> None:
        """Delete the batch from the queue."""
        for held in self._batch:
            try:
                self._service.delete(self.config.trigger.queue, held.handle)
            except SmqError as error:
                # Its retention is over, or the queue was removed: it is finished all the same.
                _log.info("message %s could not be deleted: %s", held.id, error.code)
        self._batch = []

    def _release_messages(self) -> None:
        """Put back the messages that were received and not finished; they are visible at once."""
        self._reveal_in(0)
        self._batch, self._leftover = [], []

    def _reveal_in(self, seconds: int) -> None:
        """Make the messages visible in some seconds."""
        for held in [*self._batch, *self._leftover]:
            try:
                held.handle = self._service.change_visibility(self.config.trigger.queue, held.handle, seconds).handle
            except SmqError as error:
                _log.info("message %s is gone: %s", held.id, error.code)
