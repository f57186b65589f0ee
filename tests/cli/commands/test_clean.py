"""`ota-modules clean`."""

import json
from typing import Any

TEMPORARY = "ota-modules-send-12345678"
KEPT = "ota-modules-kept-mine"


def leave(cloud: Any) -> None:
    for name in (TEMPORARY, KEPT):
        cloud.mailbox.create_queue(name)
        cloud.mailbox.subscribe(cloud.names.result_topic, name)


def names(cloud: Any) -> set[str]:
    return {each.name for each in cloud.service.topics.subscriptions(cloud.names.result_topic)}


def test_what_commands_left_behind_is_removed(cloud: Any, ota_modules: Any) -> None:
    """Queue and subscription, of a day's age or another one; what somebody keeps stays, and so do the deployment's own queues."""
    leave(cloud)
    assert "0 temporary queues removed" in ota_modules("clean", "--yes").out
    ended = ota_modules("clean", "--older", "0s", "--yes", "--json")
    assert ended.status == 0, ended.err
    assert [json.loads(each)["Queue"] for each in ended.out.splitlines()] == [TEMPORARY]
    assert TEMPORARY not in cloud.service.queues.names()
    assert {KEPT, cloud.names.request_queue} <= set(cloud.service.queues.names())
    assert names(cloud) == {KEPT}


def test_nothing_is_removed_unless_the_answer_is_yes(cloud: Any, ota_modules: Any) -> None:
    """What would be is listed first."""
    leave(cloud)
    ended = ota_modules("clean", "--older", "0s", text="n\n")
    assert ended.status == 1
    assert TEMPORARY in ended.out
    assert names(cloud) == {TEMPORARY, KEPT}


def test_a_subscription_without_its_queue_is_removed_too(cloud: Any, ota_modules: Any) -> None:
    """It would push to nowhere for ever."""
    leave(cloud)
    cloud.mailbox.delete_queue(TEMPORARY)
    ota_modules("clean", "--older", "0s", "--yes")
    assert names(cloud) == {KEPT}
