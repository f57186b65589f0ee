"""An SQLite database, as the parts of the local cloud keep their state in it."""

import sqlite3
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

Values = Sequence[object] | Mapping[str, object]
VERSION = 1


class Database:
    """A connection to a file or to memory, with the schema created on first use."""

    def __init__(self, path: str, schema: str) -> None:
        # Used from one thread at a time: the one that builds the cloud, then the one that runs its loop.
        self._connection = sqlite3.connect(path, timeout=1, isolation_level=None, check_same_thread=False)
        # If nobody closes it, this does: Python 3.13 warns of one that is left open.
        weakref.finalize(self, self._connection.close)
        self._connection.row_factory = sqlite3.Row
        # In WAL mode a killed process loses no commit; only the machine's power failing could take the last ones.
        # Locked, no second cloud works off the same queues.
        script = "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL"
        try:
            self._connection.executescript(script)
        except sqlite3.Error as error:
            self.close()
            raise OSError(None, f"{error} (another local cloud may use it)", path) from None
        version = self.rows("PRAGMA user_version")[0]["user_version"]
        if version == 0:
            self._connection.executescript(f"BEGIN; {schema} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            self.close()
            raise OSError(None, f"is of version {version}, not {VERSION}: remove it, or run the release for it", path)

    def rows(self, statement: str, values: Values = ()) -> list[sqlite3.Row]:
        """Run a statement, and return its rows."""
        with closing(self._connection.execute(statement, values)) as cursor:
            return cursor.fetchall()

    def change(self, statement: str, values: Values = ()) -> int:
        """Run a statement, and return how many rows it changed."""
        with closing(self._connection.execute(statement, values)) as cursor:
            return cursor.rowcount

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit everything that the block writes, or nothing; may be nested."""
        if self._connection.in_transaction:
            yield
            return
        self._connection.execute("BEGIN IMMEDIATE")
        with self._connection:
            yield

    def close(self) -> None:
        self._connection.close()
