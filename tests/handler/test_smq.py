"""SMQ: the function's messages, sent to the local cloud."""

import base64
import socket
import threading
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mns.auth import StaticCredentialsProvider
from mns.mns_client import MNSClient
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Accounts
from emulator.smq.api import app as smq_api
from emulator.smq.service import MessageService as Cloud
from emulator.smq.topics import Subscription, TopicAttributes
from handler.clock import Clock
from handler.connections import Connection, Transport
from handler.credentials import Credentials
from handler.errors import CallError, Misconfigured, SinkError, TooLarge
from handler.http1 import Answer
from handler.retry import PUBLISH
from handler.smq import Message, Outbox, sign_smq
from tests.support.pipeline_world import SETTINGS

KEYS = Credentials(ACCESS_KEY_ID, ACCESS_KEY_SECRET)


@pytest.fixture
def cloud() -> Cloud:
    made = Cloud(Accounts())
    for queue in ("requests", "dead", "outcomes"):
        made.create_queue(queue)
    made.topics.create("results", TopicAttributes())
    outcomes = "acs:mns:cn-shanghai:1234567890123456:queues/outcomes"
    made.topics.subscribe(Subscription("results", "all", outcomes, notify_format="SIMPLIFIED"))
    return made


def outbox(url: str, keys: Credentials = KEYS, seconds: float = 10.0, topic: str = "results") -> Outbox:
    clock = Clock()
    connect = lambda: Connection(url, "OTA_MNS_ENDPOINT", connect_timeout=1, read_timeout=5, tls=None)  # noqa: E731
    settings = SETTINGS.model_copy(update={"OTA_RESULT_TOPIC": topic})
    return Outbox(Transport(connect), clock, lambda: 0.5, settings, lambda: keys, clock.now() + seconds)


def bodies(cloud: Cloud, queue: str) -> list[str]:
    return [base64.b64decode(message.body).decode() for message in cloud.receive(queue, 16)]


Serve = Callable[[ASGIApp], str]


@pytest.fixture
def box(cloud: Cloud, serve: Serve) -> Outbox:
    return outbox(serve(smq_api.application(cloud)))


def test_each_message_reaches_its_place(cloud: Cloud, box: Outbox) -> None:
    """As base64 of the JSON, which the SDKs decode; what is put back, with its delay."""
    box.publish('{"a": "微控"}', "created")
    box.dead_letter('{"Reason": "upstream"}')
    assert box.put_back([Message(str(n), 0 if n % 2 else 60) for n in range(16)]) == []
    assert bodies(cloud, "outcomes") == ['{"a": "微控"}']
    assert bodies(cloud, "dead") == ['{"Reason": "upstream"}']
    assert sorted(bodies(cloud, "requests"), key=int) == [str(n) for n in range(16) if n % 2]
    assert cloud.depths("requests").delayed == 8


@pytest.mark.parametrize(("seconds", "reserve", "back"), [(0.0, 0.0, [Message("1")]), (5.0, 5.0, [])])
def test_without_time_for_an_answer_nothing_is_sent(
    cloud: Cloud, box: Outbox, seconds: float, reserve: float, back: list[Message]
) -> None:
    """The invocation would end after its timeout; and outcomes that took the last seconds would leave what is
    not finished nowhere to go."""
    late = box._replace(until=Clock().now() + seconds, reserve=reserve)
    with pytest.raises(SinkError, match="no time left"):
        late.publish("{}", "created")
    with pytest.raises(SinkError, match="no time left"):
        late.dead_letter("{}")
    assert late.put_back([Message("1")]) == back
    assert (bodies(cloud, "outcomes"), bodies(cloud, "dead")) == ([], [])
    assert bodies(cloud, "requests") == ([] if back else ["1"])


