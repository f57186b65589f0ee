"""SMQ: publish an outcome, put a request back, dead-letter it; through the official SDK's client, one a thread.

`mns.account` and `mns.queue` would drag in wrapt; the client below them needs nothing but the standard library.
"""

import base64
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from mns.mns_client import MNSClient
from mns.mns_exception import MNSExceptionBase, MNSServerException
from mns.mns_http import RequestInternal
from mns.mns_request import (
    BatchSendMessageRequest,
    BatchSendMessageResponse,
    PublishMessageRequest,
    PublishMessageResponse,
    SendMessageRequest,
    SendMessageResponse,
)

from handler.clock import Clock
from handler.connections import Connection
from handler.credentials import Credentials
from handler.errors import SinkError, TooLarge
from handler.log import Log, mask
from handler.retry import PUBLISH, Random

LARGEST_MESSAGE = 65_536
"""Bytes of a body as sent, base64 included (SMQ, "Limits"); the SDK does not check."""
LARGEST_BATCH = 16
SHORTEST_SEND = 0.05
"""Seconds: a message that could not wait even this long for its answer is not sent."""

_PUBLISHED = (
    '<?xml version="1.0" encoding="utf-8"?><Message xmlns="http://mns.aliyuncs.com/doc/v1/">'
    "<MessageBody>{body}</MessageBody><MessageTag>{tag}</MessageTag></Message>"
)

# Answers that say what another try would hear as well.
_FINAL = ("AccessDenied", "TopicNotExist", "QueueNotExist", "InvalidArgument", "MalformedXML", "MessageBodyTooLarge")


class Message(NamedTuple):
    """A body, and the seconds after which it is to be seen."""

    body: str
    delay: int = 0


class _Keys(NamedTuple):
    """Credentials under the names that the SDK's signer reads; an absent token must be an empty string there."""

    access_key_id: str
    access_key_secret: str
    security_token: str

    def get_access_key_id(self) -> str:
        return self.access_key_id

    def get_access_key_secret(self) -> str:
        return self.access_key_secret

    def get_security_token(self) -> str:
        return self.security_token


class _Provider:
    """Gives the SDK the keys of the current invocation, which it asks for on every call."""

    def __init__(self) -> None:
        self.keys = _Keys("", "", "")

    def get_credentials(self) -> _Keys:
        return self.keys


class _Client(MNSClient):  # type: ignore[misc]
    """The SDK's client, with one call made cheaper."""

    def publish_message(self, request: PublishMessageRequest, response: PublishMessageResponse) -> None:
        """Publish without building and parsing XML documents, which took an eighth of a request's processor time.

        Raises: MNSExceptionBase; ValueError: SMQ's answer names no message.
        """
        sent = RequestInternal(request.method, f"/topics/{request.topic_name}/messages")
        # Neither base64 nor a status holds anything that XML would have to escape.
        sent.data = _PUBLISHED.format(body=request.message_body, tag=request.message_tag).encode()
        self.build_header(request, sent)
        answer = self.http.send_request(sent)
        response.header = answer.header
        self.check_status(sent, answer, response)
        if "<MessageId>" not in answer.data:
            raise ValueError


class MessageService:
    """Sends to one SMQ endpoint. Every method may double a message whose answer was lost, and never loses one silently."""

    def __init__(self, url: str, connect: Callable[[], Connection], clock: Clock, random: Random) -> None:
        self._url = url
        self._connect = connect
        self._clock = clock
        self._random = random
        self._local = threading.local()

    def publish(self, topic: str, body: str, tag: str, keys: Credentials, until: float) -> None:
        """Publish to a topic; retried until `until` (clock seconds). Raises: SinkError."""
        request = PublishMessageRequest(topic, _encoded(topic, body), tag)
        self._send(topic, lambda client: client.publish_message(request, PublishMessageResponse()), keys, until)

    def send(self, queue: str, body: str, delay: int, keys: Credentials, until: float) -> None:
        """Send to a queue, to be seen after `delay` seconds. Raises: SinkError."""
        request = SendMessageRequest(queue, _encoded(queue, body), delay, -1, False)
        self._send(queue, lambda client: client.send_message(request, SendMessageResponse()), keys, until)

    def send_batch(self, queue: str, messages: Sequence[Message], keys: Credentials, until: float) -> Sequence[Message]:
        """Send at most 16 messages; returns those that SMQ refused. Raises: SinkError: some may have been accepted."""
        request = BatchSendMessageRequest(queue, False)
        for message in messages:
            request.add_message(_encoded(queue, message.body), message.delay, -1)
        refused: list[Message] = []

        def send(client: _Client) -> None:
            try:
                client.batch_send_message(request, BatchSendMessageResponse())
            except MNSServerException as error:
                parts = error.sub_errors or ()
                if len(parts) != len(messages):
                    raise
                refused.extend(each for each, part in zip(messages, parts, strict=True) if "ErrorCode" in part)

        self._send(queue, send, keys, until)
        return refused

    def _send(self, sink: str, send: Callable[[_Client], None], keys: Credentials, until: float) -> None:
        if until - self._clock.now() < SHORTEST_SEND:
            raise SinkError(sink, "no time left")
        for failures in range(1, PUBLISH.tries + 1):
            try:
                return send(self._client(keys, until))
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
        client = getattr(self._local, "client", None)
        if client is None:
            self._local.provider = _Provider()
            # Told https, the SDK would build a TLS context for each client, and use it without any timeout.
            plain = self._url.replace("https://", "http://", 1)
            client = self._local.client = _Client(plain, credentials_provider=self._local.provider)
            client.http.conn = self._connect()
        self._local.provider.keys = _Keys(keys.access_key_id, keys.access_key_secret, keys.security_token)
        client.http.conn.limit(max(SHORTEST_SEND, until - self._clock.now()))
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
        self.log.warning("sink", sink=error.sink, text=error.problem)
        return error


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
