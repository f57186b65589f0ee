"""The first port: the control API behind the page."""

import base64
import json
import signal
import subprocess
import sys
from typing import Any

import httpx
import pytest

from emulator.console import letters
from emulator.local import LocalCloud
from tests.support.paths import ROOT
from tests.support.waiting import eventually

DEAD = "ota-module-dead-letters"
REQUESTS = "ota-module-requests"
OUTCOMES = "ota-module-outcomes"


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def story(client: httpx.Client, name: str, kind: str) -> dict[str, Any]:
    """The story of a request, as soon as it holds a step of this kind."""

    def read() -> dict[str, Any] | None:
        found: dict[str, Any] = client.get(f"/requests/{name}").json()
        return found if kind in [step["kind"] for step in found.get("steps", ())] else None

    found: dict[str, Any] = eventually(read)
    return found


def kinds(found: dict[str, Any]) -> list[str]:
    return [step["kind"] for step in found["steps"]]


def events(client: httpx.Client, *names: str, after: str = "") -> dict[str, Any]:
    """The first event of each of these names that the stream tells."""
    found: dict[str, Any] = {}
    with client.stream("GET", "/events", headers={"last-event-id": after} if after else {}) as answer:
        number, name = "", ""
        for line in answer.iter_lines():
            field, _, value = line.partition(": ")
            number = value if field == "id" else number
            name = value if field == "event" else name
            if field == "data" and name in names and name not in found:
                found[name] = json.loads(value)
                found[f"{name} id"] = number
            if all(each in found for each in names):
                return found
    raise AssertionError(f"the stream ended without {names}")


# What is told


def test_the_page_takes_no_outcome_from_those_who_wait_for_it(client: httpx.Client, cloud: LocalCloud) -> None:
    """It is told to the page, and lies in the queue as before."""
    before = cloud.call(lambda cloud: cloud.smq.depths(OUTCOMES).active)
    cloud.call(lambda cloud: cloud.smq.publish("ota-module-results", encoded({"id": "n1", "causationid": "n1"})))
    assert kinds(story(client, "n1", "published")) == ["published"]
    assert cloud.call(lambda cloud: cloud.smq.depths(OUTCOMES).active) == before + 1
    assert len(cloud.call(lambda cloud: cloud.template.subscriptions)) == len(
        cloud.call(lambda cloud: cloud.smq.topics.subscriptions("ota-module-results"))
    )


def test_the_stream_begins_with_all_that_is_known(client: httpx.Client, cloud: LocalCloud) -> None:
    """Then come only changes; a page that comes back is told what it missed."""
    cloud.call(lambda cloud: cloud.smq.publish("ota-module-results", encoded({"id": "s1", "causationid": "s1"})))
    story(client, "s1", "published")
    told = events(client, "hello", "rates", "outcomes", "state")
    assert set(told["hello"]["urls"]) == {"console", "iot", "smq", "fc"}
    assert told["outcomes"][-1]["id"] == "s1"
    assert told["state"]["queues"][OUTCOMES]["active"] >= 1
    cloud.call(lambda cloud: cloud.smq.publish("ota-module-results", encoded({"id": "s2", "causationid": "s2"})))
    missed = events(client, "hello", "outcomes", after=told["outcomes id"])
    assert [each["id"] for each in missed["outcomes"]] == ["s2"]


@pytest.mark.parametrize("after", ["other:5", "nonsense", "x:99999999999999999999", ":"])
def test_a_page_of_another_run_is_told_everything(client: httpx.Client, cloud: LocalCloud, after: str) -> None:
    """What it remembers is of no use."""
    cloud.call(lambda cloud: cloud.smq.publish("ota-module-results", encoded({"id": "r1", "causationid": "r1"})))
    story(client, "r1", "published")
    assert events(client, "outcomes", after=after)["outcomes"][0]["n"] == 1


def test_a_request_over_http_has_a_story(client: httpx.Client) -> None:
    """Delivered, called, read back, published; the answer is the trigger's own."""
    order = {"via": "http", "request": {"ProductKey": "a1Known0001", "ModuleName": "MODEM", "Id": "over-http"}}
    answer = client.post("/requests", json=order).json()
    assert (answer["status"], answer["body"]["Status"]) == (200, "existing")
    found = story(client, "over-http", "worked")
    assert kinds(found) == ["delivered", "call", "call", "published", "worked"]
    calls = [step for step in found["steps"] if step["kind"] == "call"]
    assert [call["operation"] for call in calls] == ["CreateOTAModule", "ListOTAModuleByProduct"]
    assert [call["success"] for call in calls] == [False, True]
    assert calls[0]["code"]


