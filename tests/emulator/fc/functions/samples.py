"""Small functions, as users write them."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

ready: list[str] = []


def initialize(context: Any) -> None:
    ready.append(context.request_id)


def echo(event: bytes, _context: Any) -> bytes:
    return event


def seen(event: bytes, context: Any) -> dict[str, object]:
    return {
        "type": type(event).__name__,
        "context": sorted(vars(context)),
        "timeout": context.function.timeout,
        "env": dict(os.environ),
        "ready": len(ready),
        "pid": os.getpid(),
        "python": ".".join(map(str, sys.version_info[:2])),
    }


def fail(*_arguments: Any) -> None:
    raise LookupError("something is wrong")


def sleep(event: bytes, _context: Any) -> str:
    time.sleep(float(event))
    return "slept"


def linger(event: bytes, _context: Any) -> None:
    seconds, path = json.loads(event)
    time.sleep(seconds)
    Path(path).touch()


def flaky(event: bytes, context: Any) -> str:
    _append(event.decode(), context.retry_count)
    raise RuntimeError("again")


def keep(event: bytes, _context: Any) -> None:
    _append(os.environ["KEPT"], json.loads(event))


def hang(_event: bytes, _context: Any) -> None:
    _append(os.environ["KEPT"], os.getpid())
    time.sleep(600)


def _append(path: str, value: object) -> None:
    """Leave a trace of a call: a line of JSON."""
    with Path(path).open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(value) + "\n")


def web(event: bytes, _context: Any) -> dict[str, object]:
    return {"statusCode": 201, "headers": {"X-Seen": "yes", "Server": "mine"}, "body": event.decode()}


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    texts = {
        name: value for name, value in environ.items() if isinstance(value, str) and not name.startswith("ALIBABA")
    }
    start_response("202 Accepted", [("Content-Type", "application/json"), ("X-Path", environ["PATH_INFO"])])
    return [json.dumps({**texts, "body": body.decode(), "id": environ["fc.context"].request_id}).encode()]


def reply(event: bytes, _context: Any) -> object:
    """Return the request's body as the result."""
    return json.loads(json.loads(event)["body"])
