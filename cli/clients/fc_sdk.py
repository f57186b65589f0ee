"""aliyun-fc2's client on our own HTTP calls.

Its own ones go through a proxy even to this machine, and log requests as a whole, signature and token included.
"""

import json
from collections.abc import Mapping

import fc2

from cli.clients import http
from cli.errors import CloudError, FunctionError

TIMEOUT = 310
"""Seconds; a function may take 300."""


class Client(fc2.Client):  # type: ignore[misc] # the SDK has no types
    """Builds and signs calls as the SDK does."""

    def _do_request(self, method: str, path: str, headers: Mapping[str, str], *, body: bytes) -> http.Answer:
        """Raises: FunctionError, CloudError."""
        answer = http.call(f"{self.endpoint}{path}", method, headers, body, TIMEOUT)
        if answer.status >= 400 or answer.headers.get("x-fc-error-type"):
            raise _problem(answer)
        return answer


def _problem(answer: http.Answer) -> CloudError:
    try:
        value = json.loads(answer.content)
    except ValueError:
        value = None
    details = value if isinstance(value, dict) else {}
    if answer.status < 400:
        return FunctionError(details)
    if answer.status == 429:
        return CloudError("the function has no instance free", "ResourceExhausted")
    code = str(details.get("ErrorCode") or "")
    text = details.get("ErrorMessage") or details.get("errorMessage") or "no reason given"
    return CloudError(f"Function Compute: {answer.status} {code}: {text}", code)
