"""`ota-modules outcomes`."""

import json
from typing import Any

from tests.support.waiting import eventually


def event(status: str, product: str = "a1", moment: str = "2026-01-31T08:00:00Z") -> dict[str, Any]:
    data = {"Status": status, "ProductKey": product, "ModuleName": "mcu"}
    return {"id": status, "causationid": "x", "time": moment, "data": data}


def test_only_wanted_outcomes_are_shown_as_they_come(cloud: Any, ota_modules: Any) -> None:
    """By status and by product; as JSON lines where that is asked for: the whole event."""
    arguments = ("outcomes", "--keep", "mine", "--status", "rejected", "--product", "a1")
    ota_modules(*arguments, "--for", "0")
    wanted = event("rejected", "a1")
    shown = []
    for options in ([], ["--json"]):
        for each in (wanted, event("created"), event("rejected", "a2"), wanted):
            cloud.publish(each)
        shown.append(ota_modules(*arguments, "--count", "2", *options))
    assert [line.split()[:2] for line in shown[0].out.splitlines()] == [["rejected", "a1/mcu"]] * 2
    assert shown[1].records == [wanted, wanted]


def test_outcomes_are_followed_from_now_on(cloud: Any, ota_modules: Any, answer: Any) -> None:
    """Through a subscription that ends with the command."""
    topic, request = cloud.target.names.result_topic, {"Id": "x", "ProductKey": "a1", "ModuleName": "mcu"}
    cloud.mailbox.send(cloud.target.names.request_queue, [json.dumps(request)])
    answer(lambda _request: {"Status": eventually(lambda: cloud.service.topics.subscriptions(topic)) and "created"})
    assert [record["data"]["Status"] for record in ota_modules("outcomes", "--count", "1", "--json").records] == [
        "created"
    ]
    assert cloud.mailbox.queues("ota-modules-") == cloud.mailbox.subscriptions(topic) == []


def test_a_kept_subscription_misses_nothing(cloud: Any, ota_modules: Any) -> None:
    """What comes between two runs is there in the second; --since leaves the older out.

    Forgotten, it leaves neither queue nor subscription, or they would gather outcomes for ever.
    """
    ota_modules("outcomes", "--keep", "mine", "--for", "0")
    assert cloud.depth("ota-modules-kept-mine") == 0
    for moment in ("2026-01-31T08:00:00Z", "2026-01-31T09:00:00Z"):
        cloud.publish(event("created", moment=moment))
    ended = ota_modules("outcomes", "--keep", "mine", "--since", "2026-01-31T08:30:00Z", "--count", "1", "--json")
    assert [record["time"] for record in ended.records] == ["2026-01-31T09:00:00Z"]
    assert ota_modules("outcomes", "--forget", "mine").status == 0
    assert cloud.mailbox.queues("ota-modules-") == cloud.mailbox.subscriptions(cloud.target.names.result_topic) == []


def test_the_past_is_read_from_the_queue_of_the_deployment(cloud: Any, ota_modules: Any) -> None:
    """By time, as far as it is wanted; and it stays there for others."""
    queue = cloud.target.names.outcome_queue
    moments = ("2026-01-31T09:30:00Z", "2026-01-31T08:00:00Z", "2026-01-31T09:00:00Z")
    cloud.mailbox.send(queue, [json.dumps(event("created", moment=moment)) for moment in moments])
    ended = ota_modules("outcomes", "--since", "2026-01-31T08:30:00Z", "--for", "0", "--json")
    assert "reading about 3 earlier outcomes" in ended.err
    assert [record["time"] for record in ended.records] == ["2026-01-31T09:00:00Z", "2026-01-31T09:30:00Z"]
    assert cloud.depth(queue) == 3
    eventually(lambda: cloud.service.depths(queue).active == 3 or None)
