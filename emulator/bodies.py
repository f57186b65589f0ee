"""Reads bodies of requests and of messages."""

import base64

from starlette.requests import Request


async def read_body(request: Request, limit: int, refusal: Exception) -> bytes:
    """Read a request's body. Raises: the refusal, as soon as the body is larger than `limit` bytes."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise refusal
    return bytes(body)


def decode(body: str) -> str:
    """Return the text that is base64-encoded in a body; a body that is not base64 of UTF-8 is returned unchanged."""
    try:
        return base64.b64decode(body, validate=True).decode()
    except ValueError:
        return body
