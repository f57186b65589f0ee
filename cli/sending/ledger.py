"""What one sending has done so far, in a database that survives its end: the same command resumes where it stopped.

What is done is noted after it: what was being sent when a process ended is sent again, under the same Ids. The database is
locked as long as it is open: one process works on a sending.
"""

import hashlib
import json
import os
import secrets
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from cli import records
from cli.clients.target import Target
from cli.errors import CliError, UsageError
from handler.messages import ModuleRequest

SCHEMA = """
CREATE TABLE IF NOT EXISTS sending (run TEXT, total INTEGER, following INTEGER, finished INTEGER, changed REAL, origin TEXT);
CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY, state INTEGER DEFAULT 0, status TEXT, remark TEXT);
CREATE TABLE IF NOT EXISTS beginning (began REAL);
"""
"""A request's `state` is 2 once it was sent."""
STATE = """
SELECT run, total, following, finished, changed, origin, count(*) FILTER (WHERE state = 2), count(status)
FROM sending LEFT JOIN requests
"""
CANCELLED = 2


def state_folder(given: Path | None) -> Path:
    """Return where states are kept unless a command says otherwise (XDG Base Directory)."""
    base = os.environ.get("XDG_STATE_HOME")
    return given or (Path(base) if base else Path.home() / ".local" / "state") / "ota-modules"


def origin_of(target: Target, manifests: Iterable[str]) -> str:
    """Return what identifies the runs of some manifests, however they have changed since: the queue, and the files."""
    files = sorted(name if name == "-" else str(Path(name).resolve()) for name in manifests)
    return "\n".join((f"{target.smq_url}/{target.names.request_queue}", *files))


def content_key(target: Target, requests: Iterable[ModuleRequest], began: str = "") -> str:
    """Return what makes two sendings the same: the queue, when a local cloud `began`, and the requests, however written."""
    digest = hashlib.sha256(f"{target.smq_url}\n{target.names.request_queue}\n{began}\n".encode())
    for request in requests:
        digest.update(request.model_dump_json(exclude_none=True).encode() + b"\n")
    return digest.hexdigest()[:16]


@dataclass(frozen=True)
class Run:
    """What a ledger says of its run; `busy` where a command is working on it, so that nothing else can be read."""

    path: Path
    name: str = ""
    """Part of the Ids of requests that have none of their own; empty while no run has begun."""
    total: int = 0
    following: int = 0
    """Whether outcomes are collected."""
    finished: int = 0
    """Whether it has ended; CANCELLED where `ota-modules cancel` ended it."""
    changed: float = 0.0
    """When something was last noted, in unix seconds; 0 for never."""
    origin: str = ""
    """Which manifests it is of; see `origin_of`."""
    sent: int = 0
    answered: int = 0
    busy: bool = False

    @property
    def cancelled(self) -> bool:
        """Whether some of its requests were taken out of the queue, or are not to be sent: they have no outcome."""
        return self.finished == CANCELLED

    @property
    def manifests(self) -> str:
        """The names of the manifests' files."""
        return " ".join(Path(name).name for name in self.origin.split("\n")[1:])

    @property
    def when(self) -> datetime:
        return datetime.fromtimestamp(self.changed).astimezone()

    def record(self) -> records.Run:
        if self.busy:
            return {"State": self.path.stem, "Busy": True}
        return {
            "Run": self.name, "Manifests": self.manifests, "Total": self.total, "Sent": self.sent, "Answered": self.answered,
            "Changed": self.when.isoformat(timespec="seconds") if self.changed else None,
        }  # fmt: skip


def read_runs(folder: Path) -> list[Run]:
    """Return the runs whose ledgers are in a folder, the newest first; one that cannot be read is left out."""
    runs: list[Run] = []
    for path in sorted(folder.glob("*.db")):
        try:
            with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
                run = Run(path, *database.execute(STATE).fetchone())
            runs += [run] if run.name else []
        except sqlite3.Error as error:
            runs += [Run(path, busy=True)] if "locked" in str(error) else []
    return sorted(runs, key=lambda run: (run.busy, run.changed), reverse=True)


