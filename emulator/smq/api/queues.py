"""The operations on queues and their messages (SMQ, "Queue operations", "Message operations")."""

from dataclasses import replace
from typing import Any

from emulator.smq.api.calls import Call, Operation, Reply, created_reply, has, list_reply, read_listing, unless_gone
from emulator.smq.errors import BadRequest, InvalidArgument, MessageNotExist, QueueNotExist, SmqError
from emulator.smq.limits import LIMITS, Limit
from emulator.smq.messages import Depths, Message, check_batch
from emulator.smq.queues import Queue, QueueAttributes
from emulator.smq.wire import Element, draft, element, elements, flag, number, peeked, read, received, sent

_BATCH = Limit(1, 16)
_WAIT = LIMITS["PollingWaitSeconds"]

# The wire's names of what may be set, and the attributes' own.
_NUMBERS = {
    "VisibilityTimeout": "visibility_timeout",
    "MaximumMessageSize": "maximum_message_size",
    "MessageRetentionPeriod": "message_retention_period",
    "DelaySeconds": "delay_seconds",
    "PollingWaitSeconds": "polling_wait_seconds",
}


async def list_queues(call: Call) -> Reply:
    listing = read_listing(call)
    page = call.service.queues.page(listing.prefix, listing.marker, listing.count)
    return list_reply("Queues", page, [_item(call, name, listing.with_meta) for name in page.names])


async def create_queue(call: Call) -> Reply:
    name = call.names["queues"]
    attributes = QueueAttributes(**_attributes(read(call.body, "Queue")))
    try:
        # The wire has no dead-letter policy: it neither sets nor contradicts one.
        policy = call.service.queues.get(name).attributes.dlq_policy
    except QueueNotExist:
        policy = None
    return created_reply(call, call.service.queues.create(name, replace(attributes, dlq_policy=policy)))


async def set_queue_attributes(call: Call) -> Reply:
    name = call.names["queues"]
    attributes = call.service.queues.get(name).attributes
    call.service.queues.change(name, replace(attributes, **_attributes(read(call.body, "Queue"))))
    return Reply(204)


async def get_queue_attributes(call: Call) -> Reply:
    return Reply(200, element("Queue", *_describe(call, call.service.queues.get(call.names["queues"]))))


async def delete_queue(call: Call) -> Reply:
    call.service.delete_queue(call.names["queues"])
    return Reply(204)


async def send_message(call: Call) -> Reply:
    message = call.service.put(call.names["queues"], draft(read(call.body, "Message")))
    return Reply(201, sent(message))


async def batch_send_message(call: Call) -> Reply:
    messages = list(read(call.body, "Messages"))
    check_batch([message.findtext("MessageBody", "") for message in messages])
    call.service.queues.get(call.names["queues"])
    results = [_send(call, message) for message in messages]
    # The status of a batch that failed in part is nowhere documented; the SDK takes any from 400.
    failed = any(result.find("{*}ErrorCode") is not None for result in results)
    return Reply(500 if failed else 201, element("Messages", *results))


async def receive_message(call: Call) -> Reply:
    return await unless_gone(call, _receive(call, 1))


async def batch_receive_message(call: Call) -> Reply:
    return await unless_gone(call, _receive(call, call.number("numOfMessages", _BATCH, 1)))


async def peek_message(call: Call) -> Reply:
    messages = call.service.peek(call.names["queues"])
    return Reply(200, peeked(_some(messages)[0]))


async def batch_peek_message(call: Call) -> Reply:
    messages = call.service.peek(call.names["queues"], call.number("numOfMessages", _BATCH, 1))
    return Reply(200, element("Messages", *(peeked(message) for message in _some(messages))))


async def delete_message(call: Call) -> Reply:
    call.service.delete(call.names["queues"], _handle(call))
    return Reply(204)


async def batch_delete_message(call: Call) -> Reply:
    if not call.body:
        raise BadRequest("ReceiptHandle is required.", "MissingReceiptHandle")
    handles = [handle.text or "" for handle in read(call.body, "ReceiptHandles")]
    _BATCH.check("ReceiptHandle", len(handles))
    call.service.queues.get(call.names["queues"])
    errors = [error for handle in handles for error in _deletion_errors(call, handle)]
    return Reply(404, element("Errors", *errors)) if errors else Reply(204)


async def change_message_visibility(call: Call) -> Reply:
    handle = _handle(call)
    if not call.query.get("VisibilityTimeout"):
        raise BadRequest("VisibilityTimeout is required.", "MissingVisibilityTimeout")
    seconds = call.number("VisibilityTimeout", Limit(0, LIMITS["VisibilityTimeout"].highest), 0)
    message = call.service.change_visibility(call.names["queues"], handle, seconds)
    values = elements([("ReceiptHandle", message.handle), ("NextVisibleTime", message.next_visible)])
    return Reply(200, element("ChangeVisibility", *values))


