"""HTTP calls of the commands: bounded in time and size, an answer of any status is an answer."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from urllib.parse import urlsplit

from cli.errors import CloudError
from handler.settings import is_loopback

LARGEST_ANSWER = 16 * 1024 * 1024


@dataclass(frozen=True)
class Answer:
    """Header names in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A signature holds for one address: what is sent elsewhere would be refused, and its body seen there."""

    def redirect_request(self, *_request: object) -> None:
        return None


def call(url: str, method: str = "GET", headers: Mapping[str, str] | None = None, body: bytes | None = None,
         seconds: float = 70) -> Answer:  # fmt: skip
    """Raises: CloudError: no answer."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        raise CloudError(f"{url} is no http address")
    request = urllib.request.Request(url, data=body, headers=dict(headers or {}), method=method)  # noqa: S310 - checked
    # Loopback goes through no proxy, whatever the environment says.
    proxies = [urllib.request.ProxyHandler({})] if is_loopback(parts.hostname or "") else []
    try:
        with urllib.request.build_opener(_NoRedirect, *proxies).open(request, timeout=seconds) as answer:
            return _answer(answer.status, answer.headers, answer.read(LARGEST_ANSWER))
    except urllib.error.HTTPError as error:
        with error:
            return _answer(error.code, error.headers, error.read(LARGEST_ANSWER))
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise CloudError(
            f"no answer from {parts.scheme}://{parts.netloc}: {reason}{hint(parts.hostname or '')}"
        ) from None


def hint(host: str) -> str:
    """What to look at first where nobody answers on this machine."""
    return "; is `ota-modules run` (or `make run`) up?" if is_loopback(host) else ""


def _answer(status: int, headers: Message, body: bytes) -> Answer:
    return Answer(status, {name.lower(): value for name, value in headers.items()}, body)
