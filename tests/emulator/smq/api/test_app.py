"""The authentication of callers, and answers to requests that no SDK would send."""

import base64
import hashlib
import hmac
import http.client
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import formatdate
from urllib.parse import urlsplit
from xml.etree import ElementTree

import pytest
from mns.queue import Message
from mns.topic import TopicMessage

from emulator.ram.keys import Accounts
from emulator.smq.service import MessageService
from emulator.smq.topics import TopicAttributes
from tests.emulator.smq.sdk import Login, refusal

NAMESPACE = "{http://mns.aliyuncs.com/doc/v1/}"


@dataclass(frozen=True)
class Answer:
    """An answer; `elements` are the children of its XML document's root."""

    status: int
    headers: Mapping[str, str]
    elements: Mapping[str, str]

    @property
    def code(self) -> str:
        return self.elements.get("Code", "")


@pytest.fixture(autouse=True)
def queue_and_topic(service: MessageService) -> None:
    service.create_queue("q")
    service.topics.create("t", TopicAttributes())


def call(
    url: str, method: str, target: str, body: bytes = b"", *, secret: str = "testsecret", **headers: str | None
) -> Answer:
    """Send a request that is signed here, not by the emulator's code; None leaves a header out."""
    sent: dict[str, str | None] = {"date": formatdate(usegmt=True), "x-mns-version": "2015-06-06"}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    if body:
        sent.setdefault("content-type", "text/xml")
    plain = [sent.get(name) or "" for name in ("content-md5", "content-type", "date")]
    extra = [f"{name}:{value}" for name, value in sorted(sent.items()) if name.startswith("x-mns-")]
    text = "\n".join([method, *plain, *extra, target]).encode()
    signature = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha1).digest()).decode()
    sent.setdefault("authorization", f"MNS testid:{signature}")
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)
    connection.request(method, target, body, {name: value for name, value in sent.items() if value is not None})
    response = connection.getresponse()
    read = response.read()
    connection.close()
    root = ElementTree.fromstring(read) if read else ()
    elements = {child.tag.replace(NAMESPACE, ""): child.text or "" for child in root}
    return Answer(response.status, dict(response.getheaders()), elements)


def test_a_caller_needs_its_own_secret_and_token(accounts: Accounts, login: Login) -> None:
    key, ended = accounts.issue("ota-modules"), accounts.issue("ota-modules", seconds=0)
    assert refusal(login("testid", "wrong").list_queue).type == "SignatureDoesNotMatch"
    assert refusal(login("nobody").list_queue).type == "InvalidAccessKeyId"
    assert refusal(login(key.id, key.secret).list_queue).type == "AccessDenied"
    login(key.id, key.secret, key.token).list_queue()
    error = refusal(login(ended.id, ended.secret, ended.token).list_queue)
    assert (error.type, "ExpiredToken" in error.message) == ("AccessDenied", True)


def test_a_role_may_do_what_its_policy_permits_and_no_more(accounts: Accounts, login: Login) -> None:
    asked: list[tuple[str, str]] = []

    def permits(action: str, resource: str) -> bool:
        asked.append((action, resource))
        return action == "mns:SendMessage"

    accounts.attach("ota-modules", permits)
    key = accounts.issue("ota-modules")
    account = login(key.id, key.secret, key.token)
    account.get_queue("q").send_message(Message("x"))
    error = refusal(lambda: account.get_topic("t").publish_message(TopicMessage("x")))
    assert (error.type, "mns:PublishMessage" in error.message) == ("AccessDenied", True)
    # The service's pages for batch operations name these actions in their authorization tables.
    error = refusal(lambda: account.get_queue("q").batch_send_message([Message("x")]))
    assert (error.type, "mns:BatchSendMessage" in error.message) == ("AccessDenied", True)
    assert asked == [
        ("mns:SendMessage", "acs:mns:cn-shanghai:1234567890123456:/queues/q/messages"),
        ("mns:PublishMessage", "acs:mns:cn-shanghai:1234567890123456:/topics/t/messages"),
        ("mns:BatchSendMessage", "acs:mns:cn-shanghai:1234567890123456:/queues/q/messages"),
    ]


@pytest.mark.parametrize("seconds", [-901, 901])
def test_a_clock_that_is_off_by_a_quarter_of_an_hour_is_refused(url: str, accounts: Accounts, seconds: int) -> None:
    now = 1_700_000_000.0
    accounts.wall = lambda: now
    late = formatdate(now + seconds, usegmt=True)
    good = formatdate(now + seconds - (1 if seconds > 0 else -1), usegmt=True)
    assert (call(url, "GET", "/queues", date=late).status, call(url, "GET", "/queues", date=good).status) == (408, 200)


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({"authorization": None}, "MissingAuthorizationHeader"),
        ({"authorization": "Bearer x"}, "InvalidAuthorizationHeader"),
        ({"date": None}, "MissingDateHeader"),
        ({"date": "yesterday"}, "InvalidDateHeader"),
        ({"content_md5": "AAAA"}, "InvalidDegist"),
    ],
)
def test_a_request_without_what_it_needs_is_refused(url: str, headers: dict[str, str | None], wanted: str) -> None:
    answer = call(url, "GET", "/queues", **headers)  # type: ignore[arg-type]
    assert (answer.status, answer.code) == (400, wanted)


