"""The access key of an invocation."""

from typing import NamedTuple
from urllib.parse import quote


class Credentials(NamedTuple):
    """An access key; `security_token` is empty for a long-lived one."""

    access_key_id: str
    access_key_secret: str
    security_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key_id!r})"

    @property
    def secrets(self) -> tuple[str, ...]:
        """List the secrets to mask, also as encoded in a URL and in a string to sign."""
        token = self.security_token
        once = quote(token, safe="-_.~")
        return tuple(dict.fromkeys(text for text in (self.access_key_secret, token, once, quote(once)) if text))
