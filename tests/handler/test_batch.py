"""Batches: what is left for another delivery goes back under the Ids that it has."""

import json

import pytest

from handler.batch import take_on, with_ids
from handler.messages import Invalid, read
from handler.triggers import Delivery, deliveries
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
    """However it is wrapped: another message will carry them."""
    wrapped = ENVELOPES[envelope](json.dumps(body)) if envelope else json.dumps(body)
    delivery = queued(ENCODINGS[encoding](wrapped))
    again, count = with_ids(delivery, ENOUGH)
    before, after = delivery.open().requests, read(again, "m9")
    assert count == len(before)
    assert [type(request) for request in after] == [type(request) for request in before]
    named = [request.Id for request in before if not isinstance(request, Invalid) or request.readable]
    assert [request.Id for request in after if not isinstance(request, Invalid) or request.readable] == named


@pytest.mark.parametrize(
    "body", ["no JSON", "", '{"a":1', "[]", json.dumps({"specversion": "1.0", "id": "e", "data": "x"})]
)
def test_a_message_that_cannot_be_read_is_left_as_it_came(body: str) -> None:
    """To be told once, when its turn has come."""
    assert with_ids(queued(body), ENOUGH) == (body, 1)


def test_a_message_that_has_no_room_for_ids_is_left_as_it_came() -> None:
    """Nothing larger can be sent."""
    body = ENVELOPES["a topic's XML"](json.dumps([REQUEST] * 3))
    assert with_ids(queued(body), 100) == (body, 3)


def test_what_asks_for_nothing_is_taken_on_and_told() -> None:
    """By its message's id."""
    confirmation = json.dumps({"Type": "x", "Token": "t", "SubscribeURL": "https://x"})
    batch = take_on([queued(confirmation), queued(json.dumps(REQUEST))], 1)
    assert [item.request.Id for item in batch.items] == ["m1"]
    assert batch.ignored == [("m1", "confirmation without a body")]
