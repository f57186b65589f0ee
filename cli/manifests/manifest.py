"""Manifests: which modules somebody wants, checked whole before anything is sent."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.errors import UsageError
from cli.manifests import formats
from cli.manifests.documents import Document, DocumentError
from cli.manifests.encodings import decode
from cli.manifests.faults import Fault, ManifestError, Place, how_to_write
from cli.manifests.formats import Format
from cli.manifests.grid import MOST_REQUESTS, Wanted, wanted_by
from handler.messages import Invalid, Known, ModuleKey, ModuleRequest, Policy
from handler.messages import read as read_requests
from handler.modules import MOST_CUSTOM_MODULES

LARGEST_FILE = 64 * 1024 * 1024
STANDARD_INPUT = "-"
_OURS = ("Attempt", "Since", "Replay", *Known._fields)
"""Fields that the function sets when it puts a request back, or a dead letter is replayed."""


@dataclass(frozen=True)
class Source:
    """How files are to be read: their format, encoding and sheet, where those are not to be told from them."""

    form: Format | None = None
    encoding: str | None = None
    sheet: str | None = None
    note: Callable[[str], None] | None = field(default=None, compare=False)
    """Is told what had to be guessed."""


@dataclass(frozen=True)
class Entry:
    """A request that breaks no rule by itself."""

    place: Place
    request: ModuleRequest


def settled(request: ModuleRequest, on_existing: Policy | None, instance: str | None) -> ModuleRequest:
    """Return a request with this policy and this instance, where it names none."""
    changed = {"OnExisting": request.OnExisting or on_existing, "IotInstanceId": request.IotInstanceId or instance}
    return request.model_copy(update={name: value for name, value in changed.items() if value is not None})


@dataclass(frozen=True)
class Manifest:
    """All manifests of one command: what can be sent, and every fault."""

    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]

    def sound(self, *, skip_invalid: bool) -> tuple[Entry, ...]:
        """Return what may be sent. Raises: ManifestError: there are faults, and they are not to be passed over."""
        if self.faults and not skip_invalid:
            raise ManifestError(self.faults)
        if not self.entries:
            raise UsageError("the manifest holds no request")
        return self.entries


def load(names: Sequence[str], source: Source | None = None) -> Manifest:
    """Read and check manifests; `-` is standard input. Raises: UsageError: a file cannot be read at all."""
    entries: list[Entry] = []
    faults: list[Fault] = []
    crossed = _Crossed()
    for name in names:
        for wanted in _wanted(name, source or Source()):
            if isinstance(wanted, Fault):
                faults.append(wanted)
                continue
            entry, own = _checked(wanted)
            faults += own
            across = crossed.fault(wanted)
            if across is not None:
                faults.append(across)
            elif entry is not None:
                entries.append(entry)
        if len(entries) > MOST_REQUESTS:
            raise UsageError(f"more than {MOST_REQUESTS} requests")
    # A module's fault is one fault, for however many products it stands.
    return Manifest(tuple(entries), tuple(sorted(set(faults))))


@dataclass(frozen=True)
class _InFile:
    file: str
    wanted: Wanted

    def place(self, name: str = "") -> Place:
        return Place.of(self.file, self.wanted.row_of(name))


def _wanted(name: str, source: Source) -> Iterator["_InFile | Fault"]:
    file = "<stdin>" if name == STANDARD_INPUT else name
    try:
        documents = _documents(name, _bytes(name), source)
    except DocumentError as error:
        yield Fault(Place(file, error.line), "", error.problem)
        return
    for document in documents:
        yield from (Fault(Place(file, line), "", problem) for line, problem in document.problems)
        for wanted in wanted_by(file, document):
            yield wanted if isinstance(wanted, Fault) else _InFile(file, wanted)


def _documents(name: str, raw: bytes, source: Source) -> list[Document]:
    if source.form == "xlsx" or (source.form is None and formats.is_workbook(raw)):
        return formats.read_workbook(raw, source.sheet)
    text, encoding = decode(name, raw, source.encoding)
    if source.note and encoding not in ("utf-8", source.encoding):
        source.note(f"{name} is read as {encoding.upper()} (--encoding names another)")
    return formats.read(text, source.form or formats.format_of(name, text))


def _bytes(name: str) -> bytes:
    try:
        if name == STANDARD_INPUT:
            raw = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with Path(name).open("rb") as file:
                raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError(f"{name}: {error.strerror or error}") from None
    if len(raw) > LARGEST_FILE:
        raise UsageError(f"{name}: larger than {LARGEST_FILE} bytes")
    return raw


def _checked(item: _InFile) -> tuple[Entry | None, list[Fault]]:
    fields = item.wanted.fields
    if not isinstance(fields, dict):
        rule = how_to_write(fields, item.wanted.row.sources.get(""))
        return None, [Fault(item.place(), "", f"must be an object with the fields of a request; {rule}")]
    ours = [name for name in _OURS if name in fields]
    if ours:
        return None, [Fault(item.place(name), name, "is set by the function") for name in ours]
    # In an array, so that a row that is text is not read as JSON once more.
    [request] = read_requests([fields], "-")
    if isinstance(request, Invalid):
        return None, [_fault(item, problem.Field, problem.Problem) for problem in request.problems]
    named = fields.get("Id") is not None
    return Entry(item.place(), request if named else request.model_copy(update={"Id": None})), []


def _fault(item: _InFile, name: str, problem: str) -> Fault:
    source = item.wanted.row_of(name).sources.get(name)
    fields = item.wanted.fields
    if source is not None and isinstance(fields, dict) and not isinstance(fields.get(name), str):
        return Fault(item.place(name), name, f"should be text; {how_to_write(fields.get(name), source)}")
    return Fault(item.place(name), name, problem)


class _Crossed:
    """Faults between requests: the same module twice, the same Id twice, an eleventh module. The later one is at fault.

    A request that breaks a rule by itself counts too, so that its double is told in the same round.
    """

    def __init__(self) -> None:
        self._modules: dict[ModuleKey, Place] = {}
        self._ids: dict[str, Place] = {}
        self._counts: Counter[tuple[str | None, str]] = Counter()

    def fault(self, item: _InFile) -> Fault | None:
        fields, place = item.wanted.fields, item.place()
        if not isinstance(fields, dict):
            return None
        product, module, own = (fields.get(name) for name in ("ProductKey", "ModuleName", "Id"))
        if not isinstance(product, str) or not isinstance(module, str):
            return None
        instance = fields.get("IotInstanceId")
        key = ModuleKey(instance if isinstance(instance, str) else None, product, module.casefold())
        if key in self._modules:
            same = "the same module as" if self._modules[key] != place else "the same module twice, also"
            return Fault(place, "ModuleName", f"{product}/{module}: {same} {self._modules[key]}")
        if isinstance(own, str) and own in self._ids:
            return Fault(place, "Id", f"the same Id as {self._ids[own]}")
        self._modules[key] = place
        if isinstance(own, str):
            self._ids[own] = place
        if self._counts[key.instance, product] >= MOST_CUSTOM_MODULES:
            return Fault(place, "ModuleName", f"{product} would get more than {MOST_CUSTOM_MODULES} modules")
        self._counts[key.instance, product] += 1
        return None
