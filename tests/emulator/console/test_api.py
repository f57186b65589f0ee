"""The first port: the control API behind the page."""

import base64
import contextlib
import json
from typing import Any

import httpx
import pytest

from emulator.console import letters
from emulator.local import LocalCloud
from emulator.records import Sent
from tests.support.waiting import eventually

DEAD = "ota-module-dead-letters"
REQUESTS = "ota-module-requests"
OUTCOMES = "ota-module-outcomes"


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def story(client: httpx.Client, name: str, kind: str) -> dict[str, Any]:
    """Return the story of a request, as soon as it holds a step of this kind."""

    def read() -> dict[str, Any] | None:
        told: dict[str, Any] = client.get(f"/requests/{name}").json()
        return told if told.get("steps") and kind in kinds(told) else None

    told: dict[str, Any] = eventually(read)
    return told


def kinds(told: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in told["steps"]]


def of_kind(told: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [step for step in told["steps"] if step["kind"] == kind]


def publish(cloud: LocalCloud, name: str, **data: object) -> None:
    """Publish an outcome of the request `name`."""
    body = encoded({"id": name, "causationid": name, "data": data})
    cloud.call(lambda parts: parts.smq.publish("ota-module-results", body))


def send(client: httpx.Client, name: str, product: str, module: str = "", via: str = "http") -> Any:
    request = {"ProductKey": product, "ModuleName": module or name, "Id": name}
    return client.post("/requests", json={"via": via, "request": request}).json()


def events(client: httpx.Client, *names: str, after: str = "") -> dict[str, Any]:
    """Return the first event of each of these names in the stream."""
    first: dict[str, Any] = {}
    with client.stream("GET", "/events", headers={"last-event-id": after} if after else {}) as answer:
        number, name = "", ""
        for line in answer.iter_lines():
            field, _, value = line.partition(": ")
            number = value if field == "id" else number
            name = value if field == "event" else name
            if field == "data" and name in names and name not in first:
                first |= {name: json.loads(value), f"{name} id": number}
            if first.keys() >= set(names):
                return first
    raise AssertionError(f"the stream ended without {names}")


# State, outcomes and stories


def test_the_page_takes_no_outcome_from_those_who_wait_for_it(client: httpx.Client, cloud: LocalCloud) -> None:
    before = cloud.call(lambda parts: parts.smq.depths(OUTCOMES).active)
    publish(cloud, "n1")
    assert kinds(story(client, "n1", "published")) == ["published"]
    assert cloud.call(lambda parts: parts.smq.depths(OUTCOMES).active) == before + 1


def test_the_stream_begins_with_all_that_is_known(client: httpx.Client, cloud: LocalCloud) -> None:
    """A page that comes back gets what it missed; a page of another run gets everything."""
    publish(cloud, "s1")
    story(client, "s1", "published")
    first = events(client, "hello", "rates", "outcomes", "state")
    assert set(first["hello"]["urls"]) == {"console", "iot", "smq", "fc"}
    assert first["outcomes"][-1]["id"] == "s1"
    assert first["state"]["queues"][OUTCOMES]["active"] >= 1
    publish(cloud, "s2")
    missed = events(client, "hello", "outcomes", after=first["outcomes id"])
    assert [outcome["id"] for outcome in missed["outcomes"]] == ["s2"]
    for after in ("other:5", "nonsense", "x:99999999999999999999", ":"):
        assert events(client, "outcomes", after=after)["outcomes"][0]["n"] == 1


def test_a_request_over_http_has_a_story(client: httpx.Client) -> None:
    """Delivered, called, read back, published; the answer is the trigger's own; the log has its lines, and no others'."""
    answer = send(client, "over-http", "a1Known0001", "MODEM")
    assert (answer["status"], answer["body"]["Status"]) == (200, "existing")
    told = story(client, "over-http", "worked")
    assert kinds(told) == ["delivered", "call", "call", "published", "worked"]
    calls = [(call["operation"], call["success"], bool(call["code"])) for call in of_kind(told, "call")]
    assert calls == [("CreateOTAModule", False, True), ("ListOTAModuleByProduct", True, False)]
    lines = eventually(lambda: log if len(log := story(client, "over-http", "worked")["log"]) == 2 else None)
    assert [(line["level"], line["event"]) for line in lines] == [("INFO", "request"), ("INFO", "summary")]
    assert lines[0]["fields"]["status"] == "existing"
    assert lines[0]["at"] <= lines[1]["at"]


def test_each_of_two_requests_for_one_module_has_its_own_calls(client: httpx.Client) -> None:
    """One creates the module, the other finds it."""
    names = ("turn-1", "turn-2")
    for name in names:
        send(client, name, "a1Fleet0001", "turns", via="queue")
    calls = [of_kind(story(client, name, "acknowledged"), "call") for name in names]
    assert sorted(map(len, calls)) == [1, 2]


def test_calls_that_met_a_fault_and_invocations_that_died_are_in_the_story(client: httpx.Client) -> None:
    rule = {"service": "iot", "operation": "CreateOTAModule", "times": 1}
    client.post("/faults", json={**rule, "kind": "status", "contains": "swallowed"})
    send(client, "swallowed", "a1Fleet0002")
    assert of_kind(story(client, "swallowed", "worked"), "worked")[0]["lost"] == 1
    client.post("/faults", json={**rule, "kind": "kill", "contains": "killed"})
    send(client, "killed", "a1Fleet0003", via="queue")
    [failed] = of_kind(story(client, "killed", "failed"), "failed")
    client.delete("/faults")
    assert (failed["function"], failed["error"]) == ("ota-modules-queue", "UnhandledInvocationError")


def test_an_unknown_request_has_no_story(client: httpx.Client) -> None:
    assert client.get("/requests/nobody").status_code == 404
    assert client.get("/outcomes/999999").status_code == 404


def test_the_modules_are_listed_by_product(client: httpx.Client) -> None:
    """Without `default`, which belongs to every product."""
    products = {product["key"]: product for product in client.get("/modules").json()}
    assert len(products["a1Full00010"]["modules"]) == products["a1Full00010"]["most"] == 10
    assert products["a1Demo00001"]["modules"] == []


def test_no_key_token_or_secret_is_shown(client: httpx.Client, cloud: LocalCloud) -> None:
    """Not in the state, the stream or a story, though the calls were signed with them."""
    send(client, "secretive", "a1Fleet0004")
    told = [json.dumps(story(client, "secretive", "call")), client.get("/state").text, client.get("/modules").text]
    told.append(json.dumps(events(client, "hello", "rates", "outcomes", "state")))
    issued = cloud.call(lambda cloud: list(cloud.accounts.issued))
    assert issued
    for secret in ["testsecret", *(part for key in issued for part in (key.id, key.secret, key.token))]:
        assert not [text for text in told if secret in text]


def test_calls_that_meet_a_fault_are_counted_as_failures(client: httpx.Client, cloud: LocalCloud) -> None:
    """Answered or cut off; the API fails until a call succeeds."""

    def state() -> Any:
        return client.get("/state").json()

    def fail(**rule: object) -> Any:
        client.post("/faults", json={"service": "iot", "operation": "CreateOTAModule", "times": 1, **rule})
        with contextlib.suppress(httpx.RemoteProtocolError):
            httpx.post(f"{cloud.urls.iot}/?Action=CreateOTAModule", trust_env=False)
        return state()["health"]

    before = state()["failures"]["failed"].get("CreateOTAModule", 0)
    fail(kind="drop")
    fail(kind="drop", after=True)
    fail(kind="html", status=502)
    # Again and again: what other tests' requests log meanwhile would be the last error.
    health = eventually(lambda: health if "503" in (health := fail(kind="status"))["error"]["text"] else None)
    client.delete("/faults")
    assert state()["failures"]["failed"]["CreateOTAModule"] >= before + 4
    assert (health["error"]["source"], health["api"]["state"]) == ("CreateOTAModule", "failing")


def test_outcomes_are_exported_as_a_table(client: httpx.Client, cloud: LocalCloud) -> None:
    """By status and words; Chinese is readable, and nothing is a formula."""
    for number, status in enumerate(("failed", "created")):
        publish(cloud, f"t{number}", Status=status, ProductKey="a1Table", ModuleName="=1+1", ErrorMessage="默认")
    story(client, "t1", "published")
    answer = client.get("/outcomes.csv", params={"status": "failed", "search": "A1TABLE"})
    rows = answer.content.decode("utf-8-sig").splitlines()
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert rows[0] == "time,status,product,module,id,correlation,attempts,note"
    assert [row.split(",", 1)[1] for row in rows[1:]] == ["failed,a1Table,'=1+1,t0,,,默认"]


def test_a_queue_is_purged_of_what_no_receiver_has(client: httpx.Client, cloud: LocalCloud) -> None:
    """Delayed messages too; unknown queues are refused."""
    cloud.call(lambda cloud: [cloud.smq.send(DEAD, "eA==", delay) for delay in (0, 0, 600)])
    [held] = cloud.call(lambda cloud: cloud.smq.receive(DEAD))
    assert client.post(f"/queues/{DEAD}/purge", json={}).json() == {"name": DEAD, "discarded": 2}
    depths = cloud.call(lambda cloud: cloud.smq.depths(DEAD))
    assert (depths.active, depths.inactive, depths.delayed) == (0, 1, 0)
    assert client.post("/queues/nothing/purge", json={}).status_code == 404
    assert client.post(f"/queues/{DEAD}/purge", content="x").status_code == 415
    cloud.call(lambda cloud: cloud.smq.delete(DEAD, held.handle))


# Dead letters


def test_letters_of_all_origins_are_read_and_sent_again(client: httpx.Client, cloud: LocalCloud) -> None:
    request = {"ProductKey": "a1Fleet0005", "ModuleName": "dead", "Attempt": 5}
    ours = encoded({"Reason": "quota", "Detail": "why", "Request": {**request, "Id": "ours", "Tried": True}})
    event = json.dumps({"id": "e", "data": {"messageId": "m-1", "messageBody": json.dumps(request)}})
    bodies = [ours, event, encoded([request, {**request, "Id": "two"}]), "not JSON"]
    cloud.call(lambda cloud: [cloud.smq.send(DEAD, body) for body in bodies])
    dead = client.get("/dead-letters").json()
    assert [letter["reason"] for letter in dead] == ["quota", "undelivered", "undelivered", "undelivered"]
    assert [[request["Id"] for request in letter["requests"]] for letter in dead[:2]] == [["ours"], ["m-1"]]
    first = dead[0]["message"]
    before = cloud.call(lambda cloud: len(cloud.records.events))
    assert client.post("/dead-letters/replay", json={"messages": [first, "gone"]}).json()["replayed"] == [first]
    assert len(client.get("/dead-letters").json()) == 3
    assert len(client.post("/dead-letters/replay", json={}).json()["replayed"]) == 3
    events = cloud.call(lambda cloud: cloud.records.events[before:])
    sent = [event.body for event in events if isinstance(event, Sent) and event.queue == REQUESTS]
    again = [base64.b64decode(body).decode() for body in sent]
    fresh = {"ProductKey": "a1Fleet0005", "ModuleName": "dead", "Replay": 1}
    third = dead[2]["message"]
    assert [json.loads(text) for text in again[:3]] == [
        {**fresh, "Id": "ours", "Tried": True}, {**fresh, "Id": "m-1"},
        [{**fresh, "Id": f"{third}/1"}, {**fresh, "Id": "two"}],
    ]  # fmt: skip
    assert again[3] == "not JSON"
    assert client.get("/dead-letters").json() == []


def test_a_letter_is_discarded_and_no_other(client: httpx.Client, cloud: LocalCloud) -> None:
    one, other = (cloud.call(lambda cloud, body=body: cloud.smq.send(DEAD, body)) for body in ("one", "other"))  # type: ignore[misc]
    assert client.post("/dead-letters/discard", json={}).status_code == 422
    assert client.post("/dead-letters/discard", json={"messages": [one, "gone"]}).json() == {"discarded": [one]}
    assert [letter["message"] for letter in client.get("/dead-letters").json()] == [other]
    assert client.post("/queues/ota-module-dead-letters/purge", json={}).json()["discarded"] == 1


@pytest.mark.parametrize(("before", "after"), [(None, 1), (0, 1), (3, 4), ("x", "x"), (1_000_000, 1_000_000)])
def test_each_replay_is_counted(before: object, after: object) -> None:
    """So that the outcome after a replay has another id than the one before."""
    request = {"ProductKey": "a1", "ModuleName": "m", "Since": 5, "Attempt": 5, "Id": "kept", "Replay": before}
    again = json.loads(letters.read("m", encoded(request)).again)
    assert again == {"ProductKey": "a1", "ModuleName": "m", "Id": "kept", "Replay": after}


def test_a_letter_that_cannot_be_sent_again_stays(client: httpx.Client, cloud: LocalCloud) -> None:
    cloud.call(lambda parts: parts.smq.send(DEAD, "not JSON " + "x" * 60_000))
    answer = client.post("/dead-letters/replay", json={}).json()
    [left] = client.get("/dead-letters").json()
    assert (answer["replayed"], list(answer["refused"])) == ([], [left["message"]])
