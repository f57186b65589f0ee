"""The temporary keys of functions' roles, renewed as the platform does: not for every call."""

from emulator.ram.keys import Accounts, AccountsError, Key

RENEWED = 15 * 60
"""Seconds after which a role's key is issued anew; it would be valid for 36 hours."""


class RoleKeys:
    """The newest key of each role, and when it was issued."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._newest: dict[str, tuple[Key, float]] = {}

    def find(self, role: str | None) -> Key:
        """Return a valid key of a role; one of empty texts where there is no role."""
        if not role:
            return Key("", "")
        key, issued = self._newest.get(role, (Key("", ""), 0.0))
        now = self._accounts.wall()
        if not (self._is_valid(key) and 0 <= now - issued < RENEWED):
            key = self._accounts.issue(role)
            self._newest[role] = key, now
        return key

    def _is_valid(self, key: Key) -> bool:
        try:
            self._accounts.authenticate(key.id, key.token)
        except AccountsError:
            return False
        return True
