"""Function instances: each a process of its own, one request at a time, killed at its timeout."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import sys
import time
import uuid
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from emulator.accounts import ACCOUNT_ID, Key

State = Literal["starting", "idle", "busy", "paused", "stopped"]
LONGEST_START = 30.0
GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL; how many the platform gives could not be confirmed."""
MOST_LINES = 2_000
_RUNTIME = Path(__file__).with_name("runtime.py")
_MARKER = b"\0"


class InstanceDied(Exception):
    """The process ended before it answered."""


class InvocationTimedOut(Exception):
    """No answer within the function's timeout; the process was killed."""


@dataclass(frozen=True)
class FunctionConfig:
    """A function as it is deployed. `timeout` is in seconds, `memory` in MB; `instances` is how many there may be."""

    name: str
    handler: str
    code: Path
    role: str | None = None
    service: str = ""
    initializer: str | None = None
    initializer_timeout: float = 30.0
    runtime: str = "python3.10"
    python: str = sys.executable
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 60.0
    memory: int = 128
    instances: int = 10
    http_auth: Literal["anonymous", "function"] | None = None
    """Of the HTTP trigger; None where there is none."""
    methods: Sequence[str] = ("GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS")
    wsgi: bool = False
    """The FC 2.0 form of an HTTP function."""


@dataclass(frozen=True)
class Reply:
    """What the process answered."""

    header: Mapping[str, Any]
    body: bytes
    log: bytes


def environment(config: FunctionConfig, key: Key, instance: str, region: str) -> dict[str, str]:
    """The variables of an instance: the user's, the platform's, and temporary keys."""
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
    platform = {
        "FC_FUNC_CODE_PATH": str(config.code),
        "FC_ACCOUNT_ID": ACCOUNT_ID,
        "FC_FUNCTION_HANDLER": config.handler,
        "FC_FUNCTION_MEMORY_SIZE": str(config.memory),
        "FC_FUNCTION_NAME": config.name,
        "FC_REGION": region,
        "FC_INSTANCE_ID": instance,
        "FC_FUNCTION_VERSION": "LATEST",
        "FC_TIMEOUT": str(config.timeout),
        "FC_RUNTIME_API": "127.0.0.1:9000",
        "OTA_EMULATOR_CONTEXT": "3.12" if config.runtime == "python3.12" else "3.10",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    if config.service:
        platform |= {"FC_SERVICE_NAME": config.service, "FC_QUALIFIER": "LATEST"}
    keys = {
        "ALIBABA_CLOUD_ACCESS_KEY_ID": key.id,
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET": key.secret,
        "ALIBABA_CLOUD_SECURITY_TOKEN": key.token,
    }
    return {**inherited, **config.environment, **platform, **keys}


class Instance:
    """One process. Its output is kept by line, the oldest forgotten first."""

    def __init__(self, config: FunctionConfig, key: Key, region: str, lines: deque[str]) -> None:
        self.id = f"c-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:12]}"
        self.state: State = "starting"
        self.started = time.time()
        self.used = time.monotonic()
        self.invocations = 0
        self.config = config
        self._key = key
        self._region = region
        self._lines = lines
        self._recent = bytearray()
        self._seen_all = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process. The child ends by itself when this end of its socket closes, however that comes about."""
        ours, theirs = socket.socketpair()
        try:
            self._process = await asyncio.create_subprocess_exec(
                self.config.python, str(_RUNTIME), str(theirs.fileno()),
                cwd=self.config.code, env=environment(self.config, self._key, self.id, self._region),
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
                pass_fds=(theirs.fileno(),), start_new_session=True,
            )  # fmt: skip
        finally:
            theirs.close()
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        streams = (self._process.stdout, self._process.stderr)
        self._tasks = [asyncio.create_task(self._keep(stream)) for stream in streams if stream]
        self.state = "idle"

    async def call(self, header: Mapping[str, Any], body: bytes, timeout: float) -> Reply:
        """One request. Raises: InvocationTimedOut, InstanceDied."""
        self.state = "busy"
        self.invocations += 1
        self._recent.clear()
        self._seen_all.clear()
        try:
            answer, content = await asyncio.wait_for(self._exchange(header, body), timeout)
        except asyncio.TimeoutError:
            await self.stop()
            raise InvocationTimedOut from None
        except (OSError, asyncio.IncompleteReadError):
            await self.stop()
            raise InstanceDied from None
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._seen_all.wait(), 1)
        self.state = "idle"
        self.used = time.monotonic()
        return Reply(answer, content, bytes(self._recent))

    async def _exchange(self, header: Mapping[str, Any], body: bytes) -> tuple[Mapping[str, Any], bytes]:
        head = json.dumps(header).encode()
        self._writer.write(struct.pack(">I", len(head)) + head + struct.pack(">I", len(body)) + body)
        await self._writer.drain()
        return json.loads(await self._block()), await self._block()

    async def _block(self) -> bytes:
        return await self._reader.readexactly(struct.unpack(">I", await self._reader.readexactly(4))[0])

    async def _keep(self, stream: asyncio.StreamReader) -> None:
        pending = b""
        while data := await stream.read(65536):
            *whole, pending = (pending + data).split(b"\n")
            for line in whole:
                self._line(line)
        if pending:
            self._line(pending)

    def _line(self, line: bytes) -> None:
        if line.startswith(_MARKER):
            self._seen_all.set()
            return
        self._recent += line + b"\n"
        self._lines.append(line.decode("utf-8", "replace"))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process: SIGKILL, or SIGSTOP and SIGCONT to pause it and let it go on."""
        if self.alive and self.pid:
            os.kill(self.pid, number)
            self.state = "paused" if number == signal.SIGSTOP else self.state

    async def stop(self) -> None:
        """End the process: SIGTERM, then SIGKILL."""
        self.state = "stopped"
        process = self._process
        if process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, asyncio.TimeoutError):
                process.send_signal(number)
                await asyncio.wait_for(process.wait(), GRACE)
        await process.wait()
        self._writer.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def lines_kept() -> deque[str]:
    """Where the output of a function's instances is kept."""
    return deque(maxlen=MOST_LINES)
