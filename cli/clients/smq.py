"""SMQ through the official SDK: what the commands do with queues and topics. One `Mailbox` a thread: its client is not
thread-safe."""

import base64
import binascii
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from mns.account import Account
from mns.mns_exception import MNSClientNetworkException, MNSExceptionBase, MNSServerException
from mns.mns_request import GetQueueAttributesRequest, GetQueueAttributesResponse
from mns.queue import Message, Queue, QueueMeta
from mns.subscription import SubscriptionMeta, SubscriptionNotifyContentFormat

from cli.clients.target import Target
from cli.errors import CloudError
from handler.clock import Clock

log = logging.getLogger(__name__)
BATCH = 16
"""Messages of one batch call (SMQ, "Limits")."""
LARGEST_BATCH = 64 * 1024
"""Bytes of all bodies of one batch, base64 included (SMQ, "BatchSendMessage")."""
IN_MILLISECONDS = 1e11
"""Moments beyond the year 5138 in seconds are meant as milliseconds."""
TIMEOUT = 40
"""Seconds for a call; longer than any long poll."""
TRIES = 4
RELEASED = 1
"""Seconds: the least that SMQ takes."""
_LASTING = ("InternalError", "InternalServerError", "QpsLimitExceeded", "ServiceUnavailable")

_T = TypeVar("_T")


@dataclass(frozen=True)
class Received:
    """A message that is ours for the queue's visibility timeout."""

    id: str
    handle: str
    body: str


