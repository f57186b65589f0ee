"""The first port: the control API behind the page."""

import base64
import contextlib
import json
from typing import Any

import httpx
import pytest

from emulator.console import letters
from emulator.console.journal import describe
from emulator.local import LocalCloud
from emulator.records import Invoked, Sent
from tests.support.waiting import eventually

DEAD = "ota-module-dead-letters"
REQUESTS = "ota-module-requests"
OUTCOMES = "ota-module-outcomes"


def encode(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def kinds(story: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in story.get("steps", ())]


def wait_for_story(client: httpx.Client, name: str, kind: str) -> dict[str, Any]:
    """Return the story of a request, as soon as it holds a step of this kind."""

    def read() -> dict[str, Any] | None:
        story: dict[str, Any] = client.get(f"/requests/{name}").json()
        return story if kind in kinds(story) else None

    return eventually(read)


def publish(cloud: LocalCloud, name: str, **data: object) -> None:
    """Publish an outcome of the request `name`."""
    body = encode({"id": name, "causationid": name, "data": data})
    cloud.call(lambda parts: parts.smq.publish("ota-module-results", body))


def send(client: httpx.Client, name: str, product: str, module: str = "", via: str = "http") -> Any:
    request = {"ProductKey": product, "ModuleName": module or name, "Id": name}
    return client.post("/requests", json={"via": via, "request": request}).json()


def read_events(client: httpx.Client, *names: str, after: str = "") -> dict[str, Any]:
    """Return the data of the first event of each of these names in the stream, and `id`, the last id before them."""
    first: dict[str, Any] = {}
    event: dict[str, str] = {}
    with client.stream("GET", "/events", headers={"last-event-id": after} if after else {}) as answer:
        for line in answer.iter_lines():
            field, _, value = line.partition(": ")
            event[field] = value
            if field == "data":
                first.setdefault(event["event"], json.loads(value))
            if first.keys() >= set(names):
                return {**first, "id": event.get("id")}
    raise AssertionError(f"the stream ended without {names}")


# State, outcomes and stories


def test_the_stream_begins_with_all_that_is_known(client: httpx.Client, cloud: LocalCloud) -> None:
    """A page that comes back gets what it missed; a page of another run gets everything. No outcome leaves its queue."""
    before = cloud.call(lambda parts: parts.smq.depths(OUTCOMES).active)
    publish(cloud, "s1")
    assert kinds(wait_for_story(client, "s1", "published")) == ["published"]
    first = read_events(client, "hello", "rates", "outcomes", "state")
    assert set(first["hello"]["urls"]) == {"console", "iot", "smq", "fc"}
    assert first["outcomes"][-1]["id"] == "s1"
    assert first["state"]["queues"][OUTCOMES]["active"] == before + 1
    publish(cloud, "s2")
    missed = read_events(client, "hello", "outcomes", after=first["id"])
    assert [outcome["id"] for outcome in missed["outcomes"]] == ["s2"]
    for after in ("other:5", "nonsense", "x:99999999999999999999", ":"):
        assert read_events(client, "outcomes", after=after)["outcomes"][0]["n"] == 1


def test_a_request_over_http_has_a_story(client: httpx.Client) -> None:
    """Delivered, called, read back, published; the answer is the trigger's own. An unknown request has none."""
    answer = send(client, "over-http", "a1Known0001", "MODEM")
    assert (answer["status"], answer["body"]["Status"]) == (200, "existing")
    story = wait_for_story(client, "over-http", "worked")
    assert kinds(story) == ["delivered", "call", "call", "published", "worked"]
    calls = [(call["operation"], call["success"], bool(call["code"])) for call in story["steps"][1:3]]
    assert calls == [("CreateOTAModule", False, True), ("ListOTAModuleByProduct", True, False)]
    lines = eventually(lambda: log if len(log := client.get("/requests/over-http").json()["log"]) == 2 else None)
    assert [(line["level"], line["event"]) for line in lines] == [("INFO", "request"), ("INFO", "summary")]
    assert lines[0]["fields"]["status"] == "existing"
    assert lines[0]["at"] <= lines[1]["at"]
    assert [client.get(path).status_code for path in ("/requests/nobody", "/outcomes/999999")] == [404, 404]


def test_each_of_two_requests_for_one_module_has_its_own_calls(client: httpx.Client) -> None:
    """One creates the module, the other finds it."""
    names = ("turn-1", "turn-2")
    for name in names:
        send(client, name, "a1Fleet0001", "turns", via="queue")
    assert sorted(kinds(wait_for_story(client, name, "acknowledged")).count("call") for name in names) == [1, 2]


def test_calls_that_met_a_fault_and_invocations_that_died_are_in_the_story(client: httpx.Client) -> None:
    rule = {"service": "iot", "operation": "CreateOTAModule", "times": 1}
    client.post("/faults", json={**rule, "kind": "status", "contains": "swallowed"})
    send(client, "swallowed", "a1Fleet0002")
    assert wait_for_story(client, "swallowed", "worked")["steps"][-1]["lost"] == 1
    client.post("/faults", json={**rule, "kind": "kill", "contains": "killed"})
    send(client, "killed", "a1Fleet0003", via="queue")
    story = wait_for_story(client, "killed", "failed")
    client.delete("/faults")
    [failed] = [step for step in story["steps"] if step["kind"] == "failed"]
    assert (failed["function"], failed["error"]) == ("ota-modules-queue", "UnhandledInvocationError")


def test_no_key_token_or_secret_is_shown(client: httpx.Client, cloud: LocalCloud) -> None:
    """Not in the state, the stream or a story, though the calls were signed with them."""
    send(client, "secretive", "a1Fleet0004")
    shown = [wait_for_story(client, "secretive", "call"), read_events(client, "hello", "rates", "outcomes", "state")]
    text = json.dumps([*shown, client.get("/state").json(), client.get("/modules").json()])
    issued = cloud.call(lambda parts: list(parts.accounts.issued))
    assert issued
    assert not [part for key in issued for part in (key.id, key.secret, key.token, "testsecret") if part in text]


def test_calls_that_meet_a_fault_are_counted_as_failures(client: httpx.Client, cloud: LocalCloud) -> None:
    """Answered or cut off; the API fails until a call succeeds."""

    def fail(**rule: object) -> Any:
        client.post("/faults", json={"service": "iot", "operation": "CreateOTAModule", "times": 1, **rule})
        with contextlib.suppress(httpx.RemoteProtocolError):
            httpx.post(f"{cloud.urls.iot}/?Action=CreateOTAModule")
        return client.get("/state").json()

    before = fail(kind="drop")["failures"]["failed"].get("CreateOTAModule", 0)
    fail(kind="drop", after=True)
    fail(kind="html", status=502)
    # Again and again: what other tests' requests log meanwhile would be the last error.
    state = eventually(lambda: now if "503" in (now := fail(kind="status"))["health"]["error"]["text"] else None)
    client.delete("/faults")
    assert state["failures"]["failed"]["CreateOTAModule"] >= before + 3
    assert (state["health"]["error"]["source"], state["health"]["api"]["state"]) == ("CreateOTAModule", "failing")


def test_rules_of_faults_are_shown_as_they_were_set(client: httpx.Client) -> None:
    """With their counts; a plan takes their place."""
    delay = {"service": "iot", "operation": "CreateOTAModule", "kind": "delay", "seconds": 2, "times": 5}
    added = client.post("/faults", json=delay)
    rule = added.json()
    assert (added.status_code, rule) == (201, {"id": rule["id"], **delay, "seen": 0, "fired": 0})
    assert client.get("/faults").json() == [rule]
    plan = {"seed": 3, "rules": [{"service": "smq", "kind": "reset"}]}
    assert [rule["kind"] for rule in client.put("/faults", json=plan).json()] == ["reset"]
    assert client.get("/faults/plan").json() == plan
    assert client.delete("/faults").json() == []
    assert client.get("/faults/plan").json() == {"seed": 3}
    rule = client.post("/faults", json=delay).json()
    assert [client.delete(f"/faults/{rule['id']}").status_code for _ in range(2)] == [200, 404]


def test_a_code_that_its_detail_repeats_is_shown_once_in_the_last_error() -> None:
    """What nobody put into words is named by its event."""
    assert describe({"code": "Busy", "detail": "Busy: Try again."}) == "Busy: Try again."
    entry = {"reason": "quota", "operation": "CreateOTAModule", "detail": "no slot"}
    assert describe(entry) == "quota: CreateOTAModule: no slot"
    assert describe({"event": "config_warning"}) == "config_warning"


def test_the_last_error_of_an_invocation_is_its_message(client: httpx.Client, cloud: LocalCloud) -> None:
    """And not its whole answer, with the stack."""
    answer = json.dumps({"errorMessage": "no event", "errorType": "EnvelopeError", "stackTrace": []}, indent=4)
    invoked = Invoked("f", "r", "i", 0.0, 1.0, "UnhandledInvocationError", answer)
    cloud.call(lambda running: running.records.add(invoked))
    eventually(lambda: client.get("/state").json()["lastError"]["text"] == "UnhandledInvocationError: no event", 10)


def test_outcomes_are_exported_as_a_table(client: httpx.Client, cloud: LocalCloud) -> None:
    """By status and words; Chinese is readable, and nothing is a formula."""
    for number, status in enumerate(("failed", "created")):
        publish(cloud, f"t{number}", Status=status, ProductKey="a1Table", ModuleName="=1+1", ErrorMessage="默认")
    wait_for_story(client, "t1", "published")
    answer = client.get("/outcomes.csv", params={"status": "failed", "search": "A1TABLE"})
    head, *rows = answer.content.decode("utf-8-sig").splitlines()
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert head == "time,status,product,module,id,correlation,attempts,note"
    assert [row.split(",", 1)[1] for row in rows] == ["failed,a1Table,'=1+1,t0,,,默认"]


def test_a_queue_is_purged_of_what_no_receiver_has(client: httpx.Client, cloud: LocalCloud) -> None:
    """Delayed messages too; unknown queues are refused."""
    cloud.call(lambda parts: [parts.smq.send(DEAD, "eA==", delay) for delay in (0, 0, 600)])
    [held] = cloud.call(lambda parts: parts.smq.receive(DEAD))
    assert client.post(f"/queues/{DEAD}/purge", json={}).json() == {"name": DEAD, "discarded": 2}
    depths = cloud.call(lambda parts: parts.smq.depths(DEAD))
    assert (depths.active, depths.inactive, depths.delayed) == (0, 1, 0)
    unknown = ("/queues/nothing/purge", "/streams/nothing/pause")
    assert [client.post(path, json={}).status_code for path in unknown] == [404, 404]
    assert client.post(f"/queues/{DEAD}/purge", content="x").status_code == 415
    cloud.call(lambda parts: parts.smq.delete(DEAD, held.handle))


# Dead letters

REQUEST = {"ProductKey": "a1Fleet0005", "ModuleName": "dead"}
USED_UP = {**REQUEST, "Attempt": 5, "Since": 5}
OURS = {"Reason": "quota", "Detail": "why", "Request": {**USED_UP, "Id": "ours", "Tried": True}}
EVENT = json.dumps({"id": "e", "data": {"messageId": "m-1", "messageBody": json.dumps(USED_UP)}})


@pytest.mark.parametrize(
    ("body", "reason", "renewed"),
    [
        (encode(OURS), "quota", {**REQUEST, "Id": "ours", "Tried": True, "Replay": 1}),
        (EVENT, "undelivered", {**REQUEST, "Id": "m-1", "Replay": 1}),
        (encode([USED_UP] * 2), "undelivered", [{**REQUEST, "Id": f"m/{number}", "Replay": 1} for number in (1, 2)]),
        *(
            (encode({**USED_UP, "Id": "kept", "Replay": old}), "undelivered", {**REQUEST, "Id": "kept", "Replay": new})
            for old, new in [(None, 1), (0, 1), (3, 4), ("x", "x"), (1_000_000, 1_000_000)]
        ),
    ],
)
def test_the_attempts_of_a_letters_requests_begin_anew(body: str, reason: str, renewed: Any) -> None:
    """Its replays are counted, so that the outcome after one has another id than the one before."""
    letter = letters.read("m", body)
    assert (letter.reason, json.loads(letter.again)) == (reason, renewed)
    requests = renewed if isinstance(renewed, list) else [renewed]
    assert [*letter.requests] == [request["Id"] for request in requests]


def test_letters_are_sent_again_or_discarded_and_no_others(client: httpx.Client, cloud: LocalCloud) -> None:
    """One that the queue of requests refuses stays."""
    bodies = (encode(OURS), "not JSON", "not JSON " + "x" * 60_000, "other")
    ours, text, large, other = cloud.call(lambda parts: [parts.smq.send(DEAD, body) for body in bodies])
    recorded = cloud.call(lambda parts: len(parts.records.events))
    letter = client.get("/dead-letters").json()[0]
    assert (letter["reason"], letter["detail"], letter["requests"]) == ("quota", "why", [{**REQUEST, "Id": "ours"}])
    assert client.post("/dead-letters/discard", json={}).status_code == 422
    assert client.post("/dead-letters/discard", json={"messages": [other, "gone"]}).json() == {"discarded": [other]}
    assert client.post("/dead-letters/replay", json={"messages": [ours, "gone"]}).json()["replayed"] == [ours]
    answer = client.post("/dead-letters/replay", json={}).json()
    assert (answer["replayed"], [*answer["refused"]]) == ([text], [large])
    assert [letter["message"] for letter in client.get("/dead-letters").json()] == [large]
    events = cloud.call(lambda parts: parts.records.events[recorded:])
    sent = [event for event in events if isinstance(event, Sent) and event.queue == REQUESTS]
    again = [base64.b64decode(event.body).decode() for event in sent]
    assert again == [letters.read(ours, encode(OURS)).again, "not JSON"]
    assert client.post(f"/queues/{DEAD}/purge", json={}).json()["discarded"] == 1
