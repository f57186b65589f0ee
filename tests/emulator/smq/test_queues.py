"""The official SDK, unmodified, against the local SMQ: queues and messages."""

import pytest
from mns.account import Account
from mns.message_property import MessagePropertyValue
from mns.queue import Message, Queue, QueueMeta

from emulator.smq.queues import DlqPolicy
from emulator.smq.service import MessageService
from tests.emulator.smq.sdk import refusal

# The SDK marks the three depths of a queue as deprecated, and sets them itself.
pytestmark = pytest.mark.filterwarnings("ignore:Call to deprecated function:DeprecationWarning")


def test_a_queue_is_created_once_and_changed_attribute_by_attribute(account: Account) -> None:
    """Creating it again as it is gives 204, with the Location that the SDK needs; other attributes are refused."""
    queue = account.get_queue("requests")
    for _ in range(2):
        assert queue.create(QueueMeta()).endswith("/queues/requests")
    assert refusal(queue.create, QueueMeta(vis_timeout=60)).type == "QueueAlreadyExist"
    meta = queue.get_attributes()
    assert (meta.visibility_timeout, meta.maximum_message_size, meta.message_retention_period) == (30, 65536, 345600)
    assert (meta.delay_seconds, meta.polling_wait_seconds, meta.logging_enabled) == (0, 0, False)
    queue.set_attributes(QueueMeta(vis_timeout=60, logging_enabled=True))
    queue.set_attributes(QueueMeta(delay_sec=5))
    meta = queue.get_attributes()
    assert (meta.visibility_timeout, meta.delay_seconds, meta.logging_enabled) == (60, 5, True)


def test_a_queue_outside_the_limits_is_refused(account: Account) -> None:
    for meta in (
        QueueMeta(vis_timeout=43_201),
        QueueMeta(max_msg_size=1023),
        QueueMeta(max_msg_size=65_537),
        QueueMeta(msg_ttl=59),
        QueueMeta(delay_sec=604_801),
        QueueMeta(polling_wait_sec=31),
    ):
        assert refusal(account.get_queue("q").create, meta).type == "InvalidArgument"
    for name, code in (("q" * 121, "QueueNameLengthError"), ("a_b", "InvalidQueueName"), ("-a", "InvalidQueueName")):
        assert refusal(account.get_queue(name).create, QueueMeta()).type == code


def test_a_long_list_of_queues_comes_in_pages(account: Account) -> None:
    assert account.list_queue() == ([], "")
    for name in ("a-1", "a-2", "a-3", "b-1"):
        account.get_queue(name).create(QueueMeta())
    urls, marker = account.list_queue(prefix="a-", ret_number=2)
    rest, end = account.list_queue(prefix="a-", ret_number=2, marker=marker)
    assert ([url.rpartition("/")[2] for url in urls + rest], end) == (["a-1", "a-2", "a-3"], "")


def test_a_deleted_queue_is_gone_with_its_messages(queue: Queue) -> None:
    queue.send_message(Message("old"))
    queue.delete()
    assert refusal(queue.get_attributes).type == "QueueNotExist"
    queue.create(QueueMeta())
    error = refusal(queue.receive_message)
    assert (error.type, bool(error.req_id)) == ("MessageNotExist", True)


def test_a_message_comes_out_as_it_went_in(service: MessageService, queue: Queue) -> None:
    text = 'Ä &<>"\r\n 模块 \U0001f600'
    message = Message(text)
    message.add_user_property("source", MessagePropertyValue.create_string("console"))
    message.add_user_property("raw", MessagePropertyValue.create_binary(b"\x00\x01"))
    sent = queue.send_message(message)
    received = queue.receive_message_with_str_body()
    assert (received.message_body, received.message_id) == (text, sent.message_id)
    assert (received.message_body_md5, received.dequeue_count, received.priority) == (sent.message_body_md5, 1, 8)
    properties = received.get_user_properties()
    assert (properties["source"].string_value, properties["raw"].binary_value) == ("console", b"\x00\x01")
    # XML parsers would change a carriage return of a plain body: it is escaped.
    queue.set_encoding(False)
    service.send("requests", '{"a":\t"<&>"}\r\n')
    assert queue.receive_message().message_body == '{"a":\t"<&>"}\r\n'


