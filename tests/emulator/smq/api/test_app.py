"""The authentication of callers, and answers to requests that no SDK would send."""

import base64
import hashlib
import http.client
from collections.abc import Mapping
from email.utils import formatdate
from typing import NamedTuple
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from mns.mns_client import MNSClient
from mns.queue import Message
from mns.topic import TopicMessage

from emulator.ram.keys import Accounts
from emulator.smq.service import MessageService
from emulator.smq.topics import TopicAttributes
from tests.emulator.smq.sdk import Login, refusal

NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"
SDK = MNSClient("http://127.0.0.1", "testid", "testsecret")


class Answer(NamedTuple):
    """An answer; `elements` are the children of its XML document's root, and `code` is one of them."""

    status: int
    headers: Mapping[str, str]
    elements: Mapping[str, str]
    code: str


@pytest.fixture(autouse=True)
def queue_and_topic(service: MessageService) -> None:
    service.create_queue("q")
    service.topics.create("t", TopicAttributes())


def call(url: str, line: str, body: bytes = b"", /, **headers: str | None) -> Answer:
    """Send a request signed by the SDK; `line` is `METHOD target`, None leaves a header out."""
    method, target = line.split(" ")
    sent: dict[str, str | None] = {"date": formatdate(usegmt=True), "content-type": "text/xml" if body else ""}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    texts = {name: value or "" for name, value in sent.items()}
    signature = SDK.get_signature(method, texts, target, SDK.credentials_provider.get_credentials())
    sent = {"authorization": signature, **sent}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request(method, target, body, {name: value for name, value in sent.items() if value is not None})
    response = connection.getresponse()
    read = response.read()
    connection.close()
    root = ElementTree.fromstring(read) if read else ()
    elements = {child.tag.replace(NAMESPACE, ""): child.text or "" for child in root}
    return Answer(response.status, dict(response.getheaders()), elements, elements.get("Code", ""))


def test_a_caller_needs_its_own_secret_and_token(accounts: Accounts, login: Login) -> None:
    key, ended = accounts.issue("ota-modules"), accounts.issue("ota-modules", seconds=0)
    assert refusal(login("testid", "wrong").list_queue).type == "SignatureDoesNotMatch"
    assert refusal(login("nobody").list_queue).type == "InvalidAccessKeyId"
    assert refusal(login(key.id, key.secret).list_queue).type == "AccessDenied"
    login(key.id, key.secret, key.token).list_queue()
    error = refusal(login(ended.id, ended.secret, ended.token).list_queue)
    assert (error.type, "ExpiredToken" in error.message) == ("AccessDenied", True)


def test_a_role_may_do_what_its_policy_permits_and_no_more(accounts: Accounts, login: Login) -> None:
    """The service's pages for batch operations name their actions in their authorization tables."""
    queue, topic = (f"acs:mns:cn-shanghai:1234567890123456:/{path}/messages" for path in ("queues/q", "topics/t"))
    accounts.attach("ota-modules", lambda *asked: asked == ("mns:SendMessage", queue))
    key = accounts.issue("ota-modules")
    account = login(key.id, key.secret, key.token)
    account.get_queue("q").send_message(Message("x"))
    for error, denied in (
        (refusal(account.get_topic("t").publish_message, TopicMessage("x")), f"mns:PublishMessage on {topic}"),
        (refusal(account.get_queue("q").batch_send_message, [Message("x")]), f"mns:BatchSendMessage on {queue}"),
    ):
        assert (error.type, denied in error.message) == ("AccessDenied", True)


def test_a_clock_that_is_off_by_a_quarter_of_an_hour_is_refused(url: str, accounts: Accounts) -> None:
    accounts.wall = lambda: 1_700_000_000.0
    for seconds, status in ((-901, 408), (-900, 200), (900, 200), (901, 408)):
        date = formatdate(1_700_000_000.0 + seconds, usegmt=True)
        assert call(url, "GET /queues", date=date).status == status


def test_a_request_without_what_it_needs_is_refused(url: str) -> None:
    for name, value, code in (
        ("authorization", None, "MissingAuthorizationHeader"),
        ("authorization", "Bearer x", "InvalidAuthorizationHeader"),
        ("date", None, "MissingDateHeader"),
        ("date", "yesterday", "InvalidDateHeader"),
        ("content_md5", "AAAA", "InvalidDegist"),
    ):
        answer = call(url, "GET /queues", **{name: value})
        assert (answer.status, answer.code) == (400, code)


def test_dates_and_digests_have_two_forms(url: str) -> None:
    """Content-MD5 is RFC 1864's, or the official SDK's base64 of the hexadecimal text."""
    assert call(url, "GET /queues", date=None, x_mns_date=formatdate(usegmt=True)).status == 200
    body = b"<Queue xmlns='http://mns.aliyuncs.com/doc/v1/'/>"
    digest = hashlib.md5(body)
    for form in (digest.digest(), digest.hexdigest().encode()):
        assert call(url, "PUT /queues/new", body, content_md5=base64.b64encode(form).decode()).status < 300


