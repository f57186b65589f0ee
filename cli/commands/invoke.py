"""`ota-modules invoke`: one event straight into a function."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from cli import records
from cli.clients import http, signing
from cli.clients.target import Target
from cli.commands.session import Cloud
from cli.errors import CloudError, FunctionError, NotAllSucceeded, UsageError
from cli.terminal.files import read
from cli.terminal.screen import Screen
from cli.tour.samples import EVENTS, answer_value, http_body
from handler.settings import is_loopback

if TYPE_CHECKING:
    from cli.clients.fc import Invocation

LARGEST_EVENT = 32 * 1024 * 1024
"""Bytes that a synchronous invocation takes (Function Compute, "Limits")."""
BUSY = "ResourceExhausted"
"""The code where all instances of a function are at work."""


def invoke(
    session: Cloud,
    event: Annotated[
        str, typer.Argument(help="A file, or the name of a sample of events/, such as triggers/rocketmq.json.")
    ],
    function: Annotated[str | None, typer.Option(help="Function instead of ota-modules-queue.")] = None,
    http: Annotated[str | None, typer.Option(help="Send to this address of an HTTP trigger, signed (FC 3.0).")] = None,
    log: Annotated[bool, typer.Option("--log", help="Print the end of the function's log.")] = False,
) -> None:
    """Invoke a function with one event and print what it returns, through aliyun-fc2 or over HTTP.

    Example: ota-modules invoke triggers/smq-queue-array.json
    """
    screen = session.screen
    payload = read(event if Path(event).exists() else str(EVENTS / event), LARGEST_EVENT)
    if http is None and _http_sample(payload) is not None:
        raise UsageError(f"{event} is a request over HTTP: --http says where to")
    target = session.target(sends=True)
    if http:
        if target.local and not is_loopback(urlsplit(http).hostname or ""):
            raise UsageError(
                f"{http} is not on this machine, and no account's keys are set (ALIBABA_CLOUD_ACCESS_KEY_ID)"
            )
        _over_http(screen, target, http, payload)
        return
    invocation = _invoke(screen, target, function or target.names.queue_function, payload)
    record: records.Invocation = {"RequestId": invocation.request_id, "Result": invocation.value}
    screen.record({**record, "Log": invocation.log} if log else record)
    screen.summary(_pretty(invocation.value))
    if log:
        screen.note(invocation.log)
    if problem := _unsuccessful(invocation.value):
        raise NotAllSucceeded(problem)


def _invoke(screen: Screen, target: Target, function: str, payload: bytes) -> "Invocation":
    """Invoke a function. Raises: CloudError: with what to do instead if the function is busy with the queue."""
    # Not above: the SDK takes a tenth of a second to import.
    from cli.clients.fc import Functions

    try:
        return Functions(target).invoke(function, payload)
    except FunctionError as error:
        for frame in error.details.get("stackTrace") or ():
            screen.warn("  ".join(frame) if isinstance(frame, list) else str(frame))
        raise
    except CloudError as error:
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


def _over_http(screen: Screen, target: Target, url: str, payload: bytes) -> None:
    """Send a sample of events/http/ with its method, path and headers; post anything else to /modules."""
    root = url.rstrip("/")
    sample = _http_sample(payload)
    if sample is None:
        address, method = f"{root.removesuffix('/modules')}/modules", "POST"
        headers, body = {"Content-Type": "application/json"}, payload or None
    else:
        path, method = str(sample["path"]), str(sample["method"])
        address = (root.removesuffix("/modules") if path.startswith("/") else root) + path
        headers, body = dict(sample["headers"]), http_body(sample.get("body"))
    headers.update(signing.signed_headers(method, address, target.keys, time.time()))
    answer = http.call(address, method, headers, body)
    value = answer_value(answer)
    screen.record(value)
    screen.summary(f"{answer.status} {answer.headers.get('content-type', '')}")
    screen.summary(_pretty(value["body"]))
    if answer.status >= 400:
        raise NotAllSucceeded(f"answered {answer.status}")


def _http_sample(payload: bytes) -> Mapping[str, Any] | None:
    try:
        sample = json.loads(payload)
    except ValueError:
        return None
    return sample if isinstance(sample, dict) and {"method", "path", "headers"} <= sample.keys() else None


def _pretty(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