def test_temporary_keys_are_sent_with_their_token(cloud: Cloud, box: Outbox) -> None:
    issued = cloud.accounts.issue("ota-modules")
    box._replace(keys=lambda: Credentials(issued.id, issued.secret, issued.token)).publish("{}", "created")
    with pytest.raises(SinkError):
        box._replace(keys=lambda: Credentials(issued.id, issued.secret, "wrong")).publish("{}", "created")


def test_what_is_too_large_is_not_sent(box: Outbox) -> None:
    """SMQ's 64 KiB count the base64."""
    with pytest.raises(TooLarge):
        box.publish("x" * 49_153, "created")
    box.publish("x" * 49_152, "created")


def test_a_missing_topic_is_not_tried_again(cloud: Cloud, serve: Serve) -> None:
    with pytest.raises(SinkError, match="TopicNotExist"):
        outbox(serve(smq_api.application(cloud)), topic="nowhere").publish("{}", "created")


class Faulty:
    """Passes on to an app, but for the first calls, which end as told."""

    def __init__(self, app: ASGIApp, faults: list[str]) -> None:
        self._app = app
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self._faults.pop(0) if scope["type"] == "http" and self._faults else "none"
        if fault == "none":
            return await self._app(scope, receive, send)
        if fault == "drop":

            async def nothing(_message: object) -> None: ...

            await self._app(scope, receive, nothing)
            raise ConnectionResetError
        status, body = (503, b"<html>busy</html>") if fault == "busy" else (200, b"garbage")
        await send(
            {"type": "http.response.start", "status": status, "headers": [(b"content-length", str(len(body)).encode())]}
        )
        await send({"type": "http.response.body", "body": body})
        return None


@pytest.mark.parametrize("faults", [["busy"], ["garbage"], ["drop"], ["busy", "busy"]])
def test_a_fault_of_the_service_may_double_an_outcome_and_never_loses_it(
    cloud: Cloud, serve: Serve, faults: list[str]
) -> None:
    outbox(serve(Faulty(smq_api.application(cloud), faults))).publish("{}", "created")
    assert set(bodies(cloud, "outcomes")) == {"{}"}


def test_a_batch_that_fails_is_sent_one_by_one(cloud: Cloud, serve: Serve) -> None:
    """Which of them were accepted, a fault does not say."""
    box = outbox(serve(Faulty(smq_api.application(cloud), ["busy"] * 3)))
    assert box.put_back([Message("1"), Message("2")]) == []
    assert set(bodies(cloud, "requests")) == {"1", "2"}


