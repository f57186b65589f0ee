"""A pipeline with a pretended cloud around it: the API, the topic, the queues, the clock."""

import base64
import html
import json
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from handler.attempts import Invocation
from handler.credentials import Credentials
from handler.http1 import Answer
from handler.iot import IotApi
from handler.log import Log
from handler.pipeline import Pipeline, Report
from handler.settings import Settings
from handler.smq import Message, Outbox
from handler.threads import Pool, Task
from handler.triggers import Delivery
from tests.support.fake_iot import FakeClock, FakeIot, Fault, FreeQuota

SETTINGS = Settings.read(
    {
        "OTA_REGION": "cn-shanghai", "OTA_MNS_ENDPOINT": "https://mns", "OTA_RESULT_TOPIC": "results",
        "OTA_REQUEST_QUEUE": "requests", "OTA_DEAD_LETTER_QUEUE": "dead", "OTA_MAX_ATTEMPTS": "3",
    }
)  # fmt: skip


def one_by_one(tasks: Sequence[Task]) -> None:
    for task in tasks:
        task()


@dataclass
class Box:
    """SMQ: keeps what it takes, and refuses what it is told to."""

    published: list[dict[str, Any]] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    back: list[Message] = field(default_factory=list)
    dead: list[dict[str, Any]] = field(default_factory=list)
    publish_fails: Callable[[dict[str, Any]], bool] = lambda _event: False
    back_fails: Callable[[Message], bool] = lambda _message: False
    batches: list[int] = field(default_factory=list)
    """Sizes of those that came."""
    before_batch: Callable[[], object] = lambda: None

    def post(self, target: str, _seconds: float, body: bytes, _headers: Mapping[str, str]) -> Answer:
        document = body.decode()
        messages = re.findall("(?s)<MessageBody>(.*?)</MessageBody><(?:MessageTag|DelaySeconds)>(.*?)</", document)
        if "<Messages" in document:
            self.before_batch()
            self.batches.append(len(messages))
        taken = [self._takes(target, text_of(sent), detail) for sent, detail in messages]
        results = ["<MessageId>1</MessageId>" if each else "<Code>AccessDenied</Code>" for each in taken]
        text = "".join(f"<Message>{result}</Message>" for result in results)
        return Answer(201 if all(taken) else 500, {}, text.encode())

    def _takes(self, target: str, body: str, detail: str) -> bool:
        if target == "/queues/dead/messages":
            self.dead.append(json.loads(body))
        elif target == "/topics/results/messages":
            if self.publish_fails(event := json.loads(body)):
                return False
            self.published.append(event)
            self.tags.append(detail)
        elif self.back_fails(message := Message(body, int(detail))):
            return False
        else:
            self.back.append(message)
        return True


def text_of(sent: str) -> str:
    """A message's body, which is base64 unless it fits only as it is."""
    try:
        return base64.b64decode(sent, validate=True).decode()
    except ValueError:
        return html.unescape(sent)


@dataclass
class World:
    """A pipeline with its surroundings."""

    iot: FakeIot = field(default_factory=lambda: FakeIot({"a1": {}, "a2": {}}))
    box: Box = field(default_factory=Box)
    time: FakeClock = field(default_factory=FakeClock)
    lines: list[str] = field(default_factory=list)
    settings: Settings = SETTINGS
    seconds: float = 300.0
    pool: Pool = one_by_one

    @property
    def pipeline(self) -> Pipeline:
        api = IotApi("cn-shanghai", self.iot, FreeQuota(), self.time.clock, 10.0)
        return Pipeline(api, self.settings, self.pool, lambda: 0.5)

    @property
    def invocation(self) -> Invocation:
        keys = Credentials("testid", "hidden-secret", "hidden-token")
        log = Log(write=self.lines.append).bind(secrets=("hidden-secret", "hidden-token"))
        end = self.time.time + self.seconds
        outbox = Outbox(self.box, self.time.clock, lambda: 0.5, self.settings, lambda: keys, end + 2.0, log)
        return Invocation(lambda: keys, end, outbox, log, "/ota-modules/cn-shanghai/f")

    def run(self, *bodies: object) -> Report:
        return self.pipeline.run([message(n, body) for n, body in enumerate(bodies)], self.invocation)

    def redeliver(self, *, after: float = 0.0) -> Report:
        """Deliver what was put back, as new messages."""
        self.time.time += after
        back, self.box.back = self.box.back, []
        return self.pipeline.run([Delivery(f"b{n}", each.body, "smq") for n, each in enumerate(back)], self.invocation)

    def statuses(self) -> list[str]:
        return [event["data"]["Status"] for event in self.box.published]

    def said(self) -> dict[str, str]:
        """The statuses of all requests, by their Ids, in the order of their coming."""
        statuses: dict[str, str] = {}
        for event in self.box.published:
            name, status = event["causationid"], event["data"]["Status"]
            statuses[name] = f"{statuses[name]}, {status}" if name in statuses else status
        return statuses

    def back(self) -> list[Any]:
        """The bodies that were put back."""
        return [json.loads(each.body) for each in self.box.back]

    def log(self, event: str) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.lines) if line["event"] == event]


def world(*faults: Fault, **more: object) -> World:
    """A world whose API answers with faults at first; settings by their names, everything else by World's."""
    given = {name: more.pop(name) for name in [*more] if name.startswith("OTA_")}
    parts = {"iot": FakeIot({"a1": {}, "a2": {}}, deque(faults)), **more}
    return World(settings=SETTINGS.model_copy(update=given), **parts)  # type: ignore[arg-type]


def message(number: int, body: object) -> Delivery:
    return Delivery(f"m{number}", body if isinstance(body, str) else json.dumps(body), "smq")


def wanted(name: str = "mcu", product: str = "a1", **more: object) -> dict[str, object]:
    return {"ProductKey": product, "ModuleName": name, **more}
