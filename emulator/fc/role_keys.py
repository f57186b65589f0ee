"""Issues the temporary keys of functions, and renews them as the platform does: not for every call."""

from emulator.ram.keys import Accounts, AccountsError, Key

RENEWED = 15 * 60
"""Seconds after which a role's key is issued anew; it would be valid for 36 hours."""


class RoleKeys:
    """The newest key of each role."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._newest: dict[str, tuple[Key, float]] = {}

    def of(self, role: str | None) -> Key:
        """Return a valid key of a role; an empty one where there is no role."""
        if not role:
            return Key("", "")
        key, issued = self._newest.get(role, (None, 0.0))
        if key is None or not 0 <= self._accounts.wall() - issued < RENEWED or not self._valid(key):
            key = self._accounts.issue(role)
            self._newest[role] = key, self._accounts.wall()
        return key

    def _valid(self, key: Key) -> bool:
        try:
            self._accounts.authenticate(key.id, key.token)
        except AccountsError:
            return False
        return True
