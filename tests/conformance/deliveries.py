"""Questions to a deployed stream: `probe.yml` makes a function that reports each delivery and fails when asked to."""

import json
import secrets
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from mns.mns_exception import MNSExceptionBase
from mns.queue import Message

from tests.conformance.platform import Platform

PROBE = "ota-modules-probe"
FAILURES = 2
PATIENCE = 120.0
"""Seconds for all deliveries: the second retry comes three seconds after the first call by the documentation."""


def ask_stream(platform: Platform, now: Callable[[], float] = time.monotonic) -> dict[str, Any] | None:
    """Send a message whose first deliveries fail, and say how it came again; None where no probe is deployed."""
    account = platform.messages()
    requests, answers = (account.get_queue(f"{PROBE}-{name}") for name in ("requests", "answers"))
    name = secrets.token_hex(4)
    try:
        requests.send_message(Message(json.dumps({"name": name, "failures": FAILURES})))
        reports = _collect(answers, name, now() + PATIENCE, now)
    except MNSExceptionBase as error:
        if error.type == "QueueNotExist":
            return None
        raise
    finally:
        account.mns_client.close_connection()
    return _answers(reports)


def _collect(answers: Any, name: str, until: float, now: Callable[[], float]) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = []
    while len(reports) <= FAILURES and now() < until:
        try:
            message = answers.receive_message(5)
        except MNSExceptionBase as error:
            if error.type != "MessageNotExist":
                raise
            continue
        answers.delete_message(message.receipt_handle)
        report = json.loads(message.message_body)
        reports += [report] if report["name"] == name else []
    return reports


def _answers(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """What the reports of one message's deliveries say."""
    instants = sorted(report["at"] for report in reports)
    return {
        "redelivered_after_an_error": len(reports) > 1,
        "redelivery_pauses_s": [round(after - before, 1) for before, after in pairwise(instants)],
        "event_id_over_redelivery": "same" if len({each["event_id"] for each in reports}) == 1 else "differs",
        "message_id_over_redelivery": "same" if len({each["messageId"] for each in reports}) == 1 else "differs",
        "event_id_is_message_id": all(each["event_id"] == each["messageId"] for each in reports),
        **{name: value for each in reports for name, value in each.items() if name.startswith("start")},
    }
