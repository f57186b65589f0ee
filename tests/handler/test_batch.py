"""Batches: what is left for another delivery goes back under the Ids that it has."""

import json

import pytest

from handler.batch import split_message, take_on
from handler.messages import Invalid, read
from handler.triggers import Delivery, deliveries
from tests.support.pipeline_world import message, wanted, world
from tests.support.wrapping import ENCODINGS, ENVELOPES, event, smq

REQUEST = {"ProductKey": "a1", "ModuleName": "mcu"}
NAMED = {**REQUEST, "Id": "own"}
ENOUGH = 48_000


def queued(body: str) -> Delivery:
    [delivery] = deliveries(json.dumps([event(smq(body))]).encode())
    return delivery


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("envelope", [*ENVELOPES, None])
@pytest.mark.parametrize("body", [REQUEST, [REQUEST, NAMED, 5], NAMED, [json.dumps(REQUEST), {"x": 1}]])
def test_a_message_that_is_left_keeps_the_ids_of_its_requests(
    body: object, envelope: str | None, encoding: str
) -> None:
    wrapped = ENVELOPES[envelope](json.dumps(body)) if envelope else json.dumps(body)
    delivery = queued(ENCODINGS[encoding](wrapped))
    [again], count = split_message(delivery, ENOUGH)
    before, after = delivery.open().requests(), read(again, "m9")
    assert count == len(before)
    assert [type(request) for request in after] == [type(request) for request in before]
    named = [request.Id for request in before if not isinstance(request, Invalid) or request.readable]
    assert [request.Id for request in after if not isinstance(request, Invalid) or request.readable] == named


UNREADABLE = ["no JSON", "", '{"a":1', "[]", json.dumps({"specversion": "1.0", "id": "e", "data": "x"})]


@pytest.mark.parametrize(
    ("body", "room", "count"),
    [*((body, ENOUGH, 1) for body in UNREADABLE), (ENVELOPES["a topic's XML"](json.dumps([REQUEST] * 3)), 50, 3)],
)
def test_what_cannot_be_read_or_has_no_room_for_ids_is_left_as_it_came(body: str, room: int, count: int) -> None:
    assert split_message(queued(body), room) == ([body], count)


def test_what_asks_for_nothing_is_taken_on_and_reported() -> None:
    confirmation = json.dumps({"Type": "x", "Token": "t", "SubscribeURL": "https://x"})
    batch = take_on([queued(confirmation), queued(json.dumps(REQUEST))], 1)
    assert [item.request.Id for item in batch.items] == ["m1"]
    assert batch.ignored == [("m1", "confirmation without a body")]


def test_messages_are_taken_on_in_their_order_as_long_as_there_is_room() -> None:
    """None behind the first that has none, so that their order is kept; the first in any case."""
    sent = [message(n, [wanted(f"m{k}") for k in range(size)]) for n, size in enumerate((3, 2, 4, 1))]
    for most, taken in ((0, 1), (4, 1), (5, 2), (8, 2), (9, 3), (10, 4)):
        batch = take_on(sent, most)
        assert (len(batch.taken), len(batch.left)) == (taken, 4 - taken)
        assert [item.place for item in batch.items] == list(range(len(batch.items)))


BROKEN = [
    '{"ProductKey":"a1","ModuleName":"x","Desc":"a","Desc":"b"}', '{"ProductKey":"a1","ModuleName":"x","Desc":NaN}',
    f'{{"ProductKey":"a1","ModuleName":{"9" * 2000}}}', f'{{"ModuleName":{"[" * 5000}{"]" * 5000}}}',
    '{"ProductKey":"a1"}',
    '{"ProductKey":"a1","Colour":{"deep":[1,{"a":1,"a":2}]}}', "5", '"text"', "null", "[[1]]",
    '{"ProductKey":"\\ud800"}',
]  # fmt: skip


@pytest.mark.parametrize("element", BROKEN)
def test_a_broken_element_is_as_broken_when_it_comes_again(element: str) -> None:
    here = world()
    here.box.publish_fails = lambda event: event["data"]["Status"] == "rejected"
    here.run(f"[{json.dumps(wanted('m0', Id='m0'))},{element},{json.dumps(wanted('m2', Id='m2'))}]")
    assert here.said() == {"m0": "created", "m2": "created"}
    assert [line["reason"] for line in here.log("request") if line["status"] == "unfinished"] == ["sink"]
    here.box.publish_fails = lambda _event: False
    here.redeliver()
    [item] = take_on([message(0, f"[{element}]")], 9).items
    assert isinstance(item.request, Invalid)
    assert here.box.published[2]["data"]["Errors"] == [problem.model_dump() for problem in item.request.problems]
    assert "x" not in here.iot.products["a1"]


@pytest.mark.parametrize(
    "body", ['[{"ModuleName":"Id","Id":"own"},{"ProductKey":"a1"}]', '[{"Id":"a","Id":"b"},{"ProductKey":"a1"}]']
)
def test_a_request_has_an_id_added_whatever_the_others_hold(body: str) -> None:
    [again], _ = split_message(queued(body), ENOUGH)
    assert '{"ProductKey":"a1","Id":"m1/2"}' in again
