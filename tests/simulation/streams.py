"""An event stream with one instance of the function behind it."""

import json
from dataclasses import dataclass
from functools import partial

from handler.errors import NotFinished
from handler.index import Instance
from tests.simulation.function import Surroundings, run
from tests.simulation.messages import Message
from tests.support.scheduler import Process, Task, Violation

COLD_START = 0.2
"""Seconds until a new instance may call: more than one interval of the quota, which it does not know to be used."""
RETRIES = 3
"""Times that a stream delivers a batch again before it lets the queue do it."""


@dataclass
class Stream:
    """Receives messages, invokes the function with them, and deletes them when it returns."""

    world: Surroundings
    name: str
    busy: set[str]
    """The streams that deliver something."""
    _running: tuple[Process, Instance] | None = None

    def run(self) -> None:
        world = self.world
        while not world.queue.empty or self.busy:
            messages = world.queue.receive(world.plan.batch)
            if not messages:
                world.scheduler.sleep(max(0.5, min(world.queue.next_due - world.scheduler.time, 30.0)))
                continue
            self.busy.add(self.name)
            if not world.troubles.strike(world.plan.stream_crashes):
                self._deliver(messages)
            self.busy.remove(self.name)

    def _deliver(self, messages: list[Message]) -> None:
        world = self.world
        for retry in range(1 + RETRIES):
            if self._invoke(messages):
                for message in messages:
                    world.queue.delete(message)
                return
            world.scheduler.sleep(world.random.uniform(1, 2) * 2**retry)

    def _invoke(self, messages: list[Message]) -> bool:
        """One invocation; whether the function said that all is done."""
        world, (process, instance) = self.world, self._ensure_started()
        invocation = world.records.begin(self.name, messages)
        crashes = world.troubles.strike(world.plan.crashes)
        process.fuse = world.random.randint(1, 30 + 6 * len(messages)) if crashes else 0
        call = partial(run, instance, world.plan.timeout, world.troubles.token(), _build_event(messages))
        task = world.scheduler.spawn(call, process)
        world.scheduler.at(world.scheduler.time + world.plan.timeout, partial(_time_out, process, task))
        try:
            world.scheduler.join(task)
        except NotFinished as error:
            world.records.note("not finished", str(error))
            world.settlement.refuse(invocation)
            return False
        if not process.alive:
            world.records.note("killed", self.name)
            return False
        if process.tasks:
            raise Violation("I6: something runs on behind the invocation")
        process.fuse = 0
        world.settlement.acknowledge(invocation)
        return True

    def _ensure_started(self) -> tuple[Process, Instance]:
        """The running instance; a new one where there is none."""
        if self._running is None or not self._running[0].alive:
            self.world.scheduler.sleep(COLD_START)
            process = Process(self.world.scheduler, self.name)
            self._running = process, self.world.start(process)
        return self._running


def _time_out(process: Process, task: Task) -> None:
    if not task.done and process.alive:
        raise Violation("I6: the invocation did not end before its timeout")


def _build_event(messages: list[Message]) -> bytes:
    """The batch as EventBridge sends it."""
    event = {"specversion": "1.0", "type": "mns:Queue:SendMessage"}
    data = [{"requestId": "R", "messageId": message.id, "messageBody": message.body} for message in messages]
    return json.dumps([{**event, "id": each["messageId"], "data": each} for each in data]).encode()