def test_dates_and_digests_have_two_forms(url: str) -> None:
    """Content-MD5 is RFC 1864's, or the official SDK's base64 of the hexadecimal text."""
    assert call(url, "GET", "/queues", date=None, x_mns_date=formatdate(usegmt=True)).status == 200
    body = b"<Queue xmlns='http://mns.aliyuncs.com/doc/v1/'/>"
    digest = hashlib.md5(body)
    for form in (digest.digest(), digest.hexdigest().encode()):
        assert call(url, "PUT", "/queues/new", body, content_md5=base64.b64encode(form).decode()).status < 300


def test_an_error_has_all_four_elements(url: str) -> None:
    """The official SDK hides the code of an error that lacks one."""
    answer = call(url, "GET", "/queues/none")
    assert (answer.status, [*answer.elements]) == (404, ["Code", "Message", "RequestId", "HostId"])
    assert answer.elements["RequestId"] == answer.headers["x-mns-request-id"]


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/"), ("PATCH", "/queues/q"), ("GET", "/nothing"), ("POST", "/queues/q"), ("GET", "//x")],
)
def test_an_unknown_operation_is_refused(url: str, method: str, target: str) -> None:
    assert call(url, method, target).code == "InvalidRequestURL"


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
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
    ],
    ids=["cut", "binary", "empty", "root", "bare", "text", "none", "entity", "open", "deep", "huge"],
)
def test_a_body_that_makes_no_sense_is_refused(url: str, body: bytes, wanted: str) -> None:
    answer = call(url, "POST", "/queues/q/messages", body)
    assert (answer.status, answer.code) == (400, wanted)


@pytest.mark.parametrize(
    ("method", "query", "wanted"),
    [
        ("DELETE", "", "MissingReceiptHandle"),
        ("DELETE", "?ReceiptHandle=", "MissingReceiptHandle"),
        ("PUT", "?VisibilityTimeout=1", "MissingReceiptHandle"),
        ("PUT", "?ReceiptHandle=1-a", "MissingVisibilityTimeout"),
        ("PUT", "?ReceiptHandle=1-a&VisibilityTimeout=soon", "InvalidQueryString"),
        ("DELETE", "?ReceiptHandle=a+b/c==", "ReceiptHandleError"),
        ("GET", "?numOfMessages=17", "InvalidArgument"),
        ("GET", "?numOfMessages=0", "InvalidArgument"),
        ("GET", "?waitseconds=-1", "InvalidQueryString"),
    ],
)
def test_a_query_that_makes_no_sense_is_refused(url: str, method: str, query: str, wanted: str) -> None:
    assert call(url, method, f"/queues/q/messages{query}").code == wanted


def test_query_parameters_have_the_service_s_names(url: str, service: MessageService) -> None:
    """Other spellings are ignored: the call does not wait, and returns one message without a list."""
    service.send("q", "x")
    target = "/queues/q/messages?NumOfMessages=16&WaitSeconds=99"
    assert "MessageBody" in call(url, "GET", target).elements
    assert call(url, "GET", "/queues/q/messages?numOfMessages=16").code == "MessageNotExist"


@pytest.mark.filterwarnings("ignore:Call to deprecated function:DeprecationWarning")  # the SDK announces it too
def test_the_service_may_tell_no_depths(service: MessageService, login: Login) -> None:
    """Its documentation announces that the three counts will be 0."""
    service.tells_depths = lambda: False
    service.send("q", "x")
    attributes = login().get_queue("q").get_attributes()
    assert (attributes.active_messages, attributes.inactive_messages, attributes.delay_messages) == (0, 0, 0)
    assert service.depths("q").active == 1


def test_a_name_that_xml_cannot_carry_is_refused_in_xml(accounts: Accounts, url: str) -> None:
    accounts.attach("", lambda _action, _resource: False)
    assert call(url, "GET", "/queues/%00").code == "AccessDenied"


def test_a_handle_and_a_timeout_may_begin_with_a_lower_case_letter(url: str, service: MessageService) -> None:
    """The service's pages write them so, the SDK does not."""
    service.send("q", "x")
    handle = service.receive("q")[0].handle
    target = f"/queues/q/messages?receiptHandle={handle}&visibilityTimeout=60"
    assert call(url, "PUT", target).elements.keys() == {"ReceiptHandle", "NextVisibleTime"}


def test_header_names_are_in_lower_case(url: str, login: Login) -> None:
    """The SDK looks up x-mns-request-id with exactly this spelling."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=20) as connection:
        connection.sendall(b"GET /queues HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    assert b"\r\nx-mns-request-id: " in answer
