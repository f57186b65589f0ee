"""Function Compute: functions, their instances, and invocations of them."""

import asyncio
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from emulator.clock import Clock
from emulator.fc.asynchronous import AsyncCalls, Verdict
from emulator.fc.config import FunctionConfig
from emulator.fc.instances import Instance, InstanceDied, InstanceNotStarted, InvocationTimedOut, Reply
from emulator.fc.output import MOST_LINES
from emulator.fc.role_keys import RoleKeys
from emulator.fc.runtime.steps import Step
from emulator.ram.keys import Accounts
from emulator.records import Invoked, Records

LONGEST_IDLE = 300.0
"""Seconds after which an idle instance is ended."""
SYNC_LIMIT = 32 * 1024 * 1024
ASYNC_LIMIT = 128 * 1024
RECORDED = 2_000
"""Characters of a failed call's answer that are recorded."""
UNHANDLED = "UnhandledInvocationError"
MOST_INSTANCES = 100
"""Of all functions of an account in a region together."""


class FcError(Exception):
    """A call that the service refuses; `code` as in "Error codes" of Function Compute."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


@dataclass(frozen=True)
class Invocation:
    """The result of a call. `error_type` is X-Fc-Error-Type: the function failed, though the status is 200."""

    request_id: str
    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = ()
    error_type: str | None = None
    log: bytes = b""
    seconds: float = 0.0
    instance: str = ""
    memory: float = 0.0
    """The most that the instance ever used, in MB."""


@dataclass
class Counters:
    """Counts of what happened to a function."""

    invocations: int = 0
    errors: int = 0
    throttles: int = 0
    timeouts: int = 0


@dataclass
class Deployed:
    """A function with its instances, and what they wrote, by line."""

    config: FunctionConfig
    instances: list[Instance] = field(default_factory=list)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    counters: Counters = field(default_factory=Counters)

    def drop_dead(self) -> None:
        self.instances = [instance for instance in self.instances if instance.state == "starting" or instance.alive]


Tries = Callable[[str, bytes], AbstractContextManager[Sequence[Step]]]
"""Entered around each try of a call, with the function's name and the event; gives the steps at which the try is killed."""


