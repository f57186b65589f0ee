"""One sending, from where it stands to its end: requests go out, outcomes come back, each noted in the ledger."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Annotated, Any, Literal

from typer import Option

from cli import records
from cli.clients import console
from cli.clients.figures import read_figures
from cli.clients.inbox import Inbox, event_of
from cli.clients.smq import BATCH, Mailbox
from cli.clients.target import Target
from cli.errors import CliError, CloudError, Interrupted
from cli.sending.browsing import Event, published, read_past
from cli.sending.ledger import Ledger, content_key, origin_of, state_folder
from cli.sending.status import line
from cli.terminal.files import csv_text, write
from cli.terminal.interrupts import Interrupts
from cli.terminal.modules import outcome_row, show_modules
from cli.terminal.moments import duration_option
from cli.terminal.progress import Meter
from cli.terminal.screen import Screen, counts_line, outcome_line, plural, remark, visible
from handler.clock import Clock
from handler.messages import ModuleRequest

SKEW = 5.0
"""Seconds by which this machine's clock may be ahead of the function's."""
LOOK_EVERY = 2.0
LOOK_EVERY_ON_ACCOUNT = 60.0
"""Seconds between two looks at what is queued; CloudMonitor has a new figure a minute."""
COLUMNS = ("Id", "ProductKey", "ModuleName", "AliasName", "Desc", "IotInstanceId", "Status", "Why")
FORMULA = ("=", "+", "-", "@")
"""How a cell begins that a spreadsheet would work out."""

State = Annotated[Path | None, Option(help="Directory for resume state.")]


@dataclass(frozen=True)
class Waiting:
    """How outcomes are waited for, and what is kept of a run."""

    timeout: Annotated[float, duration_option(help="Give up after this long without an outcome.")] = 900
    report: Annotated[Path | None, Option(help="Write the outcomes to this file, as CSV that Excel opens.")] = None
    state: State = None


def send_requests(
    screen: Screen, target: Target, requests: Sequence[ModuleRequest], manifests: Sequence[str], waiting: Waiting, *,
    wait: bool, again: Literal["never", "ended", "always"], chosen: Collection[int] | None = None,
) -> records.Sent:  # fmt: skip
    """Send requests, follow their outcomes where that is asked for, and return the record of the run.

    `again` says when requests that were sent before are sent again: never, once the run with them has ended, or at once.
    `chosen`: the numbers of those to send, else all; a run of the same requests that has not ended goes on as it began.
    Raises: CliError: it was stopped, or outcomes did not come; the report is written all the same.
    """
    began = ""
    if target.local:
        # After a restart, the local cloud knows nothing of earlier requests.
        with suppress(CloudError):
            began = str(console.state(target).began)
    folder, key = state_folder(waiting.state), content_key(target, requests, began + "apply" * (again == "ended"))
    numbers = range(len(requests)) if chosen is None else chosen
    with closing(Ledger(folder, key, numbers)) as ledger, closing(Mailbox(target)) as mailbox:
        if not numbers and (ledger.run.finished or not ledger.run.name):
            return {"Run": "", "Sent": 0, "Statuses": {}, "Unsuccessful": []}
        if again == "always" or (again == "ended" and ledger.run.finished):
            close_inbox(mailbox, target, ledger)
            ledger.restart()
        ledger.note(origin=origin_of(target, manifests))
        named = with_ids(requests, ledger.run.name)
        sending = Sending(screen, target, ledger, named, mailbox, Clock())
        try:
            sending.run(wait=wait, timeout=waiting.timeout)
        finally:
            if waiting.report:
                write_report(waiting.report, named, ledger)
        run, failed = ledger.run, ledger.remarkable()
        return {"Run": run.name, "Sent": run.sent, "Statuses": ledger.statuses, "Unsuccessful": failed}


def _inbox(mailbox: Mailbox, target: Target, ledger: Ledger) -> Inbox:
    return Inbox(mailbox, target, f"ota-modules-send-{ledger.run.name}")


def with_ids(requests: Sequence[ModuleRequest], run: str) -> list[ModuleRequest]:
    """Return the requests of a run; those without an Id get one of the run's name and their number."""
    numbered = enumerate(requests, 1)
    return [request.model_copy(update={"Id": request.Id or f"{run}-{number}"}) for number, request in numbered]


def write_report(path: Path, requests: Sequence[ModuleRequest], ledger: Ledger) -> None:
    """Write a row for each request, in order, as CSV; one without an outcome has no status. Raises: CliError."""
    rows = []
    for number, status, outcome in ledger.results():
        row = {**requests[number].model_dump(), "Status": status, "Why": remark(outcome) if outcome else None}
        cells = {name: visible(row[name] or "") for name in COLUMNS}
        rows.append({name: f"'{cell}" if cell.startswith(FORMULA) else cell for name, cell in cells.items()})
    write(path, csv_text(COLUMNS, rows))


def close_inbox(mailbox: Mailbox, target: Target, ledger: Ledger) -> None:
    """Remove the outcome queue of a sending that is not waited for any more."""
    if ledger.run.following and not ledger.run.finished:
        _inbox(mailbox, target, ledger).close()


