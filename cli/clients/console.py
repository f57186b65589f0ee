"""The control API of the local cloud, which stands behind its page."""

import json
from typing import Any

from cli.clients import http
from cli.clients.target import Target
from cli.errors import CloudError


def call(target: Target, path: str, method: str = "GET") -> Any:  # noqa: ANN401 - any JSON value
    """Call the control API, and return the value that it answers.

    Raises: CloudError: there is no answer, or a refusal; `code` is the HTTP status then.
    """
    answer = http.call(f"{target.console_url}{path}", method, seconds=10)
    try:
        value = json.loads(answer.content)
    except ValueError:
        value = None
    if answer.status >= 400 or value is None:
        detail = value.get("detail") if isinstance(value, dict) else "no JSON"
        raise CloudError(f"the local cloud answered {answer.status}: {detail}", str(answer.status))
    return value


def state(target: Target) -> dict[str, Any]:
    """Return what the local cloud is doing now. Raises: CloudError."""
    value = call(target, "/state")
    return value if isinstance(value, dict) else {}
