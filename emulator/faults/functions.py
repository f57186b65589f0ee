"""Function calls that are recorded, struck down and delivered amiss, as a plan says."""

import asyncio
from typing import Any

from emulator.faults.injection import Active, Faults, counted
from emulator.faults.network import Network
from emulator.faults.plan import ANSWERS, KINDS, PROCESS
from emulator.faults.processes import Workers
from emulator.fc.service import Called, FcError, FunctionCompute, Invocation
from emulator.records import Invoked, Records

_KINDS = tuple(kind for kind in KINDS["fc"] if kind != "close-idle")
"""Of streams and topics it is not known which connections they keep."""


class FaultyFunctions(FunctionCompute):
    """Function Compute whose calls are recorded, and struck: where they come in, while they run, and where they are answered."""

    records: Records
    faults: Faults
    workers: Workers
    network: Network

    def watch(self, records: Records, faults: Faults, workers: Workers, network: Network) -> None:
        self.records, self.faults, self.workers, self.network = records, faults, workers, network

    async def call(self, name: str, event: bytes, *, asynchronous: bool = False) -> Called:
        """As it is there, over a wire: it meets what a call over HTTP does."""
        if self.network.refuses("fc"):
            raise ConnectionRefusedError
        struck = self.faults.striking("fc", name, _text(event), _KINDS)
        counted()
        for active in struck:
            if not active.rule.after and (instead := await self._before(active)):
                return instead
        result = await super().call(name, event, asynchronous=asynchronous)
        for active in struck:
            result = await self._after(active, result)
        return result

    async def _before(self, active: Active) -> Called | None:
        """Another answer than the function's, or none where the call goes on. Raises: OSError."""
        rule = active.rule
        if rule.kind in ANSWERS:
            return Called(rule.status)
        if rule.kind not in ("trickle", "headers-only"):
            await self._strike(active)
        return None

    async def _after(self, active: Active, result: Called) -> Called:
        """The function's answer, or another one. Raises: OSError."""
        rule = active.rule
        if rule.kind == "trickle":
            await asyncio.sleep(rule.seconds * result.size)
        elif rule.kind == "headers-only":
            await active.over.wait()
            raise ConnectionResetError
        elif rule.after and rule.kind in ANSWERS:
            return Called(rule.status)
        elif rule.after:
            await self._strike(active)
        return result

    async def _strike(self, active: Active) -> None:
        rule = active.rule
        if rule.kind == "delay":
            await asyncio.sleep(rule.seconds)
        elif rule.kind in PROCESS:
            self.workers.strike(rule)
        else:
            if rule.kind == "refuse":
                self.network.refuse("fc", rule.seconds)
            elif rule.kind == "half-open":
                await active.over.wait()
            raise ConnectionResetError

    async def invoke(self, name: str, payload: bytes, **how: Any) -> Invocation:  # noqa: ANN401 - as it is there
        began = self.records.now()
        # What comes in nowhere is the service's own: the later tries of an asynchronous call.
        for active in self.faults.striking_uncounted("fc", name, _text(payload), PROCESS):
            self.workers.strike(active.rule)
        try:
            result = await super().invoke(name, payload, **how)
        except FcError as error:
            self._record(name, "", "", began, error.code, error.text)
            raise
        failed = _text(result.body)[:2_000] if result.error_type else ""
        self._record(name, result.request_id, result.instance, began, result.error_type, failed)
        return result

    def _record(self, name: str, request_id: str, instance: str, began: float, error: str | None, text: str) -> None:
        self.records.add(Invoked(name, request_id, instance, began, self.records.now(), error, text))


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
