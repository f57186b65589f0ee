"""Sends requests from the page: through the queue, or over HTTP."""

import time
from dataclasses import dataclass
from urllib.parse import quote

from emulator import client
from emulator.cloud import Cloud
from emulator.console.bodies import Value, encode, json_text, value_of

PATIENCE = 75.0
"""Seconds; the function's own timeout is 60."""


class NoAnswer(Exception):
    """The HTTP trigger did not answer."""


@dataclass(frozen=True)
class Answer:
    """The HTTP trigger's answer, and how long it took."""

    status: int
    body: Value
    seconds: float


def to_queue(cloud: Cloud, request: Value) -> str:
    """Send a request to the request queue; return the message's id. Raises: SmqError."""
    return cloud.smq.send(cloud.template.outputs["RequestQueue"], encode(json_text(request)))


async def over_http(cloud: Cloud, request: Value) -> Answer:
    """Post a request to the HTTP trigger. Raises: NoAnswer."""
    name = next(function.name for function in cloud.template.functions if function.http)
    began = time.monotonic()
    url, headers = f"{cloud.urls.fc}/{quote(name)}/modules", {"content-type": "application/json"}
    try:
        response = await client.post(url, headers, json_text(request).encode(), PATIENCE)
    except OSError as error:
        raise NoAnswer(type(error).__name__) from error
    return Answer(response.status, value_of(response.body.decode("utf-8", "replace")), time.monotonic() - began)
