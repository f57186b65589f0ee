"""Services over HTTP that misbehave as a plan says: around an ASGI app, which stays as it is."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emulator.connection import reset, transport_of
from emulator.faults.answers import Answer, substitute
from emulator.faults.callers import Caller
from emulator.faults.injection import Active, Faults
from emulator.faults.network import Network
from emulator.faults.plan import KINDS, Rule, Service, Sort, kinds
from emulator.faults.processes import Workers
from emulator.ram.keys import Accounts
from emulator.records import Arrival, Records, Spoiled

LARGEST_BODY = 2 * 1024 * 1024
"""Bytes of a request's body; a larger one passes untouched."""
CUTTING = ("refuse", "reset", "drop", "half-open")
"""Kinds that leave a caller without any answer."""

Reader = Callable[[Scope, bytes], Caller]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Surroundings:
    """What faults need beside the app: whose keys are good, how connections and processes end, what happened."""

    faults: Faults
    accounts: Accounts
    network: Network
    workers: Workers
    records: Records
    sleep: Sleep = asyncio.sleep


class _Ended(Exception):
    """The call has ended; nothing more happens to it."""


class FaultyApp:
    """A service's ASGI app, in front of which calls are counted and misbehaved to."""

    def __init__(self, app: ASGIApp, service: Service, read: Reader, around: Surroundings) -> None:
        self._app = app
        self._service = service
        self._read = read
        self._around = around
        # Function Compute counts what strikes a process itself, by the try: an asynchronous call has several.
        own: tuple[Sort, ...] = () if service == "fc" else ("process",)
        self._kinds = kinds(service, "wire", "answer", "caller", *own)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        moment = self._around.records.now()
        body, receive = await _whole(receive)
        caller = self._read(scope, body)
        self._around.records.add(Arrival(self._service, caller.operation, caller.key, moment))
        struck = self._around.faults.striking(self._service, caller.operation, self._kinds, caller.text)
        if not struck:
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(self._app, self._service, self._around, caller, scope, receive, send, body)
        await exchange.run(struck)


