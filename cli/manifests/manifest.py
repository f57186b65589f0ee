"""Manifests: the modules that should exist, checked as a whole before anything is sent."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cli.errors import UsageError
from cli.manifests.documents import MOST_REQUESTS, Fault, Place, Unreadable, Wanted, wanted_by
from cli.manifests.formats import Files, Note
from cli.terminal.files import STANDARD_INPUT, read
from handler.messages import Invalid, Known, ModuleKey, ModuleRequest
from handler.messages import read as read_requests
from handler.modules import MOST_CUSTOM_MODULES

_OURS = ("Attempt", "Since", "Replay", *Known._fields)
"""Fields that the function sets when it puts a request back, or a dead letter is replayed."""


@dataclass(frozen=True)
class Entry:
    """A request that breaks no rule by itself."""

    place: Place
    request: ModuleRequest


@dataclass(frozen=True)
class Manifest:
    """All manifests of one command: what can be sent, and every fault."""

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]


def load(names: Sequence[str], files: Files | None = None, note: Note = lambda _text: None) -> Manifest:
    """Read and check manifests; `-` is standard input. Raises: UsageError: a file cannot be read at all."""
    entries: list[Entry] = []
    faults: list[Fault] = []
    crossed = _Crossed()
    for name in names:
        for wanted in _read(name, files or Files(), note):
            found = [wanted] if isinstance(wanted, Fault) else _check(wanted)
            across = None if isinstance(wanted, Fault) else crossed.find_fault(wanted)
            faults += found if isinstance(found, list) else []
            if across is not None:
                faults.append(across)
            elif isinstance(found, Entry):
                entries.append(found)
        if len(entries) > MOST_REQUESTS:
            raise UsageError(f"more than {MOST_REQUESTS} requests")
    # A module's fault is one fault, for however many products it stands.
    return Manifest(tuple(entries), tuple(sorted(set(faults))))


def _read(name: str, files: Files, note: Note) -> Iterator[Wanted | Fault]:
    try:
        documents = files.read(read(name), "<stdin>" if name == STANDARD_INPUT else name, note)
    except Unreadable as error:
        yield error.fault
        return
    for document in documents:
        yield from wanted_by(document)


def _check(wanted: Wanted) -> Entry | list[Fault]:
    """Check a request by the function's own rules."""
    fields = wanted.fields
    if ours := [name for name in _OURS if name in fields]:
        return [Fault(wanted.place_of(name), name, "is set by the function") for name in ours]
    # In an array, so that a row that is text is not read as JSON once more.
    [request] = read_requests([fields], "-")
    if isinstance(request, Invalid):
        return [_fault(wanted, problem.Field, problem.Problem) for problem in request.problems]
    return Entry(wanted.place, request if fields.get("Id") is not None else request.model_copy(update={"Id": None}))


def _fault(wanted: Wanted, name: str, problem: str) -> Fault:
    row = wanted.rows.get(name)
    is_misread = row is not None and name in row.sources and not isinstance(row.value[name], str)
    return Fault(wanted.place_of(name), name, f"should be text ({row.show(name)})" if row and is_misread else problem)


class _Crossed:
    """Finds faults between requests: the same module twice, the same Id twice, an eleventh module; the later one is at fault.

    A request that breaks a rule by itself counts too, so that its double is found in the same round.
    """

    def __init__(self) -> None:
        self._modules: dict[ModuleKey, Place] = {}
        self._ids: dict[str, Place] = {}
        self._counts: Counter[tuple[str | None, str]] = Counter()

    def find_fault(self, wanted: Wanted) -> Fault | None:
        place = wanted.place
        texts = {name: value for name, value in wanted.fields.items() if isinstance(value, str)}
        if "ProductKey" not in texts or "ModuleName" not in texts:
            return None
        product, module, own = texts["ProductKey"], texts["ModuleName"], texts.get("Id")
        key = ModuleKey(texts.get("IotInstanceId"), product, module.casefold())
        if before := self._modules.get(key):
            same = "the same module twice, also" if before == place else "the same module as"
            return Fault(place, "ModuleName", f"{product}/{module}: {same} {before}")
        if own in self._ids:
            return Fault(place, "Id", f"the same Id as {self._ids[own]}")
        self._modules[key] = place
        if own is not None:
            self._ids[own] = place
        self._counts[key.instance, product] += 1
        if self._counts[key.instance, product] > MOST_CUSTOM_MODULES:
            return Fault(place, "ModuleName", f"{product} would get more than {MOST_CUSTOM_MODULES} modules")
        return None
