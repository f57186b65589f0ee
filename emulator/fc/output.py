"""Keeps the output of instances: by line in the function's log, and the end of it for the caller."""

import asyncio
import os
from collections import deque

MOST_LINES = 2_000
LONGEST_LINE = 32 * 1024
"""Bytes; the platform's log service cuts what is longer (Function Compute, "Logging")."""
TAIL = 4 * 1024
"""Bytes at the end of a call's log that its caller can have."""
MOST_AT_ONCE = 1024 * 1024
"""Bytes that are read at once, so that other tasks have their turn."""
_CHUNK = 64 * 1024


class Record:
    """The output of one instance, in the order of its writing. Its size is bounded."""

    def __init__(self, lines: deque[str]) -> None:
        self._lines = lines
        self._pending = b""
        self._tail = bytearray()

    @property
    def tail(self) -> bytes:
        """The end of the output of the current or latest call."""
        return bytes(self._tail)

    def begin(self, line: str) -> None:
        """Begin the output of a call with a line of the platform's."""
        self.end()
        self._tail.clear()
        self.note(line)

    def write(self, data: bytes) -> None:
        """Add output, a piece of any size."""
        self._tail += data
        del self._tail[:-TAIL]
        *whole, rest = (self._pending + data).split(b"\n")
        self._pending = rest[:LONGEST_LINE]
        for line in whole:
            self._keep(line)

    def note(self, line: str) -> None:
        """Write a line of the platform's; it begins a new line."""
        if self._pending:
            self.write(b"\n")
        self.write(f"{line}\n".encode())

    def end(self) -> None:
        """Keep a last line that has no line end."""
        if self._pending:
            self._keep(self._pending)
            self._pending = b""

    def _keep(self, line: bytes) -> None:
        self._lines.append(line[:LONGEST_LINE].decode("utf-8", "replace"))


class Pipe:
    """The reading end of an instance's output, read as it arrives; `close` reads the rest of it."""

    def __init__(self, descriptor: int, record: Record) -> None:
        self._descriptor = descriptor
        self._record = record
        self._open = True
        os.set_blocking(descriptor, False)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(descriptor, self._read)

    def read_all(self) -> None:
        """Read what has arrived."""
        left = MOST_AT_ONCE
        while left > 0 and (size := self._read()):
            left -= size

    def close(self) -> None:
        """Read what has arrived, and stop."""
        self.read_all()
        self._stop()

    def _read(self) -> int:
        if not self._open:
            return 0
        try:
            data = os.read(self._descriptor, _CHUNK)
        except BlockingIOError:
            return 0
        if data:
            self._record.write(data)
        else:
            self._stop()
        return len(data)

    def _stop(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
