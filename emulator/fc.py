"""Function Compute: functions, their instances, and invocations of them."""

import asyncio
import contextlib
import json
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from emulator.accounts import Accounts, Key
from emulator.instances import FunctionConfig, Instance, InstanceDied, InvocationTimedOut, Reply, lines_kept

Kind = Literal["event", "wsgi"]
LONGEST_IDLE = 300.0
"""Seconds after which an idle instance is ended."""
SYNC_LIMIT = 32 * 1024 * 1024
ASYNC_LIMIT = 128 * 1024
ASYNC_RETRIES = 3
ASYNC_PAUSES = (60.0, 120.0, 240.0)
"""Seconds between the tries of an asynchronous call whose function failed; scaled down for tests."""
UNHANDLED = "UnhandledInvocationError"


class FcError(Exception):
    """A call that the service refuses; `code` as in "Error codes" of Function Compute."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


@dataclass(frozen=True)
class Invocation:
    """What came of a call. `error_type` is X-Fc-Error-Type: the function failed, though the status is 200."""

    request_id: str
    status: int
    body: bytes
    headers: Sequence[tuple[str, str]] = ()
    error_type: str | None = None
    log: bytes = b""
    seconds: float = 0.0
    instance: str = ""


@dataclass
class Counters:
    """What happened to one function."""

    invocations: int = 0
    errors: int = 0
    throttles: int = 0
    timeouts: int = 0


@dataclass
class Deployed:
    """A function with its instances."""

    config: FunctionConfig
    instances: list[Instance] = field(default_factory=list)
    lines: deque[str] = field(default_factory=lines_kept)
    counters: Counters = field(default_factory=Counters)


@dataclass(frozen=True)
class Outside:
    """What the service needs of the world; `scale` multiplies the waits between asynchronous tries."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    scale: float = 1.0


