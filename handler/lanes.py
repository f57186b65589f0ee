"""Runs requests for one module one after another, and all others side by side."""

from collections.abc import Callable, Iterator, Sequence

from handler.batch import Item
from handler.messages import NOTHING, Invalid, Known, ModuleKey, ModuleRequest
from handler.outcomes import Outcome, Result, Unfinished

Handle = Callable[[ModuleRequest | Invalid, Unfinished | None], Result]
"""Returns a request's result, given the unfinished request ahead of it, if any."""


def group_by_module(items: Sequence[Item], instance: str | None) -> list[list[Item]]:
    """Group requests for the same module, which must run one after another; `instance` is the default."""
    groups: dict[ModuleKey | int, list[Item]] = {}
    for place, item in enumerate(items):
        request = item.request
        key = request.in_instance(instance).key if isinstance(request, ModuleRequest) else place
        groups.setdefault(key, []).append(item)
    return list(groups.values())


def run(lane: Sequence[Item], handle: Handle) -> Iterator[tuple[Sequence[Item], Result]]:
    """Yield each request's copies and its result, in order. After an unfinished request, the rest is not tried."""
    ahead: Unfinished | None = None
    existing: Outcome | None = None
    for request, copies in _merge_copies(lane):
        result = handle(_mark_existing(request, existing) if ahead is None else request, ahead)
        if isinstance(result, Unfinished):
            ahead = ahead or result
        elif result.shows_module and (existing is None or existing.Status != "created"):
            existing = result
        yield copies, result


def _mark_existing(request: ModuleRequest | Invalid, existing: Outcome | None) -> ModuleRequest | Invalid:
    """Mark a request whose module is known to have existed before the request's first call."""
    if existing is None or isinstance(request, Invalid) or (request.Tried and existing.Status != "created"):
        return request
    return request.model_copy(update={"Theirs": True})


def _merge_copies(lane: Sequence[Item]) -> list[tuple[ModuleRequest | Invalid, Sequence[Item]]]:
    """Join copies of a request, and what they know: one message delivered twice in a batch, or put back by two deliveries."""
    if len({item.request.Id for item in lane}) == len(lane):
        return [(item.request, [item]) for item in lane]
    copies: dict[ModuleRequest | Invalid, list[Item]] = {}
    for item in lane:
        copies.setdefault(_strip_additions(item.request), []).append(item)
    return [(_merge([item.request for item in same]), same) for same in copies.values()]


def _strip_additions(request: ModuleRequest | Invalid) -> ModuleRequest | Invalid:
    """Remove what deliveries have added."""
    own = {"Attempt": 1, "Since": None, **NOTHING._asdict()}
    return request.model_copy(update=own) if isinstance(request, ModuleRequest) else request


def _merge(copies: Sequence[ModuleRequest | Invalid]) -> ModuleRequest | Invalid:
    """Merge copies into one request with the facts of all."""
    first, *others = copies
    same = [copy for copy in copies if isinstance(copy, ModuleRequest)]
    if isinstance(first, Invalid) or not others:
        return first
    since = [copy.Since for copy in same if copy.Since is not None]
    instants = [copy.Tried for copy in same if copy.Tried]
    known = Known(
        # True is "some time ago"; any instant says more.
        Tried=min((each for each in instants if each is not True), default=bool(instants)),
        Theirs=any(copy.Theirs for copy in same),
        Updated=any(copy.Updated for copy in same),
    )
    attempt = max(copy.Attempt for copy in same)
    return first.model_copy(update={**known._asdict(), "Attempt": attempt, "Since": min(since, default=None)})
