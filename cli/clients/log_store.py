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
from cli.clients.openapi import Send, send
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


class LogStore:
    """The logstore of template.yml; `send` stands for the network."""

    def __init__(self, target: Target, send: Send = send) -> None:
        names = target.names
        self._keys = target.keys
        self._host = f"{names.log_project}-{target.account}.{target.region}.log.aliyuncs.com"
        self._path = f"/logstores/{names.log_store}"
        self._send = send

    def rates(self) -> tuple[Known, Known]:
        """Return the calls of the IoT API and the outcomes a second, of the last minutes. Raises: CloudError."""
        counts = next(iter(self._query(COUNTS, WINDOW)), {})
        calls, outcomes = (_number(counts.get(name)) / WINDOW for name in ("calls", "outcomes"))
        return Known(round(calls, 1)), Known(round(outcomes, 1))

    def last_error(self) -> Failure | None:
        """Return what went wrong last, in the last hour. Raises: CloudError."""
        rows = self._query(ERRORS, ERRORS_SINCE, line="1", reverse="true")
        if not rows:
            return None
        line = http.json_value(str(rows[0].get("message")))
        if not isinstance(line, dict):
            raise CloudError("Log Service: the last error is no line of the function")
        text = " ".join(str(line[name]) for name in ("event", "reason", "detail", "product", "module") if name in line)
        return Failure(text, max(time.time() - _number(rows[0].get("__time__")), 0.0))

    def _query(self, query: str, seconds: int, **more: str) -> list[Mapping[str, Any]]:
        now = int(time.time())
        parameters = {"type": "log", "from": str(now - seconds), "to": str(now), "query": query, **more}
        headers = signed(self._keys, self._path, parameters)
        answer = self._send(f"https://{self._host}{self._path}?{urlencode(parameters)}", "GET", headers, b"")
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


def signed(keys: Keys, path: str, query: Mapping[str, str]) -> dict[str, str]:
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
