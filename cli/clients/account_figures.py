"""The figures of an account: depths from CloudMonitor, minutes old; calls, outcomes and the last error from the log.

SMQ's own counts (GetQueueAttributes) "will soon" be 0 for everybody: one above 0 is true and is used, a 0 may mean "not told".
"""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from cli.clients.figures import Figure, Figures, LastError, share_of
from cli.clients.log_store import LogStore
from cli.clients.openapi import CLOUD_MONITOR, OpenApi
from cli.clients.smq import Mailbox
from cli.clients.streams import AccountStreams, Stream
from cli.clients.target import Target
from cli.errors import CliError, CloudError

NAMESPACE = "acs_smq"
METRICS: Mapping[str, str] = {
    "active": "NumberOfMessagesVisible",
    "inactive": "NumberOfMessagesInvisible",
    "delayed": "NumberOfMessagesDelayed",
}
"""The successors of GetQueueAttributes' counts."""
UNCONFIRMED = f"CloudMonitor tells nothing in {NAMESPACE}, whose name for this account could not be confirmed"
IN_THE_LOG = "only the function's log has it, which cannot be read"

Counts = Callable[[str], Mapping[str, int]]
"""What SMQ itself says of a queue's messages; empty where it says nothing."""


def read(
    target: Target, api: OpenApi | None = None, counts: Counts | None = None, log: LogStore | None = None
) -> Figures:
    """Return what can be known; a figure that cannot be had says why. Never raises CloudError."""
    api = api or OpenApi(target)
    counts = counts or _counts(target)
    names = target.names
    requests, dead = counts(names.request_queue), counts(names.dead_letter_queue)
    streams, problems = _streams(target, api)
    calls, outcomes, error, unread = _from_log(log or LogStore(target))
    return Figures(
        waiting=_depth(target, api, names.request_queue, "active", requests),
        in_flight=_depth(target, api, names.request_queue, "inactive", requests),
        delayed=_depth(target, api, names.request_queue, "delayed", requests),
        dead=_depth(target, api, names.dead_letter_queue, "active", dead),
        calls=calls,
        outcomes=outcomes,
        share=_share(target),
        last_error=error,
        streams=streams,
        unknown=(*problems, *unread),
    )


def _from_log(log: LogStore) -> tuple[Figure, Figure, LastError | None, tuple[str, ...]]:
    """Return calls, outcomes and the last error, and what could not be told of it."""
    try:
        return *log.rates(), log.last_error(), ()
    except CliError as error:
        why = f"{IN_THE_LOG} ({error})"
        return Figure(None, why=why), Figure(None, why=why), None, (f"last error: {why}",)


def _counts(target: Target) -> Counts:
    def read_counts(queue: str) -> Mapping[str, int]:
        with closing(Mailbox(target)) as mailbox:
            return mailbox.depths(queue)

    return read_counts


def _depth(target: Target, api: OpenApi, queue: str, count: str, told: Mapping[str, int]) -> Figure:
    if told.get(count, 0) > 0:
        return Figure(float(told[count]))
    dimensions = json.dumps([{"region": target.region, "queue": queue}])
    query = {"Namespace": NAMESPACE, "MetricName": METRICS[count], "Dimensions": dimensions, "Period": "60"}
    try:
        return _last(api.call(CLOUD_MONITOR, "DescribeMetricLast", query))
    except CloudError as error:
        return Figure(None, why=str(error))


def _last(answer: Mapping[str, Any]) -> Figure:
    """Read the newest of the data points, which are JSON in a text."""
    try:
        points = json.loads(answer.get("Datapoints") or "[]")
        newest = max(points, key=lambda point: float(point["timestamp"]))
        value = next(newest[name] for name in ("Value", "Maximum", "Average", "Sum") if name in newest)
        return Figure(float(value), max(time.time() - float(newest["timestamp"]) / 1000, 0.0))
    except (ValueError, KeyError, TypeError, StopIteration):
        return Figure(None, why=UNCONFIRMED)


def _streams(target: Target, api: OpenApi) -> tuple[tuple[Stream, ...], tuple[str, ...]]:
    try:
        return tuple(AccountStreams(target, api).list()), ()
    except CloudError as error:
        return (), (f"the stream's state: {error}",)


def _share(target: Target) -> Figure:
    try:
        return share_of({"OTA_QPS": target.names.queue_qps})
    except CliError as error:
        return Figure(None, why=str(error))
