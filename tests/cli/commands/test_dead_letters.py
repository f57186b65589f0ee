"""`ota-modules dead-letters`."""

import json
from typing import Any

import pytest

from cli.clients.letters import UNDELIVERED, read
from cli.clients.smq import Received

REQUEST = {"ProductKey": "a1Demo00001", "ModuleName": "mcu", "Id": "r-1", "Attempt": 5, "Tried": True}
OURS = json.dumps(
    {"Reason": "quota", "Detail": "Throttling.User", "Request": REQUEST, "Outcome": {"data": {"Status": "failed"}}}
)
BARE = json.dumps({"ProductKey": "a1Demo00003", "ModuleName": "mcu"})


def event(body: str) -> dict[str, Any]:
    data = {"requestId": "q", "messageId": "m-1", "messageBody": body}
    return {"id": "e-1", "source": "acs:mns", "specversion": "1.0", "type": "mns:Queue:SendMessage", "data": data}


EVENT = event(json.dumps({**REQUEST, "Id": "r-2"}))
ARRAY, BATCH = json.dumps(event(f"[{BARE}, 1, {BARE}]")), json.dumps([EVENT, event(BARE)])
AGAIN = {"ProductKey": "a1Demo00001", "ModuleName": "mcu", "Tried": True, "Replay": 1}
"""The request, with its attempts begun anew; that it was tried stays known, and the replay is counted."""
AGAIN_BARE = {"ProductKey": "a1Demo00003", "ModuleName": "mcu", "Replay": 1}
LETTERS: dict[str, tuple[str, str, list[Any]]] = {
    "of the function": (OURS, "quota", [{**AGAIN, "Id": "r-1"}]),
    "of eventbridge": (json.dumps(EVENT), UNDELIVERED, [{**AGAIN, "Id": "r-2"}]),
    # Sent again it is another message, and its outcomes must still be the same request's.
    "without an id": (json.dumps(event(BARE)), UNDELIVERED, [{**AGAIN_BARE, "Id": "m-1"}]),
    "bare": (BARE, UNDELIVERED, [{**AGAIN_BARE, "Id": "id"}]),
    "an array": (ARRAY, UNDELIVERED, [{**AGAIN_BARE, "Id": "m-1/1"}, 1, {**AGAIN_BARE, "Id": "m-1/3"}]),
    "a batch": (BATCH, UNDELIVERED, [{**AGAIN, "Id": "r-2"}, {**AGAIN_BARE, "Id": "m-1"}]),
}


@pytest.mark.parametrize(("body", "reason", "bodies"), LETTERS.values(), ids=LETTERS)
def test_a_letter_becomes_the_messages_that_send_it_again(body: str, reason: str, bodies: list[Any]) -> None:
    """One each, as they were sent, with an Id that keeps their outcomes the same requests'."""
    letter = read(Received("id", "handle", body))
    assert (letter.record.reason, [json.loads(each) for each in letter.bodies]) == (reason, bodies)


@pytest.mark.parametrize("body", ["no JSON", "[[[", '{"what": "ever"}', "[]", '""'])
def test_a_letter_that_cannot_be_read_is_sent_again_as_it_is(body: str) -> None:
    assert read(Received("id", "handle", body)).bodies == (body,)


@pytest.fixture
def filled(cloud: Any) -> Any:
    """A dead-letter queue with a letter of each kind."""
    cloud.mailbox.send(cloud.target.names.dead_letter_queue, [OURS, json.dumps(EVENT), BARE])
    return cloud


def test_what_was_just_listed_can_be_replayed_at_once(filled: Any, ota_modules: Any) -> None:
    """Letters that are let go can be seen again in a second, and are waited for; those that are replayed are removed."""
    listed = ota_modules("dead-letters", "list", "--json").records
    assert [record["Reason"] for record in listed] == ["quota", UNDELIVERED, UNDELIVERED]
    for command in (("list",), ("replay", "--all")):
        ended = ota_modules("dead-letters", *command)
        assert (ended.status, "3 dead letters" in ended.out) == (0, True), ended.err
    assert [request["Id"] for request in filled.requests()][:2] == ["r-1", "r-2"]
    assert "0 dead letters" in ota_modules("dead-letters", "list").out


def test_letters_that_somebody_else_looks_at_are_counted(filled: Any, ota_modules: Any) -> None:
    filled.mailbox.receive(filled.target.names.dead_letter_queue)
    ended = ota_modules("dead-letters", "replay", "--all")
    assert (ended.status, "3 dead letters more" in ended.err) == (1, True)


def test_replay_of_some_lets_the_others_be(filled: Any, ota_modules: Any) -> None:
    """By reason or product, or by the message's id; one that is not there is told, with exit status 1."""
    assert "1 dead letter sent again" in ota_modules("replay", "--all", "--product", "a1Demo00003").out
    assert [request["ProductKey"] for request in filled.requests()] == ["a1Demo00003"]
    assert filled.depth(filled.target.names.dead_letter_queue) == 2
    [_, undelivered] = ota_modules("dead-letters", "list", "--json").records
    ended = ota_modules("dead-letters", "replay", undelivered["MessageId"], "ABCDEF")
    assert (ended.status, "1 not found: ABCDEF" in ended.err) == (1, True)
    assert [request["Id"] for request in filled.requests()] == ["r-2"]


def test_discard_asks_first(filled: Any, ota_modules: Any) -> None:
    """And without a yes nothing goes."""
    ended = ota_modules("dead-letters", "discard", "--all", text="n\n")
    assert (ended.status, "Delete 3 dead letters for good" in ended.err) == (1, True)
    ended = ota_modules("dead-letters", "discard", "ABCDEF")
    assert (ended.status, "1 not found: ABCDEF" in ended.err) == (1, True)
    assert len(ota_modules("dead-letters", "discard", "--all", "--yes", "--json").records) == 3
    assert filled.depth(filled.target.names.dead_letter_queue) == 0


def test_a_letter_whose_replay_fails_stays(filled: Any, ota_modules: Any) -> None:
    """It is sent first and deleted after."""
    assert ota_modules("dead-letters", "replay", "--all", OTA_REQUEST_QUEUE="no-such-queue").status == 1
    assert filled.depth(filled.target.names.dead_letter_queue) == 3
