"""What one sending has done so far, in a file that survives its end: the same command goes on where it stopped.

The file is lines of JSON: a head, then what happened, each line written before or after the step it tells of. A line that
was cut off by the end of the process is as if it had not been written.
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.clients.target import Target
from cli.errors import CliError, UsageError
from handler.messages import ModuleRequest

NOTHING, DOUBTFUL, SENT = 0, 1, 2
"""What became of a request: not sent; being sent when the process ended; sent."""


def state_folder(environ: Mapping[str, str]) -> Path:
    """Where states are kept unless a command says otherwise (XDG Base Directory)."""
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "ota-modules"


def content_key(target: Target, requests: Iterable[ModuleRequest], began: str = "") -> str:
    """What makes two sendings the same: the queue, when a local cloud `began`, and the requests, however they were written."""
    digest = hashlib.sha256(f"{target.smq_url}\n{target.names.request_queue}\n{began}\n".encode())
    for request in requests:
        digest.update(request.model_dump_json(exclude_none=True).encode() + b"\n")
    return digest.hexdigest()[:16]


class Ledger:
    """The state of one sending. `run` names it: it is part of the Ids of requests that have none of their own."""

    def __init__(self, path: Path, total: int) -> None:
        self.path = path
        self.total = total
        self.run = secrets.token_hex(4)
        self.following = False
        self.finished = False
        self._locked: int | None = None
        self._sent = bytearray(total)
        self._statuses: list[str | None] = [None] * total
        self._remarks: list[dict[str, Any]] = []

    @classmethod
    def open(cls, folder: Path, key: str, total: int, *, anew: bool = False) -> "Ledger":
        """The state of a sending that was begun before, or a new one; to be closed.

        Raises: UsageError: it cannot be kept. CliError: another process is at work on it.
        """
        ledger = cls(folder / f"{key}.jsonl", total)
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            ledger._lock()
            if anew or not ledger._restore():
                ledger.path.write_text("", encoding="utf-8")
                ledger._write({"run": ledger.run, "total": total})
        except OSError as error:
            raise UsageError(f"cannot keep the state in {ledger.path}: {error.strerror or error}") from None
        return ledger

    @property
    def changed(self) -> datetime:
        """When something was last noted, by this machine's clock."""
        return datetime.fromtimestamp(self.path.stat().st_mtime).astimezone()

    def close(self) -> None:
        """Let another process go on with it."""
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None

    def _lock(self) -> None:
        """Raises: CliError: another process is at work on it."""
        self._locked = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._locked, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.close()
            raise CliError("another `ota-modules send` is sending these requests, or waits for them") from None

    def state(self, number: int) -> int:
        return self._sent[number]

    def unsent(self) -> list[int]:
        """The numbers of the requests that are still to be sent, doubtful ones included."""
        return [number for number in range(self.total) if self._sent[number] != SENT]

    @property
    def doubtful(self) -> int:
        return self._sent.count(DOUBTFUL)

    @property
    def sent(self) -> int:
        return self._sent.count(SENT)

    def sending(self, numbers: Sequence[int]) -> None:
        """About to be sent: if this is the last that is known, nobody knows whether they were."""
        self._note({"sending": list(numbers)})

    def accepted(self, numbers: Sequence[int]) -> None:
        self._note({"sent": list(numbers)})

    def follow(self) -> None:
        """Outcomes are collected from now on."""
        self._note({"following": True})

    def outcome(self, found: Mapping[int, Mapping[str, Any]], *, as_wished: Iterable[int]) -> None:
        """Outcomes' data by their requests' numbers; only those not as wished are kept whole."""
        wished = set(as_wished)
        lines = {number: data["Status"] if number in wished else dict(data) for number, data in found.items()}
        if lines:
            self._note({"outcomes": lines})

    def finish(self) -> None:
        """Everything that was wished for is done."""
        self._note({"finished": True})

    def status(self, number: int) -> str | None:
        return self._statuses[number]

    @property
    def statuses(self) -> Counter[str]:
        return Counter(status for status in self._statuses if status)

    @property
    def answered(self) -> int:
        return self.total - self._statuses.count(None)

    @property
    def remarkable(self) -> Sequence[Mapping[str, Any]]:
        """The outcomes that were not as wished."""
        return self._remarks

    def _note(self, line: Mapping[str, Any]) -> None:
        self._write(line)
        # JSON's keys are text; read back they are numbers again.
        self._apply(json.loads(json.dumps(line)))

    def _write(self, line: Mapping[str, Any]) -> None:
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UsageError(f"cannot keep the state in {self.path}: {error.strerror or error}") from None

    def _restore(self) -> bool:
        if not self.path.exists():
            return False
        # What a process that ended wrote last may be half a line; the next line must not be glued to it.
        text = self.path.read_text(encoding="utf-8", errors="replace")
        whole, _, torn = text.rpartition("\n")
        if torn:
            mended = self.path.with_suffix(".mended")
            mended.write_text(whole + "\n", encoding="utf-8")
            mended.replace(self.path)
        lines = [json.loads(line) for line in whole.split("\n") if line]
        if not lines or lines[0].get("total") != self.total:
            return False
        self.run = lines[0]["run"]
        for line in lines[1:]:
            self._apply(line)
        return True

    def _apply(self, line: Mapping[str, Any]) -> None:
        self.following = self.following or bool(line.get("following"))
        self.finished = self.finished or bool(line.get("finished"))
        for name, state in (("sending", DOUBTFUL), ("sent", SENT)):
            for number in line.get(name, ()):
                self._sent[number] = max(state, self._sent[number]) if state == DOUBTFUL else SENT
        for number, told in line.get("outcomes", {}).items():
            if self._statuses[int(number)] is None:
                self._statuses[int(number)] = told if isinstance(told, str) else told["Status"]
                if not isinstance(told, str):
                    self._remarks.append(told)
