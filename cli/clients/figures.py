"""What is waiting, in flight, delayed and given up; how fast it goes; what went wrong last. Any of it may be unknown.

An account's depths come from CloudMonitor, minutes old; its calls, outcomes and the last error from the functions' log in Log
Service (SLS), read with GetLogs (API version 0.6.0). SMQ's own counts (GetQueueAttributes) "will soon" be 0 for everybody: one
above 0 is true and is used, a 0 may mean "not told".
"""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from email.utils import formatdate
from functools import cache
from typing import Any
from urllib.parse import urlencode

from cli.clients import console, http
from cli.clients.openapi import CLOUD_MONITOR, OpenApi, Send, send
from cli.clients.smq import Mailbox
from cli.clients.streams import Streams
from cli.clients.target import Target
from cli.errors import CliError, CloudError, UsageError
from cli.records import Failure, Figure, Figures, Known, NotKnown, Stream
from handler.credentials import Credentials
from handler.errors import SettingError
from handler.settings import Settings

NAMESPACE = "acs_smq"
METRICS = {"active": "Visible", "inactive": "Invisible", "delayed": "Delayed"}
"""What the successors of GetQueueAttributes' counts are called after `NumberOfMessages`."""
UNCONFIRMED = f"CloudMonitor tells nothing in {NAMESPACE}, whose name for this account could not be confirmed"
WINDOW = 300
"""Seconds over which rates are averaged."""
ERRORS_SINCE = 3600
"""Seconds for which an error is looked for."""
COUNTS = (
    'message.event: summary | select sum("message.calls") as calls, sum("message.created" + "message.existing" + '
    '"message.updated" + "message.rejected" + "message.failed") as outcomes'
)
ERRORS = "message.level: ERROR or message.level: WARNING"
_REQUIRED = {"OTA_REGION": "any", "OTA_MNS_ENDPOINT": "https://any.example", "OTA_RESULT_TOPIC": "any"}
"""What settings need that has nothing to do with the quota."""


def read_figures(target: Target) -> Figures:
    """Return the figures of a target. Raises: CloudError: the local cloud does not answer, or runs another template."""
    names = target.names
    if not target.local:
        return read_account(target)
    state = console.state(target)
    try:
        requests, dead = state.queues[names.request_queue], state.queues[names.dead_letter_queue]
        settings = {each.name: each.settings for each in state.functions}[names.queue_function]
    except KeyError as missing:
        raise CloudError(f"the local cloud has no {missing}: it runs another template (OTA_TEMPLATE)") from None
    error = state.last_error
    return Figures(
        waiting=Known(requests["active"]),
        in_flight=Known(requests["inactive"]),
        delayed=Known(requests["delayed"]),
        # Dead letters are there whether somebody is looking at them or not.
        dead=Known(sum(dead.values())),
        calls=Known(sum(state.calls.values())),
        outcomes=Known(round(state.outcomes / state.seconds, 1)),
        share=share_of(lambda: settings),
        last_error=Failure(error.text, max(time.time() - error.at, 0.0)) if error else None,
        streams=[Stream(each.name, each.state, each.in_flight) for each in state.streams],
    )


def quota_settings(quota: Mapping[str, str]) -> Settings:
    """Return the settings of a function that is told this about the quota. Raises: UsageError: one is refused."""
    known = {name: value for name, value in quota.items() if name in Settings.model_fields}
    # The local cloud keeps the store's address, which may hold a password, to itself.
    store = {"OTA_QUOTA_URL": "redis://any.example"} if known.get("OTA_QUOTA_URL") == "set" else {}
    try:
        return Settings.read({**_REQUIRED, **known, **store})
    except SettingError as error:
        raise UsageError(str(error)) from None


def share_of(quota: Callable[[], Mapping[str, str]]) -> Figure:
    """Return the calls a second of one operation that a function's settings let all its instances make."""
    try:
        settings = quota_settings(quota())
    except UsageError as error:
        return NotKnown(str(error))
    return Known(settings.rate if settings.store else settings.share * settings.OTA_QUOTA_INSTANCES)


