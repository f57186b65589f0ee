"""Questions to a deployed stream: `probe.yml` makes a function that reports each delivery and fails when asked to."""

import json
import secrets
import time
from itertools import pairwise
from typing import Any

from mns.mns_exception import MNSExceptionBase
from mns.queue import Message

from tests.conformance.platform import Platform

FAILURES = 2
PATIENCE = 120.0
"""Seconds for all deliveries: the second retry comes three seconds after the first call by the documentation."""


def ask_stream(platform: Platform) -> dict[str, Any] | None:
    """Send a message whose first deliveries fail, and say how it came again; None where no probe is deployed."""
    account, name = platform.messages(), secrets.token_hex(4)
    requests, answers = (account.get_queue(f"ota-modules-probe-{queue}") for queue in ("requests", "answers"))
    try:
        requests.send_message(Message(json.dumps({"name": name, "failures": FAILURES})))
        return _summarize(_collect(answers, name))
    except MNSExceptionBase as error:
        if error.type == "QueueNotExist":
            return None
        raise
    finally:
        account.mns_client.close_connection()


def _collect(answers: Any, name: str) -> list[dict[str, Any]]:
    """Take the reports of all deliveries from the queue, as far as they come in time."""
    reports: list[dict[str, Any]] = []
    until = time.monotonic() + PATIENCE
    while len(reports) <= FAILURES and time.monotonic() < until:
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


def _summarize(reports: list[dict[str, Any]]) -> dict[str, Any]:
    """Say what the reports of one message's deliveries say together."""
    instants = sorted(report["at"] for report in reports)
    event_ids, message_ids = ({report[name] for report in reports} for name in ("event_id", "messageId"))
    return {
        "redelivered_after_an_error": len(reports) > 1,
        "redelivery_pauses_s": [round(after - before, 1) for before, after in pairwise(instants)],
        "event_id_over_redelivery": "same" if len(event_ids) == 1 else "differs",
        "message_id_over_redelivery": "same" if len(message_ids) == 1 else "differs",
        "event_id_is_message_id": all(report["event_id"] == report["messageId"] for report in reports),
        **{name: value for report in reports for name, value in report.items() if name.startswith("start")},
    }
