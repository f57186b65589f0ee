"""What one sending has done so far, in a database that survives its end: the same command goes on where it stopped.

Each step is noted before and after it is done. The database is locked as long as it is open: one process works on a sending.
"""

import hashlib
import json
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from cli.clients.target import Target
from cli.errors import CliError, UsageError
from handler.messages import ModuleRequest

DOUBTFUL, SENT = 1, 2
"""What became of a request: being sent when the process ended; sent. 0 is neither."""
SCHEMA = """
CREATE TABLE IF NOT EXISTS sending (run TEXT, total INTEGER, following INTEGER, finished INTEGER, changed REAL, origin TEXT);
CREATE TABLE IF NOT EXISTS requests (number INTEGER PRIMARY KEY, state INTEGER DEFAULT 0, status TEXT, remark TEXT);
"""


def state_folder(environ: Mapping[str, str]) -> Path:
    """Return where states are kept unless a command says otherwise (XDG Base Directory)."""
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "ota-modules"


def origin_of(target: Target, manifests: Iterable[str]) -> str:
    """Return what tells the runs of some manifests, however they have changed since: the queue, and the files."""
    files = sorted(name if name == "-" else str(Path(name).resolve()) for name in manifests)
    return "\n".join((f"{target.smq_url}/{target.names.request_queue}", *files))


def content_key(target: Target, requests: Iterable[ModuleRequest], began: str = "") -> str:
    """Tell what makes two sendings the same: the queue, when a local cloud `began`, and the requests, however written."""
    digest = hashlib.sha256(f"{target.smq_url}\n{target.names.request_queue}\n{began}\n".encode())
    for request in requests:
        digest.update(request.model_dump_json(exclude_none=True).encode() + b"\n")
    return digest.hexdigest()[:16]


