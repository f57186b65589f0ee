"""`ota-modules dead-letters`."""

import json
from typing import Any

import pytest

from cli.clients.letters import UNDELIVERED, read
from cli.clients.smq import Received
from tests.support.waiting import eventually

REQUEST = {"ProductKey": "a1Demo00001", "ModuleName": "mcu", "Id": "r-1", "Attempt": 5, "Tried": True}
OURS = json.dumps(
    {"Reason": "quota", "Detail": "Throttling.User", "Request": REQUEST, "Outcome": {"data": {"Status": "failed"}}}
)
EVENT = {
    "id": "e-1",
    "source": "acs:mns",
    "specversion": "1.0",
    "type": "mns:Queue:SendMessage",
    "data": {"requestId": "q", "messageId": "m-1", "messageBody": json.dumps({**REQUEST, "Id": "r-2"})},
}
BARE = json.dumps({"ProductKey": "a1Demo00003", "ModuleName": "mcu"})


@pytest.fixture
def filled(cloud: Any) -> Any:
    """A dead-letter queue with a letter of each kind."""
    cloud.mailbox.send(cloud.names.dead_letter_queue, [OURS, json.dumps(EVENT), BARE])
    return cloud


def everything(cloud: Any) -> list[Received]:
    """All dead letters: what a command let go can be seen again after a second."""
    eventually(lambda: cloud.visible(cloud.names.dead_letter_queue) == 3)
    found: list[Received] = cloud.mailbox.receive(cloud.names.dead_letter_queue)
    return found


def event(body: str) -> dict[str, Any]:
    return {**EVENT, "data": {**EVENT["data"], "messageBody": body}}  # type: ignore[dict-item]


