"""Answers that a service would not give of itself."""

import html
import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from emulator.faults.plan import Rule

HUGE = 8 * 1024 * 1024
_UNKNOWN = "iot.undocumented.Whatever"
_HTML = b"<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
_CODES = {500: "InternalError", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout", 429: "Throttling"}


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer."""

    status: int
    body: bytes
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)

    def sized(self) -> "Answer":
        """With the length of its body in its headers."""
        kept = [(name, value) for name, value in self.headers if name.lower() != b"content-length"]
        return replace(self, headers=[*kept, (b"content-length", str(len(self.body)).encode())])


def substitute(rule: Rule) -> Answer:
    """The answer that a rule puts in place of the service's own."""
    return _BY_KIND[rule.kind](rule).sized()


def _status(rule: Rule) -> Answer:
    return _error(rule, rule.status, rule.code or _CODES.get(rule.status, f"Status{rule.status}"), "Try again later.")


def _unknown_code(rule: Rule) -> Answer:
    code = rule.code or _UNKNOWN
    if rule.service == "iot":
        return _refusal(code, "Nobody knows this code.")
    return _error(rule, 400, code, "Nobody knows this code.")


def _refusal(code: str, text: str) -> Answer:
    body = {"RequestId": _request_id(), "Success": False, "Code": code, "ErrorMessage": text}
    return Answer(200, json.dumps(body).encode(), [_JSON])


def _deny(rule: Rule) -> Answer:
    code = rule.code or ("Forbidden.RAM" if rule.service == "iot" else "AccessDenied")
    return _error(rule, 403, code, "The caller is not authorized to do this.")


def _overdue(rule: Rule) -> Answer:
    return _refusal(rule.code or "iot.system.BillIsOverDue", "The bill is overdue.")


def _throttle(rule: Rule) -> Answer:
    code = rule.code or ("Throttling.User" if rule.service == "iot" else "ThrottlingException")
    answer = _error(rule, 400 if rule.service == "iot" else 503, code, "Request was denied due to user flow control.")
    if rule.retry_after is None:
        return answer
    return replace(answer, headers=[*answer.headers, (b"x-acs-retry-after", rule.retry_after.encode())])


def _error(rule: Rule, status: int, code: str, text: str) -> Answer:
    if rule.service == "smq":
        body = (
            '<?xml version="1.0" encoding="utf-8"?><Error xmlns="http://mns.aliyuncs.com/doc/v1">'
            f"<Code>{html.escape(code)}</Code><Message>{text}</Message><RequestId>{_request_id()}</RequestId>"
            "<HostId>http://127.0.0.1</HostId></Error>"
        )
        return Answer(status, body.encode(), [(b"content-type", b"text/xml;charset=utf-8")])
    content = {"RequestId": _request_id(), "HostId": "127.0.0.1", "Code": code, "Message": text}
    return Answer(status, json.dumps(content).encode(), [_JSON])


_JSON = (b"content-type", b"application/json;charset=utf-8")
_BY_KIND: dict[str, Callable[[Rule], Answer]] = {
    "status": _status,
    "html": lambda rule: Answer(rule.status, _HTML, [(b"content-type", b"text/html")]),
    "empty": lambda rule: Answer(rule.status, b"", [_JSON]),
    "huge": lambda rule: Answer(rule.status, b'{"Success":true,"Padding":"' + b"x" * HUGE + b'"}', [_JSON]),
    "unknown-code": _unknown_code,
    "throttle": _throttle,
    "deny": _deny,
    "overdue": _overdue,
}


def _request_id() -> str:
    return str(uuid.uuid4()).upper()
