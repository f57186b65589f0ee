"""Runs requests for one module one after another, and all others side by side."""

from collections.abc import Callable, Iterator, Sequence

from handler.batch import Item
from handler.messages import NOTHING, Invalid, Known, ModuleKey, ModuleRequest
from handler.outcomes import Outcome, Result, Unfinished

Handle = Callable[[ModuleRequest | Invalid, Unfinished | None], Result]
"""Gives a request its result; is told of the request before it that is not finished, if there is any."""


def lanes(items: Sequence[Item], instance: str | None) -> list[list[Item]]:
    """The requests that must run one after another, because they mean the same module; `instance` is the default."""
    found: dict[ModuleKey | int, list[Item]] = {}
    for place, item in enumerate(items):
        request = item.request
        key = request.in_instance(instance).key if isinstance(request, ModuleRequest) else place
        found.setdefault(key, []).append(item)
    return list(found.values())


def run(lane: Sequence[Item], handle: Handle) -> Iterator[tuple[Sequence[Item], Result]]:
    """Each request of a lane, with its copies and its result. Behind one that is not finished no other is handled."""
    ahead: Unfinished | None = None
    there: Outcome | None = None
    for request, copies in _distinct(lane):
        result = handle(_knowing(request, there) if ahead is None else request, ahead)
        if isinstance(result, Unfinished):
            ahead = ahead or result
        elif result.shows_module:
            there = result
        yield copies, result


def _knowing(request: ModuleRequest | Invalid, there: Outcome | None) -> ModuleRequest | Invalid:
    """A request of which it is known that its module was there before its own first call."""
    if there is None or isinstance(request, Invalid) or (request.Tried and there.Status != "created"):
        return request
    return request.model_copy(update={"Theirs": True})


def _distinct(lane: Sequence[Item]) -> list[tuple[ModuleRequest | Invalid, Sequence[Item]]]:
    """Each request once, with its copies. One message delivered twice in a batch is one request, and so is one that two
    deliveries have put back: what either of them found out is known."""
    if len({item.request.Id for item in lane}) == len(lane):
        return [(item.request, [item]) for item in lane]
    copies: dict[ModuleRequest | Invalid, list[Item]] = {}
    for item in lane:
        copies.setdefault(_as_sent(item.request), []).append(item)
    return [(_joined([item.request for item in same]), same) for same in copies.values()]


def _as_sent(request: ModuleRequest | Invalid) -> ModuleRequest | Invalid:
    """Without what deliveries have added."""
    own = {"Attempt": 1, "Since": None, **NOTHING._asdict()}
    return request.model_copy(update=own) if isinstance(request, ModuleRequest) else request


def _joined(copies: Sequence[ModuleRequest | Invalid]) -> ModuleRequest | Invalid:
    """One request that knows what its copies know."""
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
