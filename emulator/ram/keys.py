"""The callers of the local cloud: access keys, STS tokens that expire, and the policies of roles."""

import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace

ACCOUNT_ID = "1234567890123456"
ACCESS_KEY_ID = "testid"
ACCESS_KEY_SECRET = "testsecret"  # noqa: S105 - the local cloud's own, good for nothing else
ISSUED_KEPT = 10_000

Permits = Callable[[str, str], bool]
"""Returns True if a policy permits an action (`iot:CreateOTAModule`) on a resource (`acs:mns:…`)."""


class AccountsError(Exception):
    """A caller is refused."""


class UnknownKey(AccountsError):
    """The access key id does not exist."""


class WrongToken(AccountsError):
    """The security token does not belong to the key, or was revoked."""


class ExpiredToken(AccountsError):
    """The security token has expired."""


@dataclass(frozen=True)
class Key:
    """An access key; with a token and an expiry (unix seconds) when STS issued it for a role."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires: float | None = None
    role: str | None = None


class Accounts:
    """The keys of one account. `wall` is the cloud's clock, in unix seconds; faults may change it."""

    def __init__(self, *, wall: Callable[[], float] = time.time, account_id: str = ACCOUNT_ID) -> None:
        self.wall = wall
        self.account_id = account_id
        self._keys = {ACCESS_KEY_ID: Key(ACCESS_KEY_ID, ACCESS_KEY_SECRET)}
        self.issued: deque[Key] = deque(maxlen=ISSUED_KEPT)
        """The temporary keys that were issued, also if revoked; the invariants check that their secrets do not leak."""
        self._policies: dict[str, Permits] = {}

    def issue(self, role: str, seconds: float = 36 * 3600) -> Key:
        """Issue temporary credentials of a role, as STS does for a function: valid for 36 hours by default."""
        key = Key(
            f"STS.{secrets.token_hex(8)}", secrets.token_hex(16), secrets.token_urlsafe(48), self.wall() + seconds, role
        )
        self._keys[key.id] = key
        self.issued.append(key)
        return key

    def authenticate(self, key_id: str, token: str) -> Key:
        """Return the key of an id and a token (empty for a long-lived key).

        Raises: UnknownKey, WrongToken, ExpiredToken.
        """
        key = self._keys.get(key_id)
        if key is None:
            raise UnknownKey(key_id)
        if not secrets.compare_digest(key.token.encode(), token.encode()):
            raise WrongToken(key_id)
        if key.expires is not None and self.wall() >= key.expires:
            raise ExpiredToken(key_id)
        return key

    def revoke(self, key_id: str) -> None:
        """Remove a key: its callers are refused as unknown."""
        self._keys.pop(key_id, None)

    def expire(self, key_id: str) -> None:
        """Let a temporary key expire now; a long-lived key does not expire."""
        key = self._keys.get(key_id)
        if key is not None and key.token:
            self._keys[key_id] = replace(key, expires=self.wall())

    def attach(self, role: str, permits: Permits) -> None:
        """Set the policy of a role; a role without one may do everything."""
        self._policies[role] = permits

    def permits(self, key: Key, action: str, resource: str) -> bool:
        """Return True if the key's owner may do `action` on `resource`."""
        policy = self._policies.get(key.role or "")
        return policy is None or policy(action, resource)