async def _receive(call: Call, count: int) -> Reply:
    queue = call.names["queues"]
    attributes = call.service.queues.get(queue).attributes
    seconds = call.number("waitseconds", _WAIT, attributes.polling_wait_seconds)
    messages = _some(await call.service.wait_receive(queue, count, seconds))
    if "numOfMessages" not in call.query:
        return Reply(200, received(messages[0]))
    return Reply(200, element("Messages", *(received(message) for message in messages)))


def _some(messages: list[Message]) -> list[Message]:
    """Raises: MessageNotExist: there is none."""
    if not messages:
        raise MessageNotExist("Message not exist.")
    return messages


def _handle(call: Call) -> str:
    handle = call.query.get("ReceiptHandle", "")
    if not handle:
        raise BadRequest("ReceiptHandle is required.", "MissingReceiptHandle")
    return handle


def _send(call: Call, message: Element) -> Element:
    try:
        return sent(call.service.put(call.names["queues"], draft(message)))
    except InvalidArgument as error:
        return element("Message", *elements([("ErrorCode", error.code), ("ErrorMessage", error.text)]))


def _deletion_errors(call: Call, handle: str) -> list[Element]:
    try:
        call.service.delete(call.names["queues"], handle)
    except SmqError as error:
        values = [("ErrorCode", error.code), ("ErrorMessage", error.text), ("ReceiptHandle", handle)]
        return [element("Error", *elements(values))]
    return []


def _attributes(queue: Element) -> dict[str, Any]:
    numbers = {own: number(queue, name) for name, own in _NUMBERS.items()}
    values = {**numbers, "logging_enabled": flag(queue, "LoggingEnabled")}
    return {name: value for name, value in values.items() if value is not None}


def _describe(call: Call, queue: Queue) -> list[Element]:
    depths = call.service.depths(queue.name) if call.service.tells_depths() else Depths()
    return elements(
        [
            ("QueueName", queue.name),
            ("CreateTime", queue.created),
            ("LastModifyTime", queue.modified),
            *((name, getattr(queue.attributes, own)) for name, own in _NUMBERS.items()),
            ("ActiveMessages", depths.active),
            ("InactiveMessages", depths.inactive),
            ("DelayMessages", depths.delayed),
            ("LoggingEnabled", str(queue.attributes.logging_enabled)),
        ]
    )


def _item(call: Call, name: str, with_meta: bool) -> Element:
    url = element("QueueURL", f"{call.base}/queues/{name}")
    return element("Queue", url, *(_describe(call, call.service.queues.get(name)) if with_meta else []))


def _batch(call: Call) -> bool:
    return read(call.body, "Message", "Messages").tag == "Messages"


def _peek(call: Call) -> bool:
    return call.query.get("peekonly", "").lower() == "true"


def _batch_peek(call: Call) -> bool:
    return _peek(call) and "numOfMessages" in call.query


def _no_handle(call: Call) -> bool:
    return "ReceiptHandle" not in call.query


_QUEUE = "queues/{queues}"
_MESSAGES = "queues/{queues}/messages"

OPERATIONS = (
    Operation("ListQueue", "GET", "queues", list_queues),
    Operation("SetQueueAttributes", "PUT", _QUEUE, set_queue_attributes, has("metaoverride")),
    Operation("CreateQueue", "PUT", _QUEUE, create_queue),
    Operation("GetQueueAttributes", "GET", _QUEUE, get_queue_attributes),
    Operation("DeleteQueue", "DELETE", _QUEUE, delete_queue),
    Operation("BatchSendMessage", "POST", _MESSAGES, batch_send_message, _batch),
    Operation("SendMessage", "POST", _MESSAGES, send_message),
    Operation("BatchPeekMessage", "GET", _MESSAGES, batch_peek_message, _batch_peek),
    Operation("PeekMessage", "GET", _MESSAGES, peek_message, _peek),
    Operation("BatchReceiveMessage", "GET", _MESSAGES, batch_receive_message, has("numOfMessages")),
    Operation("ReceiveMessage", "GET", _MESSAGES, receive_message),
    Operation("BatchDeleteMessage", "DELETE", _MESSAGES, batch_delete_message, _no_handle),
    Operation("DeleteMessage", "DELETE", _MESSAGES, delete_message),
    Operation("ChangeMessageVisibility", "PUT", _MESSAGES, change_message_visibility),
)
