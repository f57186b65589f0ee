"""One sending, from where it stands to its end."""

from typing import Any

from cli.clients.inbox import Inbox
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.errors import CliError
from cli.sending.follow import follow
from cli.sending.ledger import Ledger
from cli.sending.outgoing import Outgoing, send_all
from cli.terminal.interrupts import Interrupts
from cli.terminal.progress import Meter
from cli.terminal.screen import Screen, counts_line, module_of, remark, status_text
from handler.clock import Clock

MOST_ROWS = 50
"""Rows of a table on the screen; --json has them all."""


def _inbox(mailbox: Mailbox, target: Target, ledger: Ledger) -> Inbox:
    return Inbox(mailbox, target, f"ota-modules-send-{ledger.run}")


def forget(mailbox: Mailbox, target: Target, ledger: Ledger) -> None:
    """Nobody will wait for the rest of a sending that is begun anew."""
    if ledger.following and not ledger.finished:
        _inbox(mailbox, target, ledger).close()


class Sending:
    """One sending, from where it stands to its end."""

    def __init__(self, screen: Screen, target: Target, ledger: Ledger, outgoing: Outgoing, mailbox: Mailbox) -> None:
        self._screen = screen
        self._target = target
        self._ledger = ledger
        self._outgoing = outgoing
        self._mailbox = mailbox
        self._inbox = _inbox(mailbox, target, ledger)

    def run(self, *, wait: bool, patience: float) -> None:
        """Raises: CliError: it was stopped, or outcomes did not come."""
        if self._ledger.finished:
            self._before(wait=wait)
            return
        self._begin(wait=wait)
        with Interrupts() as interrupts:
            self._send(interrupts)
            if self._ledger.following and not interrupts.asked:
                self._follow(interrupts, patience)
        self._stopped(interrupts)
        if self._ledger.following:
            self._inbox.close()
        self._ledger.finish()
        self._show(waited=self._ledger.following)

    def _before(self, *, wait: bool) -> None:
        """What became of a sending that is over. Raises: CliError: nobody followed its outcomes, as is wished now."""
        ledger = self._ledger
        self._screen.note(
            f"nothing is sent: these {ledger.total} were sent before (run {ledger.run}, {ledger.changed:%Y-%m-%d %H:%M}); "
            "--again sends them anew"
        )
        if wait and not ledger.following:
            raise CliError("it was sent without --wait: its outcomes were not followed")
        self._show(waited=ledger.following)

    def _begin(self, *, wait: bool) -> None:
        ledger = self._ledger
        if ledger.sent or ledger.doubtful:
            self._screen.note(f"going on with run {ledger.run}: {ledger.sent} of {ledger.total} are sent")
        if ledger.doubtful:
            self._screen.note(
                f"{ledger.doubtful} were being sent when it stopped: sent again, under the same Ids, so each has one outcome"
            )
        if wait and ledger.sent and not ledger.following:
            raise CliError("it was begun without --wait: outcomes that came meanwhile are gone. --again sends it anew")
        if wait and not ledger.following:
            self._inbox.open()
            ledger.follow()

    def _send(self, interrupts: Interrupts) -> None:
        ledger = self._ledger
        with Meter(self._screen, "sent", ledger.total, done=ledger.sent) as meter:
            send_all(self._mailbox, self._target.names.request_queue, self._outgoing, ledger, meter, interrupts)

    def _follow(self, interrupts: Interrupts, patience: float) -> None:
        ledger = self._ledger
        with Meter(self._screen, "outcomes", ledger.total, done=ledger.answered) as meter:
            follow(self._inbox, ledger, self._outgoing.numbers(), meter, interrupts, patience, Clock())

    def _stopped(self, interrupts: Interrupts) -> None:
        ledger = self._ledger
        if ledger.unsent():
            raise CliError(f"stopped: {ledger.sent} of {ledger.total} are sent; the same command goes on from there")
        if ledger.following and ledger.answered < ledger.total:
            why = "stopped" if interrupts.asked else "nothing more came"
            missing = ledger.total - ledger.answered
            raise CliError(f"{why}: {missing} outcomes are still to come; the same command goes on waiting for them")

    def _show(self, *, waited: bool) -> None:
        ledger = self._ledger
        sent = f"{_requests(ledger.sent)} sent to {self._target.names.request_queue}"
        self._screen.say(counts_line(_requests(ledger.total), ledger.statuses) if waited else sent)
        rows = [(status_text(one["Status"]), module_of(one), remark(one)) for one in ledger.remarkable[:MOST_ROWS]]
        if rows:
            self._screen.table(("Status", "Module", "Why"), rows, title="Not as wished")
        if len(ledger.remarkable) > MOST_ROWS:
            self._screen.say(f"and {len(ledger.remarkable) - MOST_ROWS} more; --json has them all")

    def record(self) -> dict[str, Any]:
        ledger = self._ledger
        return {
            "Run": ledger.run,
            "Sent": ledger.sent,
            "Statuses": dict(ledger.statuses),
            "NotAsWished": list(ledger.remarkable),
        }


def _requests(count: int) -> str:
    return "1 request" if count == 1 else f"{count} requests"
