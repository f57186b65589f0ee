"""Requests into the request queue, in batches, each noted in the ledger before and after."""

import base64
from collections.abc import Iterator, Sequence

from cli.clients.smq import BATCH, LARGEST_BATCH, Mailbox
from cli.sending.ledger import Ledger
from cli.terminal.interrupts import Interrupts
from cli.terminal.progress import Meter
from handler.messages import ModuleRequest


class Outgoing:
    """The requests of one sending, by number; those without an Id get one that the ledger keeps."""

    def __init__(self, requests: Sequence[ModuleRequest], run: str) -> None:
        self._requests = requests
        self._run = run

    def id(self, number: int) -> str:
        return self._requests[number].Id or f"{self._run}-{number + 1}"

    def body(self, number: int) -> str:
        request = self._requests[number].model_copy(update={"Id": self.id(number)})
        return request.model_dump_json(exclude_none=True, exclude_defaults=True)

    def numbers(self) -> dict[str, int]:
        return {self.id(number): number for number in range(len(self._requests))}


def send_all(
    mailbox: Mailbox, queue: str, outgoing: Outgoing, ledger: Ledger, meter: Meter, interrupts: Interrupts
) -> None:
    """Send what was not sent yet; after Ctrl-C the batch at hand ends first. Raises: CloudError."""
    for numbers in batches(outgoing, ledger.unsent()):
        if interrupts.asked:
            return
        ledger.sending(numbers)
        mailbox.send(queue, [outgoing.body(number) for number in numbers])
        ledger.accepted(numbers)
        meter.step(len(numbers))


def batches(outgoing: Outgoing, numbers: Sequence[int]) -> Iterator[list[int]]:
    """As many together as SMQ takes: 16 messages, 64 KiB."""
    batch: list[int] = []
    size = 0
    for number in numbers:
        weight = len(base64.b64encode(outgoing.body(number).encode()))
        if len(batch) == BATCH or (batch and size + weight > LARGEST_BATCH):
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += weight
    if batch:
        yield batch
