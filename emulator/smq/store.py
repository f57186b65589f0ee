"""The SQLite database of SMQ: a file, or memory. Every answer is committed before it is sent: a restart loses nothing."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

Values = Sequence[object] | Mapping[str, object]

VERSION = 1

_SCHEMA = """
CREATE TABLE queues (
    name TEXT PRIMARY KEY, attributes TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE messages (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, queue TEXT NOT NULL, body TEXT NOT NULL,
    priority INTEGER NOT NULL, enqueued INTEGER NOT NULL, expires INTEGER NOT NULL, visible INTEGER NOT NULL,
    first_dequeued INTEGER NOT NULL, dequeued INTEGER NOT NULL, handle TEXT NOT NULL, properties TEXT NOT NULL
);
CREATE INDEX messages_by_visibility ON messages (queue, visible);
CREATE INDEX messages_by_expiry ON messages (expires);
CREATE TABLE topics (
    name TEXT PRIMARY KEY, maximum_message_size INTEGER NOT NULL, logging INTEGER NOT NULL, created INTEGER NOT NULL,
    modified INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE subscriptions (
    topic TEXT NOT NULL, name TEXT NOT NULL, endpoint TEXT NOT NULL, filter_tag TEXT NOT NULL, format TEXT NOT NULL,
    strategy TEXT NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL, PRIMARY KEY (topic, name)
) WITHOUT ROWID;
CREATE TABLE publications (
    id TEXT PRIMARY KEY, topic TEXT NOT NULL, body TEXT NOT NULL, tag TEXT NOT NULL, attributes TEXT NOT NULL,
    properties TEXT NOT NULL, published INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE pushes (
    publication TEXT NOT NULL, subscription TEXT NOT NULL, failures INTEGER NOT NULL,
    PRIMARY KEY (publication, subscription)
) WITHOUT ROWID;
"""


class Database:
    """A connection, with the schema created on first use."""

    def __init__(self, path: str) -> None:
        # Used from one thread at a time: the one that builds the cloud, then the one that runs its loop.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        # In WAL mode a killed process loses no commit; only the machine's power failing could take the last ones.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._prepare(path)

    def _prepare(self, path: str) -> None:
        version = self.rows("PRAGMA user_version")[0]["user_version"]
        if version == 0:
            self._connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")
        elif version != VERSION:
            self.close()
            raise ValueError(
                f"{path} is of version {version}, not {VERSION}: remove it, or run the release that made it"
            )

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