class _Exchange:
    """One call that something strikes."""

    def __init__(
        self,
        app: ASGIApp,
        service: Service,
        around: Surroundings,
        caller: Caller,
        scope: Scope,
        receive: Receive,
        send: Send,
        body: bytes,
    ) -> None:
        self._app = app
        self._service = service
        self._around = around
        self._caller = caller
        self._scope = scope
        self._receive = receive
        self._send = send
        self._body = body
        self._transport = transport_of(scope)
        self._reached = False

    async def run(self, struck: list[Active]) -> None:
        """Before the effect, the effect, after it: as the rules say, in their order."""
        try:
            for active in struck:
                if not active.rule.after:
                    await self._before(active)
            answer = await self._effect()
            for active in struck:
                answer = await self._after(active, answer)
            await self._deliver(answer)
            late = [active.rule for active in struck if active.rule.after]
            self._around.workers.strike(*(rule for rule in late if KINDS[rule.kind].sort == "process"))
        except _Ended:
            return

    async def _before(self, active: Active) -> None:
        rule = active.rule
        if rule.kind == "delay":
            await self._around.sleep(rule.seconds)
        elif rule.kind == "twice":
            await self._effect()
        elif rule.kind == "expire":
            self._around.accounts.expire(self._caller.key)
        elif rule.kind == "revoke":
            self._around.accounts.revoke(self._caller.key)
        elif KINDS[rule.kind].sort == "answer":
            await self._deliver(self._substitute(rule))
            raise _Ended
        elif KINDS[rule.kind].sort == "process":
            self._around.workers.strike(rule)
        else:
            await self._cut(active)

    async def _after(self, active: Active, answer: Answer) -> Answer:
        rule = active.rule
        instead = {"trickle": self._trickle, "headers-only": self._headers_only, "close-idle": self._close_idle}
        if rule.kind in instead:
            await instead[rule.kind](active, answer)
            raise _Ended
        if not rule.after:
            return answer
        if rule.kind == "delay":
            await self._around.sleep(rule.seconds)
        elif KINDS[rule.kind].sort == "answer":
            return self._substitute(rule)
        else:
            await self._cut(active)
        return answer

    def _substitute(self, rule: Rule) -> Answer:
        answer = substitute(rule)
        self._record(rule, answer.status)
        return answer

    def _record(self, rule: Rule, status: int = 0) -> None:
        """Record that the caller does not get the service's answer."""
        records = self._around.records
        operation = self._caller.operation
        records.add(Spoiled(self._service, operation, rule.kind, status, self._reached, records.now()))

    async def _cut(self, active: Active) -> None:
        """End or stall the connection, where that is what the rule does."""
        rule = active.rule
        if rule.kind in CUTTING:
            self._record(rule)
        if rule.kind == "refuse":
            self._around.network.refuse(rule.service, rule.seconds)
        elif rule.kind == "reset" and self._transport:
            reset(self._transport)
        elif rule.kind == "drop" and self._transport:
            self._transport.close()
        elif rule.kind == "half-open":
            await self._fall_silent(active)
        else:
            return
        await self._gone()
        raise _Ended

    async def _effect(self) -> Answer:
        """Let the service do what the call asks, and keep its answer."""
        head: Message = {}
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                head.update(message)
            else:
                parts.append(message.get("body", b""))

        self._reached = True
        await self._app(self._scope, _replayed(self._body, self._receive), keep)
        return Answer(head["status"], b"".join(parts), list(head.get("headers", [])))

    async def _deliver(self, answer: Answer) -> None:
        await self._begin(answer)
        await self._send({"type": "http.response.body", "body": answer.body})

    async def _begin(self, answer: Answer) -> None:
        await self._send({"type": "http.response.start", "status": answer.status, "headers": answer.sized().headers})

    async def _trickle(self, active: Active, answer: Answer) -> None:
        await self._begin(answer)
        for number in range(len(answer.body)):
            await self._around.sleep(active.rule.seconds)
            if active.over.is_set() or (self._transport and self._transport.is_closing()):
                if not active.over.is_set():
                    self._record(active.rule)
                await self._send({"type": "http.response.body", "body": answer.body[number:]})
                return
            part = answer.body[number : number + 1]
            await self._send({"type": "http.response.body", "body": part, "more_body": True})
        await self._send({"type": "http.response.body", "body": b""})

    async def _headers_only(self, active: Active, answer: Answer) -> None:
        self._record(active.rule)
        await self._begin(answer)
        await self._send({"type": "http.response.body", "body": b"", "more_body": True})
        await self._fall_silent(active, reading=True)
        await self._gone()

    async def _close_idle(self, active: Active, answer: Answer) -> None:
        await self._deliver(answer)
        if self._transport:
            transport = self._transport
            asyncio.get_running_loop().call_later(active.rule.seconds, transport.close)

    async def _fall_silent(self, active: Active, *, reading: bool = False) -> None:
        """Answer nothing until the caller hangs up or the fault is ended; without `reading`, not even notice that it did."""
        if self._transport and not reading and not self._transport.is_closing():
            self._transport.pause_reading()
        waits: set[asyncio.Future[object]] = {asyncio.ensure_future(active.over.wait())}
        if reading:
            waits.add(asyncio.ensure_future(self._hung_up()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            if self._transport:
                reset(self._transport)

    async def _hung_up(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass

    async def _gone(self) -> None:
        """Wait until the connection is gone: the server logs an error where a call ends without an answer before that."""
        if self._transport:
            await self._hung_up()


async def _whole(receive: Receive) -> tuple[bytes, Receive]:
    """A request's body, and a channel that gives it once more."""
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect":
            return bytes(body), _replayed(bytes(body), receive, then=message)
        if not message.get("more_body"):
            return bytes(body), _replayed(bytes(body), receive)
        if len(body) > LARGEST_BODY:
            return b"", _replayed(bytes(body), receive, more=True)


def _replayed(body: bytes, receive: Receive, *, more: bool = False, then: Message | None = None) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": more}]
    if then:
        waiting.append(then)

    async def replay() -> Message:
        return waiting.pop(0) if waiting else await receive()

    return replay
