"""The limits of SMQ's attributes and names (SMQ, "Limits")."""

import re
from dataclasses import dataclass

from emulator.smq.errors import InvalidArgument, SmqError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")


@dataclass(frozen=True)
class Limit:
    """The smallest and the largest value that an attribute may have."""

    lowest: int
    highest: int

    def check(self, name: str, value: int) -> None:
        """Raises: InvalidArgument."""
        if not self.lowest <= value <= self.highest:
            raise InvalidArgument(f"The value of {name} should between {self.lowest} and {self.highest}.")


LIMITS = {
    "VisibilityTimeout": Limit(1, 43_200),
    "MaximumMessageSize": Limit(1024, 65_536),
    "MessageRetentionPeriod": Limit(60, 604_800),
    "DelaySeconds": Limit(0, 604_800),
    "PollingWaitSeconds": Limit(0, 30),
}


def check_name(kind: str, name: str, longest: int, invalid: str) -> None:
    """Check the name of a queue, topic or subscription; `invalid` is the code of other characters.

    Raises: SmqError.
    """
    if len(name) > longest:
        text = f"The length of {kind} name should between 1 and {longest}."
        raise SmqError(400, f"{kind.capitalize()}NameLengthError", text)
    if _NAME.fullmatch(name) is None:
        raise SmqError(400, invalid, f"The {kind} name you provided is invalid.")