def test_each_of_two_requests_for_one_module_has_its_own_calls(client: httpx.Client) -> None:
    """They take turns: one creates it, the other finds it there."""
    for name in ("turn-1", "turn-2"):
        request = {"ProductKey": "a1Fleet0001", "ModuleName": "turns", "Id": name}
        client.post("/requests", json={"via": "queue", "request": request})
    calls = {
        name: [step["operation"] for step in story(client, name, "acknowledged")["steps"] if step["kind"] == "call"]
        for name in ("turn-1", "turn-2")
    }
    assert sorted(map(len, calls.values())) == [1, 2]


def test_calls_that_a_fault_swallowed_are_told(client: httpx.Client) -> None:
    """They never reached the API: the function counted them, and the story says so."""
    rule = {"service": "iot", "operation": "CreateOTAModule", "kind": "status", "times": 1, "contains": "swallowed"}
    client.post("/faults", json=rule)
    order = {"via": "http", "request": {"ProductKey": "a1Fleet0002", "ModuleName": "swallowed", "Id": "swallowed"}}
    client.post("/requests", json=order)
    client.delete("/faults")
    worked = next(step for step in story(client, "swallowed", "worked")["steps"] if step["kind"] == "worked")
    assert worked["lost"] == 1


def test_a_batch_that_a_dying_function_held_is_told(client: httpx.Client) -> None:
    """The call that ended in an error stands in the story, and the one that went well after it."""
    rule = {"service": "iot", "operation": "CreateOTAModule", "kind": "kill", "times": 1, "contains": "killed"}
    client.post("/faults", json=rule)
    client.post(
        "/requests",
        json={"via": "queue", "request": {"ProductKey": "a1Fleet0003", "ModuleName": "killed", "Id": "killed"}},
    )
    failed = next(step for step in story(client, "killed", "failed")["steps"] if step["kind"] == "failed")
    client.delete("/faults")
    assert failed["function"] == "ota-modules-queue"
    assert failed["error"] == "UnhandledInvocationError"


def test_what_nobody_saw_has_no_story(client: httpx.Client) -> None:
    """Nor has an outcome that never came."""
    assert client.get("/requests/nobody").status_code == 404
    assert client.get("/outcomes/999999").status_code == 404


def test_the_modules_are_told_by_product(client: httpx.Client) -> None:
    """Custom ones: `default` belongs to every product."""
    products = {product["key"]: product for product in client.get("/modules").json()}
    assert len(products["a1Full00010"]["modules"]) == products["a1Full00010"]["most"] == 10
    assert products["a1Demo00001"]["modules"] == []


def test_no_key_token_or_secret_is_told(client: httpx.Client, cloud: LocalCloud) -> None:
    """Not in the state, the stream or a story, though the calls were signed with them."""
    order = {"via": "http", "request": {"ProductKey": "a1Fleet0004", "ModuleName": "secretive", "Id": "secretive"}}
    client.post("/requests", json=order)
    told = [json.dumps(story(client, "secretive", "call")), client.get("/state").text, client.get("/modules").text]
    told.append(json.dumps(events(client, "hello", "rates", "outcomes", "state")))
    issued = cloud.call(lambda cloud: list(cloud.accounts.issued))
    assert issued
    for secret in ["testsecret", *(part for key in issued for part in (key.id, key.secret, key.token))]:
        assert not [text for text in told if secret in text]


def test_the_log_lines_of_a_request_are_in_its_story(client: httpx.Client) -> None:
    """Its own, and those about the whole invocation; not those of others."""
    order = {"via": "http", "request": {"ProductKey": "a1Fleet0004", "ModuleName": "logged", "Id": "logged"}}
    client.post("/requests", json=order)
    story(client, "logged", "worked")
    lines = eventually(lambda: [one for one in [story(client, "logged", "worked")["log"]] if len(one) == 2])[0]
    assert [(line["level"], line["event"]) for line in lines] == [("INFO", "request"), ("INFO", "summary")]
    assert lines[0]["fields"]["status"] == "created"
    assert lines[0]["at"] <= lines[1]["at"]


