"""SMQ: the function's messages, sent to the local cloud."""

import base64
import socket
from collections import deque
from collections.abc import Callable, Mapping
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mns.auth import StaticCredentialsProvider
from mns.mns_client import MNSClient
from starlette.types import ASGIApp

from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Accounts
from emulator.smq.api import app as smq_api
from emulator.smq.service import MessageService as Cloud
from emulator.smq.topics import Subscription, TopicAttributes
from handler.clock import Clock
from handler.connections import Connection, Transport
from handler.credentials import Credentials
from handler.errors import Misconfigured, SinkError, TooLarge
from handler.http1 import Answer
from handler.retry import PUBLISH
from handler.smq import Message, Outbox, sign_smq
from tests.support.fake_iot import Fault, busy, fine, lost_reply
from tests.support.pipeline_world import SETTINGS

KEYS = Credentials(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
CLOSED = "http://127.0.0.1:9"
Serve = Callable[[ASGIApp], str]


@pytest.fixture
def cloud() -> Cloud:
    made = Cloud(Accounts())
    for queue in ("requests", "dead", "outcomes"):
        made.create_queue(queue)
    made.topics.create("results", TopicAttributes())
    outcomes = "acs:mns:cn-shanghai:1234567890123456:queues/outcomes"
    made.topics.subscribe(Subscription("results", "all", outcomes, notify_format="SIMPLIFIED"))
    return made


def outbox(url: str, keys: Credentials = KEYS, seconds: float = 10.0) -> Outbox:
    clock = Clock()
    connect = lambda: Connection(url, "OTA_MNS_ENDPOINT", connect_timeout=1, read_timeout=5, tls=None)  # noqa: E731
    return Outbox(Transport(connect), clock, lambda: 0.5, SETTINGS, lambda: keys, clock.now() + seconds)


def read_bodies(cloud: Cloud, queue: str) -> list[str]:
    return [base64.b64decode(message.body).decode() for message in cloud.receive(queue, 16)]


@pytest.fixture
def box(cloud: Cloud, serve: Serve) -> Outbox:
    return outbox(serve(smq_api.application(cloud)))


def test_each_message_reaches_its_place(cloud: Cloud, box: Outbox) -> None:
    """As base64 of the JSON, which the SDKs decode; what is put back, with its delay."""
    box.publish('{"a": "微控"}', "created")
    box.dead_letter('{"Reason": "upstream"}')
    assert box.put_back([Message(str(n), 0 if n % 2 else 60) for n in range(16)]) == []
    assert read_bodies(cloud, "outcomes") == ['{"a": "微控"}']
    assert read_bodies(cloud, "dead") == ['{"Reason": "upstream"}']
    assert sorted(read_bodies(cloud, "requests"), key=int) == [str(n) for n in range(16) if n % 2]
    assert cloud.depths("requests").delayed == 8
    without_queue = box._replace(settings=SETTINGS.model_copy(update={"OTA_REQUEST_QUEUE": None}))
    assert without_queue.put_back([Message("1")]) == [Message("1")]


@pytest.mark.parametrize(("seconds", "taken"), [(0.0, []), (5.0, ["1"])])
def test_without_time_for_an_answer_nothing_is_sent(
    cloud: Cloud, box: Outbox, seconds: float, taken: list[str]
) -> None:
    """The invocation would end after its timeout; outcomes that took the last seconds would leave the rest nowhere to go."""
    late = box._replace(until=Clock().now() + seconds, reserve=seconds)
    for send in (partial(late.publish, "{}", "created"), partial(late.dead_letter, "{}")):
        with pytest.raises(SinkError, match="no time left"):
            send()
    assert len(late.put_back([Message("1")])) == 1 - len(taken)
    assert [read_bodies(cloud, queue) for queue in ("outcomes", "dead", "requests")] == [[], [], taken]


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


class Wire:
    """Sends as an outbox does, but for the first calls, which end as told."""

    def __init__(self, box: Outbox, *faults: Fault) -> None:
        self.box = box._replace(transport=self, random=lambda: 0.0)
        self.sent: list[bytes] = []
        self._post = box.transport.post
        self._faults = deque(faults)

    def post(self, target: str, seconds: float, body: bytes, headers: Mapping[str, str]) -> Answer:
        self.sent.append(body)
        fault = self._faults.popleft() if self._faults else fine
        return fault(lambda: self._post(target, seconds, body, headers))


def garbage(_effect: object) -> Answer:
    return Answer(200, {}, b"garbage")


@pytest.mark.parametrize("faults", [[busy], [garbage], [lost_reply], [busy, busy]])
def test_a_fault_of_the_service_may_double_an_outcome_and_never_loses_it(
    cloud: Cloud, box: Outbox, faults: list[Fault]
) -> None:
    Wire(box, *faults).box.publish("{}", "created")
    assert set(read_bodies(cloud, "outcomes")) == {"{}"}


def test_a_batch_that_fails_is_sent_one_by_one(cloud: Cloud, box: Outbox) -> None:
    """Which of them were accepted, a fault does not say."""
    assert Wire(box, *[busy] * 3).box.put_back([Message("1"), Message("2")]) == []
    assert set(read_bodies(cloud, "requests")) == {"1", "2"}
    refused_last = Wire(box, *[busy] * 3, fine, *[busy] * 3).box
    assert refused_last.put_back([Message("3"), Message("4")]) == [Message("4")]


def taken_in_part(_effect: object) -> Answer:
    """What SMQ answers when it has taken all of five messages but the second."""
    taken, refused = (
        "<MessageId>1</MessageId>",
        "<ErrorCode>InternalError</ErrorCode><ErrorMessage>later</ErrorMessage>",
    )
    parts = "".join(f"<Message>{part}</Message>" for part in (taken, refused, taken, taken, taken))
    return Answer(500, {}, f'<Messages xmlns="http://mns.aliyuncs.com/doc/v1/">{parts}</Messages>'.encode())


def test_of_a_batch_taken_in_part_only_the_rest_is_sent_again(cloud: Cloud, box: Outbox) -> None:
    """Whoever sent all of it again would double every request that was taken, each time."""
    wire = Wire(box, taken_in_part)
    assert wire.box.put_back([Message(str(n)) for n in range(5)]) == []
    assert read_bodies(cloud, "requests") == ["1"]
    assert [body.count(b"<MessageBody>") for body in wire.sent] == [5, 1]


def test_a_fault_of_the_deployment_is_not_tried_again() -> None:
    """Another try would meet the same certificate, and take the time of the others."""

    def distrust(_effect: object) -> Answer:
        raise Misconfigured("CertificateNotTrusted", "1.mns.example.com: self-signed certificate")

    wire = Wire(outbox(CLOSED), distrust)
    with pytest.raises(SinkError, match="self-signed certificate"):
        wire.box.publish("{}", "created")
    assert len(wire.sent) == 1


FINAL = ("AccessDenied", "TopicNotExist", "QueueNotExist", "InvalidArgument", "MalformedXML", "MessageBodyTooLarge")


@pytest.mark.parametrize("code", [*FINAL, "InternalError", "TimeExpired", "Odd"])
def test_by_its_code_a_refusal_is_final_or_tried_again(code: str) -> None:
    """Either way it is said with the id of the request; what a role lacks stands in the message only."""
    text = f"<Error><Code>{code}</Code><Message>may not publish</Message><RequestId>R1</RequestId></Error>"
    wire = Wire(outbox(CLOSED), *[lambda _effect: Answer(403, {}, text.encode())] * PUBLISH.tries)
    with pytest.raises(SinkError, match=rf"{code}: .*R1") as caught:
        wire.box.publish("{}", "created")
    assert len(wire.sent) == (1 if code in FINAL else PUBLISH.tries)
    assert ("may not publish" in str(caught.value)) == (code == "AccessDenied")


def test_why_a_message_did_not_get_through_is_said() -> None:
    with pytest.raises(SinkError, match=r"results.*connection refused") as caught:
        outbox(CLOSED, Credentials("testid", "hidden", "hidden")).publish("{}", "created")
    assert "hidden" not in f"{caught.value} {caught.value!r}"
    with socket.create_server(("127.0.0.1", 0)) as mute, pytest.raises(SinkError, match="timed out"):
        outbox(f"http://127.0.0.1:{mute.getsockname()[1]}", seconds=0.3).publish("{}", "created")


@pytest.mark.parametrize("body", ["<&" * 30_000, "x" * 49_153, "x" * 65_536])
def test_a_body_that_fits_only_without_base64_goes_back_as_it_is(cloud: Cloud, box: Outbox, body: str) -> None:
    """So it came: what a sender may send must not be too large to be put back."""
    assert box.put_back([Message(body), Message("small")]) == []
    assert {each.body for each in cloud.receive("requests", 2)} == {body, base64.b64encode(b"small").decode()}


@given(st.text(st.characters(codec="utf-8"), max_size=12))
def test_a_message_is_signed_as_the_sdk_signs_it(body: str) -> None:
    """The token stands beside, and is not signed."""
    target, keys = "/topics/results/messages", ("testid", "testsecret", "testtoken")
    headers = dict(sign_smq(target, body.encode(), Credentials(*keys), 1_750_000_000.0))
    provider = StaticCredentialsProvider(*keys).get_credentials()
    client = MNSClient("https://smq.invalid", "testid", "testsecret")
    signed = client.get_signature("POST", headers, target, provider)
    assert (headers["Authorization"], headers["security-token"]) == (signed, "testtoken")
    assert headers["date"] == "Sun, 15 Jun 2025 15:06:40 GMT"
