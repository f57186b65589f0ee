"""`ota-modules invoke`: one event straight into a function."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer

from cli import records
from cli.clients import http, signing
from cli.clients.target import Target
from cli.commands.session import Cloud
from cli.errors import FunctionError, NotAllSucceeded, UsageError
from cli.terminal.screen import Screen
from cli.tour.samples import EVENTS, answer_value, http_body
from handler.settings import is_loopback

LARGEST_EVENT = 32 * 1024 * 1024
"""Bytes that a synchronous invocation takes (Function Compute, "Limits")."""


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
    payload = _payload(event)
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
    # Not above: the SDK takes a tenth of a second to import.
    from cli.clients.fc import Functions

    try:
        invocation = Functions(target).invoke(function or target.names.queue_function, payload)
    except FunctionError as error:
        for frame in error.details.get("stackTrace") or ():
            screen.warn("  ".join(frame) if isinstance(frame, list) else str(frame))
        raise
    record: records.Invocation = {"RequestId": invocation.request_id, "Result": invocation.value}
    screen.record({**record, "Log": invocation.log} if log else record)
    screen.summary(_pretty(invocation.value))
    if log:
        screen.note(invocation.log)
    if problem := _unsuccessful(invocation.value):
        raise NotAllSucceeded(problem)


def _unsuccessful(value: object) -> str:
    """Return the counts of requests that did not succeed, or the status of an HTTP answer that is an error."""
    if not isinstance(value, dict):
        return ""
    status = value.get("statusCode")
    if isinstance(status, int):
        return f"answered {status}" if status >= 400 else ""
    counts = ((value.get(name), name.replace("_", " ")) for name in ("rejected", "failed", "put_back"))
    return ", ".join(f"{count} {name}" for count, name in counts if count)


def _payload(event: str) -> bytes:
    path = Path(event) if Path(event).exists() else EVENTS / event
    try:
        if path.stat().st_size > LARGEST_EVENT:
            raise UsageError(f"{path}: larger than {LARGEST_EVENT} bytes")
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{event}: {error.strerror}; and it is not a sample of events/") from None


def _over_http(screen: Screen, target: Target, url: str, payload: bytes) -> None:
    """Send a sample of events/http/ with its method, path and headers; post anything else to /modules."""
    said = _http_sample(payload)
    if said is not None:
        path, root = str(said["path"]), url.rstrip("/")
        address, method = (
            root.removesuffix("/modules") + path if path.startswith("/") else root + path,
            str(said["method"]),
        )
        headers, body = dict(said["headers"]), http_body(said.get("body"))
    else:
        path = "" if url.rstrip("/").endswith("/modules") else "/modules"
        address, method = url.rstrip("/") + path, "POST"
        headers, body = {"Content-Type": "application/json"}, payload
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
        said = json.loads(payload)
    except ValueError:
        return None
    return said if isinstance(said, dict) and {"method", "path", "headers"} <= said.keys() else None


def _pretty(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=2)
