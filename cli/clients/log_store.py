"""The functions' log in Log Service (SLS): what only they know, read with GetLogs (API version 0.6.0)."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from email.utils import formatdate
from typing import Any
from urllib.parse import urlencode

from cli.clients.figures import Figure, LastError
from cli.clients.openapi import Send, send
from cli.clients.target import Keys, Target
from cli.errors import CloudError

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
        self._host = f"{names.log_project(target.account)}.{target.region}.log.aliyuncs.com"
        self._path = f"/logstores/{names.log_store}"
        self._send = send

    def rates(self) -> tuple[Figure, Figure]:
        """Return the calls of the IoT API and the outcomes a second, of the last minutes. Raises: CloudError."""
        rows = self._query(COUNTS, WINDOW)
        counts = rows[0] if rows else {}
        return _rate(counts, "calls"), _rate(counts, "outcomes")

    def last_error(self) -> LastError | None:
        """Return what went wrong last, in the last hour. Raises: CloudError."""
        rows = self._query(ERRORS, ERRORS_SINCE, line="1", reverse="true")
        if not rows:
            return None
        try:
            line = json.loads(rows[0]["message"])
            text = " ".join(
                str(line[name]) for name in ("event", "reason", "detail", "product", "module") if name in line
            )
            return LastError(text, max(time.time() - float(rows[0]["__time__"]), 0.0))
        except (KeyError, TypeError, ValueError):
            raise CloudError("Log Service: the last error is no line of the function") from None

    def _query(self, query: str, seconds: int, **more: str) -> list[Mapping[str, Any]]:
        now = int(time.time())
        given = {"type": "log", "from": str(now - seconds), "to": str(now), "query": query, **more}
        headers = signed(self._keys, self._path, given)
        answer = self._send(f"https://{self._host}{self._path}?{urlencode(given)}", "GET", headers, b"")
        try:
            value = json.loads(answer.content)
        except ValueError:
            value = None
        if answer.status >= 400 or not isinstance(value, list):
            code = str(value.get("errorCode")) if isinstance(value, dict) else str(answer.status)
            raise CloudError(f"Log Service: GetLogs: {code}", code)
        return value


def _rate(counts: Mapping[str, Any], name: str) -> Figure:
    try:
        return Figure(round(float(counts[name]) / WINDOW, 1))
    except (KeyError, TypeError, ValueError):
        return Figure(0.0)


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