def test_an_error_has_all_four_elements(url: str, accounts: Accounts) -> None:
    """The official SDK hides the code of an error that lacks one, and looks for x-mns-request-id in lower case."""
    accounts.attach("", lambda _action, resource: not resource.endswith("\x00"))
    assert call(url, "GET /queues/%00").code == "AccessDenied", "XML cannot carry the name"
    answer = call(url, "GET /queues/none")
    assert (answer.status, [*answer.elements]) == (404, ["Code", "Message", "RequestId", "HostId"])
    assert answer.elements["RequestId"] == answer.headers["x-mns-request-id"]


REFUSALS = {
    "GET /": "InvalidRequestURL",
    "GET /nothing": "InvalidRequestURL",
    "GET //x": "InvalidRequestURL",
    "PATCH /queues/q": "InvalidRequestURL",
    "POST /queues/q": "InvalidRequestURL",
    "DELETE /queues/q/messages": "MissingReceiptHandle",
    "DELETE /queues/q/messages?ReceiptHandle=": "MissingReceiptHandle",
    "PUT /queues/q/messages?VisibilityTimeout=1": "MissingReceiptHandle",
    "PUT /queues/q/messages?ReceiptHandle=1-a": "MissingVisibilityTimeout",
    "PUT /queues/q/messages?ReceiptHandle=1-a&VisibilityTimeout=soon": "InvalidQueryString",
    "DELETE /queues/q/messages?ReceiptHandle=a+b/c==": "ReceiptHandleError",
    "DELETE /queues/q/messages?ReceiptHandle=1-x": "ReceiptHandleError",
    f"DELETE /queues/q/messages?ReceiptHandle=1-{'0' * 33}": "ReceiptHandleError",
    f"DELETE /queues/q/messages?ReceiptHandle=-1-{'0' * 32}": "ReceiptHandleError",
    "GET /queues/q/messages?numOfMessages=17": "InvalidArgument",
    "GET /queues/q/messages?numOfMessages=0": "InvalidArgument",
    "GET /queues/q/messages?waitseconds=-1": "InvalidQueryString",
}


def test_a_call_that_makes_no_sense_is_refused(url: str) -> None:
    assert {line: call(url, line).code for line in REFUSALS} == REFUSALS


def test_a_body_that_makes_no_sense_is_refused(url: str) -> None:
    for body, code in (
        (b"<Message>", "MalformedXML"),
        (b"\xff\xfe", "MalformedXML"),
        (b"", "MalformedXML"),
        (b"<Nonsense/>", "InvalidArgument"),
        (b"<Message/>", "InvalidArgument"),
        (b"<Message><MessageBody>x</MessageBody><Priority>first</Priority></Message>", "InvalidArgument"),
        (b"<Messages/>", "InvalidArgument"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><Message><MessageBody>&b;</MessageBody></Message>', "MalformedXML"),
        (b"<Message>" * 100_000, "MalformedXML"),
        (b"<Message>" * 5000 + b"</Message>" * 5000, "MalformedXML"),
        (b"<Message><MessageBody>" + b"x" * 3_000_000 + b"</MessageBody></Message>", "InvalidArgument"),
    ):
        answer = call(url, "POST /queues/q/messages", body)
        assert (answer.status, answer.code) == (400, code), body[:80]


def test_query_parameters_have_the_service_s_names(url: str, service: MessageService) -> None:
    """Two also with a lower-case initial. Others are ignored: the call does not wait, and returns one message, no list."""
    service.send("q", "x")
    handle = service.receive("q")[0].handle
    answer = call(url, f"PUT /queues/q/messages?receiptHandle={handle}&visibilityTimeout=0")
    assert answer.elements.keys() == {"ReceiptHandle", "NextVisibleTime"}
    assert "MessageBody" in call(url, "GET /queues/q/messages?NumOfMessages=16&WaitSeconds=99").elements
    assert call(url, "GET /queues/q/messages?numOfMessages=16").code == "MessageNotExist"


@pytest.mark.filterwarnings("ignore:Call to deprecated function:DeprecationWarning")  # the SDK announces it too
def test_the_service_may_tell_no_depths(service: MessageService, login: Login) -> None:
    """Its documentation announces that the three counts will be 0."""
    service.tells_depths = lambda: False
    service.send("q", "x")
    attributes = login().get_queue("q").get_attributes()
    assert (attributes.active_messages, attributes.inactive_messages, attributes.delay_messages) == (0, 0, 0)
    assert service.depths("q").active == 1
