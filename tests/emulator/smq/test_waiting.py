"""Long polls."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from mns.mns_exception import MNSClientNetworkException
from mns.queue import Message, Queue, QueueMeta

from emulator.smq.errors import NotFound
from emulator.smq.queues import DlqPolicy
from emulator.smq.service import MessageService
from tests.emulator.smq.sdk import Login, refusal
from tests.support.waiting import eventually


def test_a_long_poll_ends_when_a_message_arrives(service: MessageService, login: Login, queue: Queue) -> None:
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(login().get_queue("requests").receive_message_with_str_body, 30)
        eventually(lambda: service.waiting > 0)
        queue.send_message(Message("hello"))
        assert answer.result(20).message_body == "hello"


def test_a_long_poll_sees_a_visibility_that_began_after_it(service: MessageService, login: Login, queue: Queue) -> None:
    queue.send_message(Message("x", delay_seconds=1))
    with ThreadPoolExecutor(2) as pool:
        polls = [pool.submit(login().get_queue("requests").receive_message, 30) for _ in range(2)]
        eventually(lambda: any(poll.done() for poll in polls))
        first = next(poll for poll in polls if poll.done()).result()
        queue.change_message_visibility(first.receipt_handle, 1)
        assert sorted(poll.result(20).dequeue_count for poll in polls) == [1, 2]


def test_a_long_poll_without_a_message_ends_with_its_time(queue: Queue) -> None:
    assert refusal(queue.receive_message, 1).type == "MessageNotExist"
    assert refusal(queue.receive_message, 31).type == "InvalidArgument"


def test_a_queue_s_own_waiting_time_holds_where_the_call_names_none(queue: Queue) -> None:
    """PollingWaitSeconds makes a plain receive a long poll: it outlasts a delay of a second."""
    queue.set_attributes(QueueMeta(polling_wait_sec=30))
    queue.send_message(Message("slow", delay_seconds=1))
    assert queue.receive_message_with_str_body().message_body == "slow"


def test_a_caller_that_hangs_up_takes_no_message_along(service: MessageService, login: Login, queue: Queue) -> None:
    impatient = login().get_queue("requests")
    impatient.mns_client.set_connection_timeout(0.3)
    with pytest.raises(MNSClientNetworkException):
        impatient.receive_message(30)
    eventually(lambda: service.waiting == 0)
    queue.send_message(Message("x"))
    assert queue.receive_message().dequeue_count == 1


def test_a_wait_for_a_dead_letter_ends_when_the_last_visibility_does(service: MessageService) -> None:
    service.create_queue("dead")
    service.create_queue("work", dlq_policy=DlqPolicy("dead", max_receive_count=1))
    service.send("work", "poison")
    service.receive("work", visibility=1)

    async def wait() -> list[str]:
        return [message.body for message in await asyncio.wait_for(service.wait_receive("dead", 1, 600), 30)]

    assert asyncio.run(wait()) == ["poison"]


def test_a_wait_ends_when_its_queue_is_removed_and_can_be_cancelled(service: MessageService) -> None:
    async def wait() -> None:
        cancelled, removed = waits = [asyncio.ensure_future(service.wait_receive(queue, 1, 30)) for queue in "ab"]
        await asyncio.sleep(0)
        service.delete_queue("b")
        cancelled.cancel()
        service.send("a", "x")
        await asyncio.wait(waits)
        assert cancelled.cancelled()
        assert isinstance(removed.exception(), NotFound)

    for name in "ab":
        service.create_queue(name)
    asyncio.run(wait())
    assert (service.waiting, service.depths("a").active) == (0, 1)
