"""`ota-modules doctor`: is the deployment all right, and what is to be done where it is not?"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Annotated

import typer
from rich.text import Text

from cli.clients.checks import Check, Deployment, unknown
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.commands.session import Cloud
from cli.errors import CliError
from cli.records import Finding
from cli.sending import probe
from cli.terminal.screen import Screen, plural, visible

WORDS = {"ok": ("ok", "green"), "wrong": ("wrong", "bold red"), "unknown": ("could not be checked", "yellow")}


def doctor(
    session: Cloud,
    product: Annotated[str | None, typer.Option(help="Check that this product can be read.")] = None,
    instance: Annotated[
        str, typer.Option(help="Instance of the product (default: OTA_IOT_INSTANCE_ID).", envvar="OTA_IOT_INSTANCE_ID")
    ] = "",
    send: Annotated[
        str | None,
        typer.Option(
            help="Send one harmless request for this product through the queue and over HTTP; it is rejected."
        ),
    ] = None,
    address: Annotated[
        str | None, typer.Option("--http", help="With --send: address of the HTTP trigger on an account.")
    ] = None,
) -> None:
    """Check keys, account, clock, endpoint, product, queues, topic, stream, functions, quota and role, and say what to do.

    Changes nothing. Exit status 1 if something is wrong.

    Example: ota-modules doctor --send a1Demo00001
    """
    screen, target = session.screen, session.target()
    counts: Counter[str] = Counter()
    with closing(Mailbox(target)) as mailbox:
        checks = [*Deployment(target, mailbox, product or send, instance).checks(), *_probes(target, send, address)]
        for check in checks:
            finding = check.run()
            counts[finding.verdict] += 1
            _show(screen, finding)
    count = plural(sum(counts.values()), "check")
    screen.summary(f"{count}: {counts['wrong']} wrong, {counts['unknown']} could not be checked")
    if counts["wrong"]:
        raise CliError(f"{counts['wrong']} of {count} found something wrong")


def _probes(target: Target, product: str | None, address: str | None) -> Iterator[Check]:
    if product is None:
        return
    yield Check("request by queue", lambda: probe.through_queue(target, product), probe.QUEUED)
    url = address or (target.http_url if target.local else None)
    advice = "give it with --http: `npx s http info -t template.yml` prints it"
    missing = unknown("the address of the HTTP trigger is not known", advice)
    yield Check(
        "request over HTTP", lambda: probe.over_http(target, product, url) if url else missing,
        "is the function deployed, and may the keys call it?",
    )  # fmt: skip


def _show(screen: Screen, finding: Finding) -> None:
    screen.record(finding)
    word, style = WORDS[finding.verdict]
    line = Text.assemble((f"{word:<21}", style), f"{finding.check}: {visible(finding.text)}")
    if finding.verdict == "ok":
        screen.say(line)
        return
    screen.summary(line)
    if finding.advice:
        screen.summary(f"{'':<21}-> {finding.advice}")
