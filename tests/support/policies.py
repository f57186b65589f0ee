"""A policy's permissions, one by one."""

from emulator.ram.policy import Policy, Statement


def permissions(policy: Policy) -> tuple[Statement, ...]:
    """A statement for each action on each resource; together they permit what the policy does."""
    return tuple(
        Statement(statement.allows, (action,), (resource,))
        for statement in policy.statements
        for action in statement.actions
        for resource in statement.resources
    )


def without(policy: Policy, missing: Statement) -> Policy:
    """The policy less one permission."""
    return Policy(tuple(statement for statement in permissions(policy) if statement != missing))
