"""`ota-modules doctor`: is the deployment all right, and what is to be done where it is not?"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import chain
from typing import Annotated

from rich.text import Text
from typer import Option

from cli.clients.checks import Deployment, examine, ok, unknown, wrong
from cli.clients.openapi import OpenApi
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.clients.trigger import call_trigger
from cli.commands.session import Cloud
from cli.errors import CliError, CloudError
from cli.records import Finding
from cli.sending.browsing import temporary_inbox
from cli.terminal.screen import Screen, plural, visible

WORDS = {"ok": ("ok", "green"), "wrong": ("wrong", "bold red"), "unknown": ("could not be checked", "yellow")}
PATIENCE = 60.0
QUEUED = "`ota-modules status`: is the stream running, how much is queued ahead, what is the last error?"


def doctor(
    session: Cloud,
    product: Annotated[str | None, Option(help="Check that this product can be read.")] = None,
    instance: Annotated[str, Option(help="Instance of the product.", envvar="OTA_IOT_INSTANCE_ID")] = "",
    send: Annotated[str | None, Option(help="Send one harmless request for this product; it is rejected.")] = None,
    address: Annotated[str | None, Option("--http", help="With --send: the HTTP trigger of an account.")] = None,
) -> None:
    """Check keys, account, clock, endpoint, product, queues, topic, stream, functions, quota and role, and say what to do.

    Changes nothing. Exit status 1 if something is wrong.

    Example: ota-modules doctor --send a1Demo00001
    """
    screen, target = session.screen, session.target()
    counts: Counter[str] = Counter()
    with closing(Mailbox(target)) as mailbox:
        deployment = Deployment(target, mailbox, OpenApi(target), product or send, instance)
        for finding in chain(deployment.findings(), _probes(target, send, address)):
            counts[finding.verdict] += 1
            _show(screen, finding)
    count = plural(sum(counts.values()), "check")
    screen.summary(f"{count}: {counts['wrong']} wrong, {counts['unknown']} could not be checked")
    if counts["wrong"]:
        raise CliError(f"{counts['wrong']} of {count} found something wrong")


def _probes(target: Target, product: str | None, address: str | None) -> Iterator[Finding]:
    """Send a request which the function refuses before it calls anything: no module may have its name."""
    if product is None:
        return
    request = {"ProductKey": product, "ModuleName": "doctor: no module name", "Id": f"doctor-{secrets.token_hex(4)}"}
    url = address or (target.http_url if target.local else None)
    yield examine("request by queue", lambda: _through_queue(target, request), QUEUED)
    advice = "is the function deployed, and may the keys call it?"
    yield examine("request over HTTP", lambda: _over_http(target, request, url), advice)


def _through_queue(target: Target, request: Mapping[str, str]) -> Finding:
    """Send the request by the queue and wait for its outcome. Raises: CloudError."""
    began = time.monotonic()
    with closing(Mailbox(target)) as mailbox, temporary_inbox(target, "cli") as inbox:
        mailbox.send(target.names.request_queue, [json.dumps(request)])
        while time.monotonic() - began < PATIENCE:
            for event in inbox.events():
                if event.get("causationid") == request["Id"]:
                    return _judge(event["data"].get("Status"), began)
    return wrong(f"no outcome within {PATIENCE:.0f} s", QUEUED)


def _over_http(target: Target, request: Mapping[str, str], url: str | None) -> Finding:
    """Send the request to the HTTP trigger. Raises: CloudError."""
    if url is None:
        advice = "give it with --http: `npx s http info -t template.yml` prints it"
        return unknown("the address of the HTTP trigger is not known", advice)
    began = time.monotonic()
    answer = call_trigger(target, url, json.dumps(request).encode())
    if not isinstance(answer["body"], dict):
        raise CloudError(f"the HTTP trigger answered {answer['status']}, not an outcome")
    return _judge(answer["body"].get("Status"), began)


def _judge(status: object, began: float) -> Finding:
    if status == "rejected":
        return ok(f"rejected, as it must be, after {time.monotonic() - began:.1f} s")
    return wrong(f"its status is {status}, not rejected", "is another version deployed, or another function?")


def _show(screen: Screen, finding: Finding) -> None:
    screen.record(finding)
    word, style = WORDS[finding.verdict]
    line = Text.assemble((f"{word:<21}", style), f"{finding.check}: {visible(finding.text)}")
    show = screen.say if finding.verdict == "ok" else screen.summary
    show(line)
    if finding.verdict != "ok" and finding.advice:
        screen.summary(f"{'':<21}-> {finding.advice}")
