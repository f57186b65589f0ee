"""`ota-modules apply`: plan, ask, send what changes, wait."""

from cli.commands.options import Assumed, Manifests, Qps, Yes, agree, load_valid
from cli.commands.session import Cloud
from cli.errors import NotAllSucceeded, UsageError
from cli.manifests.formats import Files
from cli.manifests.plan import changes, count_wrong, make_plan
from cli.sending.sending import Waiting, send_requests
from cli.terminal.screen import plural


def apply(
    session: Cloud,
    manifests: Manifests,
    assumed: Assumed,
    files: Files,
    waiting: Waiting,
    qps: Qps = 3,
    yes: Yes = False,
) -> None:
    """Plan, ask, send only the requests that change something, and wait for their outcomes.

    Safe to interrupt: run the same command again. On an account it asks first; without a terminal it needs --yes.

    Example: ota-modules apply --on-existing update fleet.yml
    """
    screen, target = session.screen, session.target(sends=True)
    entries = load_valid(screen, manifests, files).entries
    plan = make_plan(screen, target, assumed.complete(entries, "keep"), qps)
    wanted, wrong = changes(plan), count_wrong(plan)
    if wanted:
        if not yes and not target.local and not screen.is_asked():
            raise UsageError("there is no terminal to ask: --yes applies the plan")
        agree(screen, target, len(wanted), yes=yes)
        result = send_requests(screen, target, wanted, manifests, waiting, wait=True, again="ended")
        screen.record(result)
        wrong += len(result["Unsuccessful"])
    if wrong:
        raise NotAllSucceeded(f"{plural(wrong, 'request')} did not succeed or differ")
