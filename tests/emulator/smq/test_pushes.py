"""What a topic pushes: to HTTP servers and functions, again and again until they take it or the retries end."""

import asyncio
import queue as queues
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from emulator.clock import Clock
from emulator.ram.keys import Accounts
from emulator.smq.service import MessageService
from emulator.smq.topics import Subscription

Serve = Callable[[ASGIApp], str]
FUNCTION = "acs:fc:cn-shanghai:1234567890123456:functions/f"


@pytest.fixture
def service() -> Iterator[MessageService]:
    # Waits between tries shrink from seconds to milliseconds.
    service = MessageService(Accounts(), clock=Clock(scale=0.001))
    service.topics.create("t")
    yield service
    service.close()


class Web:
    """An HTTP subscriber that notes what it gets and answers with the statuses it was given, then 204."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.got: queues.Queue[tuple[str, dict[str, str], str]] = queues.Queue()
        self.app = Starlette(routes=[Route("/{path:path}", self.answer, methods=["POST"])])

    async def answer(self, request: Request) -> Response:
        self.got.put((request.url.path, dict(request.headers), (await request.body()).decode()))
        return Response(status_code=self.statuses.pop(0) if self.statuses else 204)


@asynccontextmanager
async def running(service: MessageService) -> AsyncIterator[None]:
    """The deliveries of a service without a server."""
    service.pusher.resume()
    yield
    await service.pusher.stop()


async def published(service: MessageService, body: str, tag: str = "", **attributes: str) -> None:
    """Publish, and wait until nothing is left to deliver."""
    async with running(service):
        service.publish("t", body, tag, attributes)
        await delivered(service)


async def delivered(service: MessageService) -> None:
    for _ in range(2000):
        if not service.pusher.waiting("t"):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("not delivered")


def test_an_http_subscriber_gets_a_post(service: MessageService, serve: Serve) -> None:
    web = Web()
    service.topics.subscribe(Subscription("t", "s", serve(web.app) + "/hook", notify_format="SIMPLIFIED"))
    asyncio.run(published(service, "hello", "模块"))
    path, headers, body = web.got.get(timeout=20)
    assert (path, body, headers["x-mns-topic-name"], headers["x-mns-subscription-name"]) == ("/hook", "hello", "t", "s")
    assert headers["x-mns-message-tag"].encode("latin-1").decode() == "模块"


def test_an_http_subscriber_that_fails_gets_it_again(service: MessageService, serve: Serve) -> None:
    """The default path is /notifications."""
    web = Web(500, 503)
    service.topics.subscribe(Subscription("t", "s", serve(web.app), notify_format="SIMPLIFIED"))
    asyncio.run(published(service, "hello"))
    tries = [web.got.get(timeout=20) for _ in range(3)]
    assert len({headers["x-mns-message-id"] for _, headers, _ in tries}) == 1
    assert (tries[0][0], web.got.empty()) == ("/notifications", True)


def test_an_http_subscriber_that_is_not_there_is_given_up(service: MessageService) -> None:
    service.topics.subscribe(Subscription("t", "s", "http://127.0.0.1:9/"))
    asyncio.run(published(service, "hello"))
    assert service.pusher.waiting("t") == 0


def test_an_xml_notification_goes_out_as_xml(service: MessageService, serve: Serve) -> None:
    web = Web()
    service.topics.subscribe(Subscription("t", "s", serve(web.app)))
    asyncio.run(published(service, "hello"))
    _, headers, body = web.got.get(timeout=20)
    assert headers["content-type"] == "text/xml;charset=utf-8"
    assert "<Message>hello</Message>" in body


@pytest.mark.parametrize(
    ("attributes", "wanted"),
    [({}, "hello"), ({"Extend": '{"k":1}'}, '{"body": "hello", "attrs": {"Extend": "{\\"k\\":1}"}}')],
    ids=["plain", "attributes"],
)
def test_a_function_gets_a_stream(service: MessageService, attributes: dict[str, str], wanted: str) -> None:
    got: list[str] = []

    async def receiver(body: bytes) -> bool:
        got.append(body.decode())
        return len(got) > 1

    service.topics.subscribe(Subscription("t", "s", FUNCTION, notify_format="STREAM"))
    service.pusher.receivers[FUNCTION] = receiver
    asyncio.run(published(service, "hello", **attributes))
    assert got == [wanted, wanted]


def test_what_is_never_taken_is_given_up(service: MessageService) -> None:
    tries: list[bytes] = []

    async def receiver(body: bytes) -> bool:
        tries.append(body)
        return False

    service.topics.subscribe(Subscription("t", "s", FUNCTION, notify_format="STREAM"))
    service.pusher.receivers[FUNCTION] = receiver
    asyncio.run(published(service, "x"))
    assert len(tries) == 4


def test_nobody_waits_for_a_subscriber_that_left(service: MessageService) -> None:
    async def scenario() -> None:
        async with running(service):
            service.publish("t", "x")
            await asyncio.sleep(0)
            service.topics.unsubscribe("t", "s")
            await delivered(service)

    service.topics.subscribe(Subscription("t", "s", FUNCTION, strategy="EXPONENTIAL_DECAY_RETRY"))
    asyncio.run(scenario())


def test_a_queue_that_is_made_late_gets_the_message_all_the_same(service: MessageService) -> None:
    async def scenario() -> None:
        async with running(service):
            service.publish("t", "x")
            service.create_queue("late")
            await delivered(service)

    service.topics.subscribe(
        Subscription("t", "s", "acs:mns:cn-shanghai:1234567890123456:queues/late", notify_format="SIMPLIFIED")
    )
    asyncio.run(scenario())
    assert [message.body for message in service.receive("late")] == ["x"]


def test_what_was_not_delivered_is_after_a_restart(service: MessageService) -> None:
    got: list[bytes] = []

    async def receiver(body: bytes) -> bool:
        got.append(body)
        return True

    async def scenario() -> None:
        async with running(service):
            await delivered(service)

    service.topics.subscribe(Subscription("t", "s", FUNCTION, notify_format="STREAM"))
    service.publish("t", "before")
    service.pusher.receivers[FUNCTION] = receiver
    asyncio.run(scenario())
    assert got == [b"before"]
