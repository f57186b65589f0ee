"""Requests to HTTP triggers."""

import json
import time
from typing import Any

from cli import records
from cli.clients import http
from cli.clients.openapi import signed_headers
from cli.clients.target import Target


def read_sample(payload: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return a request over HTTP in the form of events/http/; None for anything else."""
    sample = http.json_value(payload)
    return sample if isinstance(sample, dict) and {"method", "path", "headers"} <= sample.keys() else None


def call_trigger(target: Target, url: str, payload: bytes) -> records.Answer:
    """Send a sample with its method, path and headers; post anything else to /modules. Raises: CloudError."""
    method, path, headers, body = "POST", "/modules", {"Content-Type": "application/json"}, payload
    if sample := read_sample(payload):
        method, path, headers, text = sample["method"], sample["path"], sample["headers"], sample.get("body", "")
        body = (text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)).encode()
    address = url.rstrip("/").removesuffix("/modules") + path
    signed = signed_headers(method, address, target.keys, time.time())
    answer = http.call(address, method, {**headers, **signed}, body)
    return {"status": answer.status, "headers": dict(answer.headers), "body": http.value_or_text(answer.content)}
