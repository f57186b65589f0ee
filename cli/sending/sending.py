"""One sending, from where it stands to its end."""

from collections.abc import Mapping
from typing import Any

from cli import records
from cli.clients.figures import read_figures
from cli.clients.inbox import Inbox
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.errors import CliError, CloudError, Interrupted
from cli.sending.follow import Following
from cli.sending.ledger import Ledger
from cli.sending.outgoing import Outgoing, send_all
from cli.sending.status import line
from cli.terminal.interrupts import Interrupts
from cli.terminal.modules import outcome_row, show_modules
from cli.terminal.progress import Meter
from cli.terminal.screen import Screen, counts_line, outcome_line, plural
from handler.clock import Clock

LOOK_EVERY = 2.0
LOOK_EVERY_ON_ACCOUNT = 60.0
"""Seconds between two looks at what is queued; CloudMonitor has a new figure a minute."""


def _inbox(mailbox: Mailbox, target: Target, ledger: Ledger) -> Inbox:
    return Inbox(mailbox, target, f"ota-modules-send-{ledger.run}")


def forget(mailbox: Mailbox, target: Target, ledger: Ledger) -> None:
    """Remove the queue of a sending that is about to be restarted."""
    if ledger.following and not ledger.finished:
        _inbox(mailbox, target, ledger).close()


class Sending:
    """One sending, from where it stands to its end."""

    def __init__(
        self, screen: Screen, target: Target, ledger: Ledger, outgoing: Outgoing, mailbox: Mailbox, clock: Clock
    ) -> None:
        self._screen = screen
        self._target = target
        self._ledger = ledger
        self._outgoing = outgoing
        self._mailbox = mailbox
        self._inbox = _inbox(mailbox, target, ledger)
        self._clock = clock
        self._looked: float | None = None
        self._seen = ""

    def run(self, *, wait: bool, timeout: float) -> None:
        """Raises: CliError: it was stopped, or outcomes did not come."""
        if self._ledger.finished:
            self._before(wait=wait)
            return
        self._begin(wait=wait)
        with Interrupts() as interrupts:
            self._send(interrupts)
            if self._ledger.following and not interrupts.asked:
                self._follow(interrupts, timeout)
        self._stopped(interrupts)
        if self._ledger.following:
            self._inbox.close()
        self._ledger.finish()
        self._show(waited=self._ledger.following)

    def _before(self, *, wait: bool) -> None:
        """Show how a finished sending ended. Raises: CliError: its outcomes are wanted, and were not followed."""
        ledger = self._ledger
        self._screen.note(
            f"already sent: {plural(ledger.total, 'request')} in run {ledger.run}, "
            f"{ledger.changed.isoformat(sep=' ', timespec='minutes')}; --again sends them again"
        )
        if wait and not ledger.following:
            raise CliError(self._too_late())
        self._show(waited=ledger.following)

    def _too_late(self) -> str:
        queue = self._target.names.outcome_queue
        return f"run {self._ledger.run} was started without --wait; earlier outcomes are in {queue} (outcomes --since)"

    def _begin(self, *, wait: bool) -> None:
        ledger = self._ledger
        if ledger.sent or ledger.doubtful:
            self._screen.note(f"resuming run {ledger.run}: {ledger.sent} of {plural(ledger.total, 'request')} sent")
        if ledger.doubtful:
            self._screen.note(
                f"{ledger.doubtful} of them were being sent when it stopped: they are sent again with the same Ids, "
                "so each has one outcome"
            )
        if wait and ledger.sent and not ledger.following:
            raise CliError(self._too_late())
        if wait and not ledger.following:
            self._inbox.open()
            ledger.follow()

    def _send(self, interrupts: Interrupts) -> None:
        ledger = self._ledger
        with Meter(self._screen, "sent", ledger.total, done=ledger.sent) as meter:
            send_all(self._mailbox, self._target.names.request_queue, self._outgoing, ledger, meter, interrupts)

    def _follow(self, interrupts: Interrupts, timeout: float) -> None:
        ledger = self._ledger
        with Meter(self._screen, "outcomes", ledger.total, done=ledger.answered) as meter:
            following = Following(self._inbox, ledger, self._outgoing.numbers(), meter, self._ahead, self._tell)
            following.run(interrupts, timeout, self._clock)

    def _tell(self, outcome: Mapping[str, Any]) -> None:
        self._screen.detail(outcome_line(outcome))

    def _ahead(self) -> str:
        """Say what is queued ahead and what went wrong last; nothing where that cannot be known."""
        every = LOOK_EVERY if self._target.local else LOOK_EVERY_ON_ACCOUNT
        now = self._clock.now()
        if self._looked is None or now - self._looked >= every:
            self._looked = now
            try:
                self._seen = line(read_figures(self._target))
            except CloudError:
                self._seen = ""
        return self._seen

    def _stopped(self, interrupts: Interrupts) -> None:
        ledger = self._ledger
        if ledger.unsent():
            raise Interrupted(
                f"interrupted: {ledger.sent} of {plural(ledger.total, 'request')} sent; run the same command again to resume"
            )
        if ledger.following and ledger.answered < ledger.total:
            missing = (
                f"{plural(ledger.total - ledger.answered, 'outcome')} missing; run the same command again to resume"
            )
            going_on = f"what is queued is still worked on; `ota-modules cancel {ledger.run}` takes it out"
            if interrupts.asked:
                raise Interrupted(f"interrupted: {missing}. {going_on}")
            raise CliError(f"timed out: {missing}. {going_on}{self._last_seen()}")

    def _last_seen(self) -> str:
        return f" ({self._seen})" if self._seen else ""

    def _show(self, *, waited: bool) -> None:
        ledger = self._ledger
        sent = f"{plural(ledger.sent, 'request')} sent to {self._target.names.request_queue}"
        self._screen.summary(counts_line(plural(ledger.total, "request"), ledger.statuses) if waited else sent)
        show_modules(
            self._screen, ("Status", "Module", "Why"), map(outcome_row, ledger.remarkable), title="Failed or different"
        )

    def record(self) -> records.Sent:
        ledger = self._ledger
        return {
            "Run": ledger.run,
            "Sent": ledger.sent,
            "Statuses": dict(ledger.statuses),
            "Unsuccessful": list(ledger.remarkable),
        }