@dataclass
class Sending:
    """One sending, from where it stands to its end."""

    screen: Screen
    target: Target
    ledger: Ledger
    requests: Sequence[ModuleRequest]
    mailbox: Mailbox
    clock: Clock
    _looked: float = -inf
    _seen: str = ""
    """What was last known of the queue."""

    def __post_init__(self) -> None:
        self._inbox = _inbox(self.mailbox, self.target, self.ledger)
        self._numbers = {request.Id: number for number, request in enumerate(self.requests)}

    def run(self, *, wait: bool, timeout: float) -> None:
        """Raises: CliError: it was cancelled or stopped, or outcomes did not come."""
        ledger = self.ledger
        if ledger.run.cancelled:
            raise CliError(f"run {ledger.run.name} of these requests was cancelled; --again sends them again")
        self._tell_before()
        if wait and not ledger.run.following:
            self._inbox.open()
            ledger.note(following=True, finished=False)
            if ledger.run.sent:
                # Not those from before the run: an Id of the sender's own may have named another request.
                past = read_past(self.screen, self.mailbox, self.target.names.outcome_queue)
                self._note(event for event in past if published(event) > ledger.began - SKEW)
        if not ledger.run.finished:
            with Interrupts() as interrupts:
                self._send(interrupts)
                if ledger.run.following and not interrupts.asked:
                    self._follow(interrupts, timeout)
            self._check_complete(interrupted=interrupts.asked)
            if ledger.run.following:
                self._inbox.close()
            ledger.note(finished=True)
        self._show()

    def _tell_before(self) -> None:
        """Say what an earlier command did for the same requests."""
        run, total = self.ledger.run, plural(self.ledger.run.total, "request")
        if run.finished:
            when = run.when.isoformat(sep=" ", timespec="minutes")
            self.screen.note(f"already sent: {total} in run {run.name}, {when}; --again sends them again")
        elif run.sent:
            self.screen.note(f"resuming run {run.name}: {run.sent} of {total} sent")

    def _send(self, interrupts: Interrupts) -> None:
        """Send what was not sent yet; after Ctrl-C the batch at hand ends first. Raises: CloudError."""
        ledger, unsent = self.ledger, self.ledger.unsent()
        with Meter(self.screen, "sent", ledger.run.total, done=ledger.run.sent) as meter:
            for start in range(0, len(unsent), BATCH):
                if interrupts.asked:
                    return
                batch = unsent[start : start + BATCH]
                self.mailbox.send(self.target.names.request_queue, [self.requests[each].to_json() for each in batch])
                ledger.note_sent(batch)
                meter.step(len(batch))

    def _follow(self, interrupts: Interrupts, timeout: float) -> None:
        """Collect until each request has its outcome, Ctrl-C, or `timeout` seconds without any. Raises: CloudError.

        A message is deleted only after the ledger has its outcome.
        """
        ledger, clock, inbox = self.ledger, self.clock, self._inbox
        heard = clock.now()
        backlog = True
        with Meter(self.screen, "outcomes", ledger.run.total, done=ledger.run.answered) as meter:
            while ledger.run.answered < ledger.run.total and not interrupts.asked and clock.now() - heard < timeout:
                try:
                    messages = inbox.receive()
                except CloudError as error:
                    # If somebody removed the queue, the next command opens it again, and reads what the deployment keeps.
                    ledger.note(following=error.code != "QueueNotExist")
                    raise
                # What had come before anybody waited for it says nothing about how long the rest takes.
                backlog = backlog and len(messages) == BATCH
                new = self._note(filter(None, map(event_of, messages)))
                inbox.done(messages)
                heard = clock.now() if new else heard
                counts = [f"{count} {status}" for status, count in sorted(ledger.statuses.items())]
                note = " · ".join(filter(None, [*counts, self._ahead()]))
                meter.step(len(new), note, waited=not (new and backlog))

    def _note(self, events: Iterable[Event]) -> Sequence[Mapping[str, Any]]:
        """Keep the outcomes of this sending's requests; others' are passed over. Return those that are new."""
        ours = [event for event in events if event.get("causationid", "") in self._numbers]
        new = self.ledger.note_outcomes({self._numbers[event["causationid"]]: event["data"] for event in ours})
        for outcome in new:
            self.screen.detail(outcome_line(outcome))
        return new

    def _ahead(self) -> str:
        """Return what is queued ahead and the last error, in words; empty where that is not known."""
        every = LOOK_EVERY if self.target.local else LOOK_EVERY_ON_ACCOUNT
        now = self.clock.now()
        if now - self._looked >= every:
            self._looked = now
            self._seen = ""
            with suppress(CloudError):
                self._seen = line(read_figures(self.target))
        return self._seen

    def _check_complete(self, *, interrupted: bool) -> None:
        """Raises: CliError: requests are not sent yet, or outcomes are missing."""
        run, again = self.ledger.run, "run the same command again to resume"
        if run.sent < run.total:
            raise Interrupted(f"interrupted: {run.sent} of {plural(run.total, 'request')} sent; {again}")
        if run.following and run.answered < run.total:
            rest = f"What is queued is still worked on; `ota-modules cancel {run.name}` takes it out"
            text = f"{plural(run.total - run.answered, 'outcome')} missing; {again}. {rest}"
            if interrupted:
                raise Interrupted(f"interrupted: {text}")
            raise CliError(f"timed out: {text}" + (f" ({self._seen})" if self._seen else ""))

    def _show(self) -> None:
        ledger = self.ledger
        if ledger.run.following:
            self.screen.summary(counts_line(plural(ledger.run.total, "request"), ledger.statuses))
        else:
            self.screen.summary(f"{plural(ledger.run.sent, 'request')} sent to {self.target.names.request_queue}")
        rows = map(outcome_row, ledger.remarkable())
        show_modules(self.screen, ("Status", "Module", "Why"), rows, title="Failed or different")
