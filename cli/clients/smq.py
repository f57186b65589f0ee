"""SMQ through the official SDK: what commands do to queues and topics. One `Mailbox` a thread: its client is not thread-safe."""

import base64
import binascii
import logging
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

from mns.account import Account
from mns.mns_exception import MNSClientNetworkException, MNSExceptionBase, MNSServerException
from mns.mns_request import GetQueueAttributesRequest, GetQueueAttributesResponse
from mns.queue import Message, Queue, QueueMeta
from mns.subscription import SubscriptionMeta, SubscriptionNotifyContentFormat

from cli.clients import http
from cli.clients.target import Target
from cli.errors import CloudError

log = logging.getLogger(__name__)
BATCH = 16
"""Messages of one batch call (SMQ, "Limits"); their bodies have 64 KiB at most, base64 included ("BatchSendMessage")."""
IN_MILLISECONDS = 1e11
"""Moments beyond the year 5138 in seconds are meant as milliseconds."""
TIMEOUT = 40
"""Seconds for a call; longer than any long poll."""
TRIES = 4
RELEASED = 1
"""Seconds: the least that SMQ takes."""
_PASSING = ("InternalError", "InternalServerError", "QpsLimitExceeded", "ServiceUnavailable")
_GONE = ("MessageNotExist", "ReceiptHandleError")
_NOT_THERE = ("QueueNotExist", "TopicNotExist", "SubscriptionNotExist")


class Received(NamedTuple):
    """A received message, which nobody else sees for the queue's visibility timeout."""

    id: str
    handle: str
    body: str


