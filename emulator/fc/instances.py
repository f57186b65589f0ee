"""Function instances: each is a process of its own, serves one request at a time, and is killed at its timeout."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import struct
import time
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from emulator.fc.config import FunctionConfig, build_environment
from emulator.fc.output import Pipe, Record
from emulator.ram.keys import Key

State = Literal["starting", "idle", "busy", "paused", "stopped"]
GRACE = 0.5
"""Seconds between SIGTERM and SIGKILL; how many the platform gives could not be confirmed."""
LAST_WORDS = 0.2
"""Seconds to read the socket of a process that has ended to its end; that usually takes none."""
_RUNTIME = Path(__file__).with_name("runtime") / "program.py"


class InstanceDied(Exception):
    """The process ended before it answered."""


class InstanceNotStarted(InstanceDied):
    """The interpreter or the folder does not exist, or may not be used."""


class InvocationTimedOut(Exception):
    """No answer within the function's timeout; the process was killed."""


@dataclass(frozen=True)
class Reply:
    """The process's reply."""

    header: Mapping[str, Any]
    body: bytes


class Instance:
    """A process, with all that it starts. Its output is kept by line; the oldest lines are dropped first."""

    def __init__(self, config: FunctionConfig, key: Key, region: str, lines: deque[str]) -> None:
        self.id = f"c-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:8]}-{uuid.uuid4().hex[:12]}"
        self.state: State = "starting"
        self.started = time.time()
        self.used = time.monotonic()
        self.invocations = 0
        self.memory = 0.0
        """The most that it ever used, in MB."""
        self.config = config
        self.output = Record(lines)
        self._key = key
        self._region = region
        self._state_when_paused: State = "idle"
        self._expired = False
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._ended: asyncio.Future[None] | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Start the process, which ends by itself when this one is gone. Raises: InstanceNotStarted."""
        ours, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        output, written = os.pipe()
        try:
            self._process = await asyncio.create_subprocess_exec(
                self.config.python, str(_RUNTIME), str(theirs.fileno()), str(lifeline),
                cwd=self.config.code, env=build_environment(self.config, self._key, self.id, self._region),
                stdin=asyncio.subprocess.DEVNULL, stdout=written, stderr=written,
                pass_fds=(theirs.fileno(), lifeline), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            self.state = "stopped"
            ours.close()
            os.close(output)
            os.close(self._lifeline)
            raise InstanceNotStarted(
                f"{self.config.python} in {self.config.code}: {error.strerror or error}"
            ) from error
        finally:
            theirs.close()
            os.close(lifeline)
            os.close(written)
        self._pipe = Pipe(output, self.output)
        self._reader, self._writer = await asyncio.open_connection(sock=ours)
        self._ended = asyncio.ensure_future(self._clean_up(self._process))
        self.state = "idle"

    async def call(self, header: Mapping[str, Any], body: bytes, timeout: float) -> Reply:
        """Send a request, and wait for the reply. Raises: InvocationTimedOut, InstanceDied: the process is gone then."""
        self.state = "busy"
        if header["kind"] != "initialize":
            self.invocations += 1
        timer = asyncio.get_running_loop().call_later(timeout, self._expire)
        self._quiet.clear()
        try:
            answer, content = await self._exchange(header, body)
        except (OSError, EOFError):
            self._quiet.set()
            if self._ended:
                await asyncio.wait({self._ended})
            raise InvocationTimedOut if self._expired else InstanceDied from None
        except BaseException:
            # The caller has gone: the answer would be taken for the next request's.
            self.signal(signal.SIGKILL)
            raise
        finally:
            timer.cancel()
            self._quiet.set()
        self._pipe.read_all()
        self._become_idle(float(answer.get("memory", 0.0)))
        return Reply(answer, content)

    def _become_idle(self, memory: float) -> None:
        self.memory = max(self.memory, memory)
        self.used = time.monotonic()
        if self.state == "paused":
            self._state_when_paused = "idle"
        else:
            self.state = "idle"

    async def _exchange(self, header: Mapping[str, Any], body: bytes) -> tuple[Mapping[str, Any], bytes]:
        head = json.dumps(header).encode()
        self._writer.write(struct.pack(">I", len(head)) + head + struct.pack(">I", len(body)) + body)
        await self._writer.drain()
        answer = json.loads(await self._block()), await self._block()
        if self._expired:
            # It caught SIGTERM, and answers too late.
            self.signal(signal.SIGKILL)
            raise EOFError
        return answer

    async def _block(self) -> bytes:
        return await self._reader.readexactly(struct.unpack(">I", await self._reader.readexactly(4))[0])

    def _expire(self) -> None:
        """Send SIGTERM, and SIGKILL a little later: a process that is paused, or that catches SIGTERM, ends too."""
        self._expired = True
        self.signal(signal.SIGTERM)
        asyncio.get_running_loop().call_later(GRACE, self.signal, signal.SIGKILL)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process and all that it started: SIGKILL, or SIGSTOP and SIGCONT to pause it for a while."""
        if not self.alive or self.pid is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)
        if number == signal.SIGKILL and self.state == "idle":
            self.state = "stopped"  # no call may get it until it is gone
        if number == signal.SIGSTOP and self.state != "paused":
            self._state_when_paused, self.state = self.state, "paused"
        elif number == signal.SIGCONT and self.state == "paused":
            self.state = self._state_when_paused

    async def stop(self) -> None:
        """End the process: if idle, by closing its socket, else at once."""
        idle = self.state == "idle"
        self.state = "stopped"
        if idle and self.alive:
            self._writer.write_eof()
            asyncio.get_running_loop().call_later(GRACE, self.signal, signal.SIGKILL)
        else:
            self.signal(signal.SIGKILL)
        if self._ended:
            await asyncio.wait({self._ended})

    async def _clean_up(self, process: asyncio.subprocess.Process) -> None:
        """Wait for the process to end, end what it has started, and read the rest of their output."""
        await process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        self.state = "stopped"
        self._pipe.close()
        self.output.end()
        os.close(self._lifeline)
        quiet = asyncio.ensure_future(self._quiet.wait())
        await asyncio.wait({quiet}, timeout=LAST_WORDS)
        quiet.cancel()
        self._writer.close()
