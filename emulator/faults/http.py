"""Makes a service over HTTP misbehave as a plan says: wraps its ASGI app, which stays as it is."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emulator.connection import reset
from emulator.faults.answers import build_answer
from emulator.faults.callers import Caller
from emulator.faults.injection import Active, Faults
from emulator.faults.network import Network
from emulator.faults.plan import KINDS, Rule, Service, Sort, kinds
from emulator.faults.processes import Processes
from emulator.ram.keys import Accounts
from emulator.records import Arrival, Faulted, Records

LARGEST_BODY = 2 * 1024 * 1024
"""Bytes of a request's body that rules can match; of a larger one they match the address alone."""
DELIVERING = ("trickle", "headers-only", "close-idle")
"""Kinds that deliver the answer in another way."""

Reader = Callable[[Scope, bytes], Caller]


@dataclass(frozen=True)
class Surroundings:
    """The parts that faults act on beside the app: keys, servers, processes; and the records."""

    faults: Faults
    accounts: Accounts
    network: Network
    processes: Processes
    records: Records


@dataclass(frozen=True)
class FaultyApp:
    """Wraps a service's ASGI app: records each call, and applies the rules that strike it."""

    app: ASGIApp
    service: Service
    read: Reader
    around: Surroundings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        moment = self.around.records.now()
        body, messages = await _read_body(receive)
        caller = self.read(scope, body)
        self.around.records.add(Arrival(self.service, caller.operation, caller.key, moment))
        # Rules for the processes of functions are counted for each try of one: an asynchronous call has several.
        sorts: tuple[Sort, ...] = ("wire", "answer", "caller", *(("process",) if self.service != "fc" else ()))
        struck = self.around.faults.striking(self.service, caller.operation, kinds(self.service, *sorts), caller.text)
        if struck:
            with contextlib.suppress(_Ended):
                await _Exchange(self.app, self.around, caller, scope, messages, receive, send).run(struck)
        else:
            await self.app(scope, _replay(messages, receive), send)


class _Ended(Exception):
    """The call has ended; nothing more happens to it."""


@dataclass
class _Exchange:
    """A call that rules strike."""

    app: ASGIApp
    around: Surroundings
    caller: Caller
    scope: Scope
    messages: Sequence[Message]
    receive: Receive
    send: Send
    reached: bool = field(default=False, init=False)

    @property
    def transport(self) -> asyncio.Transport:
        transport: asyncio.Transport = self.scope["state"]["transport"]
        return transport

    async def run(self, struck: Sequence[Active]) -> None:
        """Apply the rules in their order: before the effect, the effect, after it. Raises: _Ended."""
        for active in struck:
            if active.rule.after or active.rule.kind in DELIVERING:
                continue
            if substitute := await self._strike(active):
                await self._deliver(substitute)
                return
        answer = await self._call_service()
        for active in struck:
            if active.rule.kind in DELIVERING:
                await self._deliver_by(active, answer)
                return
            if active.rule.after:
                answer = await self._strike(active) or answer
        await self._deliver(answer)

    async def _strike(self, active: Active) -> Response | None:
        """Apply a rule; return the answer that it puts in place of the service's own."""
        rule, sort = active.rule, KINDS[active.rule.kind].sort
        if rule.kind == "delay":
            await asyncio.sleep(rule.seconds)
        elif rule.kind == "twice":
            await self._call_service()
        elif rule.kind == "expire":
            self.around.accounts.expire(self.caller.key)
        elif rule.kind == "revoke":
            self.around.accounts.revoke(self.caller.key)
        elif sort == "process":
            self.around.processes.strike([rule])
        elif sort == "answer":
            answer = build_answer(rule)
            self._record(rule, answer.status_code)
            return answer
        else:
            await self._cut(active)
        return None

    async def _cut(self, active: Active) -> None:
        """Leave the caller without an answer. Raises: _Ended, as soon as the connection is gone."""
        rule = active.rule
        self._record(rule)
        if rule.kind == "refuse":
            self.around.network.refuse(rule.service, rule.seconds)
        elif rule.kind == "reset":
            reset(self.transport)
        elif rule.kind == "drop":
            self.transport.close()
        else:
            await self._fall_silent(active)
        await self._wait_for_disconnect()  # the server logs an error where a call ends without an answer before that
        raise _Ended

    def _record(self, rule: Rule, status: int = 0) -> None:
        """Record that the caller does not get the service's answer."""
        records = self.around.records
        records.add(Faulted(rule.service, self.caller.operation, rule.kind, status, self.reached, records.now()))

    async def _call_service(self) -> Response:
        """Let the service do what the call asks, and keep its answer."""
        start: Message = {}
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        self.reached = True
        await self.app(self.scope, _replay(self.messages, self.receive), keep)
        answer = Response(b"".join(parts), start["status"])
        answer.raw_headers = list(start["headers"])
        return answer

    async def _deliver(self, answer: Response) -> None:
        await answer(self.scope, self.receive, self.send)

    async def _deliver_by(self, active: Active, answer: Response) -> None:
        """Deliver an answer as the rule says."""
        if active.rule.kind == "close-idle":
            await self._deliver(answer)
            asyncio.get_running_loop().call_later(active.rule.seconds, self.transport.close)
            return
        if active.rule.kind == "headers-only":
            self._record(active.rule)
        await self.send({"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers})
        if active.rule.kind == "headers-only":
            await self._send_body(b"", more=True)
            await self._fall_silent(active, reading=True)
            await self._wait_for_disconnect()
        else:
            await self._trickle(active, bytes(answer.body))

    async def _trickle(self, active: Active, body: bytes) -> None:
        for number in range(len(body)):
            await asyncio.sleep(active.rule.seconds)
            if active.over.is_set() or self.transport.is_closing():
                if not active.over.is_set():
                    self._record(active.rule)
                await self._send_body(body[number:])
                return
            await self._send_body(body[number : number + 1], more=True)
        await self._send_body(b"")

    async def _send_body(self, part: bytes, *, more: bool = False) -> None:
        await self.send({"type": "http.response.body", "body": part, "more_body": more})

    async def _fall_silent(self, active: Active, *, reading: bool = False) -> None:
        """Send nothing until the caller hangs up or the fault is ended; without `reading`, do not even notice that it did."""
        if not reading and not self.transport.is_closing():
            self.transport.pause_reading()
        waits: set[asyncio.Future[object]] = {asyncio.ensure_future(active.over.wait())}
        if reading:
            waits.add(asyncio.ensure_future(self._wait_for_disconnect()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            reset(self.transport)

    async def _wait_for_disconnect(self) -> None:
        while (await self.receive())["type"] != "http.disconnect":
            pass


async def _read_body(receive: Receive) -> tuple[bytes, list[Message]]:
    """Read a request's body and the messages that carry it; b"" where it is larger than LARGEST_BODY, which is not all read."""
    messages: list[Message] = []
    body = bytearray()
    while len(body) <= LARGEST_BODY:
        messages.append(await receive())
        body += messages[-1].get("body", b"")
        if not messages[-1].get("more_body"):
            return bytes(body), messages
    return b"", messages


def _replay(messages: Sequence[Message], receive: Receive) -> Receive:
    """Return a channel that replays the messages, then passes on new ones."""
    replayed = list(messages)

    async def replay() -> Message:
        return replayed.pop(0) if replayed else await receive()

    return replay
