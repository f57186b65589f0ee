"""RAM policies: the actions that a role may do.

An explicit Deny wins; an action that no statement allows is refused. Names of actions are compared without regard to case,
resources as they are written; `*` stands for any text in either. Elements that could narrow a statement and are not
supported here (conditions, NotAction, NotResource) are refused when the policy is read: ignoring them would permit too much.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ELEMENTS = {"Effect", "Action", "Resource"}


class PolicyError(ValueError):
    """A policy document is not valid, or has elements that are not supported."""


@dataclass(frozen=True)
class Statement:
    """One statement of a policy: allows or denies actions on resources."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    @classmethod
    def read(cls, item: Mapping[str, Any]) -> "Statement":
        """Raises: PolicyError."""
        if unknown := sorted(item.keys() - _ELEMENTS):
            raise PolicyError(f"not understood in a policy: {', '.join(unknown)}")
        if missing := sorted(_ELEMENTS - item.keys()):
            raise PolicyError(f"missing in a policy: {', '.join(missing)}")
        if item["Effect"] not in {"Allow", "Deny"}:
            raise PolicyError(f"Effect is {item['Effect']!r}, neither Allow nor Deny")
        actions, resources = (
            (texts,) if isinstance(texts, str) else tuple(texts) for texts in (item["Action"], item["Resource"])
        )
        return cls(item["Effect"] == "Allow", actions, resources)

    def covers(self, action: str, resource: str) -> bool:
        """Return True if the statement is about an action on a resource."""
        named = any(_matches(pattern.lower(), action.lower()) for pattern in self.actions)
        return named and any(_matches(pattern, resource) for pattern in self.resources)


@dataclass(frozen=True)
class Policy:
    """The statements of a role's policies; `Accounts.attach` takes `permits`."""

    statements: tuple[Statement, ...]

    @classmethod
    def read(cls, *documents: Mapping[str, Any]) -> "Policy":
        """Read one or more documents as one policy. Raises: PolicyError."""
        return cls(tuple(Statement.read(item) for document in documents for item in document["Statement"]))

    def permits(self, action: str, resource: str) -> bool:
        """Return True if a statement allows an action on a resource, and none denies it."""
        allowed = [statement.allows for statement in self.statements if statement.covers(action, resource)]
        return bool(allowed) and all(allowed)


def _matches(pattern: str, text: str) -> bool:
    """Return True if a text matches a pattern with `*`."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.DOTALL) is not None
