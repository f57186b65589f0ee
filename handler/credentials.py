"""The access key of an invocation."""

from dataclasses import dataclass, field
from urllib.parse import quote


@dataclass(frozen=True)
class Credentials:
    """An access key; `security_token` is empty for a long-lived one."""

    access_key_id: str
    access_key_secret: str = field(repr=False)
    security_token: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must not be shown, also as it stands in a URL and in a string to sign."""
        token = self.security_token
        once = quote(token, safe="-_.~")
        return tuple(dict.fromkeys(text for text in (self.access_key_secret, token, once, quote(once)) if text))
