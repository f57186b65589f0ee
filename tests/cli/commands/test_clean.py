"""`ota-modules clean`."""

from typing import Any

import pytest

TEMPORARY = "ota-modules-send-12345678"
KEPT = "ota-modules-kept-mine"


@pytest.fixture(autouse=True)
def leftovers(cloud: Any) -> None:
    for name in (TEMPORARY, KEPT):
        cloud.mailbox.create_queue(name)
        cloud.mailbox.subscribe(cloud.target.names.result_topic, name)


def subscriptions(cloud: Any) -> set[str]:
    return {each.name for each in cloud.service.topics.subscriptions(cloud.target.names.result_topic)}


def test_what_commands_left_behind_is_removed(cloud: Any, ota_modules: Any) -> None:
    """Queue and subscription, of a day's age or another one; what somebody keeps stays, and so do the deployment's own queues."""
    assert "0 temporary queues removed" in ota_modules("clean", "--yes").out
    ended = ota_modules("clean", "--older", "0s", "--yes", "--json")
    assert (ended.status, [record["Queue"] for record in ended.records]) == (0, [TEMPORARY])
    queues = set(cloud.service.queues.names())
    assert queues & {TEMPORARY, KEPT, cloud.target.names.request_queue} == {KEPT, cloud.target.names.request_queue}
    assert subscriptions(cloud) == {KEPT}


def test_nothing_is_removed_unless_the_answer_is_yes(cloud: Any, ota_modules: Any) -> None:
    """What would be is listed first. A subscription without its queue is removed, too: it would push to nowhere for ever."""
    cloud.mailbox.delete_queue(TEMPORARY)
    ended = ota_modules("clean", "--older", "0s", text="n\n")
    assert (ended.status, TEMPORARY in ended.out) == (1, True)
    assert subscriptions(cloud) == {TEMPORARY, KEPT}
    assert ota_modules("clean", "--older", "0s", text="y\n").status == 0
    assert subscriptions(cloud) == {KEPT}
