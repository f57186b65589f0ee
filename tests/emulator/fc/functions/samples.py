"""Small functions, as users write them."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterable
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
    with open(path, "w", encoding="utf-8"):  # noqa: PTH123
        pass


def flaky(event: bytes, context: Any) -> str:
    with open(event.decode(), "a", encoding="utf-8") as kept:  # noqa: PTH123
        kept.write(f"{context.retry_count}\n")
    raise RuntimeError("again")


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
