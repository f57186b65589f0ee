"""Sends a request from the page to the HTTP trigger."""

import time
from urllib.parse import quote

from starlette.exceptions import HTTPException

from emulator import client
from emulator.cloud import Cloud
from emulator.console.bodies import Value, parse_json, write_json

PATIENCE = 75.0
"""Seconds; the function's own timeout is 60."""


async def post(cloud: Cloud, request: Value) -> dict[str, Value]:
    """Post a request; return status and body of the answer, and the seconds that it took. Raises: HTTPException: no answer."""
    name = next(function.name for function in cloud.template.functions if function.http)
    began = time.monotonic()
    url, headers = f"{cloud.urls.fc}/{quote(name)}/modules", {"content-type": "application/json"}
    try:
        response = await client.post(url, headers, write_json(request).encode(), PATIENCE)
    except OSError as error:
        raise HTTPException(502, f"the HTTP trigger did not answer: {type(error).__name__}") from error
    body = parse_json(response.body.decode("utf-8", "replace"))
    return {"status": response.status, "body": body, "seconds": time.monotonic() - began}
