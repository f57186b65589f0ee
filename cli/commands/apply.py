"""`ota-modules apply`: plan, ask, send what changes, wait."""

from cli.commands.options import Assumed, Files, Manifests, Qps, Report, State, Timeout, Yes, agree
from cli.commands.session import Cloud
from cli.errors import NotAllSucceeded, UsageError
from cli.manifests.manifest import load
from cli.manifests.preview import preview, show
from cli.sending.start import SendOptions, send_requests
from cli.terminal.screen import plural


def apply(
    session: Cloud,
    manifests: Manifests,
    assumed: Assumed,
    files: Files,
    qps: Qps = 3,
    timeout: Timeout = 900,
    report: Report = None,
    state: State = None,
    yes: Yes = False,
) -> None:
    """Plan, ask, send only the requests that change something, and wait for their outcomes.

    Safe to interrupt: run the same command again. On an account it asks first; without a terminal it needs --yes.

    Example: ota-modules apply --on-existing update fleet.yml
    """
    screen, target = session.screen, session.target(sends=True)
    entries = load(manifests, files.source(screen)).sound(skip_invalid=False)
    plan = preview(screen, target, entries, qps=qps, on_existing=assumed.on_existing, instance=assumed.instance)
    show(screen, target, plan)
    changes = plan.changes()
    if changes and not yes and not target.local and not screen.is_asked():
        raise UsageError("nobody can be asked here: --yes applies the plan")
    agree(screen, target, len(changes), yes=yes or not changes)
    failed = 0
    if changes:
        options = SendOptions(tuple(manifests), wait=True, timeout=timeout, again="ended", report=report, state=state)
        result = send_requests(screen, target, changes, options)
        screen.record(result)
        failed = len(result["Unsuccessful"])
    if failed or plan.wrong:
        raise NotAllSucceeded(f"{plural(failed + plan.wrong, 'request')} did not succeed or differ")
