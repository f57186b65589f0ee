"""HTTP calls of the commands: bounded in time and size, an answer of any status is an answer."""

import json
import logging
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cli.errors import CloudError
from handler.settings import is_loopback

log = logging.getLogger(__name__)
LARGEST_ANSWER = 16 * 1024 * 1024


class Answer(NamedTuple):
    """An answer of any status; header names in lower case."""

    status: int
    headers: Mapping[str, str]
    content: bytes


def call(url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None,
         seconds: float = 70) -> Answer:  # fmt: skip
    """Send a request as it is: through no proxy to this machine, and to no other address than this one.

    Raises: CloudError: no answer.
    """
    # Not above: it takes a tenth of a second to import, and many commands make no such call.
    import requests

    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise CloudError(f"{url} is not an http address")
    try:
        with requests.Session() as session:
            session.trust_env = not is_loopback(parts.hostname or "")
            session.headers.clear()
            # A signature holds for one address: what is sent elsewhere would be refused, and its body seen there. An `auth` that
            # does nothing keeps the Authorization: else that of ~/.netrc would take its place.
            with session.request(
                method, url, headers=dict(headers or {}), data=body, timeout=seconds, auth=lambda request: request,
                allow_redirects=False, stream=True,
            ) as answer:  # fmt: skip
                content = answer.raw.read(LARGEST_ANSWER, decode_content=True)
                log.debug("%s %s: %s", method, url.partition("?")[0], answer.status_code)
                return Answer(answer.status_code, dict(answer.headers.lower_items()), content)
    except (OSError, ValueError) as error:
        log.debug("%s %s: %s", method, url.partition("?")[0], _cause(error))
        address = f"{parts.scheme}://{parts.netloc}"
        raise CloudError(f"no answer from {address}: {_cause(error)}{hint(url)}") from None


def hint(url: str) -> str:
    """Say what to look at first where nobody answers on this machine."""
    return "; is `ota-modules run` (or `make run`) up?" if is_loopback(urlsplit(url).hostname or "") else ""


def json_value(content: str | bytes, default: Any = None) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value that somebody sent; `default` where it is none."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return default


def value_or_text(content: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON value that somebody sent; text where it is none."""
    return json_value(content, content.decode("utf-8", "replace"))


def _cause(error: BaseException) -> str:
    """Name what lies at the bottom of requests' exceptions; some of those hold the whole request in their text."""
    inner = error.__cause__ or error.__context__
    if inner is not None:
        return _cause(inner)
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
