"""Lanes: requests for one module one after another."""

from collections.abc import Callable, Sequence

import pytest

from handler.batch import Item
from handler.lanes import lanes, run
from handler.messages import Invalid, ModuleRequest
from handler.outcomes import Outcome, Result, Status, Unfinished


def handle(lane: Sequence[Item], answer: Callable[[ModuleRequest], Result]) -> tuple[list[ModuleRequest], list[Result]]:
    """Give each request of a lane the result of a plain function; returns those that were given one, and all results."""
    handled: list[ModuleRequest] = []

    def give(request: ModuleRequest | Invalid, ahead: Unfinished | None) -> Result:
        if ahead is not None:
            return Unfinished(request, "order", str(ahead.request.Id))
        assert isinstance(request, ModuleRequest)
        handled.append(request)
        return answer(request)

    return handled, [result for _, result in run(lane, give)]


def item(name: str, place: int = 0, **more: object) -> Item:
    fields = {"ProductKey": "a1", "ModuleName": "mcu", "Id": name, **more}
    return Item(ModuleRequest.model_validate(fields), place, place)


def test_a_module_is_the_same_in_the_instance_that_is_meant_and_in_any_case() -> None:
    """Whoever names the default instance means the one that others do not name."""
    items = [
        item("a"), item("b", ModuleName="MCU"), item("c", IotInstanceId="i1"), item("d", IotInstanceId="i2"),
        item("e", ProductKey="a2"),
    ]  # fmt: skip
    found = lanes(items, "i1")
    assert [[each.request.Id for each in lane] for lane in found] == [["a", "b", "c"], ["d"], ["e"]]


def test_behind_one_that_is_not_finished_no_other_is_handled() -> None:
    handled, results = handle(
        [item(name) for name in "abcd"],
        lambda request: Unfinished(request, "upstream", "") if request.Id == "b" else Outcome.of(request, "created"),
    )
    assert [request.Id for request in handled] == ["a", "b"]
    assert [each.detail for each in results if isinstance(each, Unfinished)] == ["", "b", "b"]


@pytest.mark.parametrize(
    ("status", "theirs"),
    [("failed", [False, False, False]), ("created", [False, True, True]), ("existing", [False, True, False])],
)
def test_who_comes_later_knows_that_the_module_was_there(status: Status, theirs: list[bool]) -> None:
    """A create call of its own that gets no answer has not made it. One that was given up stops nobody."""
    lane = [item("a"), item("b"), item("c", Tried=5)]
    handled, _ = handle(lane, lambda request: Outcome.of(request, status))
    assert [request.Theirs for request in handled] == theirs
