"""`ota-modules invoke`: one event straight into a function."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from typer import Argument, Option

from cli.clients.target import Target
from cli.clients.trigger import call_trigger, read_sample
from cli.commands.session import Cloud
from cli.errors import CloudError, NotAllSucceeded, UsageError
from cli.records import Invocation
from cli.terminal.files import read
from cli.terminal.screen import Screen
from cli.tour.samples import EVENTS
from handler.settings import is_loopback

LARGEST_EVENT = 32 * 1024 * 1024
"""Bytes that a synchronous invocation takes (Function Compute, "Limits")."""
BUSY = "ResourceExhausted"
"""The code where all instances of a function are at work."""


def invoke(
    session: Cloud,
    event: Annotated[str, Argument(help="A file, or the name of a sample of events/, such as triggers/rocketmq.json.")],
    function: Annotated[str | None, Option(help="Function instead of ota-modules-queue.")] = None,
    http: Annotated[str | None, Option(help="Send to this address of an HTTP trigger, signed (FC 3.0).")] = None,
    log: Annotated[bool, Option("--log", help="Print the end of the function's log.")] = False,
) -> None:
    """Invoke a function with one event and print what it returns, through aliyun-fc2 or over HTTP.

    Example: ota-modules invoke triggers/smq-queue-array.json
    """
    screen = session.screen
    payload = read(event if Path(event).exists() else str(EVENTS / event), LARGEST_EVENT)
    if http is None and read_sample(payload) is not None:
        raise UsageError(f"{event} is a request over HTTP: --http says where to")
    target = session.target(sends=True)
    if http:
        if target.local and not is_loopback(urlsplit(http).hostname or ""):
            reason = "no account's keys are set (ALIBABA_CLOUD_ACCESS_KEY_ID)"
            raise UsageError(f"{http} is not on this machine, and {reason}")
        answer = call_trigger(target, http, payload)
        screen.record(answer)
        screen.summary(f"{answer['status']} {answer['headers'].get('content-type', '')}")
        value, problem = answer["body"], _unsuccessful({"statusCode": answer["status"]})
    else:
        invocation = _invoke(screen, target, function or target.names.queue_function, payload)
        screen.record(invocation if log else replace(invocation, log=""))
        value, problem = invocation.result, _unsuccessful(invocation.result)
    screen.summary(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2))
    if log and not http:
        screen.note(invocation.log)
    if problem:
        raise NotAllSucceeded(problem)


def _invoke(screen: Screen, target: Target, function: str, payload: bytes) -> Invocation:
    """Invoke a function. Raises: CloudError: with what to do instead if the function is busy with the queue."""
    # Not above: the SDK takes a tenth of a second to import.
    from cli.clients import fc

    try:
        return fc.invoke(target, function, payload)
    except CloudError as error:
        for frame in error.details.get("stackTrace") or ():
            screen.warn("  ".join(frame) if isinstance(frame, list) else str(frame))
        if error.code == BUSY and function == target.names.queue_function:
            other = target.names.http_function
            raise CloudError(f"{error}: it is working on the queue; try --function {other}, or --http", BUSY) from None
        raise


def _unsuccessful(value: object) -> str:
    """Return the counts of requests that did not succeed, or the status of an HTTP answer that is an error."""
    if not isinstance(value, dict):
        return ""
    status = value.get("statusCode")
    if isinstance(status, int):
        return f"answered {status}" if status >= 400 else ""
    counts = ((value.get(name), name.replace("_", " ")) for name in ("rejected", "failed", "put_back"))
    return ", ".join(f"{count} {name}" for count, name in counts if count)
