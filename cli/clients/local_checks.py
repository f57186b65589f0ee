"""Checks of the local cloud: what it runs."""

from cli.clients import common_checks, console
from cli.clients.checks import Check, Finding
from cli.clients.target import Target


def functions(target: Target) -> list[Finding]:
    """Check that both functions run, and that together they keep to the quota. Raises: CloudError."""
    running = {each["name"]: each for each in console.state(target).get("functions", ())}
    names = (target.names.queue_function, target.names.http_function)
    findings = [
        Finding("function", "ok", name)
        if name in running
        else Finding(
            "function", "wrong", f"{name} is not there", "start `ota-modules run` with the same template (OTA_TEMPLATE)"
        )
        for name in names
    ]
    known = [(name, dict(running[name].get("settings") or {})) for name in names if name in running]
    return [*findings, common_checks.quota(known)]


def checks(target: Target) -> list[Check]:
    """Return the checks that only the local cloud has."""

    def role() -> Finding:
        return Finding(
            "role", "unknown", "the local cloud enforces the policy of template.yml; it has no RAM API to ask"
        )

    return [
        Check("local cloud", lambda: _answers(target), "start it: `ota-modules run`"),
        Check("function", lambda: functions(target), "start it: `ota-modules run`"),
        Check("role", role),
    ]


def _answers(target: Target) -> Finding:
    console.state(target)
    return Finding("local cloud", "ok", f"{target.console_url} answers")
