"""Sends to SMQ: publishes outcomes, puts requests back, dead-letters them. `handler.connections` does the transport.

The official SDK sends a message twice if its answer is lost, has no timeout over TLS, and gives one thread another's answer.
"""

import base64
import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from handler.clock import Clock
from handler.credentials import Credentials
from handler.errors import CallError, Refused, SinkError, TooLarge, Transient
from handler.http1 import Answer
from handler.log import Log, mask
from handler.retry import PUBLISH, Random
from handler.settings import Settings

LARGEST_MESSAGE = 65_536
"""Bytes of a body as sent, base64 included (SMQ, "Limits")."""
LARGEST_BATCH = 16
SHORTEST_SEND = 0.05
"""Seconds: a message that could not wait even this long for its answer is not sent."""

_DOCUMENT = '<?xml version="1.0" encoding="utf-8"?><{0} xmlns="http://mns.aliyuncs.com/doc/v1/">{1}</{0}>'
_NOT_XML = "[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]"
# Codes that another try would get again.
_FINAL = ("AccessDenied", "TopicNotExist", "QueueNotExist", "InvalidArgument", "MalformedXML", "MessageBodyTooLarge")


class Message(NamedTuple):
    """A body, and the seconds until it becomes visible."""

    body: str
    delay: int = 0


class Transport(Protocol):
    """Sends requests; `post` raises NotSent, Misconfigured and Unanswered."""

    def post(self, target: str, seconds: float, body: bytes, headers: Mapping[str, str]) -> Answer: ...


def sign_smq(target: str, body: bytes, keys: Credentials, moment: float) -> Mapping[str, str]:
    """Return the headers of a signed POST ("Signatures", HMAC-SHA1), at `moment` in unix seconds."""
    # Base64 of the digest's hexadecimal digits, unlike RFC 1864: so the official SDKs send it.
    digest = base64.b64encode(hashlib.md5(body, usedforsecurity=False).hexdigest().encode()).decode()
    kind, date = "text/xml;charset=UTF-8", time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(moment))
    signed = f"POST\n{digest}\n{kind}\n{date}\nx-mns-version:2015-06-06\n{target}"
    signature = base64.b64encode(hmac.digest(keys.access_key_secret.encode(), signed.encode(), "sha1")).decode()
    return {
        "content-md5": digest,
        "content-type": kind,
        "x-mns-version": "2015-06-06",
        "date": date,
        "Authorization": f"MNS {keys.access_key_id}:{signature}",
        **({"security-token": keys.security_token} if keys.security_token else {}),
    }


class Outbox(NamedTuple):
    """Sends one invocation's messages with its keys, up to `until` (clock seconds).

    The last `reserve` seconds are only for putting requests back: a batch that spends all its time on outcomes could put
    nothing back, and the next delivery would do the same. A message whose answer was lost may be doubled; none is lost silently.
    """

    transport: Transport
    clock: Clock
    random: Random
    settings: Settings
    keys: Callable[[], Credentials]
    until: float
    log: Log = Log()
    reserve: float = 0.0

    def publish(self, body: str, tag: str) -> None:
        """Publish an outcome, tagged with its status. Raises: SinkError."""
        topic = self.settings.OTA_RESULT_TOPIC
        message = f"<MessageBody>{_encode(topic, body)}</MessageBody><MessageTag>{tag}</MessageTag>"
        self._send("topics", topic, "Message", message, self.until - self.reserve)

    def dead_letter(self, body: str) -> None:
        """Send a dead letter; do nothing if no such queue is set. Raises: SinkError."""
        if (queue := self.settings.OTA_DEAD_LETTER_QUEUE) is not None:
            self._send("queues", queue, "Message", _encode_message(queue, Message(body)), self.until - self.reserve)

    def put_back(self, messages: Sequence[Message]) -> list[Message]:
        """Send at most 16 messages to the request queue; return those that were not accepted."""
        if (queue := self.settings.OTA_REQUEST_QUEUE) is None:
            return list(messages)
        left = self._send_together(queue, messages) if len(messages) > 1 else messages
        # Some of them may have been accepted: sent one by one, at worst a request comes twice and ends in one outcome id.
        return [message for message in left if self._send_together(queue, [message])]

    def _send_together(self, queue: str, messages: Sequence[Message]) -> Sequence[Message]:
        """Send messages together; return those that SMQ refused, or all if it does not say which."""
        try:
            contents = [_encode_message(queue, message) for message in messages]
            if len(contents) == 1:
                self._send("queues", queue, "Message", contents[0], self.until)
                return []
            content = "".join(f"<Message>{each}</Message>" for each in contents)
            text = self._send("queues", queue, "Messages", content, self.until)
            results = re.findall("<Message>(.*?)</Message>", text, re.DOTALL)
            if len(results) != len(messages):
                raise SinkError(queue, "unreadable answer")
        except SinkError as error:
            # The caller only learns that they are not in the queue.
            self.log.warning("publish_failed", sink=error.sink, text=error.problem)
            return messages
        return [message for message, result in zip(messages, results, strict=True) if "<MessageId>" not in result]

    def _send(self, kind: str, sink: str, name: str, content: str, until: float) -> str:
        """Send until SMQ has accepted at least one message; return its answer. Raises: SinkError."""
        target, document = f"/{kind}/{sink}/messages", _DOCUMENT.format(name, content).encode()
        for failures in range(1, PUBLISH.tries + 1):
            if (seconds := until - self.clock.now()) < SHORTEST_SEND:
                break
            try:
                return self._post(target, document, seconds)
            except CallError as error:
                problem, final = str(error), not isinstance(error, Transient)
            pause = PUBLISH.pause(failures, self.random)
            if final or failures == PUBLISH.tries or self.clock.now() + pause >= until:
                raise SinkError(sink, problem)
            self.clock.sleep(pause)
        raise SinkError(sink, "no time left")

    def _post(self, target: str, body: bytes, seconds: float) -> str:
        answer = self.transport.post(target, seconds, body, sign_smq(target, body, self.keys(), self.clock.wall()))
        text = answer.body.decode("utf-8", "replace")
        if "<MessageId>" not in text:
            raise _read_refusal(answer.status, text)
        return text


def _encode_message(queue: str, message: Message) -> str:
    """Write a queue's message as base64, or as it is if only that fits. Receivers read both, for senders send both."""
    body, size = message.body, len(message.body.encode())
    if LARGEST_MESSAGE // 4 * 3 < size <= LARGEST_MESSAGE and not re.search(_NOT_XML, body):
        sent = body.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    else:
        sent = _encode(queue, body)
    return f"<MessageBody>{sent}</MessageBody><DelaySeconds>{message.delay}</DelaySeconds>"


def _encode(sink: str, body: str) -> str:
    encoded = base64.b64encode(body.encode()).decode()
    if len(encoded) > LARGEST_MESSAGE:
        raise TooLarge(sink, f"{len(encoded)} bytes are more than the {LARGEST_MESSAGE} that SMQ takes")
    return encoded


def _read_refusal(status: int, text: str) -> CallError:
    """Read why SMQ accepted nothing. Only the message names the action and resource that a role lacks."""
    code, message, request = (
        found[1] if (found := re.search(f"<{name}>([^<]*)</{name}>", text)) else ""
        for name in ("Code", "Message", "RequestId")
    )
    if not code:
        return Transient(f"unreadable answer (status {status})")
    more = mask(message)[:300] + ", " if code == "AccessDenied" else ""
    return (Refused if code in _FINAL else Transient)(code, f"{more}request {request}")
