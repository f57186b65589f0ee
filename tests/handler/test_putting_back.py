"""Putting back: what goes back together, after which pause, in how many messages."""

import base64
import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.batch import Item
from handler.errors import NotFinished
from handler.messages import ModuleRequest, read
from handler.outcomes import Reason, Unfinished
from handler.putting_back import Chain, build_chain, build_messages
from handler.retry import MISCONFIGURED, NO_TIME, Pause, pause_after_attempt
from handler.smq import LARGEST_MESSAGE, Message
from tests.support.fake_iot import busy
from tests.support.pipeline_world import wanted, world

NOW = 1_000_000.0


def make_chains(*made: tuple[int, Pause, int]) -> list[Chain]:
    """Make chains by their message, their pause, and the number of requests in them."""
    return [
        Chain(place, pause, [json.dumps({"Id": f"r{number}-{n}"}) for n in range(size)])
        for number, (place, pause, size) in enumerate(made)
    ]


def send_ids(made: list[Chain], most: int) -> list[list[str]]:
    """Put chains back, and return the ids in each message."""
    bodies = [json.loads(message.body) for message in build_messages(made, most, lambda: 0.5)]
    return [[each["Id"] for each in (body if isinstance(body, list) else [body])] for body in bodies]


def leave(reason: Reason, *, counts: bool = False, **more: object) -> tuple[Item, Unfinished]:
    request = ModuleRequest.model_validate({"ProductKey": "a1", "ModuleName": "mcu", "Id": "r1", **more})
    return Item(request, 0, 0), Unfinished(request, reason, "", counts=counts)


def test_pauses_are_those_of_what_went_wrong() -> None:
    assert build_chain([leave("upstream", counts=True, Attempt=3)], NOW).pause == pause_after_attempt(3)
    assert build_chain([leave("misconfigured")], NOW).pause == MISCONFIGURED
    assert build_chain([leave("deadline")], NOW).pause == build_chain([leave("quota")], NOW).pause == NO_TIME
    by_age = [build_chain([leave("sink", Since=int(NOW) - age)], NOW) for age in (0, 100, 10_000)]
    assert [chain.pause.most for chain in by_age] == [15, 60, 900]
    lane = build_chain([leave("upstream", counts=True), leave("order", Id="r2")], NOW)
    assert (lane.pause, [json.loads(each)["Id"] for each in lane.elements]) == (pause_after_attempt(1), ["r1", "r2"])


def test_what_is_left_of_one_message_goes_back_as_one_for_each_pause() -> None:
    """Joined with what has the same pause before there are too many messages."""
    made = make_chains((0, NO_TIME, 1), (1, MISCONFIGURED, 1), (0, NO_TIME, 2), (2, NO_TIME, 1))
    assert send_ids(made, 3) == [["r0-0", "r2-0", "r2-1"], ["r3-0"], ["r1-0"]]
    made = make_chains((0, NO_TIME, 1), (0, MISCONFIGURED, 1), (1, NO_TIME, 1), (1, MISCONFIGURED, 1))
    assert send_ids(made, 2) == [["r0-0", "r2-0"], ["r1-0", "r3-0"]]


def test_of_two_pauses_in_one_message_none_costs_an_attempt_too_early() -> None:
    """To find out once more what is wrong with the deployment costs a call."""
    late, early = pause_after_attempt(5), pause_after_attempt(1)
    for pauses, expected in (
        ((NO_TIME, MISCONFIGURED), NO_TIME), ((early, late), late), ((early, MISCONFIGURED), early), ((NO_TIME, late), late),
    ):  # fmt: skip
        [message] = build_messages(make_chains(*((0, pause, 1) for pause in pauses)), 1, lambda: 0.5)
        assert message.delay == expected.draw(lambda: 0.5)


def test_an_array_that_is_too_large_is_divided_between_modules() -> None:
    made = [Chain(0, NO_TIME, [json.dumps({"Id": f"{n}-{k}", "Desc": "d" * 900}) for k in range(7)]) for n in range(20)]
    bodies = [message.body for message in build_messages(made, 1, lambda: 0.5)]
    assert 2 < len(bodies) < 6
    assert all(len(base64.b64encode(body.encode())) <= LARGEST_MESSAGE for body in bodies)
    for body in map(json.loads, bodies):
        assert [each["Id"][-2:] for each in body] == [f"-{k}" for k in range(7)] * (len(body) // 7)


PAUSES = st.sampled_from([NO_TIME, MISCONFIGURED, *map(pause_after_attempt, (1, 2, 9))])


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 5), PAUSES, st.integers(1, 3)), min_size=1, max_size=20))
def test_all_go_back_once_and_in_no_more_messages_than_they_came_in(made: list[tuple[int, Pause, int]]) -> None:
    most = 1 + max(place for place, _, _ in made)
    found = send_ids(make_chains(*made), most)
    assert len(found) <= most
    assert sorted(name for some in found for name in some) == sorted(
        f"r{number}-{n}" for number, (_, _, size) in enumerate(made) for n in range(size)
    )