class Ledger:
    """The state of one sending. `run` names it: it is part of the Ids of requests that have none of their own."""

    def __init__(self, path: Path, total: int, database: sqlite3.Connection) -> None:
        self.path = path
        self.total = total
        self._database = database

    @classmethod
    def open(cls, folder: Path, key: str, total: int, *, again: bool = False) -> "Ledger":
        """Open the state of a sending that was begun before, or a new one; to be closed.

        `again` says that it is going to be restarted, so that version 0.1's notes of it may be lost.

        Raises:
            UsageError: the state cannot be kept, or is version 0.1's.
            CliError: another process is at work on it.
        """
        path = folder / f"{key}.db"
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _forget_old(path.with_suffix(".jsonl"), again=again)
            database = _locked(path)
        except (OSError, sqlite3.Error) as error:
            raise _refusal(path, error) from None
        ledger = cls(path, total, database)
        if ledger._one("SELECT total FROM sending") != total:
            ledger.restart()
        return ledger

    def close(self) -> None:
        """Let another process go on with it."""
        self._database.close()

    def restart(self) -> None:
        """Forget what was sent: another run begins, with other Ids. Raises: UsageError."""
        with self._transaction() as database:
            database.execute("DELETE FROM sending")
            database.execute("DELETE FROM requests")
            database.execute("INSERT INTO sending VALUES (?, ?, 0, 0, 0, '')", (secrets.token_hex(4), self.total))
            database.executemany(
                "INSERT INTO requests (number) VALUES (?)", ((number,) for number in range(self.total))
            )

    @property
    def run(self) -> str:
        return str(self._one("SELECT run FROM sending"))

    @property
    def following(self) -> bool:
        """Whether outcomes are collected."""
        return bool(self._one("SELECT following FROM sending"))

    @property
    def finished(self) -> bool:
        return bool(self._one("SELECT finished FROM sending"))

    @property
    def changed(self) -> datetime:
        """When something was last noted, by this machine's clock."""
        return datetime.fromtimestamp(self._one("SELECT changed FROM sending")).astimezone()

    @property
    def doubtful(self) -> int:
        return int(self._one("SELECT count(*) FROM requests WHERE state = ?", DOUBTFUL))

    @property
    def sent(self) -> int:
        return int(self._one("SELECT count(*) FROM requests WHERE state = ?", SENT))

    @property
    def answered(self) -> int:
        return int(self._one("SELECT count(status) FROM requests"))

    @property
    def statuses(self) -> Counter[str]:
        query = "SELECT status, count(*) FROM requests WHERE status IS NOT NULL GROUP BY status"
        return Counter(dict(self._database.execute(query)))

    @property
    def remarkable(self) -> Sequence[Mapping[str, Any]]:
        """The outcomes that failed or differ, in the order of their requests."""
        query = "SELECT remark FROM requests WHERE remark IS NOT NULL ORDER BY number"
        return [json.loads(remark) for (remark,) in self._database.execute(query)]

    def results(self) -> list[tuple[str | None, str | None]]:
        """Return each request's status, and its outcome as JSON where that failed or differs, in order."""
        return list(self._database.execute("SELECT status, remark FROM requests ORDER BY number"))

    def unsent(self) -> list[int]:
        """The numbers of the requests that are still to be sent, doubtful ones included."""
        query = "SELECT number FROM requests WHERE state < ? ORDER BY number"
        return [number for (number,) in self._database.execute(query, (SENT,))]

    def sending(self, numbers: Sequence[int]) -> None:
        """Note that they are about to be sent: if this is the last that is known, nobody knows whether they were."""
        self._note_state(numbers, DOUBTFUL)

    def accepted(self, numbers: Sequence[int]) -> None:
        """Note that they are sent."""
        self._note_state(numbers, SENT)

    def follow(self) -> None:
        """Note that outcomes are collected from now on."""
        with self._transaction() as database:
            database.execute("UPDATE sending SET following = 1")

    def note_origin(self, origin: str) -> None:
        """Note which manifests the requests are from, and where they go."""
        with self._transaction() as database:
            database.execute("UPDATE sending SET origin = ?", (origin,))

    def finish(self) -> None:
        """Note that everything that was wanted is done."""
        with self._transaction() as database:
            database.execute("UPDATE sending SET finished = 1")

    def outcome(self, found: Mapping[int, Mapping[str, Any]], *, succeeded: Iterable[int]) -> None:
        """Note outcomes' data by their requests' numbers, the first of each; only failures and differences are kept whole."""
        whole = set(found) - set(succeeded)
        rows = [
            (data["Status"], json.dumps(data, ensure_ascii=False) if number in whole else None, number)
            for number, data in found.items()
        ]
        with self._transaction() as database:
            database.executemany("UPDATE requests SET status = ?, remark = ? WHERE number = ? AND status IS NULL", rows)

    def status(self, number: int) -> str | None:
        status: str | None = self._one("SELECT status FROM requests WHERE number = ?", number)
        return status

    def _note_state(self, numbers: Sequence[int], state: int) -> None:
        with self._transaction() as database:
            database.executemany(
                "UPDATE requests SET state = max(state, ?) WHERE number = ?", [(state, number) for number in numbers]
            )

    def _one(self, query: str, *values: object) -> Any:  # noqa: ANN401 - any value of a column
        """The first column of the only row; None where there is none."""
        row = self._database.execute(query, values).fetchone()
        return row[0] if row else None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is noted in the block, or nothing. Raises: UsageError: it cannot be kept."""
        try:
            with self._database:
                self._database.execute("BEGIN IMMEDIATE")
                yield self._database
                self._database.execute("UPDATE sending SET changed = ?", (time.time(),))
        except sqlite3.Error as error:
            raise _refusal(self.path, error) from None


def _locked(path: Path) -> sqlite3.Connection:
    """Open a database that is locked until it is closed, by the end of the process at the latest."""
    database = sqlite3.connect(path, timeout=0, isolation_level=None)
    try:
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
        if "origin" not in {row[1] for row in database.execute("PRAGMA table_info(sending)")}:
            database.execute("ALTER TABLE sending ADD COLUMN origin TEXT DEFAULT ''")
    except sqlite3.Error:
        database.close()
        raise
    return database


def _forget_old(path: Path, *, again: bool) -> None:
    """Raises: UsageError: version 0.1 sent the same requests, and they are not to be sent again."""
    if again:
        path.unlink(missing_ok=True)
    elif path.exists():
        raise UsageError(
            f"version 0.1 sent these requests, or some of them, and this version cannot read its notes ({path}); "
            "--again sends all of them again"
        )


def _refusal(path: Path, error: OSError | sqlite3.Error) -> CliError:
    if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
        return CliError("another `ota-modules send` is sending these requests, or waits for them")
    return UsageError(f"cannot keep the state in {path}: {getattr(error, 'strerror', None) or error}")
