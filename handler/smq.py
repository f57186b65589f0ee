"""SMQ: publish an outcome, put a request back, dead-letter it.

The official SDK makes, signs and reads what is sent; `handler.connections` carries it. `mns.account` and `mns.queue` would
drag in wrapt; the client below them needs nothing but the standard library.
"""

import base64
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from mns.mns_client import MNSClient
from mns.mns_exception import MNSExceptionBase, MNSServerException
from mns.mns_http import RequestInternal, ResponseInternal
from mns.mns_request import (
    BatchSendMessageRequest,
    BatchSendMessageResponse,
    PublishMessageRequest,
    PublishMessageResponse,
    SendMessageRequest,
    SendMessageResponse,
)

from handler.clock import Clock
from handler.connections import Answer
from handler.credentials import Credentials
from handler.errors import CallError, Misconfigured, SinkError, TooLarge
from handler.log import Log, mask
from handler.retry import PUBLISH, Random

LARGEST_MESSAGE = 65_536
"""Bytes of a body as sent, base64 included (SMQ, "Limits"); the SDK does not check."""
LARGEST_BATCH = 16
SHORTEST_SEND = 0.05
"""Seconds: a message that could not wait even this long for its answer is not sent."""
NOWHERE = "http://smq.invalid"
"""All that the SDK is told of the endpoint: were it ever to open a connection of its own, no host would have this name."""

_PUBLISHED = (
    '<?xml version="1.0" encoding="utf-8"?><Message xmlns="http://mns.aliyuncs.com/doc/v1/">'
    "<MessageBody>{body}</MessageBody><MessageTag>{tag}</MessageTag></Message>"
)
_NOT_XML = "[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
# Answers that say what another try would hear as well.
_FINAL = ("AccessDenied", "TopicNotExist", "QueueNotExist", "InvalidArgument", "MalformedXML", "MessageBodyTooLarge")


class Message(NamedTuple):
    """A body, and the seconds after which it is to be seen."""

    body: str
    delay: int = 0


class Transport(Protocol):
    """How a request travels; `send` raises NotSent, Misconfigured and Unanswered."""

    def send(self, method: str, target: str, body: bytes, headers: dict[str, str], seconds: float, /) -> Answer: ...


class _Wire(NamedTuple):
    """Stands where the SDK has its own HTTP: one connection without TLS's timeouts, and a second send of its own."""

    transport: Transport
    seconds: float

    def is_keep_alive(self) -> bool:
        return True

    def send_request(self, request: RequestInternal) -> ResponseInternal:
        headers = {name: value for name, value in request.header.items() if name != "host"}  # not signed; see NOWHERE
        answer = self.transport.send(request.method, request.uri, request.data, headers, self.seconds)
        shown = {name.lower(): value for name, value in answer.headers.items()}
        return ResponseInternal(answer.status, shown, answer.body.decode())


class _Client(MNSClient):  # type: ignore[misc]
    """The SDK's client for one send, with the one call made cheaper that every request makes."""

    def publish_message(self, request: PublishMessageRequest, response: PublishMessageResponse) -> None:
        """Publish without building and parsing XML documents, which took an eighth of a request's processor time.

        Raises: MNSExceptionBase; ValueError: SMQ's answer names no message.
        """
        sent = RequestInternal(request.method, f"/topics/{request.topic_name}/messages")
        # Neither base64 nor a status holds anything that XML would have to escape.
        sent.data = _PUBLISHED.format(body=request.message_body, tag=request.message_tag).encode()
        self.build_header(request, sent)
        answer = self.http.send_request(sent)
        self.check_status(sent, answer, response)
        if "<MessageId>" not in answer.data:
            raise ValueError