def state(client: httpx.Client) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/state").json()
    return found


def test_calls_that_meet_a_fault_are_counted_and_told(client: httpx.Client) -> None:
    """Before and after their effect, answered or cut off; the API fails until a call succeeds."""
    before = state(client)["failures"]["failed"].get("CreateOTAModule", 0)
    spoiled: list[dict[str, Any]] = [
        {"kind": "status"}, {"kind": "drop"}, {"kind": "drop", "after": True}, {"kind": "html", "status": 502},
    ]  # fmt: skip
    for number, more in enumerate(spoiled):
        rule = {"service": "iot", "operation": "CreateOTAModule", "times": 1, "contains": f"spoiled-{number}", **more}
        client.post("/faults", json=rule)
        request = {"ProductKey": "a1Fleet0004", "ModuleName": f"spoiled-{number}", "Id": f"spoiled-{number}"}
        client.post("/requests", json={"via": "http", "request": request})
    client.delete("/faults")
    eventually(lambda: state(client)["failures"]["failed"].get("CreateOTAModule", 0) == before + 4)
    assert state(client)["health"]["error"]["text"]


def test_the_state_of_the_api_is_that_of_its_last_calls(client: httpx.Client, cloud: LocalCloud) -> None:
    """503 for everybody: failing, with the reason."""
    client.post("/faults", json={"service": "iot", "kind": "status"})
    httpx.post(f"{cloud.urls.iot}/?Action=CreateOTAModule", trust_env=False)
    health = eventually(lambda: [one for one in [state(client)["health"]] if "503" in one["error"]["text"]])[0]
    client.delete("/faults")
    assert health["error"]["source"] == "CreateOTAModule"
    assert health["api"]["state"] == "failing"
    assert health["api"]["failed"] >= 1


def test_the_requests_of_a_run_are_told_together(client: httpx.Client, cloud: LocalCloud) -> None:
    """Sent, answered, and how; a replay replaces the status that it had."""
    requests = [{"ProductKey": "a1Nothing", "ModuleName": "m", "Id": f"5ea7ef0c-{number}"} for number in (1, 2, 3)]
    for request in requests:
        cloud.call(lambda cloud, request=request: cloud.smq.send(REQUESTS, encoded(request)))  # type: ignore[misc]

    def run() -> dict[str, Any] | None:
        runs = {one["run"]: one for one in state(client)["runs"]}
        return runs.get("5ea7ef0c") if runs.get("5ea7ef0c", {}).get("answered") == 3 else None

    found = eventually(run)
    assert found
    assert (found["sent"], found["statuses"]) == (3, {"rejected": 3})


def test_outcomes_can_be_had_as_a_table(client: httpx.Client, cloud: LocalCloud) -> None:
    """Those of a status, with some words; Chinese survives, and nothing of it is a formula."""
    for number, status in enumerate(("failed", "created")):
        data = {"Status": status, "ProductKey": "a1Table", "ModuleName": "=1+1", "ErrorMessage": "默认"}
        event = {"id": f"t{number}", "causationid": f"table-{number}", "data": data}
        cloud.call(lambda cloud, event=event: cloud.smq.publish("ota-module-results", encoded(event)))  # type: ignore[misc]
    story(client, "table-1", "published")
    answer = client.get("/outcomes.csv", params={"status": "failed", "search": "A1TABLE"})
    rows = answer.content.decode("utf-8-sig").splitlines()
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert rows[0] == "time,status,product,module,id,correlation,attempts,note"
    assert [row.split(",", 1)[1] for row in rows[1:]] == ["failed,a1Table,'=1+1,table-0,,,默认"]