class Ledger:
    """The state of one sending, for the one process that works on it."""

    def __init__(self, folder: Path, key: str, chosen: Collection[int] = ()) -> None:
        """Open the state of a sending that was begun before, or a new one with the requests of these numbers; to be closed.

        Raises: UsageError: the state cannot be kept; CliError: another process is at work on it.
        """
        self.path = folder / f"{key}.db"
        self._chosen = chosen
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._database = _lock(self.path)
        except (OSError, sqlite3.Error) as error:
            raise _refusal(self.path, error) from None
        if chosen and not self.run.name:
            self.restart()

    def close(self) -> None:
        """Let another process resume it."""
        self._database.close()

    def restart(self) -> None:
        """Forget what was sent: another run begins, with other Ids. Raises: UsageError."""
        with self._transaction() as database:
            for table in ("sending", "requests", "beginning"):
                database.execute(f"DELETE FROM {table}")  # noqa: S608 - a name of ours
            database.execute("INSERT INTO beginning VALUES (?)", (time.time(),))
            run = (secrets.token_hex(4), len(self._chosen))
            database.execute("INSERT INTO sending VALUES (?, ?, 0, 0, 0, '')", run)
            database.executemany("INSERT INTO requests (number) VALUES (?)", [(number,) for number in self._chosen])

    @property
    def run(self) -> Run:
        return Run(self.path, *self._database.execute(STATE).fetchone())

    @property
    def began(self) -> float:
        """When the run began, in unix seconds; 0 where an older version began it."""
        [began] = self._database.execute("SELECT coalesce(max(began), 0) FROM beginning").fetchone()
        return float(began)

    @property
    def statuses(self) -> dict[str, int]:
        query = "SELECT status, count(*) FROM requests WHERE status IS NOT NULL GROUP BY status"
        return dict(self._database.execute(query))

    def results(self) -> Iterator[tuple[int, str | None, Mapping[str, Any] | None]]:
        """Yield each request's number, its status, and its outcome where that failed or differs, in order."""
        for number, status, remark in self._database.execute("SELECT number, status, remark FROM requests ORDER BY 1"):
            yield number, status, json.loads(remark) if remark else None

    def remarkable(self) -> list[Mapping[str, Any]]:
        """Return the outcomes that failed or differ, in the order of their requests."""
        return [outcome for _, _, outcome in self.results() if outcome]

    def unsent(self) -> list[int]:
        query = "SELECT number FROM requests WHERE state < 2 ORDER BY number"
        return [number for (number,) in self._database.execute(query)]

    def note(self, **columns: str | int) -> None:
        """Note that outcomes are collected from now on (`following`), that all is done (`finished`), or the `origin`."""
        with self._transaction() as database:
            for name, value in columns.items():
                database.execute(f"UPDATE sending SET {name} = ?", (value,))  # noqa: S608 - a name of ours

    def note_sent(self, numbers: Iterable[int]) -> None:
        with self._transaction() as database:
            database.executemany("UPDATE requests SET state = 2 WHERE number = ?", [(number,) for number in numbers])

    def note_outcomes(self, found: Mapping[int, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Note outcomes' data by their requests' numbers, and return those that are the first of their requests.

        Only failures and differences are kept whole.
        """
        query = "UPDATE requests SET status = ?, remark = ? WHERE number = ? AND status IS NULL"
        new: list[Mapping[str, Any]] = []
        with self._transaction() as database:
            for number, data in found.items():
                is_as_wanted = data.get("Status") in ("created", "updated", "existing") and not data.get("Drift")
                whole = None if is_as_wanted else json.dumps(data, ensure_ascii=False)
                new += [data] if database.execute(query, (data["Status"], whole, number)).rowcount else []
        return new

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Note all that is noted in the block, or nothing. Raises: UsageError: it cannot be kept."""
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("UPDATE sending SET changed = ?", (time.time(),))
        except sqlite3.Error as error:
            raise _refusal(self.path, error) from None


def _lock(path: Path) -> sqlite3.Connection:
    """Open a database that is locked until it is closed, by the end of the process at the latest."""
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _refusal(path: Path, error: OSError | sqlite3.Error) -> CliError:
    if "locked" in str(error):
        return CliError("another `ota-modules send` is sending these requests, or waits for them")
    return UsageError(f"cannot keep the state in {path}: {getattr(error, 'strerror', None) or error}")