class Mailbox:
    """One thread's use of SMQ. Network faults and passing errors are tried again, so a message may be sent twice."""

    def __init__(self, target: Target, clock: Clock | None = None) -> None:
        self._target = target
        self._clock = clock or Clock()
        keys = target.keys
        self._account = Account(target.smq_url, keys.id, keys.secret, keys.token)
        client = self._account.get_client()
        client.set_connection_timeout(TIMEOUT)
        # The SDK gives https no timeout at all, and its setter leaves https as it is.
        client.http.conn.timeout = TIMEOUT

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._account.get_client().close_connection()

    def send(self, queue: str, bodies: Sequence[str]) -> list[str]:
        """Send up to 16 messages; their ids. Raises: CloudError: some may have been accepted."""
        messages = [Message(body) for body in bodies]
        sent = self._call(f"send {len(messages)} to {queue}", lambda: self._queue(queue).batch_send_message(messages))
        return [str(message.message_id) for message in sent]

    def receive(self, queue: str, count: int = BATCH, seconds: int = 0) -> list[Received]:
        """Up to `count` messages, waiting up to `seconds` (30 at most) for the first. Raises: CloudError."""
        try:
            found = self._call(
                f"receive from {queue}", lambda: self._undecoded(queue).batch_receive_message(count, seconds)
            )
        except CloudError as error:
            if error.code == "MessageNotExist":
                return []
            raise
        return [_received(message) for message in found]

    def depths(self, queue: str) -> dict[str, int]:
        """Return the counts of a queue's `active`, `inactive` and `delayed` messages, about; empty where SMQ does not tell.

        Its documentation says that these numbers will go, so that nothing may depend on them.
        """
        try:
            answer = self._call(f"attributes of {queue}", lambda: self._attributes(queue))
        except CloudError:
            return {}
        return {
            "active": int(answer.active_messages),
            "inactive": int(answer.inactive_messages),
            "delayed": int(answer.delay_messages),
        }

    def delete(self, queue: str, handles: Sequence[str]) -> None:
        """Delete up to 16 received messages; one that is gone already is no fault. Raises: CloudError."""
        try:
            self._call(
                f"delete {len(handles)} from {queue}", lambda: self._queue(queue).batch_delete_message(list(handles))
            )
        except CloudError as error:
            if error.code not in ("MessageNotExist", "ReceiptHandleError"):
                raise

    def release(self, queue: str, handle: str) -> None:
        """Let a received message be seen again, in `RELEASED` seconds. Raises: CloudError."""
        try:
            self._call(
                f"release one of {queue}", lambda: self._queue(queue).change_message_visibility(handle, RELEASED)
            )
        except CloudError as error:
            if error.code not in ("MessageNotExist", "ReceiptHandleError"):
                raise

    def create_queue(self, queue: str, *, visibility: int = 30) -> None:
        """Make a queue, unless it is there. Raises: CloudError."""
        meta = QueueMeta(vis_timeout=visibility, polling_wait_sec=0, msg_ttl=4 * 24 * 3600)
        try:
            self._call(f"create {queue}", lambda: self._queue(queue).create(meta))
        except CloudError as error:
            if error.code != "QueueAlreadyExist":
                raise

    def delete_queue(self, queue: str) -> None:
        """Raises: CloudError."""
        self._call(f"delete {queue}", lambda: self._queue(queue).delete())

    def subscribe(self, topic: str, queue: str) -> None:
        """Send a topic's messages on to a queue, as they were published; the subscription has the queue's name.

        Raises: CloudError.
        """
        meta = SubscriptionMeta(self._target.queue_endpoint(queue))
        meta.set_notify_content_format(SubscriptionNotifyContentFormat.SIMPLIFIED)
        try:
            self._call(
                f"subscribe {queue} to {topic}", lambda: self._account.get_subscription(topic, queue).subscribe(meta)
            )
        except CloudError as error:
            if error.code != "SubscriptionAlreadyExist":
                raise

    def unsubscribe(self, topic: str, queue: str) -> None:
        """Raises: CloudError."""
        self._call(
            f"unsubscribe {queue} from {topic}", lambda: self._account.get_subscription(topic, queue).unsubscribe()
        )

    def queues(self, prefix: str) -> list[str]:
        """Return the names of the queues that begin with a prefix. Raises: CloudError."""
        return self._pages(lambda marker: self._account.list_queue(prefix, marker=marker))

    def subscriptions(self, topic: str, prefix: str = "") -> list[str]:
        """Return the names of a topic's subscriptions that begin with a prefix. Raises: CloudError."""
        return self._pages(lambda marker: self._account.get_topic(topic).list_subscription(prefix, marker=marker))

    def queue_created(self, queue: str) -> float | None:
        """Return when a queue was made, in unix seconds; None where there is none. Raises: CloudError."""
        return self._created(lambda: self._attributes(queue))

    def subscription_created(self, topic: str, name: str) -> float | None:
        """Return when a subscription was made, in unix seconds; None where there is none. Raises: CloudError."""
        return self._created(lambda: self._account.get_subscription(topic, name).get_attributes())

    def topic_created(self, topic: str) -> float | None:
        """Return when a topic was made, in unix seconds; None where there is none. Raises: CloudError."""
        return self._created(lambda: self._account.get_topic(topic).get_attributes())

    def _attributes(self, queue: str) -> Any:  # noqa: ANN401 - the SDK has no types
        """Ask for a queue's attributes without the SDK's own object, which warns of the counts whoever reads them."""
        answer = GetQueueAttributesResponse()
        self._account.get_client().get_queue_attributes(GetQueueAttributesRequest(queue), answer)
        return answer

    def _created(self, attributes: Callable[[], Any]) -> float | None:
        try:
            moment = float(self._call("attributes", attributes).create_time)
        except CloudError as error:
            if error.code.endswith("NotExist"):
                return None
            raise
        return moment / 1000 if moment > IN_MILLISECONDS else moment

    def _pages(self, page: Callable[[str], tuple[list[str], str]]) -> list[str]:
        """Read all pages of addresses, and return the names that they end with."""
        names: list[str] = []
        marker: str | None = None
        while marker is None or marker:
            urls, marker = self._call("list", partial(page, marker or ""))
            names += [url.rpartition("/")[2] for url in urls]
        return names

    def _queue(self, name: str) -> Any:  # noqa: ANN401 - the SDK has no types
        return Queue(name, self._account.get_client())

    def _undecoded(self, name: str) -> Any:  # noqa: ANN401 - the SDK has no types
        """Anybody may have put a message in a queue: one that is no base64 must not cost the other fifteen."""
        queue = self._queue(name)
        queue.set_encoding(False)
        return queue

    def _call(self, what: str, call: Callable[[], _T]) -> _T:
        for failures in range(1, TRIES + 1):
            try:
                answer = call()
            except MNSExceptionBase as error:
                problem = _problem(error, self._target)
                lasting = not isinstance(error, MNSClientNetworkException) and problem.code not in _LASTING
            except (KeyError, AttributeError, TypeError, ValueError) as error:
                # The SDK lets these out where an answer lacks a header or an element.
                problem, lasting = CloudError(f"SMQ gave an unreadable answer ({type(error).__name__})"), False
            else:
                log.debug("SMQ: %s: ok", what)
                return answer
            log.debug("SMQ: %s: %s", what, problem.code or problem)
            if lasting or failures == TRIES:
                raise problem
            self._clock.sleep(0.2 * 2**failures)
        raise AssertionError("unreachable")


def _problem(error: MNSExceptionBase, target: Target) -> CloudError:
    """The fault in words without secrets."""
    if isinstance(error, MNSServerException):
        return CloudError(f"SMQ: {error.type}: {error.message} (request {error.req_id})", str(error.type))
    if isinstance(error, MNSClientNetworkException) and error.type == "NetWorkException":
        hint = "; is `ota-modules run` (or `make run`) up?" if target.local else ""
        return CloudError(f"no answer from SMQ at {target.smq_url}: {str(error.message)[:200]}{hint}")
    return CloudError(f"SMQ: {error.type}: {str(error.message)[:200]}", str(error.type))


def _received(message: Any) -> Received:  # noqa: ANN401 - the SDK has no types
    body = message.message_body
    return Received(str(message.message_id), str(message.receipt_handle), decoded(body))


def decoded(body: str | bytes) -> str:
    """A message's text: most are base64 of UTF-8, as the SDKs send them; any other is taken as it stands."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return text
