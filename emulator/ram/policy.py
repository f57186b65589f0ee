"""RAM policies: whether a role may do something.

An explicit Deny wins; what no statement allows is refused. Names of actions are compared without regard to case,
resources as they are; `*` stands for any text in either. Whatever could narrow a statement and is not understood here
(conditions, NotAction, NotResource) is refused when the policy is read: ignoring it would permit too much.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

UNDERSTOOD = {"Effect", "Action", "Resource"}


class PolicyError(ValueError):
    """A policy document that cannot be judged here."""


@dataclass(frozen=True)
class Statement:
    """One statement of a policy: allows or denies actions on resources."""

    allows: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...]

    def covers(self, action: str, resource: str) -> bool:
        """Whether the statement is about an action on a resource."""
        named = any(matches(pattern.lower(), action.lower()) for pattern in self.actions)
        return named and any(matches(pattern, resource) for pattern in self.resources)


@dataclass(frozen=True)
class Policy:
    """The statements of a role's policies; `Accounts.attach` takes `permits`."""

    statements: tuple[Statement, ...]

    @classmethod
    def read(cls, *documents: Mapping[str, Any]) -> "Policy":
        """The policy of one or more documents. Raises: PolicyError."""
        return cls(tuple(statement(item) for document in documents for item in document["Statement"]))

    def permits(self, action: str, resource: str) -> bool:
        """Whether an action on a resource is allowed by a statement, and denied by none."""
        allowed = [statement.allows for statement in self.statements if statement.covers(action, resource)]
        return bool(allowed) and all(allowed)


def statement(item: Mapping[str, Any]) -> Statement:
    """A statement of a policy document."""
    if unknown := sorted(set(item) - UNDERSTOOD):
        raise PolicyError(f"not understood in a policy: {', '.join(unknown)}")
    if missing := sorted(UNDERSTOOD - set(item)):
        raise PolicyError(f"missing in a policy: {', '.join(missing)}")
    if item["Effect"] not in {"Allow", "Deny"}:
        raise PolicyError(f"Effect is {item['Effect']!r}, neither Allow nor Deny")
    return Statement(item["Effect"] == "Allow", texts(item["Action"]), texts(item["Resource"]))


def texts(value: str | Iterable[str]) -> tuple[str, ...]:
    """One text or several, as policies may write them."""
    return (value,) if isinstance(value, str) else tuple(value)


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern with `*` describes."""
    return re.fullmatch(".*".join(re.escape(part) for part in pattern.split("*")), text, re.DOTALL) is not None