class Mailbox:
    """One thread's use of SMQ; every call raises CloudError where it fails.

    Network faults and passing errors are tried again, so a message may be sent twice.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._account = Account(target.smq_url, *target.keys)
        client = self._account.get_client()
        client.set_connection_timeout(TIMEOUT)
        # The SDK gives https no timeout at all, and its setter leaves https as it is.
        client.http.conn.timeout = TIMEOUT

    def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        self._account.get_client().close_connection()

    def send(self, queue: str, bodies: Sequence[str]) -> list[str]:
        """Send messages, 16 a call, and return their ids. If it fails, some may have been accepted."""
        send = self._queue(queue).batch_send_message
        messages = [Message(body) for body in bodies]
        batches = [messages[start : start + BATCH] for start in range(0, len(messages), BATCH)]
        sent = chain.from_iterable(self._call(f"send {len(each)} to {queue}", send, each) for each in batches)
        return [str(message.message_id) for message in sent]

    def receive(self, queue: str, seconds: int = 0) -> list[Received]:
        """Receive up to 16 messages; wait up to `seconds` (30 at most) for the first."""
        undecoded = self._queue(queue)
        # Anybody may have put a message in a queue: one that is no base64 must not cost the other fifteen.
        undecoded.set_encoding(False)
        receive = undecoded.batch_receive_message
        found = self._call(f"receive from {queue}", receive, BATCH, seconds, harmless=("MessageNotExist",)) or ()
        return [Received(str(each.message_id), str(each.receipt_handle), decoded(each.message_body)) for each in found]

    def depths(self, queue: str) -> dict[str, int]:
        """Return the counts of a queue's `active`, `inactive` and `delayed` messages, about; empty where SMQ does not tell.

        Its documentation says that these numbers will go, so that nothing may depend on them.
        """
        try:
            answer = self._call(f"attributes of {queue}", self._attributes, queue)
        except CloudError:
            return {}
        counts = (answer.active_messages, answer.inactive_messages, answer.delay_messages)
        return dict(zip(("active", "inactive", "delayed"), map(int, counts), strict=True))

    def delete(self, queue: str, handles: Sequence[str]) -> None:
        """Delete up to 16 received messages; one that is gone already is no fault."""
        delete = self._queue(queue).batch_delete_message
        self._call(f"delete {len(handles)} from {queue}", delete, list(handles), harmless=_GONE)

    def release(self, queue: str, handle: str) -> None:
        """Let a received message be seen again, in `RELEASED` seconds."""
        release = self._queue(queue).change_message_visibility
        self._call(f"release one of {queue}", release, handle, RELEASED, harmless=_GONE)

    def create_queue(self, queue: str) -> None:
        """Make a queue, unless it is there."""
        meta = QueueMeta(vis_timeout=30, polling_wait_sec=0, msg_ttl=4 * 24 * 3600)
        self._call(f"create {queue}", self._queue(queue).create, meta, harmless=("QueueAlreadyExist",))

    def delete_queue(self, queue: str) -> None:
        """Delete a queue, unless it is gone already."""
        self._call(f"delete {queue}", self._queue(queue).delete, harmless=_NOT_THERE)

    def subscribe(self, topic: str, queue: str) -> None:
        """Send a topic's messages on to a queue, as they were published; the subscription has the queue's name."""
        target = self._target
        meta = SubscriptionMeta(f"acs:mns:{target.region}:{target.account}:queues/{queue}")
        meta.set_notify_content_format(SubscriptionNotifyContentFormat.SIMPLIFIED)
        subscribe = self._account.get_subscription(topic, queue).subscribe
        self._call(f"subscribe {queue} to {topic}", subscribe, meta, harmless=("SubscriptionAlreadyExist",))

    def unsubscribe(self, topic: str, queue: str) -> None:
        """Delete a subscription, unless it is gone already."""
        unsubscribe = self._account.get_subscription(topic, queue).unsubscribe
        self._call(f"unsubscribe {queue} from {topic}", unsubscribe, harmless=_NOT_THERE)

    def queues(self, prefix: str) -> list[str]:
        """Return the names of the queues that begin with a prefix."""
        return self._names(partial(self._account.list_queue, prefix))

    def subscriptions(self, topic: str, prefix: str = "") -> list[str]:
        """Return the names of a topic's subscriptions that begin with a prefix; none where there is no such topic."""
        return self._names(partial(self._account.get_topic(topic).list_subscription, prefix))

    def queue_created(self, queue: str) -> float | None:
        """Return when a queue was made, in unix seconds; None where it is not there."""
        return self._created(self._attributes, queue)

    def subscription_created(self, topic: str, name: str) -> float | None:
        return self._created(self._account.get_subscription(topic, name).get_attributes)

    def topic_created(self, topic: str) -> float | None:
        return self._created(self._account.get_topic(topic).get_attributes)

    def _attributes(self, queue: str) -> Any:  # noqa: ANN401 - the SDK has no types
        """Ask for a queue's attributes without the SDK's own object, which warns of the counts whoever reads them."""
        answer = GetQueueAttributesResponse()
        self._account.get_client().get_queue_attributes(GetQueueAttributesRequest(queue), answer)
        return answer

    def _created(self, attributes: Callable[..., Any], *queue: str) -> float | None:
        found = self._call("attributes", attributes, *queue, harmless=_NOT_THERE)
        if found is None:
            return None
        moment = float(found.create_time)
        return moment / 1000 if moment > IN_MILLISECONDS else moment

    def _names(self, page: Callable[..., tuple[list[str], str]]) -> list[str]:
        """Read all pages of addresses, and return the names that they end with."""
        names: list[str] = []
        marker = ""
        while True:
            urls, marker = self._call("list", partial(page, marker=marker), harmless=_NOT_THERE) or ([], "")
            names += [url.rpartition("/")[2] for url in urls]
            if not marker:
                return names

    def _queue(self, name: str) -> Any:  # noqa: ANN401 - the SDK has no types
        return Queue(name, self._account.get_client())

    def _call(self, what: str, call: Callable[..., Any], *given: Any, harmless: Sequence[str] = ()) -> Any:  # noqa: ANN401
        """Call, again where that may help; return None where the answer is one of the `harmless` codes."""
        for failures in range(1, TRIES + 1):
            try:
                answer = call(*given)
            except MNSExceptionBase as error:
                problem = _problem(error, self._target, what)
                lasting = not isinstance(error, MNSClientNetworkException) and problem.code not in _PASSING
            except (KeyError, AttributeError, TypeError, ValueError) as error:
                # The SDK lets these out where an answer lacks a header or an element.
                problem, lasting = CloudError(f"SMQ gave an unreadable answer ({type(error).__name__})"), False
            else:
                log.debug("SMQ: %s: ok", what)
                return answer
            log.debug("SMQ: %s: %s", what, problem.code or problem)
            if problem.code in harmless:
                return None
            if lasting or failures == TRIES:
                raise problem
            time.sleep(0.2 * 2**failures)
        raise AssertionError("unreachable")


def _problem(error: MNSExceptionBase, target: Target, what: str) -> CloudError:
    """Describe an error of the SDK without secrets."""
    if isinstance(error, MNSServerException):
        return CloudError(f"SMQ: {what}: {error.type}: {error.message} (request {error.req_id})", str(error.type))
    text = str(error.message)[:200]
    if isinstance(error, MNSClientNetworkException) and error.type == "NetWorkException":
        return CloudError(f"no answer from SMQ at {target.smq_url}: {text}{http.hint(target.smq_url)}")
    return CloudError(f"SMQ: {what}: {error.type}: {text}", str(error.type))


def decoded(body: str | bytes) -> str:
    """Decode a body that is base64 of UTF-8, as the SDKs send it; return any other as it is."""
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body
    try:
        return base64.b64decode(text, validate=True).decode("utf-8")
    except (binascii.Error, ValueError):
        return text
