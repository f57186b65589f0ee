"""The operations on queues and their messages (SMQ, "Queue operations", "Message operations")."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from emulator.smq import wire
from emulator.smq.api.calls import Call, Operation, Reply, has, unless_gone
from emulator.smq.api.resources import created_reply, read_attributes, resource_operations
from emulator.smq.errors import InvalidArgument, NotFound, SmqError
from emulator.smq.limits import LIMITS, Limit
from emulator.smq.messages import Depths, Message, check_batch
from emulator.smq.queues import NUMBERS, QueueAttributes
from emulator.smq.wire import Content, Element

_BATCH = Limit(1, 16)


async def create_queue(call: Call) -> Reply:
    attributes = QueueAttributes(**read_attributes(call, "Queue", NUMBERS))
    try:
        # The wire has no dead-letter policy: it neither sets nor contradicts one.
        policy = call.service.queues.get(call.queue).attributes.dlq_policy
    except NotFound:
        policy = None
    return created_reply(call, call.service.queues.create(call.queue, replace(attributes, dlq_policy=policy)))


async def send_message(call: Call) -> Reply:
    message = call.service.put(call.queue, wire.read_draft(wire.read(call.body, "Message")))
    return Reply(201, "Message", wire.describe_sent(message))


async def batch_send_message(call: Call) -> Reply:
    messages = list(wire.read(call.body, "Messages"))
    check_batch([message.findtext("MessageBody", "") for message in messages])
    call.service.queues.get(call.queue)
    results = [_send(call, message) for message in messages]
    # The status of a batch that failed in part is nowhere documented; the SDK takes any from 400.
    failed = any("ErrorCode" in result for result in results)
    return Reply(500 if failed else 201, "Messages", {"Message": results})


async def receive_messages(call: Call) -> Reply:
    return await unless_gone(call, _receive(call))


async def _receive(call: Call) -> Reply:
    count = _count(call)
    attributes = call.service.queues.get(call.queue).attributes
    seconds = call.number("waitseconds", LIMITS["PollingWaitSeconds"], attributes.polling_wait_seconds)
    return _messages_reply(call, await call.service.wait_receive(call.queue, count, seconds), wire.describe_received)


async def peek_messages(call: Call) -> Reply:
    return _messages_reply(call, call.service.peek(call.queue, _count(call)), wire.describe_peeked)


async def delete_message(call: Call) -> Reply:
    call.service.delete(call.queue, _handle(call))
    return Reply(204)


async def batch_delete_message(call: Call) -> Reply:
    if not call.body:
        raise _missing("ReceiptHandle")
    handles = [handle.text or "" for handle in wire.read(call.body, "ReceiptHandles")]
    _BATCH.check("ReceiptHandle", len(handles))
    call.service.queues.get(call.queue)
    errors = []
    for handle in handles:
        try:
            call.service.delete(call.queue, handle)
        except SmqError as error:
            errors.append({"ErrorCode": error.code, "ErrorMessage": error.text, "ReceiptHandle": handle})
    return Reply(404, "Errors", {"Error": errors}) if errors else Reply(204)


async def change_message_visibility(call: Call) -> Reply:
    handle = _handle(call)
    if not call.query.get("VisibilityTimeout"):
        raise _missing("VisibilityTimeout")
    seconds = call.number("VisibilityTimeout", Limit(0, LIMITS["VisibilityTimeout"].highest), 0)
    message = call.service.change_visibility(call.queue, handle, seconds)
    content = {"ReceiptHandle": message.handle, "NextVisibleTime": message.next_visible}
    return Reply(200, "ChangeVisibility", content)


def _count(call: Call) -> int:
    return call.number("numOfMessages", _BATCH, 1)


def _messages_reply(call: Call, messages: list[Message], describe: Callable[[Message], Content]) -> Reply:
    """Answer with a list if the call asks for a number of messages, else with one. Raises: SmqError: there is none."""
    if not messages:
        raise SmqError(404, "MessageNotExist", "Message not exist.")
    contents = [describe(message) for message in messages]
    if "numOfMessages" in call.query:
        return Reply(200, "Messages", {"Message": contents})
    return Reply(200, "Message", contents[0])


def _handle(call: Call) -> str:
    handle = call.query.get("ReceiptHandle", "")
    if not handle:
        raise _missing("ReceiptHandle")
    return handle


def _missing(name: str) -> SmqError:
    return SmqError(400, f"Missing{name}", f"{name} is required.")


def _send(call: Call, message: Element) -> Content:
    try:
        return wire.describe_sent(call.service.put(call.queue, wire.read_draft(message)))
    except InvalidArgument as error:
        return {"ErrorCode": error.code, "ErrorMessage": error.text}


def _describe(call: Call, name: str) -> Content:
    queue = call.service.queues.get(name)
    depths = call.service.depths(name) if call.service.tells_depths() else Depths()
    return {
        "QueueName": queue.name,
        "CreateTime": queue.created,
        "LastModifyTime": queue.modified,
        **{name: getattr(queue.attributes, attribute) for name, attribute in NUMBERS.items()},
        "ActiveMessages": depths.active,
        "InactiveMessages": depths.inactive,
        "DelayMessages": depths.delayed,
        "LoggingEnabled": str(queue.attributes.logging_enabled),
    }


def _sends_batch(_query: Mapping[str, str], body: bytes) -> bool:
    return wire.read(body, "Message", "Messages").tag == "Messages"


def _peeks(query: Mapping[str, str], _body: bytes) -> bool:
    return query.get("peekonly", "").lower() == "true"


def _peeks_batch(query: Mapping[str, str], body: bytes) -> bool:
    return _peeks(query, body) and "numOfMessages" in query


_MESSAGES = "queues/{queues}/messages"

OPERATIONS = (
    *resource_operations("Queue", lambda service: service.queues, _describe, NUMBERS, create_queue),
    Operation("BatchSendMessage", "POST", _MESSAGES, batch_send_message, _sends_batch),
    Operation("SendMessage", "POST", _MESSAGES, send_message),
    Operation("BatchPeekMessage", "GET", _MESSAGES, peek_messages, _peeks_batch),
    Operation("PeekMessage", "GET", _MESSAGES, peek_messages, _peeks),
    Operation("BatchReceiveMessage", "GET", _MESSAGES, receive_messages, has("numOfMessages")),
    Operation("ReceiveMessage", "GET", _MESSAGES, receive_messages),
    Operation(
        "BatchDeleteMessage",
        "DELETE",
        _MESSAGES,
        batch_delete_message,
        lambda query, _body: "ReceiptHandle" not in query,
    ),
    Operation("DeleteMessage", "DELETE", _MESSAGES, delete_message),
    Operation("ChangeMessageVisibility", "PUT", _MESSAGES, change_message_visibility),
)
