"""The operations on queues and their messages (SMQ, "Queue operations", "Message operations")."""

from dataclasses import replace
from typing import Any

from emulator.smq.api.calls import Call, Operation, Reply, created, has, listed, listing, unless_gone
from emulator.smq.errors import (
    InvalidArgument,
    MessageNotExist,
    MissingReceiptHandle,
    MissingVisibilityTimeout,
    QueueNotExist,
    SmqError,
)
from emulator.smq.limits import LIMITS, Limit
from emulator.smq.messages import check_together
from emulator.smq.queues import Queue, QueueAttributes
from emulator.smq.wire import Given, Node, draft, nodes, peeked, read, received, sent

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
    wanted = listing(call)
    page = call.service.queues.page(wanted.prefix, wanted.marker, wanted.count)
    return listed("Queues", page, [_item(call, name, wanted.with_meta) for name in page.names])


async def create_queue(call: Call) -> Reply:
    name = call.names["queues"]
    attributes = QueueAttributes(**_given(read(call.body, "Queue")))
    try:
        # The wire has no dead-letter policy: it neither sets nor contradicts one.
        policy = call.service.queues.get(name).attributes.dlq_policy
    except QueueNotExist:
        policy = None
    return created(call, call.service.queues.create(name, replace(attributes, dlq_policy=policy)))


async def set_queue_attributes(call: Call) -> Reply:
    name = call.names["queues"]
    attributes = call.service.queues.get(name).attributes
    call.service.queues.change(name, replace(attributes, **_given(read(call.body, "Queue"))))
    return Reply(204)


async def get_queue_attributes(call: Call) -> Reply:
    return Reply(200, Node("Queue", _described(call, call.service.queues.get(call.names["queues"]))))


async def delete_queue(call: Call) -> Reply:
    call.service.delete_queue(call.names["queues"])
    return Reply(204)


async def send_message(call: Call) -> Reply:
    message = call.service.put(call.names["queues"], draft(read(call.body, "Message")))
    return Reply(201, sent(message))


async def batch_send_message(call: Call) -> Reply:
    messages = read(call.body, "Messages").children
    check_together([message.get("MessageBody") for message in messages])
    call.service.queues.get(call.names["queues"])
    results = [_sent(call, message) for message in messages]
    # The status of a batch that failed in part is nowhere documented; the SDK takes any from 400.
    return Reply(500 if any(map(_is_error, results)) else 201, Node("Messages", results))


async def receive_message(call: Call) -> Reply:
    return await unless_gone(call, _receive(call, 1))


async def batch_receive_message(call: Call) -> Reply:
    return await unless_gone(call, _receive(call, call.number("numOfMessages", _BATCH, 1)))


async def peek_message(call: Call) -> Reply:
    found = call.service.peek(call.names["queues"])
    if not found:
        raise MessageNotExist("Message not exist.")
    return Reply(200, peeked(found[0]))


async def batch_peek_message(call: Call) -> Reply:
    found = call.service.peek(call.names["queues"], call.number("numOfMessages", _BATCH, 1))
    if not found:
        raise MessageNotExist("Message not exist.")
    return Reply(200, Node("Messages", [peeked(message) for message in found]))


async def delete_message(call: Call) -> Reply:
    call.service.delete(call.names["queues"], _handle(call))
    return Reply(204)


async def batch_delete_message(call: Call) -> Reply:
    if not call.body:
        raise MissingReceiptHandle("ReceiptHandle is required.")
    handles = [handle.text for handle in read(call.body, "ReceiptHandles").children]
    _BATCH.check("ReceiptHandle", len(handles))
    call.service.queues.get(call.names["queues"])
    errors = [error for handle in handles for error in _deletion_errors(call, handle)]
    return Reply(404, Node("Errors", errors)) if errors else Reply(204)


async def change_message_visibility(call: Call) -> Reply:
    handle = _handle(call)
    if not call.query.get("visibilitytimeout"):
        raise MissingVisibilityTimeout("VisibilityTimeout is required.")
    seconds = call.number("VisibilityTimeout", Limit(0, LIMITS["VisibilityTimeout"].highest), 0)
    message = call.service.change_visibility(call.names["queues"], handle, seconds)
    values = [("ReceiptHandle", message.handle), ("NextVisibleTime", str(message.next_visible))]
    return Reply(200, Node("ChangeVisibility", nodes(values)))


async def _receive(call: Call, count: int) -> Reply:
    queue = call.names["queues"]
    attributes = call.service.queues.get(queue).attributes
    seconds = call.number("waitseconds", _WAIT, attributes.polling_wait_seconds)
    found = await call.service.wait_receive(queue, count, seconds)
    if not found:
        raise MessageNotExist("Message not exist.")
    if "numofmessages" not in call.query:
        return Reply(200, received(found[0]))
    return Reply(200, Node("Messages", [received(message) for message in found]))


def _handle(call: Call) -> str:
    handle = call.query.get("receipthandle", "")
    if not handle:
        raise MissingReceiptHandle("ReceiptHandle is required.")
    return handle


def _sent(call: Call, message: Given) -> Node:
    try:
        return sent(call.service.put(call.names["queues"], draft(message)))
    except InvalidArgument as error:
        return Node("Message", nodes([("ErrorCode", error.code), ("ErrorMessage", error.text)]))


def _is_error(result: Node) -> bool:
    return isinstance(result.content, list) and result.content[0].name == "ErrorCode"


def _deletion_errors(call: Call, handle: str) -> list[Node]:
    try:
        call.service.delete(call.names["queues"], handle)
    except SmqError as error:
        values = [("ErrorCode", error.code), ("ErrorMessage", error.text), ("ReceiptHandle", handle)]
        return [Node("Error", nodes(values))]
    return []


def _given(queue: Given) -> dict[str, Any]:
    numbers = {own: queue.number(name) for name, own in _NUMBERS.items()}
    values = {**numbers, "logging_enabled": queue.flag("LoggingEnabled")}
    return {name: value for name, value in values.items() if value is not None}


def _described(call: Call, queue: Queue) -> list[Node]:
    depths = call.service.depths(queue.name)
    return nodes(
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


def _item(call: Call, name: str, with_meta: bool) -> Node:
    url = Node("QueueURL", f"{call.base}/queues/{name}")
    return Node("Queue", [url, *(_described(call, call.service.queues.get(name)) if with_meta else [])])


def _batch(call: Call) -> bool:
    return read(call.body, "Message", "Messages").name == "Messages"


def _peek(call: Call) -> bool:
    return call.query.get("peekonly", "").lower() == "true"


def _batch_peek(call: Call) -> bool:
    return _peek(call) and "numofmessages" in call.query


def _no_handle(call: Call) -> bool:
    return "receipthandle" not in call.query


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
