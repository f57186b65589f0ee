"""Lanes: requests for one module one after another."""

from collections.abc import Callable
from dataclasses import dataclass, field

from handler.batch import Item
from handler.lanes import lanes, run
from handler.messages import Invalid, ModuleRequest
from handler.outcomes import Outcome, Result, Unfinished

Answer = Callable[[ModuleRequest], Result]


@dataclass
class Handler:
    """Gives each request the result of a plain function, and keeps what it was given."""

    answer: Answer = lambda request: Outcome.of(request, "created")
    handled: list[ModuleRequest] = field(default_factory=list)

    def handle(self, request: ModuleRequest | Invalid) -> Result:
        assert isinstance(request, ModuleRequest)
        self.handled.append(request)
        return self.answer(request)

    def leave(self, request: ModuleRequest | Invalid, ahead: Unfinished) -> Unfinished:
        return Unfinished(request, "order", str(ahead.request.Id))


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
    """Each is told for whom it waits."""
    handler = Handler(
        lambda request: Unfinished(request, "upstream", "") if request.Id == "b" else Outcome.of(request, "created")
    )
    results = [result for _, result in run([item(name) for name in "abcd"], handler)]
    assert [request.Id for request in handler.handled] == ["a", "b"]
    assert [each.detail for each in results if isinstance(each, Unfinished)] == ["", "b", "b"]


def test_one_that_was_given_up_stops_nobody() -> None:
    """It has an outcome."""
    handler = Handler(lambda request: Outcome.of(request, "failed"))
    list(run([item(name) for name in "abc"], handler))
    assert [(request.Id, request.Theirs) for request in handler.handled] == [("a", False), ("b", False), ("c", False)]


def test_who_comes_later_knows_that_the_module_was_there() -> None:
    """A create call of its own that gets no answer has not made it."""
    handler = Handler()
    list(run([item("a"), item("b"), item("c", Tried=5)], handler))
    assert [request.Theirs for request in handler.handled] == [False, True, True]
    handler = Handler(lambda request: Outcome.of(request, "existing"))
    list(run([item("a"), item("b"), item("c", Tried=5)], handler))
    assert [request.Theirs for request in handler.handled] == [False, True, False]
