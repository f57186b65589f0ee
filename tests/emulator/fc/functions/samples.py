"""Small functions, as users write them."""

import decimal
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

ready: list[str] = []


def initialize(context: Any) -> None:
    ready.append(context.request_id)


def broken_initialize(_context: Any) -> None:
    raise ValueError("no settings")


def echo(event: bytes, _context: Any) -> bytes:
    return event


def seen(event: bytes, context: Any) -> dict[str, object]:
    return {
        "type": type(event).__name__,
        "request_id": context.request_id,
        "context": sorted(vars(context)),
        "timeout": context.function.timeout,
        "fc": sorted(name for name in os.environ if name.startswith("FC_")),
        "env": {name: os.environ.get(name, "") for name in ("OTA_X", "ALIBABA_CLOUD_SECURITY_TOKEN")},
        "ready": len(ready),
        "pid": os.getpid(),
        "path": sys.path[0],
    }


def value(event: bytes, _context: Any) -> object:
    return {"none": None, "decimal": decimal.Decimal("1.5"), "text": "é"}[event.decode()]


def fail(_event: bytes, _context: Any) -> None:
    raise LookupError("something is wrong")


def unserialisable(_event: bytes, _context: Any) -> object:
    return object()


def leave(_event: bytes, _context: Any) -> None:
    sys.exit(3)


def sleep(event: bytes, _context: Any) -> str:
    time.sleep(float(event))
    return "slept"


def linger(event: bytes, _context: Any) -> None:
    seconds, path = json.loads(event)
    time.sleep(seconds)
    with open(path, "w", encoding="utf-8"):  # noqa: PTH123
        pass


def speak(event: bytes, _context: Any) -> str:
    print("printed", event.decode())
    logging.getLogger().info("logged")
    return "spoken"


def flaky(event: bytes, context: Any) -> str:
    with open(event.decode(), "a", encoding="utf-8") as kept:  # noqa: PTH123
        kept.write(f"{context.retry_count}\n")
    raise RuntimeError("again")


def web(event: bytes, _context: Any) -> dict[str, object]:
    came = json.loads(event)
    return {"statusCode": 201, "headers": {"X-Seen": "yes", "Server": "mine"}, "body": json.dumps(came)}


def wsgi(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    body = environ["wsgi.input"].read()
    told = {name: value for name, value in environ.items() if isinstance(value, str) and not name.startswith("ALIBABA")}
    start_response("202 Accepted", [("Content-Type", "application/json"), ("X-Path", environ["PATH_INFO"])])
    return [json.dumps({**told, "body": body.decode(), "id": environ["fc.context"].request_id}).encode()]


def said(event: bytes, _context: Any) -> object:
    """Returns what the body says."""
    return json.loads(json.loads(event)["body"])
