"""Requests that are sent from the page: through the queue, or over HTTP as any caller sends them."""

import asyncio
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import quote, urlsplit

from emulator.cloud import Cloud
from emulator.console.bodies import Value, encoded, json_text, value_of

PATIENCE = 75.0
"""Seconds; the function's own timeout is 60."""


class NoAnswer(Exception):
    """The HTTP trigger did not answer."""


@dataclass(frozen=True)
class Answer:
    """What the HTTP trigger answered; `seconds` it took."""

    status: int
    body: Value
    seconds: float


def to_queue(cloud: Cloud, request: Value) -> str:
    """Put a request into the request queue; the message's id. Raises: SmqError."""
    return cloud.smq.send(cloud.template.outputs["RequestQueue"], encoded(json_text(request)))


async def over_http(cloud: Cloud, request: Value) -> Answer:
    """Raises: NoAnswer."""
    name = next(function.name for function in cloud.template.functions if function.http)
    began = time.monotonic()
    try:
        status, body = await asyncio.to_thread(_post, f"{cloud.urls.fc}/{quote(name)}/modules", json_text(request))
    except (OSError, HTTPException) as error:
        raise NoAnswer(type(error).__name__) from error
    return Answer(status, value_of(body), time.monotonic() - began)


def _post(url: str, text: str) -> tuple[int, str]:
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
    try:
        connection.request("POST", parts.path, text.encode(), {"content-type": "application/json"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()
