"""The functions' log in Log Service (SLS): what only they know, read with GetLogs (API version 0.6.0)."""

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

from cli.clients import http
from cli.clients.openapi import Send
from cli.clients.target import Keys, Target
from cli.errors import CloudError
from cli.records import Failure, Known

WINDOW = 300
"""Seconds over which rates are averaged."""
ERRORS_SINCE = 3600
"""Seconds for which an error is looked for."""
COUNTS = (
    'message.event: summary | select sum("message.calls") as calls, sum("message.created" + "message.existing" + '
    '"message.updated" + "message.rejected" + "message.failed") as outcomes'
)
ERRORS = "message.level: ERROR or message.level: WARNING"


def read_rates(target: Target, send: Send) -> tuple[Known, Known]:
    """Return the calls of the IoT API and the outcomes a second, of the last minutes. Raises: CloudError."""
    counts = next(iter(_query(target, send, COUNTS, WINDOW)), {})
    calls, outcomes = (Known(round(_number(counts.get(name)) / WINDOW, 1)) for name in ("calls", "outcomes"))
    return calls, outcomes


def read_last_error(target: Target, send: Send) -> Failure | None:
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


def _signed(keys: Keys, path: str, query: Mapping[str, str]) -> dict[str, str]:
    """Return the headers of a GET (Log Service, "Request signatures": HMAC-SHA1 over date, x-log-* headers, path and query)."""
    own = {"x-log-apiversion": "0.6.0", "x-log-bodyrawsize": "0", "x-log-signaturemethod": "hmac-sha1"}
    if keys.token:
        own["x-acs-security-token"] = keys.token
    date = formatdate(usegmt=True)
    resource = f"{path}?{'&'.join(f'{name}={value}' for name, value in sorted(query.items()))}"
    canonical = [f"{name}:{value}" for name, value in sorted(own.items())]
    text = "\n".join(("GET", "", "", date, *canonical, resource))
    signature = base64.b64encode(hmac.new(keys.secret.encode(), text.encode(), hashlib.sha1).digest()).decode()
    return {**own, "Date": date, "Authorization": f"LOG {keys.id}:{signature}"}
