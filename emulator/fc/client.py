"""Calls functions over the service's own HTTP API, as event streams and topics do."""

from dataclasses import dataclass
from urllib.parse import quote

from emulator import client


@dataclass(frozen=True)
class Called:
    """The outcome of a call: the HTTP status, and X-Fc-Error-Type where the function failed."""

    status: int
    error_type: str | None = None


async def call(
    endpoint: str, function: str, event: bytes, *, asynchronous: bool = False, timeout: float | None = None
) -> Called:
    """Call a function; an asynchronous call is answered with 202 as soon as it is accepted.

    Raises: OSError: the connection failed; the function may or may not have run.
    """
    headers = {"x-fc-invocation-type": "Async"} if asynchronous else {}
    url = f"{endpoint}/2023-03-30/functions/{quote(function, safe='')}/invocations"
    response = await client.post(url, headers, event, timeout)
    return Called(response.status, response.headers.get("x-fc-error-type"))
