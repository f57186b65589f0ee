"""The runs that ledgers on this machine know of."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cli import records


@dataclass(frozen=True)
class Run:
    """What a ledger says of its run; `busy` where a command is working on it, so that nothing else can be read."""

    path: Path
    name: str = ""
    total: int = 0
    sent: int = 0
    answered: int = 0
    changed: datetime | None = None
    busy: bool = False
    origin: str = ""
    """Which manifests it is of; see `ledger.origin_of`."""

    @property
    def manifests(self) -> str:
        """The names of the manifests' files."""
        return " ".join(Path(name).name for name in self.origin.split("\n")[1:])

    def record(self) -> records.Run:
        if self.busy:
            return {"State": self.path.stem, "Busy": True}
        changed = self.changed.isoformat(timespec="seconds") if self.changed else None
        return {
            "Run": self.name, "Manifests": self.manifests, "Changed": changed,
            "Total": self.total, "Sent": self.sent, "Answered": self.answered,
        }  # fmt: skip


def read_all(folder: Path) -> list[Run]:
    """Return the runs whose ledgers are in a folder, the newest first; one that cannot be read is left out."""
    return sorted(
        _runs(folder), key=lambda run: (run.busy, run.changed.timestamp() if run.changed else 0), reverse=True
    )


def _runs(folder: Path) -> Iterator[Run]:
    for path in sorted(folder.glob("*.db")):
        try:
            yield _read(path)
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                yield Run(path, busy=True)
        except (sqlite3.Error, TypeError):
            continue


def _read(path: Path) -> Run:
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as database:
        name, total, changed, origin = database.execute("SELECT run, total, changed, origin FROM sending").fetchone()
        sent, answered = database.execute("SELECT coalesce(sum(state = 2), 0), count(status) FROM requests").fetchone()
    moment = datetime.fromtimestamp(changed).astimezone() if changed else None
    return Run(path, name, total, sent, answered, moment, origin=origin)
