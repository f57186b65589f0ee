"""The control API of faults."""

import httpx

DELAY = {"service": "iot", "operation": "CreateOTAModule", "kind": "delay", "seconds": 2, "times": 5}


def test_a_rule_is_added_shown_and_ended(client: httpx.Client) -> None:
    """A wrong one is refused with its field."""
    added = client.post("/faults", json=DELAY)
    rule = added.json()
    assert (added.status_code, rule) == (201, {"id": rule["id"], **DELAY, "seen": 0, "fired": 0})
    assert client.post("/faults", json={**DELAY, "kind": "explode"}).json()["detail"].startswith("kind: ")
    assert client.get("/faults").json() == [rule]
    assert client.delete(f"/faults/{rule['id']}").json() == []
    assert client.delete(f"/faults/{rule['id']}").status_code == 404


def test_a_plan_takes_the_place_of_the_one_before(client: httpx.Client) -> None:
    client.post("/faults", json=DELAY)
    plan = {"seed": 3, "rules": [{"service": "smq", "kind": "reset"}]}
    assert [rule["kind"] for rule in client.put("/faults", json=plan).json()] == ["reset"]
    assert client.get("/faults/plan").json() == plan
    assert client.delete("/faults").json() == []
    assert client.get("/faults/plan").json() == {"seed": 3}
