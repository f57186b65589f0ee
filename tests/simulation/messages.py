"""Messages of the queue, and what the world can tell of the requests in them, however broken they are."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

_MARK = re.compile(r"#(\d+)#")
_DEEP = re.compile(r"\[{50,}\]{50,}")
_EMPTY = re.compile(r"\[( *)\]")
"""An array without elements, told from others by its spaces."""


def mark(number: int) -> str:
    """What tells a request from all others, wherever it stands in a text."""
    return f"#{number}#"


@dataclass(frozen=True)
class Entry:
    """One request in a message, with what the function added to it."""

    number: int
    attempt: int = 1
    replay: int = 0
    fields: dict[str, Any] | None = field(default=None, compare=False)
    """None where it is no object."""

    def get(self, name: str) -> Any:
        return (self.fields or {}).get(name)


@dataclass(frozen=True, eq=False)
class Message:
    """A message, and the requests in it."""

    id: str
    body: str
    entries: tuple[Entry, ...]
    doubtful: frozenset[int] = frozenset()
    """Requests of which a create call got no answer before the message was put back."""

    @classmethod
    def of(cls, name: str, body: str) -> "Message":
        return cls(name, body, read(body))

    @property
    def ids(self) -> dict[str, int]:
        """The ids that its requests have: their own, or what the contract makes of the message's."""
        names = {f"{self.id}/{place}": entry.number for place, entry in enumerate(self.entries, 1)}
        own = {entry.get("Id"): entry.number for entry in self.entries if entry.get("Id")}
        return {**names, **own, **({self.id: self.entries[0].number} if len(self.entries) == 1 else {})}


def read(body: str) -> tuple[Entry, ...]:
    """The requests in a body, in their order."""
    if empty := _EMPTY.fullmatch(body):
        return (Entry(len(empty[1])),)
    try:
        value = json.loads(_DEEP.sub("0", body) if "[[[[" in body else body)
    except ValueError:
        return tuple(Entry(int(number)) for number in _MARK.findall(body))
    return tuple(_read_entry(element) for element in (value if isinstance(value, list) else [value]))


def _read_entry(element: object) -> Entry:
    fields = element if isinstance(element, dict) else None
    marked = fields.get("CorrelationId") if fields is not None else element
    found = _MARK.search(marked if isinstance(marked, str) else json.dumps(element))
    assert found is not None, f"a request without a mark: {element}"
    if fields is None:
        return Entry(int(found[1]))
    return Entry(int(found[1]), fields.get("Attempt", 1), fields.get("Replay", 0), fields)