class FunctionCompute:
    """The functions of one account in one region."""

    def __init__(
        self,
        accounts: Accounts,
        functions: Sequence[FunctionConfig],
        *,
        region: str = "cn-shanghai",
        service: str = "ota-modules",
        clock: Clock | None = None,
        records: Records | None = None,
        tries: Tries = lambda _function, _event: nullcontext(()),
    ) -> None:
        self.service = service
        """The FC 2.0 service under which functions of FC 3.0 can be named too: aliyun-fc2 knows no others."""
        self.accounts = accounts
        self.region = region
        self.functions = {config.name: Deployed(config) for config in functions}
        self._asynchronous = AsyncCalls(clock or Clock())
        self._keys = RoleKeys(accounts)
        self._records = records or Records()
        self._tries = tries

    @property
    def instances(self) -> list[Instance]:
        """The instances that are starting or running."""
        for deployed in self.functions.values():
            deployed.drop_dead()
        return [instance for deployed in self.functions.values() for instance in deployed.instances]

    def find(self, name: str, service: str | None = None) -> Deployed:
        """Return a function by its name. Raises: FcError."""
        deployed = self.functions.get(name)
        services = ("", service) if service == self.service else (service,)
        if deployed is None or (service is not None and deployed.config.service not in services):
            raise FcError(404, "FunctionNotFound", f"function '{name}' does not exist")
        return deployed

    async def invoke(
        self,
        name: str,
        payload: bytes,
        *,
        kind: Literal["event", "wsgi"] = "event",
        http: Mapping[str, Any] | None = None,
        retry_count: int = 0,
        request_id: str | None = None,
        steps: Sequence[Step] = (),
    ) -> Invocation:
        """Call a function once and wait for it; its process is killed when it reaches the first of `steps`.

        Raises: FcError: no such function, no instance free, none that starts, payload too large.
        """
        began = self._records.now()
        try:
            with self._tries(name, payload) as struck:
                call = {"kind": kind, "http": dict(http or {}), "retry_count": retry_count, "steps": [*steps, *struck]}
                result = await self._try(self.find(name), payload, call, request_id)
        except FcError as error:
            self._records.add(Invoked(name, "", "", began, self._records.now(), error.code, error.text))
            raise
        text = result.body.decode("utf-8", "replace")[:RECORDED] if result.error_type else ""
        ended = self._records.now()
        self._records.add(Invoked(name, result.request_id, result.instance, began, ended, result.error_type, text))
        return result

    def invoke_later(self, name: str, payload: bytes) -> str:
        """Accept an asynchronous call, which is retried until a try succeeds or they end; return its request id.

        Raises: FcError: no such function, or a payload that is too large.
        """
        deployed = self.find(name)
        if len(payload) > ASYNC_LIMIT:
            raise FcError(400, "EntityTooLarge", f"payload of an asynchronous call is larger than {ASYNC_LIMIT} bytes")
        request_id = new_request_id(deployed.config)
        self._asynchronous.accept(partial(self._try_again, name, payload, request_id))
        return request_id

    async def _try_again(self, name: str, payload: bytes, request_id: str, failures: int) -> Verdict:
        try:
            result = await self.invoke(name, payload, retry_count=failures, request_id=request_id)
        except FcError as error:
            return "throttled" if error.status == 429 else "refused"
        return "failed" if result.error_type else "done"

    async def _try(
        self, deployed: Deployed, payload: bytes, call: Mapping[str, Any], request_id: str | None
    ) -> Invocation:
        if len(payload) > SYNC_LIMIT:
            raise FcError(400, "EntityTooLarge", f"payload is larger than {SYNC_LIMIT} bytes")
        deployed.counters.invocations += 1
        header = {**self._header(deployed.config, request_id or new_request_id(deployed.config)), **call}
        began = time.monotonic()
        instance = await self._acquire(deployed, header["request_id"])
        if isinstance(instance, Invocation):
            return instance
        return await self._run(deployed, instance, header, payload, began)

    async def _run(
        self, deployed: Deployed, instance: Instance, header: Mapping[str, Any], payload: bytes, began: float
    ) -> Invocation:
        problem = ""
        try:
            reply = await instance.call(header, payload, deployed.config.timeout)
        except InvocationTimedOut:
            deployed.counters.timeouts += 1
            problem = f"Function time out after {deployed.config.timeout:g} seconds"
            reply = _error_reply(problem)
        except InstanceDied:
            problem = "Process exited unexpectedly before completing request"
            reply = _error_reply(f"{problem} (duration: {(time.monotonic() - began) * 1000:.0f}ms)")
        error = reply.header.get("error_type")
        end = f", Error: {problem or 'Unhandled function error'}" if error else ""
        instance.output.note(f"FC Invoke End RequestId: {header['request_id']}{end}")
        if error:
            deployed.counters.errors += 1
        deployed.drop_dead()
        return Invocation(
            request_id=header["request_id"],
            status=int(reply.header.get("status", 200)),
            body=reply.body,
            headers=[(str(name), str(value)) for name, value in reply.header.get("headers", ())],
            error_type=error,
            log=instance.output.tail,
            seconds=time.monotonic() - began,
            instance=instance.id,
            memory=instance.memory,
        )

    async def _acquire(self, deployed: Deployed, request_id: str) -> Instance | Invocation:
        """Return an idle instance or a new, initialized one; or the result, where the initializer failed."""
        deployed.drop_dead()
        start = f"FC Invoke Start RequestId: {request_id}"
        instance = next((instance for instance in deployed.instances if instance.state == "idle"), None)
        if instance or deployed.config.initializer is None:
            instance = instance or await self._start(deployed)
            instance.output.begin(start)
        else:
            instance = await self._start(deployed)
            if failed := await self._initialize(deployed, instance, request_id):
                return failed
            instance.output.note(start)
        instance.state = "busy"
        return instance

    async def _start(self, deployed: Deployed) -> Instance:
        """Start an instance. Raises: FcError: there may be no more, or it does not start."""
        config = deployed.config
        if len(deployed.instances) >= config.instances:
            deployed.counters.throttles += 1
            raise FcError(429, "FunctionResourceExhausted", f"function '{config.name}' has no instance free")
        if len(self.instances) >= MOST_INSTANCES:
            deployed.counters.throttles += 1
            raise FcError(429, "ResourceExhausted", f"the account has {MOST_INSTANCES} instances already")
        instance = Instance(config, self._keys.find(config.role), self.region, deployed.lines)
        deployed.instances.append(instance)
        try:
            await instance.start()
        except InstanceNotStarted as error:
            raise FcError(500, "InternalServerError", f"no instance can be started: {error}") from error
        finally:
            # Also where the caller has gone meanwhile: an instance that is "starting" counts as alive.
            instance.state = "busy" if instance.alive else "stopped"
        return instance

    async def _initialize(self, deployed: Deployed, instance: Instance, request_id: str) -> Invocation | None:
        """Run the initializer; return the result of the call where it failed."""
        config = deployed.config
        header = {**self._header(config, request_id), "kind": "initialize", "handler": config.initializer}
        instance.output.begin(f"FC Initialize Start RequestId: {request_id}")
        try:
            reply = await instance.call(header, b"", config.initializer_timeout)
        except InvocationTimedOut:
            reply = _error_reply(f"Initializer time out after {config.initializer_timeout:g} seconds")
        except InstanceDied:
            reply = _error_reply("Process exited unexpectedly before completing initialization")
        failed = bool(reply.header.get("error_type"))
        end = ", Error: initialization failed" if failed else ""
        instance.output.note(f"FC Initialize End RequestId: {request_id}{end}")
        if not failed:
            return None
        await instance.stop()
        deployed.drop_dead()
        deployed.counters.errors += 1
        log = instance.output.tail
        return Invocation(request_id, 200, reply.body, error_type="InitializationError", log=log, instance=instance.id)

    def _header(self, config: FunctionConfig, request_id: str) -> dict[str, Any]:
        key = self._keys.find(config.role)
        return {
            "request_id": request_id,
            "timeout": config.timeout if config.timeout % 1 else int(config.timeout),
            "service": config.service,
            "qualifier": "LATEST" if config.service else "",
            "credentials": {"id": key.id, "secret": key.secret, "token": key.token},
        }

    async def end_idle(self, seconds: float = LONGEST_IDLE) -> None:
        """End the instances that have been idle for `seconds`."""
        for instance in self.instances:
            if instance.state == "idle" and time.monotonic() - instance.used >= seconds:
                await instance.stop()

    async def stop(self) -> None:
        """End all calls and instances."""
        await self._asynchronous.stop()
        await asyncio.gather(*(instance.stop() for instance in self.instances))


def _error_reply(text: str) -> Reply:
    """Return the reply for an instance that did not reply itself."""
    return Reply({"error_type": UNHANDLED}, json.dumps({"errorMessage": text}).encode())


def new_request_id(config: FunctionConfig) -> str:
    """Return an id: `1-<8 hex>-<8 hex>-<12 hex>` in FC 3.0, a UUID in FC 2.0."""
    digits = uuid.uuid4().hex
    return str(uuid.uuid4()) if config.service else f"1-{int(time.time()):08x}-{digits[:8]}-{digits[8:20]}"