def read_account(target: Target, send: Send = send, tell: Callable[[str], Mapping[str, int]] | None = None) -> Figures:
    """Return what can be known; a figure that cannot be had says why. Never raises CloudError.

    `send` stands for the network, and `tell` for what SMQ itself says of a queue's messages.
    """
    api = OpenApi(target, send)
    names = target.names
    mailbox = Mailbox(target)
    told = cache(tell or mailbox.depths)

    def depth(queue: str, count: str) -> Figure:
        known = told(queue).get(count, 0)
        return Known(known) if known > 0 else _metric(target, api, queue, f"NumberOfMessages{METRICS[count]}")

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
        (calls, outcomes), error = _read_rates(target, send), _read_last_error(target, send)
    except CliError as problem:
        calls = outcomes = NotKnown(f"only the function's log has it, which cannot be read ({problem})")
        unknown.append(f"last error: {calls.unknown}")
    requests, dead = names.request_queue, names.dead_letter_queue
    share = share_of(lambda: {"OTA_QPS": names.queue_qps})
    with closing(mailbox):
        waiting, in_flight, delayed = (depth(requests, count) for count in METRICS)
        given_up = depth(dead, "active")
    return Figures(waiting, in_flight, delayed, given_up, calls, outcomes, share, error, streams, unknown)


def _metric(target: Target, api: OpenApi, queue: str, metric: str) -> Figure:
    """Read the newest of a metric's data points, which are JSON in a text."""
    where = json.dumps([{"region": target.region, "queue": queue}])
    try:
        answer = api.call(
            CLOUD_MONITOR, "DescribeMetricLast", Namespace=NAMESPACE, MetricName=metric, Dimensions=where, Period="60"
        )
        newest = max(http.json_value(answer["Datapoints"]), key=lambda point: float(point["timestamp"]))
        value = next(newest[name] for name in ("Value", "Maximum", "Average", "Sum") if name in newest)
        return Known(value, max(time.time() - float(newest["timestamp"]) / 1000, 0.0))
    except CliError as error:
        return NotKnown(str(error))
    except (ValueError, KeyError, TypeError, StopIteration):
        return NotKnown(UNCONFIRMED)


def _read_rates(target: Target, send: Send) -> tuple[Known, Known]:
    """Return the calls of the IoT API and the outcomes a second, of the last minutes. Raises: CloudError."""
    counts = next(iter(_query(target, send, COUNTS, WINDOW)), {})
    calls, outcomes = (Known(round(_number(counts.get(name)) / WINDOW, 1)) for name in ("calls", "outcomes"))
    return calls, outcomes


def _read_last_error(target: Target, send: Send) -> Failure | None:
    """Return what went wrong last, in the last hour. Raises: CloudError."""
    for row in _query(target, send, ERRORS, ERRORS_SINCE, line="1", reverse="true"):
        line = http.json_value(str(row.get("message")))
        if not isinstance(line, dict):
            raise CloudError("Log Service: the last error is no line of the function")
        parts = (str(line[name]) for name in ("event", "reason", "detail", "product", "module") if name in line)
        return Failure(" ".join(parts), max(time.time() - _number(row.get("__time__")), 0.0))
    return None


def _query(target: Target, send: Send, query: str, seconds: int, **more: str) -> list[Mapping[str, Any]]:
    path = f"/logstores/{target.names.log_store}"
    now = int(time.time())
    parameters = {"type": "log", "from": str(now - seconds), "to": str(now), "query": query, **more}
    host = f"{target.names.log_project}-{target.account}.{target.region}.log.aliyuncs.com"
    answer = send(f"https://{host}{path}?{urlencode(parameters)}", "GET", _signed(target.keys, path, parameters), b"")
    value = http.json_value(answer.content)
    if answer.status >= 400 or not isinstance(value, list):
        code = str(value.get("errorCode")) if isinstance(value, dict) else str(answer.status)
        raise CloudError(f"Log Service: GetLogs: {code}", code)
    return value


def _number(value: object) -> float:
    """Return a number that is told as text; 0 for `null`, which stands for the sum of no lines."""
    try:
        return float(str(value))
    except ValueError:
        return 0.0


def _signed(keys: Credentials, path: str, query: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a GET (Log Service, "Request signatures": HMAC-SHA1 over date, x-log-* headers, path and query)."""
    own = {"x-log-apiversion": "0.6.0", "x-log-bodyrawsize": "0", "x-log-signaturemethod": "hmac-sha1"}
    if keys.security_token:
        own["x-acs-security-token"] = keys.security_token
    date = formatdate(usegmt=True)
    resource = f"{path}?{'&'.join(f'{name}={value}' for name, value in sorted(query.items()))}"
    canonical = [f"{name}:{value}" for name, value in sorted(own.items())]
    text = "\n".join(("GET", "", "", date, *canonical, resource))
    digest = hmac.new(keys.access_key_secret.encode(), text.encode(), hashlib.sha1).digest()
    return {**own, "Date": date, "Authorization": f"LOG {keys.access_key_id}:{base64.b64encode(digest).decode()}"}
