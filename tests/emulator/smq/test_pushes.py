"""Deliveries of a topic to HTTP servers, functions and queues, with their retries."""

import asyncio
import queue as queues
from collections.abc import Callable, Iterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from emulator.clock import Clock
from emulator.ram.keys import Accounts
from emulator.smq.service import MessageService
from emulator.smq.topics import Subscription, TopicAttributes
from tests.support.waiting import soon

FUNCTION = "acs:fc:cn-shanghai:1234567890123456:functions/f"


@pytest.fixture
def service() -> Iterator[MessageService]:
    # Waits between tries shrink from seconds to milliseconds.
    service = MessageService(Accounts(), clock=Clock(scale=0.001))
    service.topics.create("t", TopicAttributes())
    yield service
    service.close()


class Web:
    """An HTTP subscriber that notes requests, and answers with the given statuses, then 204."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.requests: queues.Queue[tuple[str, dict[str, str], str]] = queues.Queue()
        self.app = Starlette(routes=[Route("/{path:path}", self.answer, methods=["POST"])])

    async def answer(self, request: Request) -> Response:
        self.requests.put((request.url.path, dict(request.headers), (await request.body()).decode()))
        return Response(status_code=self.statuses.pop(0) if self.statuses else 204)


def subscribe_function(service: MessageService, accepted: int = 1) -> list[str]:
    """Subscribe a function that accepts a notification at the given try; return the list of what it gets."""
    bodies: list[str] = []

    async def receive(body: bytes) -> bool:
        bodies.append(body.decode())
        return len(bodies) >= accepted

    service.pusher.receivers[FUNCTION] = receive
    service.topics.subscribe(Subscription("t", "s", FUNCTION, notify_format="STREAM"))
    return bodies


def deliver(service: MessageService, *actions: Callable[[], object]) -> None:
    """Run the deliveries and the actions until nothing is left to deliver."""

    async def run() -> None:
        service.pusher.resume()
        for action in actions:
            action()
            await asyncio.sleep(0)
        await soon(lambda: not service.pusher.waiting("t"))
        await service.pusher.stop()

    asyncio.run(run())


def test_an_http_subscriber_gets_posts_until_it_accepts(
    service: MessageService, serve: Callable[[ASGIApp], str]
) -> None:
    """The default path is /notifications."""
    hook, failing = Web(), Web(500, 503)
    service.topics.subscribe(Subscription("t", "s", f"{serve(hook.app)}/hook", notify_format="SIMPLIFIED"))
    service.topics.subscribe(Subscription("t", "failing", serve(failing.app)))
    deliver(service, lambda: service.publish("t", "hello", "模块"))
    path, headers, body = hook.requests.get(timeout=20)
    assert (path, body, headers["x-mns-topic-name"], headers["x-mns-subscription-name"]) == ("/hook", "hello", "t", "s")
    assert headers["x-mns-message-tag"].encode("latin-1").decode() == "模块"
    tries = [failing.requests.get(timeout=20) for _ in range(3)]
    path, headers, body = tries[0]
    assert {headers["x-mns-message-id"] for _, headers, _ in tries} == {headers["x-mns-message-id"]}
    assert (path, headers["content-type"]) == ("/notifications", "text/xml;charset=utf-8")
    assert "<Message>hello</Message>" in body
    assert (hook.requests.empty(), failing.requests.empty()) == (True, True)


@pytest.mark.parametrize(
    ("attributes", "body"),
    [({}, "hello"), ({"Extend": '{"k":1}'}, '{"body": "hello", "attrs": {"Extend": "{\\"k\\":1}"}}')],
    ids=["plain", "attributes"],
)
def test_a_function_gets_a_stream(service: MessageService, attributes: dict[str, str], body: str) -> None:
    bodies = subscribe_function(service, accepted=2)
    deliver(service, lambda: service.publish("t", "hello", attributes=attributes))
    assert bodies == [body, body]


def test_a_message_that_is_never_accepted_is_given_up_after_three_retries(service: MessageService) -> None:
    """Also where no subscriber is there."""
    bodies = subscribe_function(service, accepted=9)
    service.topics.subscribe(Subscription("t", "nobody", "http://127.0.0.1:9/"))
    deliver(service, lambda: service.publish("t", "x"))
    assert len(bodies) == 4


def test_a_removed_subscription_ends_its_retries(service: MessageService) -> None:
    service.topics.subscribe(Subscription("t", "s", FUNCTION, strategy="EXPONENTIAL_DECAY_RETRY"))
    deliver(service, lambda: service.publish("t", "x"), lambda: service.topics.unsubscribe("t", "s"))


def test_a_queue_that_is_made_later_gets_the_message(service: MessageService) -> None:
    endpoint = "acs:mns:cn-shanghai:1234567890123456:queues/late"
    service.topics.subscribe(Subscription("t", "s", endpoint, notify_format="SIMPLIFIED"))
    deliver(service, lambda: service.publish("t", "x"), lambda: service.create_queue("late"))
    assert [message.body for message in service.receive("late")] == ["x"]


def test_a_message_published_before_the_start_is_delivered_after_it(service: MessageService) -> None:
    bodies = subscribe_function(service)
    service.publish("t", "before")
    deliver(service)
    assert bodies == ["before"]
