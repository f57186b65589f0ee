"""Reports every delivery of a message to a queue, and fails as often as the message asks; `probe.yml` deploys it."""

import json
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

from mns.account import Account
from mns.queue import Message

DELIVERIES: Counter[str] = Counter()
"""How often this instance has seen each message; there is one instance only."""


def handler(event: bytes, context: Any) -> None:
    """Report each message, and raise an error where one is to fail still."""
    age = _seconds_since_process_began()
    messages = [{"event_id": each["id"], **each["data"], **_body(each["data"])} for each in json.loads(event)]
    keys = context.credentials
    account = Account(os.environ["MNS_ENDPOINT"], keys.access_key_id, keys.access_key_secret, keys.security_token or "")
    answers = account.get_queue(os.environ["ANSWERS"])
    for message in messages:
        DELIVERIES[message["name"]] += 1
        first = sum(DELIVERIES.values()) == 1
        start = {"start_s": round(age, 3), "start_cpu_s": round(time.process_time(), 3)} if first else {}
        report = {name: message[name] for name in ("name", "event_id", "messageId")} | {"at": time.time(), **start}
        answers.send_message(Message(json.dumps(report)))
    if any(DELIVERIES[message["name"]] <= message["failures"] for message in messages):
        raise RuntimeError("asked to fail")


def _body(data: Any) -> Any:
    body = data["messageBody"]
    return json.loads(body) if isinstance(body, str) else body


def _seconds_since_process_began() -> float:
    ticks = int(Path("/proc/self/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19])
    uptime = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    return uptime - ticks / os.sysconf("SC_CLK_TCK")
