"""The tour: sends every sample its own way, follows the outcomes, and tells which are not as expected."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

from cli.clients.inbox import Inbox
from cli.clients.smq import Mailbox
from cli.clients.target import Target
from cli.clients.trigger import call_trigger
from cli.errors import CliError
from cli.records import Deviation, Toured
from cli.tour.samples import MESSAGE, Sample
from handler.clock import Clock

Show = Callable[[str, Mapping[str, Any]], None]
PATIENCE = 45.0
"""Seconds without any outcome after which those still missing count as lost."""


def differences(expected: Any, got: Any, path: str = "") -> Iterator[str]:  # noqa: ANN401 - any JSON value
    """Describe each difference between `got` and what was expected (events/README.md has the rules).

    An expected object may leave fields out, an expected list may be in any order, and None stands for absent, null or
    empty.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        for name, value in expected.items():
            yield from differences(value, got.get(name), f"{path}.{name}" if path else name)
    elif isinstance(expected, list) and isinstance(got, list):
        left = list(got)
        for element in expected:
            match = next((one for one in left if not any(differences(element, one))), None)
            if match is None:
                yield f"{path}: expected {element!r} among them, got {got!r}"
                return
            left.remove(match)
        if left:
            yield f"{path}: not expected: {left!r}"
    elif (got not in (None, "", [], {})) if expected is None else type(expected) is not type(got) or expected != got:
        yield f"{path or 'it'}: expected {'nothing' if expected is None else repr(expected)}, got {got!r}"


class Expectations:
    """The outcomes that samples must have, and those that came. One may come again; then it must be the same."""

    def __init__(self) -> None:
        self._expected: dict[str, tuple[str, Mapping[str, Any]]] = {}
        self._came: dict[str, list[Mapping[str, Any]]] = {}

    def expect(self, sample: Sample, message_id: str = "") -> None:
        """Expect those outcomes of a sample whose Ids are now known."""
        for outcome in sample.outcomes:
            if (MESSAGE in outcome["Id"]) == bool(message_id):
                wanted = {field: value for field, value in outcome.items() if field != "Id"}
                self._expected[outcome["Id"].replace(MESSAGE, message_id)] = sample.name, wanted

    def take(self, event: Mapping[str, Any]) -> str | None:
        """Keep an outcome, and return the name of its sample; None where it came before."""
        name = str(event.get("causationid"))
        events = self._came.setdefault(name, [])
        events.append(event)
        return self._expected.get(name, ("-",))[0] if len(events) == 1 else None

    @property
    def complete(self) -> bool:
        return self._expected.keys() <= self._came.keys()

    def findings(self) -> Iterator[Deviation]:
        """Yield what is not as expected."""
        for name, (sample, wanted) in self._expected.items():
            events = self._came.get(name, [])
            if not events:
                yield Deviation(sample, name, f"expected {wanted.get('Status')}, got nothing")
            elif len({str(event.get("id")) for event in events}) > 1:
                yield Deviation(sample, name, f"{len(events)} outcomes instead of one")
            for text in dict.fromkeys(text for event in events for text in differences(wanted, event["data"])):
                yield Deviation(sample, name, text)
        for name in self._came.keys() - self._expected.keys():
            event = self._came[name][0]
            yield Deviation("-", name, f"not expected: {event['data']['Status']} of {event.get('subject')}")


def run_tour(
    target: Target, inbox: Inbox, samples: Sequence[Sample], show: Show, clock: Clock, stopped: Callable[[], bool]
) -> Toured:
    """Send samples, and follow until every outcome has come to `inbox`, nothing more comes, or it is `stopped`.

    `show` is called with the sample of each outcome, and with its event. Raises: CloudError.
    """
    start = heard = clock.now()
    statuses: Counter[str] = Counter()
    expectations = Expectations()
    for sample in samples:
        expectations.expect(sample)
    with ThreadPoolExecutor(2) as pool:
        answers = [pool.submit(_send, target, sample) for sample in samples if sample.way != "queue"]
        _send_to_queue(target, [sample for sample in samples if sample.way == "queue"], expectations)
        while not stopped() and clock.now() - heard <= PATIENCE:
            sending = not all(answer.done() for answer in answers)
            if not sending and expectations.complete:
                break
            events = list(inbox.events())
            for event in events:
                if (name := expectations.take(event)) is not None:
                    statuses[event["data"]["Status"]] += 1
                    show(name, event)
            if events or sending:
                heard = clock.now()
        pool.shutdown(cancel_futures=True)
    found = [finding for answer in answers if not answer.cancelled() for finding in answer.result()]
    return Toured(
        samples=Counter(sample.way for sample in samples),
        outcomes=statuses.total(),
        statuses=statuses,
        seconds=clock.now() - start,
        findings=[*found, *expectations.findings()],
        page=target.console_url,
    )


def _send_to_queue(target: Target, samples: Sequence[Sample], expectations: Expectations) -> None:
    with closing(Mailbox(target)) as mailbox:
        ids = mailbox.send(target.names.request_queue, [sample.body.decode() for sample in samples])
        for sample, message_id in zip(samples, ids, strict=True):
            expectations.expect(sample, message_id)


def _send(target: Target, sample: Sample) -> list[Deviation]:
    """Send a sample over HTTP or by invocation; return what is wrong with the answer."""
    # Not above: the SDK takes a tenth of a second to import.
    from cli.clients.fc import invoke

    try:
        if sample.way == "invoke":
            invoke(target, target.names.http_function, sample.body)
            return []
        answer = call_trigger(target, target.http_url, sample.body)
        return [Deviation(sample.name, "answer", text) for text in differences(sample.answer, answer)]
    except CliError as error:
        return [Deviation(sample.name, "-", str(error))]
