"""The named resources of SMQ: what queues and topics have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from sqlite3 import Row
from typing import ClassVar, Generic, TypeVar

from emulator.database import Database
from emulator.smq.errors import Conflict, NotFound
from emulator.smq.limits import check_name

A = TypeVar("A")


@dataclass(frozen=True)
class Resource(Generic[A]):
    """A queue or a topic; times in unix seconds."""

    name: str
    attributes: A
    created: int
    modified: int


class Registry(ABC, Generic[A]):
    """The resources of one kind, in the table `KINDs`. `wall` is the service's clock, in unix seconds."""

    kind: ClassVar[str]
    parts: ClassVar[str]
    """The table of the rows that belong to a resource, and are removed with it."""
    longest_name: ClassVar[int]
    invalid_name: ClassVar[str]
    """The code that refuses a name for its characters."""

    def __init__(self, database: Database, wall: Callable[[], float]) -> None:
        self._database = database
        self._wall = wall

    @abstractmethod
    def _dump(self, attributes: A) -> tuple[object, ...]:
        """Return the values of the columns between `name` and `created`."""

    @abstractmethod
    def _load(self, row: Row) -> A: ...

    def create(self, name: str, attributes: A) -> bool:
        """Create a resource, and return True if it is new. Creating it again with the same attributes changes nothing.

        Raises: Conflict, SmqError.
        """
        check_name(self.kind, name, self.longest_name, self.invalid_name)
        if name not in self.names():
            now = int(self._wall())
            self._write(Resource(name, attributes, now, now))
            return True
        if self.get(name).attributes != attributes:
            raise Conflict(self.kind)
        return False

    def change(self, name: str, attributes: A) -> None:
        """Set all attributes. Raises: NotFound."""
        self._write(Resource(name, attributes, self.get(name).created, int(self._wall())))

    def remove(self, name: str) -> None:
        """Remove a resource and its parts; nothing happens if it does not exist."""
        with self._database.transaction():
            self._database.change(f"DELETE FROM {self.kind}s WHERE name = ?", (name,))
            self._database.change(f"DELETE FROM {self.parts} WHERE {self.kind} = ?", (name,))

    def get(self, name: str) -> Resource[A]:
        """Raises: NotFound."""
        rows = self._database.rows(f"SELECT * FROM {self.kind}s WHERE name = ?", (name,))
        if not rows:
            raise NotFound(self.kind)
        return Resource(name, self._load(rows[0]), rows[0]["created"], rows[0]["modified"])

    def names(self) -> list[str]:
        """Return all names, sorted."""
        return [row["name"] for row in self._database.rows(f"SELECT name FROM {self.kind}s ORDER BY name")]

    def _write(self, resource: Resource[A]) -> None:
        values = (resource.name, *self._dump(resource.attributes), resource.created, resource.modified)
        marks = ", ".join("?" * len(values))
        self._database.change(f"REPLACE INTO {self.kind}s VALUES ({marks})", values)