def test_a_queue_is_purged_of_what_nobody_has_in_hand(client: httpx.Client, cloud: LocalCloud) -> None:
    """Delayed messages too; other queues, and those of strangers, are not touched."""
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
    """The function's own, an event that the stream gave up, and a message that the queue gave up."""
    request = {"ProductKey": "a1Fleet0005", "ModuleName": "dead", "Attempt": 5}
    ours = encoded({"Reason": "quota", "Detail": "why", "Request": {**request, "Id": "ours", "Tried": True}})
    event = json.dumps({"id": "e", "data": {"messageId": "m-1", "messageBody": json.dumps(request)}})
    bodies = [ours, event, encoded([request, {**request, "Id": "two"}]), "not JSON"]
    cloud.call(lambda cloud: [cloud.smq.send(DEAD, body) for body in bodies])
    found = client.get("/dead-letters").json()
    assert [letter["reason"] for letter in found] == ["quota", "undelivered", "undelivered", "undelivered"]
    assert [[one["Id"] for one in letter["requests"]] for letter in found[:2]] == [["ours"], ["m-1"]]
    one = found[0]["message"]
    before = cloud.call(lambda cloud: len(cloud.records.events))
    assert client.post("/dead-letters/replay", json={"messages": [one, "gone"]}).json()["replayed"] == [one]
    assert len(client.get("/dead-letters").json()) == 3
    assert len(client.post("/dead-letters/replay", json={}).json()["replayed"]) == 3
    again = [
        base64.b64decode(each.body).decode()
        for each in cloud.call(lambda cloud: cloud.records.events[before:])
        if getattr(each, "queue", "") == REQUESTS and hasattr(each, "body")
    ]
    fresh = {"ProductKey": "a1Fleet0005", "ModuleName": "dead", "Replay": 1}
    third = found[2]["message"]
    assert [json.loads(each) for each in again[:3]] == [
        {**fresh, "Id": "ours", "Tried": True}, {**fresh, "Id": "m-1"},
        [{**fresh, "Id": f"{third}/1"}, {**fresh, "Id": "two"}],
    ]  # fmt: skip
    assert again[3] == "not JSON"
    assert client.get("/dead-letters").json() == []


def test_a_letter_is_discarded_and_no_other(client: httpx.Client, cloud: LocalCloud) -> None:
    """Only by its id: there is no way to discard all."""
    one, other = (cloud.call(lambda cloud, body=body: cloud.smq.send(DEAD, body)) for body in ("one", "other"))  # type: ignore[misc]
    assert client.post("/dead-letters/discard", json={}).status_code == 422
    assert client.post("/dead-letters/discard", json={"messages": [one, "gone"]}).json() == {"discarded": [one]}
    assert [letter["message"] for letter in client.get("/dead-letters").json()] == [other]
    assert client.post("/queues/ota-module-dead-letters/purge", json={}).json()["discarded"] == 1


@pytest.mark.parametrize(("before", "after"), [(None, 1), (0, 1), (3, 4), ("x", "x"), (1_000_000, 1_000_000)])
def test_each_replay_is_counted(before: object, after: object) -> None:
    """By it the outcome after a replay has another id than the one before: nobody takes them for one."""
    request = {"ProductKey": "a1", "ModuleName": "m", "Since": 5, "Attempt": 5, "Id": "kept", "Replay": before}
    again = json.loads(letters.read("m", encoded(request)).again)
    assert again == {"ProductKey": "a1", "ModuleName": "m", "Id": "kept", "Replay": after}


def test_a_letter_that_cannot_be_sent_again_stays(client: httpx.Client, cloud: LocalCloud) -> None:
    """Sent first, deleted after: what the request queue does not take is not lost."""
    cloud.call(lambda cloud: cloud.smq.send(DEAD, "not JSON " + "x" * 60_000))
    answer = client.post("/dead-letters/replay", json={}).json()
    left = client.get("/dead-letters").json()
    assert answer["replayed"] == []
    assert list(answer["refused"]) == [letter["message"] for letter in left]
    assert len(left) == 1


def test_a_cloud_ends_at_once_while_a_page_is_open() -> None:
    """The stream sees that the server ends, and ends too: nobody is cut off, and nothing is complained of."""
    command = [sys.executable, "-m", "tests.support.cloud_process", str(ROOT / "template.yml")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        url = process.stdout.readline().split()[1]
        with httpx.Client(trust_env=False, timeout=30) as client, client.stream("GET", f"{url}/events") as answer:
            lines = answer.iter_lines()
            assert next(lines) == "event: hello"
            process.send_signal(signal.SIGINT)
            for _line in lines:
                pass
        _output, errors = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, errors) == (0, "")
