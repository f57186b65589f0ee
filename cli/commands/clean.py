"""`ota-modules clean`: removes the queues and subscriptions that commands left behind when they were killed."""

from contextlib import closing
from typing import Annotated

import typer
from typer import Option

from cli.clients.inbox import Inbox, find_leftovers
from cli.clients.smq import Mailbox
from cli.commands.session import Cloud
from cli.errors import CliError
from cli.sending.status import span
from cli.terminal.moments import duration_option
from cli.terminal.screen import plural
from handler.clock import Clock


def clean(
    session: Cloud,
    older: Annotated[float, duration_option(help="Only what is older than this, such as 1d.")] = 86_400,
    yes: Annotated[bool, Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove temporary queues and subscriptions that commands left behind.

    Example: ota-modules clean --older 1d
    """
    screen, target = session.screen, session.target()
    with closing(Mailbox(target)) as mailbox:
        leftovers = find_leftovers(mailbox, target.names.result_topic, Clock().wall())
        found = [each for each in leftovers if each.age >= older]
        count = plural(len(found), "temporary queue")
        if found:
            screen.table(("Queue", "Age", "What"), [(each.queue, span(each.age), each.what) for each in found])
        if found and not yes and not typer.confirm(f"Remove {count}?", err=True):
            raise CliError("nothing was removed")
        for each in found:
            Inbox(mailbox, target, each.queue).close()
            screen.record(each)
    screen.summary(f"{count} removed")
