"""The figures of an account: depths from CloudMonitor, minutes old; calls, outcomes and the last error from the log.

SMQ's own counts (GetQueueAttributes) "will soon" be 0 for everybody: one above 0 is true and is used, a 0 may mean "not told".
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import cache, partial

from cli.clients import http
from cli.clients.log_store import read_last_error, read_rates
from cli.clients.openapi import CLOUD_MONITOR, OpenApi, Send, send
from cli.clients.smq import Mailbox
from cli.clients.streams import Streams
from cli.clients.target import Target
from cli.errors import CliError
from cli.records import Figure, Figures, Known, NotKnown, Stream

NAMESPACE = "acs_smq"
METRICS: Mapping[str, str] = {
    "active": "NumberOfMessagesVisible",
    "inactive": "NumberOfMessagesInvisible",
    "delayed": "NumberOfMessagesDelayed",
}
"""The successors of GetQueueAttributes' counts."""
UNCONFIRMED = f"CloudMonitor tells nothing in {NAMESPACE}, whose name for this account could not be confirmed"

Counts = Callable[[str], Mapping[str, int]]
"""What SMQ itself says of a queue's messages; empty where it says nothing."""


def read(target: Target, share: Figure, *, send: Send = send, counts: Counts | None = None) -> Figures:
    """Return what can be known; a figure that cannot be had says why. Never raises CloudError. `send` stands for the network."""
    api = OpenApi(target, send)
    names = target.names
    told = cache(counts or partial(_counts, target))

    def depth(queue: str, count: str) -> Figure:
        known = told(queue).get(count, 0)
        return Known(known) if known > 0 else _metric(target, api, queue, METRICS[count])

    unknown: list[str] = []
    streams: list[Stream] = []
    try:
        streams = Streams(target, api).read()
    except CliError as problem:
        unknown.append(f"the stream's state: {problem}")
    calls: Figure
    outcomes: Figure
    error = None
    try:
        (calls, outcomes), error = read_rates(target, send), read_last_error(target, send)
    except CliError as problem:
        calls = outcomes = NotKnown(f"only the function's log has it, which cannot be read ({problem})")
        unknown.append(f"last error: {calls.unknown}")
    requests, dead = names.request_queue, names.dead_letter_queue
    waiting, in_flight, delayed = (depth(requests, count) for count in METRICS)
    return Figures(waiting, in_flight, delayed, depth(dead, "active"), calls, outcomes, share, error, streams, unknown)


def _counts(target: Target, queue: str) -> Mapping[str, int]:
    with closing(Mailbox(target)) as mailbox:
        return mailbox.depths(queue)


def _metric(target: Target, api: OpenApi, queue: str, metric: str) -> Figure:
    """Read the newest of a metric's data points, which are JSON in a text."""
    dimensions = json.dumps([{"region": target.region, "queue": queue}])
    try:
        answer = api.call(
            CLOUD_MONITOR,
            "DescribeMetricLast",
            Namespace=NAMESPACE,
            MetricName=metric,
            Dimensions=dimensions,
            Period="60",
        )
        newest = max(http.json_value(answer["Datapoints"]), key=lambda point: float(point["timestamp"]))
        value = next(newest[name] for name in ("Value", "Maximum", "Average", "Sum") if name in newest)
        return Known(value, max(time.time() - float(newest["timestamp"]) / 1000, 0.0))
    except CliError as error:
        return NotKnown(str(error))
    except (ValueError, KeyError, TypeError, StopIteration):
        return NotKnown(UNCONFIRMED)
