"""`ota-modules send`: the requests of manifests into the request queue."""

from typing import Annotated

from typer import Option

from cli.commands.options import EXPECTED_RATE, Assumed, Manifests, Yes, agree, load_valid
from cli.commands.session import Cloud
from cli.errors import NotAllSucceeded, UsageError
from cli.manifests.formats import Files
from cli.sending.sending import Waiting, send_requests
from cli.terminal.screen import plural


def send(
    session: Cloud,
    manifests: Manifests,
    assumed: Assumed,
    files: Files,
    waiting: Waiting,
    wait: Annotated[bool, Option("--wait", help="Wait until each request has its outcome.")] = False,
    skip_invalid: Annotated[bool, Option("--skip-invalid", help="Skip invalid requests and send the rest.")] = False,
    again: Annotated[bool, Option("--again", help="Send again, even if already sent.")] = False,
    qps: Annotated[float, Option(min=0.1, help="Calls a second to reckon with in the question.")] = EXPECTED_RATE,
    yes: Yes = False,
) -> None:
    """Put the requests of manifests into the request queue.

    Validates every request first; sends nothing if any is invalid. Safe to interrupt: run the same command again to resume.

    Example: ota-modules send --wait fleet.yml
    """
    if waiting.report and not wait:
        raise UsageError("--report needs --wait: without it there are no outcomes to report")
    screen, target = session.screen, session.target(sends=True)
    hint = "; nothing was sent (--skip-invalid sends the valid requests)"
    manifest = load_valid(screen, manifests, files, skip_invalid=skip_invalid, hint=hint)
    requests = [entry.request for entry in assumed.complete(manifest.entries)]
    agree(screen, target, len(requests), yes=yes, rate=qps)
    result = send_requests(
        screen, target, requests, manifests, waiting, wait=wait, again="always" if again else "never"
    )
    screen.record({**result, "Faults": [fault.record() for fault in manifest.faults]})
    failed, skipped = len(result["Unsuccessful"]), len(manifest.faults)
    problems = [f"{plural(failed, 'request')} did not succeed"] if failed else []
    problems += [f"{plural(skipped, 'fault')} skipped"] if skipped else []
    if problems:
        raise NotAllSucceeded(", ".join(problems))