def test_messages_beyond_what_can_be_finished_go_back_before_anything_is_called() -> None:
    here = world(seconds=0.3)  # time for two calls
    calls: list[int] = []
    here.box.before_batch = lambda: calls.append(len(here.iot.calls))
    report = here.run([wanted("m0"), wanted("m1")], [wanted("m2"), wanted("m3", Id="own")], wanted("m4"), "no JSON")
    assert set(calls) == {0}
    assert report.summary() == {"created": 2, "existing": 0, "updated": 0, "rejected": 0, "failed": 0, "put_back": 4}
    assert [each.body if each.body == "no JSON" else json.loads(each.body) for each in here.box.back] == [
        [wanted("m2", Id="m1/1"), wanted("m3", Id="own")], wanted("m4", Id="m2"), "no JSON",
    ]  # fmt: skip


def test_what_a_queue_refuses_of_many_is_sent_until_it_is_taken() -> None:
    """Once some are back, to have the batch delivered again would leave them in the queue twice."""
    here, refusals = world(*[busy] * 99, seconds=2.0), Counter({"mcu5": 4, "mcu30": 4, "first": 1})

    def refuse(message: Message) -> bool:
        refused = [name for name in refusals if name in message.body]
        refusals.subtract(refused)
        return any(refusals[name] >= 0 for name in refused)

    here.box.back_fails = refuse
    assert here.run([wanted("first")] * 17, *(wanted(f"mcu{n}") for n in range(40))).put_back == 57
    assert len(here.box.back) == len(set(here.box.back)) == 41


def test_a_queue_that_takes_nothing_of_many_has_them_delivered_again_before_anything_is_called() -> None:
    here = world(seconds=0.3)
    here.box.back_fails = lambda _message: True
    with pytest.raises(NotFinished):
        here.run(*(wanted(f"mcu{n}") for n in range(40)))
    assert (here.iot.calls, here.box.back) == ([], [])


def put_back_whole(body: str, seconds: float = 0.0) -> list[str]:
    """Return what goes back of the second message of a delivery whose outcomes nobody takes; it fits into messages."""
    here = world(seconds=seconds)
    here.box.publish_fails = lambda _event: True
    here.run(wanted("first"), body)
    left = [each.body for each in here.box.back if "first" not in each.body]
    assert all(len(base64.b64encode(each.encode())) <= LARGEST_MESSAGE for each in left)
    return left


@pytest.mark.parametrize(
    ("count", "desc", "is_encoded", "parts"),
    [(1100, 0, False, 2), (400, 91, False, 2), (430, 91, False, 2), (400, 51, True, 1), (430, 51, True, 2)],
)
def test_what_would_be_too_large_with_ids_or_as_base64_goes_back_in_parts(
    count: int, desc: int, is_encoded: bool, parts: int
) -> None:
    """Under the id of another message its requests would be told as others, should this one come again, too."""
    fields = {"Desc": "x" * desc} if desc else {}
    text = json.dumps([wanted(f"m{n}", **fields) for n in range(count)], separators=(",", ":"))
    bodies = put_back_whole(base64.b64encode(text.encode()).decode() if is_encoded else text)
    assert len(bodies) == parts
    assert [each["Id"] for body in bodies for each in json.loads(body)] == [f"m1/{n + 1}" for n in range(count)]


@pytest.mark.parametrize(
    "body", ['{"ProductKey":"\\ud800"}', '[{"ProductKey":"\\ud800","Id":"own"},5]', "\ud800 no JSON"]
)
@pytest.mark.parametrize("seconds", [0.0, 60.0])
def test_what_utf_8_cannot_carry_goes_back_and_means_the_same(body: str, seconds: float) -> None:
    """JSON can hold half of a surrogate pair: that must not make a whole batch come again for ever."""
    left = put_back_whole(body, seconds)
    assert [len(read(each.encode(), "m")) for each in left] == [len(read(body, "m"))]
    assert not any(isinstance(each, ModuleRequest) for one in left for each in read(one, "m"))
