"""`ota-modules run`: the local cloud and the tour."""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

from rich.text import Text
from typer import Option

from cli import records
from cli.clients.inbox import POLL, Inbox
from cli.clients.names import TEMPLATE
from cli.clients.target import ENDPOINTS, LOCAL_PORT, Target
from cli.commands.session import Session
from cli.commands.validate import load_valid
from cli.errors import CliError, CloudError, Interrupted
from cli.manifests.formats import Files
from cli.records import Toured
from cli.sending.browsing import temporary_inbox
from cli.terminal.interrupts import Interrupts
from cli.terminal.screen import Screen, counts_line, outcome_line, plural
from cli.tour.samples import EVENTS, read_all
from cli.tour.tour import run_tour
from handler.clock import Clock

HIGHEST_PORT = 65_535 - 3
PORT = "Port of the page; the servers use the next three; 0 picks free ones. Other commands use it, too."


def run(
    session: Session,
    once: Annotated[bool, Option("--once", help="Exit after the tour; fail if an outcome is not as expected.")] = False,
    port: Annotated[int, Option(min=0, max=HIGHEST_PORT, help=PORT, envvar="OTA_LOCAL_PORT")] = LOCAL_PORT,
    template: Annotated[Path, Option(help="What to deploy.")] = TEMPLATE,
    state: Annotated[Path | None, Option(help="Keep modules, queues, topics and messages in this folder.")] = None,
    products: Annotated[Path | None, Option(help="Add the products of this manifest to the local cloud.")] = None,
    no_samples: Annotated[bool, Option("--no-samples", help="Start the local cloud without sending samples.")] = False,
    answers: Annotated[Path | None, Option(help="Answer as the real platform did, by `make conformance`.")] = None,
    events: Annotated[Path, Option(help="Samples to send, laid out as in events/.")] = EVENTS,
) -> None:
    """Start the local cloud, send every sample of events/, and print each outcome.

    Stays up until Ctrl-C, for more requests and for the page.

    Example: ota-modules run --once
    """
    if not hasattr(os, "fork"):
        raise CliError("the local cloud needs Linux or macOS; the other commands work here, too, with an account")
    # Not above: the servers take a third of a second to import, and no other command needs them.
    from cli.tour.local import local_cloud
    from emulator.cloud import Options

    screen = session.screen
    sent = [] if no_samples else read_all(events)
    manifest = load_valid(screen, [str(products)], Files()).entries if products else ()
    named = list(dict.fromkeys((entry.request.ProductKey, entry.request.IotInstanceId) for entry in manifest))
    options = Options(port=port, template=template, state=state, answers=answers, products=named)
    with local_cloud(options) as (target, busiest_second):
        screen.note(f"local cloud is up: IoT {target.iot_url}, SMQ {target.smq_url}, FC {target.fc_url}")
        if port != LOCAL_PORT:
            urls = zip(ENDPOINTS, (target.console_url, target.iot_url, target.smq_url, target.fc_url), strict=True)
            where = f"OTA_LOCAL_PORT={port}" if port else " ".join(f"{name}={url}" for name, url in urls)
            screen.note(f"for other commands: export {where}")
        if sent:
            screen.note(f"sending {len(sent)} samples of {events.name}/ by queue, HTTP and invocation")
        with temporary_inbox(target, "tour") as inbox, Interrupts() as interrupts:
            show = partial(_show, screen)
            summary = run_tour(target, inbox, sent, show, Clock(), lambda: interrupts.asked)
            summary = replace(summary, busiest_second=busiest_second())
            if interrupts.asked:
                raise Interrupted("interrupted during the tour")
            if sent:
                _sum_up(screen, summary)
            if not once:
                _stay(screen, target, inbox, interrupts)
    if once and summary.findings:
        raise CliError(f"{plural(len(summary.findings), 'finding')}: not every outcome is as expected")


def _show(screen: Screen, sample: str, event: Mapping[str, Any]) -> None:
    own = {"Id": event.get("causationid"), **({"Sample": sample} if sample else {})}
    screen.record(cast("records.Arrived", {**event["data"], **own}))
    if not screen.quiet:
        screen.line(outcome_line(event["data"], sample))


def _sum_up(screen: Screen, summary: Toured) -> None:
    screen.record(summary)
    screen.say()
    size = f"{sum(summary.samples.values())} samples, {summary.outcomes} outcomes in {summary.seconds:.1f} s"
    screen.summary(counts_line(size, summary.statuses))
    screen.say(", ".join(f"{name} at most {most} in a second" for name, most in summary.busiest_second.items()))
    if summary.findings:
        rows = [(finding.sample, finding.id, finding.problem) for finding in summary.findings]
        screen.table(("Sample", "Id", "Problem"), rows, title="Not as expected")
    else:
        screen.summary(Text("every outcome is as expected", style="bold green"))


def _stay(screen: Screen, target: Target, inbox: Inbox, interrupts: Interrupts) -> None:
    """Show what others cause, until Ctrl-C. A fault that is injected into SMQ, or `clean`, must not end the local cloud."""
    screen.note(f"the page: {target.console_url}   HTTP trigger: {target.http_url}/modules   Ctrl-C to stop")
    while not interrupts.asked:
        try:
            for event in inbox.events():
                _show(screen, "", event)
        except CloudError as error:
            screen.detail(str(error))
            Clock().sleep(POLL)
            with suppress(CloudError):
                inbox.open()
    screen.note("stopped")