class FunctionCompute:
    """The functions of one account in one region."""

    def __init__(
        self,
        accounts: Accounts,
        functions: Sequence[FunctionConfig],
        *,
        region: str = "cn-shanghai",
        service: str = "ota-modules",
        outside: Outside | None = None,
    ) -> None:
        self.service = service
        """The FC 2.0 service under which functions of FC 3.0 can be named too: aliyun-fc2 knows no others."""
        self.accounts = accounts
        self.region = region
        self.functions = {config.name: Deployed(config) for config in functions}
        self._outside = outside or Outside()
        self._background: set[asyncio.Task[None]] = set()

    @property
    def instances(self) -> list[Instance]:
        return [instance for deployed in self.functions.values() for instance in deployed.instances]

    def find(self, name: str, service: str | None = None) -> Deployed:
        """A function by its name. Raises: FcError."""
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
        kind: Kind = "event",
        http: Mapping[str, Any] | None = None,
        retry_count: int = 0,
        request_id: str | None = None,
    ) -> Invocation:
        """Call a function and wait for it. Raises: FcError: no such function, no instance free, payload too large."""
        deployed = self.find(name)
        if len(payload) > SYNC_LIMIT:
            raise FcError(400, "EntityTooLarge", f"payload is larger than {SYNC_LIMIT} bytes")
        deployed.counters.invocations += 1
        request_id = request_id or new_request_id(deployed.config)
        began = time.monotonic()
        instance = await self._instance(deployed, request_id)
        if isinstance(instance, Invocation):
            return instance
        header = {**self._header(deployed.config, request_id, retry_count), "kind": kind, "http": dict(http or {})}
        return await self._called(deployed, instance, header, payload, began)

    def invoke_later(self, name: str, payload: bytes) -> str:
        """Queue an asynchronous call, with retries where the function fails; the request id. Raises: FcError."""
        deployed = self.find(name)
        if len(payload) > ASYNC_LIMIT:
            raise FcError(400, "EntityTooLarge", f"payload of an asynchronous call is larger than {ASYNC_LIMIT} bytes")
        request_id = new_request_id(deployed.config)
        task = asyncio.get_running_loop().create_task(self._later(name, payload, request_id))
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return request_id

    async def _later(self, name: str, payload: bytes, request_id: str) -> None:
        failures = throttles = 0
        while failures <= ASYNC_RETRIES:
            try:
                result = await self.invoke(name, payload, retry_count=failures, request_id=request_id)
            except FcError as error:
                if error.status != 429:
                    return
                await self._outside.sleep(min(0.5 * 2.0**throttles, 3600) * self._outside.scale)
                throttles += 1
                continue
            if result.error_type is None:
                return
            if failures < ASYNC_RETRIES:
                await self._outside.sleep(ASYNC_PAUSES[failures] * self._outside.scale)
            failures += 1

    async def _called(
        self, deployed: Deployed, instance: Instance, header: Mapping[str, Any], payload: bytes, began: float
    ) -> Invocation:
        request_id = str(header["request_id"])
        deployed.lines.append(f"FC Invoke Start RequestId: {request_id}")
        try:
            reply = await instance.call(header, payload, deployed.config.timeout)
        except InvocationTimedOut:
            deployed.counters.timeouts += 1
            text = f"Function time out after {deployed.config.timeout:g} seconds"
            result = self._failed(deployed, request_id, text)
        except InstanceDied:
            result = self._failed(deployed, request_id, "Process exited unexpectedly before completing request")
        else:
            result = _answered(request_id, reply)
        problem = f", Error: {result.error_type}" if result.error_type else ""
        deployed.lines.append(f"FC Invoke End RequestId: {request_id}{problem}")
        deployed.counters.errors += result.error_type is not None
        self._drop_dead(deployed)
        seconds = time.monotonic() - began
        return Invocation(
            request_id, result.status, result.body, result.headers, result.error_type, result.log, seconds, instance.id
        )

    def _failed(self, deployed: Deployed, request_id: str, text: str) -> Invocation:
        deployed.lines.append(text)
        body = json.dumps({"errorMessage": text}).encode()
        return Invocation(request_id, 200, body, error_type=UNHANDLED, log=f"{text}\n".encode())

    async def _instance(self, deployed: Deployed, request_id: str) -> Instance | Invocation:
        """An idle instance, or a new one that has been initialized; or the answer where that failed."""
        self._drop_dead(deployed)
        for instance in deployed.instances:
            if instance.state == "idle":
                instance.state = "busy"
                return instance
        if len(deployed.instances) >= deployed.config.instances:
            deployed.counters.throttles += 1
            raise FcError(429, "FunctionResourceExhausted", f"function '{deployed.config.name}' has no instance free")
        instance = Instance(deployed.config, self._key(deployed.config), self.region, deployed.lines)
        deployed.instances.append(instance)
        await instance.start()
        instance.state = "busy"
        return await self._initialized(deployed, instance, request_id)

    async def _initialized(self, deployed: Deployed, instance: Instance, request_id: str) -> Instance | Invocation:
        config = deployed.config
        if config.initializer is None:
            return instance
        header = {**self._header(config, request_id, 0), "kind": "initialize", "handler": config.initializer}
        deployed.lines.append(f"FC Initialize Start RequestId: {request_id}")
        problem = b""
        try:
            reply = await instance.call(header, b"", config.initializer_timeout)
            problem = reply.body if reply.header.get("error_type") else b""
        except (InvocationTimedOut, InstanceDied) as error:
            problem = json.dumps({"errorMessage": f"initializer: {type(error).__name__}"}).encode()
        deployed.lines.append(f"FC Initialize End RequestId: {request_id}")
        instance.state = "busy"
        if not problem:
            return instance
        await instance.stop()
        self._drop_dead(deployed)
        deployed.counters.errors += 1
        return Invocation(request_id, 200, problem, error_type="InitializationError")

    def _header(self, config: FunctionConfig, request_id: str, retry_count: int) -> dict[str, Any]:
        key = self._key(config)
        return {
            "request_id": request_id,
            "timeout": config.timeout if config.timeout % 1 else int(config.timeout),
            "retry_count": retry_count,
            "service": config.service,
            "qualifier": "LATEST" if config.service else "",
            "credentials": {"id": key.id, "secret": key.secret, "token": key.token},
        }

    def _key(self, config: FunctionConfig) -> Key:
        return self.accounts.issue(config.role) if config.role else Key("", "")

    def _drop_dead(self, deployed: Deployed) -> None:
        deployed.instances = [one for one in deployed.instances if one.state == "starting" or one.alive]

    async def end_idle(self, seconds: float = LONGEST_IDLE) -> None:
        """End the instances that have been idle for so long."""
        for instance in self.instances:
            if instance.state == "idle" and time.monotonic() - instance.used >= seconds:
                await instance.stop()
        for deployed in self.functions.values():
            self._drop_dead(deployed)

    async def stop(self) -> None:
        """End everything."""
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await asyncio.gather(*(instance.stop() for instance in self.instances))
        with contextlib.suppress(RuntimeError):
            for deployed in self.functions.values():
                deployed.instances.clear()


def _answered(request_id: str, reply: Reply) -> Invocation:
    error = reply.header.get("error_type")
    headers = [(str(name), str(value)) for name, value in reply.header.get("headers", ())]
    status = int(reply.header.get("status", 200))
    return Invocation(request_id, status, reply.body, headers, error, reply.log)


def new_request_id(config: FunctionConfig) -> str:
    """FC 3.0 ids look like `1-<8 hex>-<8 hex>-<12 hex>`, those of FC 2.0 are UUIDs."""
    digits = uuid.uuid4().hex
    return str(uuid.uuid4()) if config.service else f"1-{int(time.time()):08x}-{digits[:8]}-{digits[8:20]}"
