"""One delivery of a hundred messages, each an array, through the function's own code.

Run as `python large_delivery.py REQUESTS SECONDS`: requests in each message, and seconds until the deadline. Prints what became
of them, and the memory that it took.
"""

import json
import os
import random
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

import handler.index  # noqa: F401 - all that an instance loads
from handler import triggers
from handler.attempts import Invocation
from handler.clock import Clock
from handler.credentials import Credentials
from handler.http1 import Answer
from handler.iot import IotApi
from handler.log import Log
from handler.pipeline import Pipeline
from handler.settings import Settings
from handler.smq import Outbox
from handler.threads import Threads
from tests.support.fake_iot import FreeQuota

NAMES = {"OTA_RESULT_TOPIC": "results", "OTA_REQUEST_QUEUE": "requests"}
SETTINGS = Settings.read({"OTA_REGION": "cn-shanghai", "OTA_MNS_ENDPOINT": "https://mns", **NAMES})
MESSAGES = 100
LARGEST_BODY = 48 * 1024


class Cloud(FreeQuota):
    """Creates and takes everything at once, knows no quota, and keeps only the number of messages that went back."""

    back = 0

    def open(self, seconds: float) -> None: ...

    def post(
        self, target: str, _seconds: float, body: bytes = b"", _headers: Mapping[str, str] | None = None
    ) -> Answer:
        if not body:
            return Answer(200, {}, b'{"RequestId":"R","Success":true}')
        count = body.count(b"<MessageBody>")
        self.back += count if "/queues/" in target else 0
        return Answer(201, {}, b"<Message><MessageId>1</MessageId></Message>" * count)


def build_body(message: int, requests: int) -> str:
    alias = {"AliasName": "Barcode_scanner"} if requests < 500 else {}
    wanted = [{"ProductKey": f"a{message}x{n // 8}", "ModuleName": f"m{n % 8}", **alias} for n in range(requests)]
    text = json.dumps(wanted, separators=(",", ":"))
    assert len(text) <= LARGEST_BODY
    return text


def build_event(requests: int) -> bytes:
    """Build the event in another process, so that only what the function needs counts."""
    reader, writer = os.pipe()
    if os.fork() == 0:
        messages = [{"messageId": f"m{n}", "messageBody": build_body(n, requests)} for n in range(MESSAGES)]
        events = [{"specversion": "1.0", "id": each["messageId"], "data": each} for each in messages]
        with os.fdopen(writer, "w") as pipe:
            json.dump(events, pipe)
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        return pipe.read()


def main(requests: int, seconds: float) -> None:
    clock, cloud, log = Clock(), Cloud(), Log("ERROR")
    keys, end = Credentials("testid", "testsecret"), clock.now() + seconds
    pipeline = Pipeline(IotApi("cn-shanghai", cloud, cloud, clock, 10.0), SETTINGS, Threads(54), random.random)
    outbox = Outbox(cloud, clock, random.random, SETTINGS, lambda: keys, float("inf"), log)
    invocation = Invocation(lambda: keys, end, outbox, log, "/ota-modules/cn-shanghai/f")
    report = pipeline.run(triggers.deliveries(build_event(requests)), invocation)
    print(json.dumps({**report.summary(), "messages": cloud.back, "peak": measure_peak()}))


def measure_peak() -> float:
    """Return the MiB that this process took at most. `ru_maxrss` counts the process too that started it."""
    if (status := Path("/proc/self/status")).exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) / 2**10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
