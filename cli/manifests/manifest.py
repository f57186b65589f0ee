"""Manifests: which modules somebody wants, checked whole before anything is sent."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.errors import UsageError
from cli.manifests import formats
from cli.manifests.documents import DocumentError
from cli.manifests.faults import Fault, ManifestError, Place
from cli.manifests.formats import Format
from cli.manifests.grid import MOST_REQUESTS, Wanted, wanted_by
from handler.messages import Invalid, ModuleKey, ModuleRequest
from handler.messages import read as read_requests
from handler.modules import MOST_CUSTOM_MODULES

LARGEST_FILE = 64 * 1024 * 1024
STANDARD_INPUT = "-"
_OURS = ("Attempt", "Tried", "Theirs")
"""Fields that the function sets when it puts a request back."""


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

    def sound(self, *, skip_invalid: bool) -> tuple[Entry, ...]:
        """What may be sent. Raises: ManifestError: there are faults, and they are not to be passed over."""
        if self.faults and not skip_invalid:
            raise ManifestError(self.faults)
        if not self.entries:
            raise UsageError("the manifest holds no request")
        return self.entries


def load(names: Sequence[str], form: Format | None = None) -> Manifest:
    """Read and check manifests; `-` is standard input. Raises: UsageError: a file cannot be read at all."""
    entries: list[Entry] = []
    faults: list[Fault] = []
    for name in names:
        text = _text(name)
        file = "<stdin>" if name == STANDARD_INPUT else name
        for found in _checked(file, text, form or formats.format_of(name, text)):
            if isinstance(found, Entry):
                entries.append(found)
            else:
                faults.append(found)
        if len(entries) > MOST_REQUESTS:
            raise UsageError(f"more than {MOST_REQUESTS} requests")
    kept, crossed = _together(entries)
    # A module's fault is one fault, for however many products it stands.
    return Manifest(tuple(kept), tuple(sorted({*faults, *crossed})))


def _text(name: str) -> str:
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
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{name}:{line}: is not UTF-8") from None


def _checked(file: str, text: str, form: Format) -> Iterator[Entry | Fault]:
    try:
        document = formats.read(text, form)
    except DocumentError as error:
        yield Fault(Place(file, error.line), "", error.problem)
        return
    for wanted in wanted_by(file, document):
        yield from (wanted,) if isinstance(wanted, Fault) else _entry(file, wanted)


def _entry(file: str, wanted: Wanted) -> Iterator[Entry | Fault]:
    for field in _OURS:
        if isinstance(wanted.fields, dict) and field in wanted.fields:
            yield Fault(Place(file, wanted.lines.get(field, wanted.line)), field, "is set by the function")
            return
    # In an array, so that a row that is text is not read as JSON once more.
    [request] = read_requests([wanted.fields], "-")
    if isinstance(request, Invalid):
        for problem in request.problems:
            yield Fault(Place(file, wanted.lines.get(problem.Field, wanted.line)), problem.Field, problem.Problem)
    else:
        named = isinstance(wanted.fields, dict) and wanted.fields.get("Id") is not None
        yield Entry(Place(file, wanted.line), request if named else request.model_copy(update={"Id": None}))


def _together(entries: Sequence[Entry]) -> tuple[list[Entry], list[Fault]]:
    """What breaks a rule only beside the others: of two that mean the same, and of eleven, the later ones."""
    kept: list[Entry] = []
    faults: list[Fault] = []
    modules: dict[ModuleKey, Place] = {}
    ids: dict[str, Place] = {}
    counts: Counter[tuple[str | None, str]] = Counter()
    for entry in entries:
        request, key = entry.request, entry.request.key
        product = (key.instance, key.product)
        if key in modules:
            same = "the same module as" if modules[key] != entry.place else "the same module twice, also"
            faults.append(
                Fault(entry.place, "ModuleName", f"{key.product}/{request.ModuleName}: {same} {modules[key]}")
            )
        elif request.Id is not None and request.Id in ids:
            faults.append(Fault(entry.place, "Id", f"the same Id as {ids[request.Id]}"))
        elif counts[product] >= MOST_CUSTOM_MODULES:
            faults.append(
                Fault(entry.place, "ModuleName", f"{key.product} would get more than {MOST_CUSTOM_MODULES} modules")
            )
        else:
            counts[product] += 1
            modules[key] = entry.place
            kept.append(entry)
            if request.Id is not None:
                ids[request.Id] = entry.place
    return kept, faults
