"""`ota-modules apply`: plan, ask, send what changes, wait."""

from cli.commands.options import (
    AsJson,
    Encoding,
    Form,
    Instance,
    Local,
    Manifests,
    OnExisting,
    Qps,
    Sheet,
    State,
    Timeout,
    Yes,
    agree,
    chosen,
)
from cli.errors import NotAllSucceeded, UsageError
from cli.manifests.manifest import Source, load
from cli.manifests.preview import preview, show
from cli.sending.start import send_requests
from cli.terminal.screen import Screen, plural


def apply(
    manifests: Manifests,
    on_existing: OnExisting = "keep",
    instance: Instance = None,
    qps: Qps = 3,
    timeout: Timeout = 900,
    state: State = None,
    yes: Yes = False,
    form: Form = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    local: Local = False,
    as_json: AsJson = False,
) -> None:
    """Plan, ask, send only the requests that change something, and wait for their outcomes.

    Safe to interrupt: run the same command again. On an account it asks first; without a terminal it needs --yes.

    Example: ota-modules apply --on-existing update fleet.yml
    """
    screen = Screen(as_json=as_json)
    target = chosen(screen, local=local, sends=True)
    entries = load(manifests, Source(form, encoding, sheet, screen.note)).sound(skip_invalid=False)
    plan = preview(screen, target, entries, qps=qps, on_existing=on_existing, instance=instance)
    show(screen, target, plan)
    changes = plan.changes()
    failed = 0
    if changes:
        if not yes and not target.local and not screen.is_asked():
            raise UsageError("nobody can be asked here: --yes applies the plan")
        agree(screen, target, len(changes), yes=yes)
        result = send_requests(screen, target, changes, wait=True, timeout=timeout, state=state, anew=True)
        screen.record(result)
        failed = len(result["Unsuccessful"])
    if failed or plan.wrong:
        raise NotAllSucceeded(f"{plural(failed + plan.wrong, 'request')} did not succeed or differ")