class MessageService:
    """Sends to one SMQ endpoint. Every method may double a message whose answer was lost, and never loses one silently."""

    def __init__(self, transport: Transport, clock: Clock, random: Random) -> None:
        self._transport = transport
        self._clock = clock
        self._random = random

    def publish(self, topic: str, body: str, tag: str, keys: Credentials, until: float) -> None:
        """Publish to a topic; retried until `until` (clock seconds). Raises: SinkError."""
        request = PublishMessageRequest(topic, _encoded(topic, body), tag)
        self._send(topic, lambda client: client.publish_message(request, PublishMessageResponse()), keys, until)

    def send(self, queue: str, body: str, delay: int, keys: Credentials, until: float) -> None:
        """Send to a queue, to be seen after `delay` seconds. Raises: SinkError."""
        request = SendMessageRequest(queue, _queued(queue, body), delay, -1, False)
        self._send(queue, lambda client: client.send_message(request, SendMessageResponse()), keys, until)

    def send_batch(self, queue: str, messages: Sequence[Message], keys: Credentials, until: float) -> Sequence[Message]:
        """Send at most 16 messages; returns those that SMQ refused. Raises: SinkError: some may have been accepted."""
        request = BatchSendMessageRequest(queue, False)
        for message in messages:
            request.add_message(_queued(queue, message.body), message.delay, -1)
        refused: list[Message] = []

        def send(client: MNSClient) -> None:
            try:
                client.batch_send_message(request, BatchSendMessageResponse())
            except MNSServerException as error:
                parts = error.sub_errors or ()
                if len(parts) != len(messages):
                    raise
                refused.extend(each for each, part in zip(messages, parts, strict=True) if "ErrorCode" in part)

        self._send(queue, send, keys, until)
        return refused

    def _send(self, sink: str, send: Callable[[MNSClient], None], keys: Credentials, until: float) -> None:
        if until - self._clock.now() < SHORTEST_SEND:
            raise SinkError(sink, "no time left")
        for failures in range(1, PUBLISH.tries + 1):
            try:
                return send(self._client(keys, until))
            except CallError as error:
                problem, final = str(error), isinstance(error, Misconfigured)
            except MNSExceptionBase as error:
                problem, final = _reason(error)
            except (KeyError, AttributeError, TypeError, ValueError) as error:
                # The SDK lets these out where an answer lacks a header or an element.
                problem, final = f"unreadable answer ({type(error).__name__})", False
            pause = PUBLISH.pause(failures, self._random)
            if final or failures == PUBLISH.tries or self._clock.now() + pause >= until:
                raise SinkError(sink, problem)
            self._clock.sleep(pause)
        raise AssertionError("unreachable")

    def _client(self, keys: Credentials, until: float) -> _Client:
        """A client for one send: it holds the keys of this moment, and no connection."""
        client = _Client(NOWHERE, keys.access_key_id, keys.access_key_secret, security_token=keys.security_token)
        client.http = _Wire(self._transport, max(SHORTEST_SEND, until - self._clock.now()))
        return client


class Outbox(NamedTuple):
    """Where one invocation's messages go: its keys, and until when (clock seconds) it may send.

    The last `reserve` seconds are for putting requests back alone: a batch that spends all its time on outcomes would lose
    what it cannot finish, and would spend it again when it comes again.
    """

    service: MessageService
    result_topic: str
    request_queue: str | None
    dead_letter_queue: str | None
    keys: Callable[[], Credentials]
    until: float
    log: Log = Log()
    reserve: float = 0.0

    def publish(self, body: str, tag: str) -> None:
        """Publish an outcome, tagged with its status. Raises: SinkError."""
        self.service.publish(self.result_topic, body, tag, self.keys(), self.until - self.reserve)

    def dead_letter(self, body: str) -> None:
        """Keep what was given up; nothing happens where no such queue is set. Raises: SinkError."""
        if self.dead_letter_queue is not None:
            self.service.send(self.dead_letter_queue, body, 0, self.keys(), self.until - self.reserve)

    def enqueue(self, body: str) -> None:
        """Send a request to be handled later. Raises: SinkError."""
        if self.request_queue is None:
            raise SinkError("OTA_REQUEST_QUEUE", "is not set")
        try:
            self.service.send(self.request_queue, body, 0, self.keys(), self.until)
        except SinkError as error:
            raise self._missed(error) from None

    def put_back(self, messages: Sequence[Message]) -> list[Message]:
        """Send at most 16 requests to come again; the ones that were not accepted are returned."""
        if self.request_queue is None:
            return list(messages)
        try:
            messages = self.service.send_batch(self.request_queue, messages, self.keys(), self.until)
        except SinkError as error:
            self._missed(error)
            # Some may have been accepted: sent one by one, at worst a request comes twice and ends in one outcome id.
        return [message for message in messages if not self._sent(self.request_queue, message)]

    def _sent(self, queue: str, message: Message) -> bool:
        try:
            self.service.send(queue, message.body, message.delay, self.keys(), self.until)
        except SinkError as error:
            self._missed(error)
            return False
        return True

    def _missed(self, error: SinkError) -> SinkError:
        """Say why a request is not in the queue: the caller only hears that it is not."""
        self.log.warning("publish_failed", sink=error.sink, text=error.problem)
        return error


def _queued(queue: str, body: str) -> str:
    """A body for a queue: as base64, or as it is where it fits only so. Receivers read both, for senders send both."""
    size = len(body.encode())
    is_plain = LARGEST_MESSAGE // 4 * 3 < size <= LARGEST_MESSAGE and not re.search(_NOT_XML, body)
    return body if is_plain else _encoded(queue, body)


def _encoded(sink: str, body: str) -> str:
    encoded = base64.b64encode(body.encode()).decode()
    if len(encoded) > LARGEST_MESSAGE:
        raise TooLarge(sink, f"{len(encoded)} bytes are more than the {LARGEST_MESSAGE} that SMQ takes")
    return encoded


def _reason(error: MNSExceptionBase) -> tuple[str, bool]:
    """The fault's kind in words without secrets (a transport error's text may hold the whole request), and whether it is
    final."""
    if isinstance(error, MNSServerException):
        # Which action and resource a role lacks stands in the message only.
        more = f": {mask(str(error.message))[:300]}" if error.type == "AccessDenied" else ""
        return f"{error.type}{more} (request {error.req_id})", str(error.type) in _FINAL
    return str(error.type), False