AGAIN = {"ProductKey": "a1Demo00001", "ModuleName": "mcu", "Tried": True, "Replay": 1}
"""The request, with its attempts begun anew; that it was tried stays known, and the replay is counted."""
AGAIN_BARE = {"ProductKey": "a1Demo00003", "ModuleName": "mcu", "Replay": 1}
LETTERS: dict[str, tuple[str, str, list[Any]]] = {
    "of the function": (OURS, "quota", [{**AGAIN, "Id": "r-1"}]),
    "of eventbridge": (json.dumps(EVENT), UNDELIVERED, [{**AGAIN, "Id": "r-2"}]),
    # Sent again it is another message, and its outcomes must still be the same request's.
    "without an id": (json.dumps(event(BARE)), UNDELIVERED, [{**AGAIN_BARE, "Id": "m-1"}]),
    "bare": (BARE, UNDELIVERED, [{**AGAIN_BARE, "Id": "id"}]),
    "an array": (
        json.dumps(event(f"[{BARE}, 1, {BARE}]")),
        UNDELIVERED,
        [{**AGAIN_BARE, "Id": "m-1/1"}, 1, {**AGAIN_BARE, "Id": "m-1/3"}],
    ),
    "a batch": (
        json.dumps([EVENT, event(BARE)]), UNDELIVERED, [{**AGAIN, "Id": "r-2"}, {**AGAIN_BARE, "Id": "m-1"}],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LETTERS)
def test_a_letter_becomes_the_messages_that_send_it_again(name: str) -> None:
    """One each, as they were sent, with an Id that keeps their outcomes the same requests'."""
    body, reason, bodies = LETTERS[name]
    letter = read(Received("id", "handle", body))
    assert (letter.record.reason, [json.loads(each) for each in letter.bodies]) == (reason, bodies)


@pytest.mark.parametrize("body", ["no JSON", "[[[", '{"what": "ever"}', "[]", '""'])
def test_a_letter_that_cannot_be_read_is_sent_again_as_it_is(body: str) -> None:
    """Nobody may lose it for that."""
    assert read(Received("id", "handle", body)).bodies == (body,)


@pytest.mark.parametrize("command", [("dead-letters", "replay"), ("replay",)])
def test_replay_sends_all_letters_again_and_removes_them(filled: Any, ota_modules: Any, command: Any) -> None:
    """The requests lie in the request queue."""
    assert ota_modules(*command, "--all").status == 0
    assert [json.loads(body)["Id"] for body in filled.bodies(filled.names.request_queue)][:2] == ["r-1", "r-2"]
    assert filled.depth(filled.names.dead_letter_queue) == 0


def test_what_was_just_listed_can_be_replayed_at_once(filled: Any, ota_modules: Any) -> None:
    """Letters that are let go can be seen again in a second, and are waited for."""
    listed = ota_modules("dead-letters", "list", "--json").out.splitlines()
    assert [json.loads(line)["Reason"] for line in listed] == ["quota", UNDELIVERED, UNDELIVERED]
    for command in (("list",), ("replay", "--all")):
        ended = ota_modules("dead-letters", *command)
        assert ended.status == 0, ended.err
        assert "3 dead letters" in ended.out
    assert "0 dead letters" in ota_modules("dead-letters", "list").out


def test_letters_that_somebody_else_looks_at_are_told(filled: Any, ota_modules: Any) -> None:
    """Nobody may think that there are none."""
    filled.mailbox.receive(filled.names.dead_letter_queue)
    ended = ota_modules("dead-letters", "replay", "--all")
    assert ended.status == 1
    assert "3 dead letters more" in ended.err


def test_replay_of_some_lets_the_others_be(filled: Any, ota_modules: Any) -> None:
    """By reason or product."""
    ended = ota_modules("dead-letters", "replay", "--all", "--product", "a1Demo00003")
    assert "1 dead letter sent again" in ended.out
    [body] = filled.bodies(filled.names.request_queue)
    assert json.loads(body)["ProductKey"] == "a1Demo00003"
    assert filled.depth(filled.names.dead_letter_queue) == 2


def test_a_letter_is_named_by_its_message_id(filled: Any, ota_modules: Any) -> None:
    """One that is not there is told, with exit status 1."""
    messages = everything(filled)
    for message in messages:
        filled.mailbox.release(filled.names.dead_letter_queue, message.handle)
    eventually(lambda: filled.visible(filled.names.dead_letter_queue) == 3)
    ended = ota_modules("dead-letters", "replay", messages[1].id, "ABCDEF")
    assert ended.status == 1
    assert "1 not found: ABCDEF" in ended.err
    assert [json.loads(body)["Id"] for body in filled.bodies(filled.names.request_queue)] == [
        json.loads(read(messages[1]).bodies[0])["Id"]
    ]


def test_discard_asks_first(filled: Any, ota_modules: Any) -> None:
    """And without a yes nothing goes."""
    ended = ota_modules("dead-letters", "discard", "--all", text="n\n")
    assert ended.status == 1
    assert "Delete 3 dead letters for good" in ended.err
    ended = ota_modules("dead-letters", "discard", "ABCDEF")
    assert (ended.status, "1 not found: ABCDEF" in ended.err) == (1, True)
    assert ota_modules("dead-letters", "discard", "--all", "--yes").status == 0
    assert filled.depth(filled.names.dead_letter_queue) == 0


def test_all_or_some_must_be_said(cloud: Any, ota_modules: Any) -> None:
    """Neither, or both, is a usage error."""
    assert ota_modules("dead-letters", "replay").status == 2
    assert ota_modules("dead-letters", "discard", "x", "--all").status == 2


def test_a_letter_whose_replay_fails_stays(cloud: Any, ota_modules: Any) -> None:
    """It is sent first and deleted after."""
    cloud.mailbox.send(cloud.names.dead_letter_queue, [OURS])
    ended = ota_modules("dead-letters", "replay", "--all", OTA_REQUEST_QUEUE="no-such-queue")
    assert ended.status == 1
    assert cloud.depth(cloud.names.dead_letter_queue) == 1