class Partial:
    """Refuses the second message of every batch and takes the others, without keeping them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.batches: list[int] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        body = await Request(scope, receive).body()
        count = body.count(b"<Message>")
        if count:
            self.batches.append(count)
            return await self._answer(count)(scope, receive, send)

        async def again() -> dict[str, object]:
            return {"type": "http.request", "body": body, "more_body": False}

        return await self._app(scope, again, send)

    def _answer(self, count: int) -> Response:
        taken = "<Message><MessageId>1</MessageId><MessageBodyMD5>1</MessageBodyMD5></Message>"
        refused = "<Message><ErrorCode>InternalError</ErrorCode><ErrorMessage>later</ErrorMessage></Message>"
        parts = "".join(refused if n == 1 else taken for n in range(count))
        xml = f'<Messages xmlns="http://mns.aliyuncs.com/doc/v1/">{parts}</Messages>'
        return Response(xml, 500, {"x-mns-request-id": "r1"})


def test_of_a_batch_taken_in_part_only_the_rest_is_sent_again(cloud: Cloud, serve: Serve) -> None:
    """Whoever sent all of it again would double every request that was taken, each time."""
    app = Partial(smq_api.application(cloud))
    assert outbox(serve(app)).put_back([Message(str(n)) for n in range(5)]) == []
    assert bodies(cloud, "requests") == ["1"]
    assert app.batches == [5]


def test_threads_do_not_share_a_connection(cloud: Cloud, box: Outbox) -> None:
    box = box._replace(until=Clock().now() + 30)

    def many(name: int) -> None:
        for number in range(20):
            box.publish(f"{name}-{number}", "created")

    threads = [threading.Thread(target=many, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    seen: set[str] = set()
    while more := bodies(cloud, "outcomes"):
        seen.update(more)
    assert len(seen) == 80


class Wire:
    """A transport that gives the same answer, or raises the same error, each time."""

    def __init__(self, answer: Answer | CallError) -> None:
        self.answer = answer
        self.asked = 0

    def post(self, target: str, seconds: float, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.asked += 1
        if isinstance(self.answer, Answer):
            return self.answer
        raise self.answer


def publish(wire: Wire) -> None:
    outbox("http://127.0.0.1:9")._replace(transport=wire, random=lambda: 0.0).publish("{}", "created")


def test_a_fault_of_the_deployment_is_not_tried_again() -> None:
    """Another try would meet the same certificate, and take the time of the others."""
    wire = Wire(Misconfigured("CertificateNotTrusted", "1.mns.example.com: self-signed certificate"))
    with pytest.raises(SinkError, match="self-signed certificate"):
        publish(wire)
    assert wire.asked == 1


FINAL = ("AccessDenied", "TopicNotExist", "QueueNotExist", "InvalidArgument", "MalformedXML", "MessageBodyTooLarge")


@pytest.mark.parametrize("code", [*FINAL, "InternalError", "TimeExpired", "Odd"])
def test_by_its_code_a_refusal_is_final_or_tried_again(code: str) -> None:
    """Either way it is said with the id of the request; what a role lacks stands in the message only."""
    text = f"<Error><Code>{code}</Code><Message>may not publish</Message><RequestId>R1</RequestId></Error>"
    wire = Wire(Answer(403, {}, text.encode()))
    with pytest.raises(SinkError, match=rf"{code}: .*R1") as caught:
        publish(wire)
    assert wire.asked == (1 if code in FINAL else PUBLISH.tries)
    assert ("may not publish" in str(caught.value)) == (code == "AccessDenied")


def test_why_a_message_did_not_get_through_is_said() -> None:
    with pytest.raises(SinkError, match=r"results.*connection refused") as caught:
        outbox("http://127.0.0.1:9", Credentials("testid", "hidden", "hidden")).publish("{}", "created")
    assert "hidden" not in f"{caught.value} {caught.value!r}"
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(SinkError, match="timed out"):
        outbox(f"http://127.0.0.1:{mute.getsockname()[1]}", seconds=0.3).publish("{}", "created")


@pytest.mark.parametrize("body", ["<&" * 30_000, "x" * 49_153, "x" * 65_536])
def test_a_body_that_fits_only_without_base64_goes_back_as_it_is(cloud: Cloud, box: Outbox, body: str) -> None:
    """So it came: what a sender may send must not be too large to be put back."""
    assert box.put_back([Message(body), Message("small")]) == []
    received = [each.body for each in cloud.receive("requests", 2)]
    assert sorted(received) == sorted([body, base64.b64encode(b"small").decode()])


@given(st.text(st.characters(codec="utf-8"), max_size=12))
def test_a_message_is_signed_as_the_sdk_signs_it(body: str) -> None:
    """The token stands beside, and is not signed."""
    headers = dict(
        sign_smq(
            "/topics/results/messages", body.encode(), Credentials("testid", "testsecret", "testtoken"), 1_750_000_000.0
        )
    )
    provider = StaticCredentialsProvider("testid", "testsecret", "testtoken").get_credentials()
    client = MNSClient("https://smq.invalid", "testid", "testsecret")
    signed = client.get_signature("POST", headers, "/topics/results/messages", provider)
    assert (headers["Authorization"], headers["security-token"]) == (signed, "testtoken")
    assert headers["date"] == "Sun, 15 Jun 2025 15:06:40 GMT"
