"""The control API of the local cloud, which stands behind its page."""

import json
from typing import Any

from cli.clients import http
from cli.clients.target import Target
from cli.errors import CloudError


def call(target: Target, path: str, method: str = "GET", body: bytes | None = None) -> Any:  # noqa: ANN401 - any JSON value
    """Call the control API, with a body that is JSON, and return the value that it answers; None for an empty answer.

    Raises: CloudError: there is no answer, or a refusal; `code` is the HTTP status then.
    """
    headers = {"Content-Type": "application/json"} if body else {}
    answer = http.call(f"{target.console_url}{path}", method, headers, body, seconds=10)
    try:
        value = json.loads(answer.content or b"null")
    except ValueError:
        raise CloudError(f"the local cloud answered {answer.status}, and no JSON", str(answer.status)) from None
    if answer.status >= 400:
        detail = value.get("detail") if isinstance(value, dict) else value
        raise CloudError(f"the local cloud answered {answer.status}: {detail}", str(answer.status))
    return value


def state(target: Target) -> dict[str, Any]:
    """Return what the local cloud is doing now. Raises: CloudError."""
    value = call(target, "/state")
    return value if isinstance(value, dict) else {}
