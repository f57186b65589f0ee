"""The service's limits, and the pages of its lists (SMQ, "Limits")."""

from dataclasses import dataclass

from emulator.smq.errors import InvalidArgument

LARGEST_PAGE = 1000


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


@dataclass(frozen=True)
class Page:
    """Names in order; `marker` asks for the next page, and is empty on the last."""

    names: list[str]
    marker: str = ""


def paged(names: list[str], count: int) -> Page:
    """Make a page of `count` names from a list that has at least one more where others follow."""
    return Page(names[:count], names[count - 1] if len(names) > count else "")
