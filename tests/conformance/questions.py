"""What the platform's documentation leaves open, as questions that a real platform answers."""

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from mns.mns_exception import MNSExceptionBase
from mns.queue import Message, QueueMeta

from tests.conformance.platform import Answer, Platform, entries, shape

MOST_CUSTOM = 10
LARGEST_MESSAGE = 65_536
FAILURES = 2
"""Deliveries of a message to the probe that fail: `probe.yml` makes a function that reports each one."""
PATIENCE = 120.0
"""Seconds for all deliveries: the second retry comes three seconds after the first call by the documentation."""


@dataclass
class Session:
    """One round of questions: what has been answered, and what was made and has to go again."""

    platform: Platform
    answers: dict[str, Any] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    prefix: str = field(default_factory=lambda: f"conformance-{secrets.token_hex(3)}")

    def create(self, number: int, **more: str) -> Answer:
        """Create the n-th module of this round, and remember to delete it."""
        name = f"{self.prefix}-{number}"
        answer = self.platform.call("CreateOTAModule", ModuleName=name, **more)
        if answer.ok:
            self.made.append(name)
        return answer

    def module(self, number: int) -> Mapping[str, Any]:
        """Return a module of this round as the list shows it, its keys in lower case; empty where it is not listed."""
        modules = {module.get("modulename"): module for module in self.platform.modules()}
        return modules.get(f"{self.prefix}-{number}", {})


def ask_shape(session: Session) -> None:
    """In which shape are none, one and two modules listed, and is `default` among them?"""
    shapes = []
    for number in range(3):
        if number:
            session.create(number)
        data = session.platform.call("ListOTAModuleByProduct").body.get("data")
        shapes.append(shape(data))
    session.answers["list_shapes"] = shapes
    one = "object" if shapes[1] == "object" else "array"
    session.answers["list_shape"] = "wrapped" if "wrapped" in shapes else one
    session.answers["lists_default"] = "default" in {str(each.get("modulename", "")).lower() for each in entries(data)}


def ask_taken_name(session: Session) -> None:
    """What does a second create of a name say, and one that differs in case only?"""
    session.codes["NameTaken"] = session.create(1).code
    upper = f"{session.prefix}-1".upper()
    answer = session.platform.call("CreateOTAModule", ModuleName=upper)
    session.answers["names_ignore_case"] = not answer.ok
    if answer.ok:
        session.made.append(upper)


def ask_missing(session: Session) -> None:
    """What do a create of `default`, a list of a product and an update of a module that are not there say?"""
    call = session.platform.call
    session.codes["BuiltIn"] = call("CreateOTAModule", ModuleName="default").code
    nowhere, missing = f"a1Nowhere{secrets.token_hex(1)}", f"{session.prefix}-none"
    session.codes["UnknownProduct"] = call("ListOTAModuleByProduct", ProductKey=nowhere).code
    session.codes["UnknownModule"] = call("UpdateOTAModule", ModuleName=missing, AliasName="x").code


def ask_absent(session: Session) -> None:
    """Is an alias that was never given left out of a list or empty, and is an empty description taken?"""
    session.answers["null_absent"] = "aliasname" not in session.module(1)
    answer = session.create(3, Desc="")
    session.answers["takes_empty_desc"] = answer.ok
    session.answers["gmt_create"] = str(session.module(1).get("gmtcreate", ""))[:40]


def ask_update(session: Session) -> None:
    """Does an update of the alias alone clear the description?"""
    session.create(4, AliasName="before", Desc="stays")
    answer = session.platform.call("UpdateOTAModule", ModuleName=f"{session.prefix}-4", AliasName="after")
    session.answers["update_one_field"] = answer.ok
    session.answers["update_clears"] = not session.module(4).get("desc")


def ask_eleventh(session: Session) -> None:
    """What does the eleventh custom module say?"""
    for number in range(5, 5 + MOST_CUSTOM):
        answer = session.create(number)
        if not answer.ok:
            session.codes["LimitReached"] = answer.code
            session.answers["most_custom_modules"] = len(session.made)
            return
    session.notes.append("no limit was met: the product holds more custom modules than documented")


def ask_messages(session: Session) -> None:
    """How large may a message be as it is sent, and what does a batch say of which one part is refused?"""
    account = session.platform.messages()
    queue = account.get_queue(f"{session.prefix}-queue")
    queue.create(QueueMeta())
    fits, exceeds = Message("x" * (LARGEST_MESSAGE // 4 * 3)), Message("x" * LARGEST_MESSAGE)
    try:
        session.answers["takes_64_kib_as_sent"] = _refusal(lambda: queue.send_message(fits)) is None
        session.answers["takes_more_than_64_kib_as_sent"] = _refusal(lambda: queue.send_message(exceeds)) is None
        partial = _refusal(lambda: queue.batch_send_message([Message("small"), exceeds]))
        session.answers["partial_batch"] = partial or "accepted"
    finally:
        queue.delete()
        account.mns_client.close_connection()


def ask_deliveries(session: Session) -> None:
    """Does a message come again after an error, when, and with which ids; how long does a start at 0.1 vCPU take?"""
    account, name = session.platform.messages(), secrets.token_hex(4)
    requests, answers = (account.get_queue(f"ota-modules-probe-{queue}") for queue in ("requests", "answers"))
    try:
        requests.send_message(Message(json.dumps({"name": name, "failures": FAILURES})))
        session.answers |= _summarize(_collect(answers, name))
    except MNSExceptionBase as error:
        if error.type != "QueueNotExist":
            raise
        session.notes.append("deliveries were not asked: `npx s deploy -t tests/conformance/probe.yml` is needed")
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


def _refusal(send: Callable[[], object]) -> str | None:
    """The code of the refusal, if there is one."""
    try:
        send()
    except MNSExceptionBase as error:
        return str(error.type)
    return None


QUESTIONS = (ask_shape, ask_taken_name, ask_missing, ask_absent, ask_update, ask_eleventh, ask_messages, ask_deliveries)


def ask_all(session: Session) -> Iterator[str]:
    """Ask every question, one after another, and take away what was made; yields what has been asked."""
    if session.platform.modules():
        raise SystemExit("the product has modules already: choose one that nobody uses, with none in it")
    try:
        for question in QUESTIONS:
            question(session)
            yield (question.__doc__ or "").splitlines()[0]
    finally:
        clean(session)


def clean(session: Session) -> None:
    """Delete what this round made; what stays is noted."""
    for name in session.made:
        answer = session.platform.call("DeleteOTAModule", ModuleName=name)
        if not answer.ok:
            session.notes.append(f"stays: module {name} ({answer.code})")


def record(session: Session, target: str, moment: str) -> dict[str, Any]:
    """Return what is written to the file: answers, and no key, account, product or instance."""
    return {
        "asked": moment,
        "target": target,
        "region": session.platform.region,
        "answers": {**session.answers, "codes": session.codes},
        "notes": session.notes,
    }