def test_sixteen_messages_go_out_and_come_in_at_once(queue: Queue) -> None:
    sent = queue.batch_send_message([Message(f"m{n}") for n in range(16)])
    received = queue.batch_receive_message_with_str_body(16)
    assert [message.message_id for message in received] == [message.message_id for message in sent]
    queue.batch_delete_message([message.receipt_handle for message in received])
    queue.send_message(Message("x", delay_seconds=60))
    meta = queue.get_attributes()
    assert (meta.active_messages, meta.inactive_messages, meta.delay_messages) == (0, 0, 1)


def test_64_kib_as_sent_are_accepted_and_one_byte_more_is_not(queue: Queue) -> None:
    """The size is that of the body in the XML, base64 included. A batch is refused as a whole, and has sixteen messages."""
    queue.set_encoding(False)
    assert refusal(queue.send_message, Message("x" * 65_537)).type == "InvalidArgument"
    for messages in ([Message("x")] * 17, [Message("x" * 65_536), Message("x")]):
        assert refusal(queue.batch_send_message, messages).type == "InvalidArgument"
    assert queue.get_attributes().active_messages == 0
    queue.send_message(Message("x" * 65_536))


def test_a_batch_that_fails_in_part_names_the_errors(queue: Queue) -> None:
    accepted, refused = refusal(queue.batch_send_message, [Message("good"), Message("bad", priority=17)]).sub_errors
    assert (accepted.keys(), refused.keys()) == ({"MessageBodyMD5", "MessageId"}, {"ErrorCode", "ErrorMessage"})
    error = refusal(queue.batch_delete_message, [queue.receive_message().receipt_handle, "1-nonsense"])
    assert [item["ReceiptHandle"] for item in error.sub_errors] == ["1-nonsense"]
    assert queue.get_attributes().inactive_messages == 0


def test_a_lower_number_is_a_higher_priority(queue: Queue) -> None:
    queue.batch_send_message([Message("later"), Message("last", priority=16), Message("first", priority=1)])
    queue.send_message(Message("later still"))
    assert [peeked.dequeue_count for peeked in queue.batch_peek_message(16)] == [0, 0, 0, 0]
    assert queue.peek_message_with_str_body().message_body == "first"
    bodies = [message.message_body for message in queue.batch_receive_message_with_str_body(16)]
    assert bodies == ["first", "later", "later still", "last"]


def test_only_the_newest_handle_deletes_and_only_once(account: Account, queue: Queue) -> None:
    other = account.get_queue("other")
    other.create(QueueMeta())
    queue.send_message(Message("x"))
    old = queue.receive_message()
    new = queue.change_message_visibility(old.receipt_handle, 60)
    assert int(new.next_visible_time) > old.next_visible_time
    assert refusal(queue.delete_message, old.receipt_handle).type == "ReceiptHandleError"
    assert refusal(other.delete_message, new.receipt_handle).type == "MessageNotExist"
    queue.delete_message(new.receipt_handle)
    assert refusal(queue.delete_message, new.receipt_handle).type == "MessageNotExist"


def test_a_message_is_dead_lettered_after_its_last_reception(service: MessageService, account: Account) -> None:
    """It keeps its priority and properties, and names its origin."""
    service.create_queue("dead")
    service.create_queue("work", dlq_policy=DlqPolicy("dead", max_receive_count=2))
    queue, poison = account.get_queue("work"), Message("poison", priority=3)
    poison.add_user_property("a", MessagePropertyValue.create_string("b"))
    sent = queue.send_message(poison)
    for _ in range(2):
        assert service.depths("dead").active == 0
        queue.change_message_visibility(queue.receive_message().receipt_handle, 0)
    assert service.depths("work").active == 0
    letter = account.get_queue("dead").receive_message_with_str_body(30)
    assert (letter.message_body, letter.priority, letter.dequeue_count) == ("poison", 3, 1)
    assert letter.get_user_properties()["a"].string_value == "b"
    properties = letter.get_system_properties()
    assert properties["DLQOriginMessageId"].string_value == sent.message_id
    assert properties["DLQSourceArn"].string_value == "acs:mns:cn-shanghai:1234567890123456:/queues/work"
