"""The answers that rules put in place of a service's own."""

import html
import uuid
from collections.abc import Callable

from starlette.responses import JSONResponse, Response

from emulator.faults.plan import Rule

HUGE = 8 * 1024 * 1024
_HTML = "<html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>"
_CODES = {500: "InternalError", 502: "BadGateway", 503: "ServiceUnavailable", 504: "GatewayTimeout", 429: "Throttling"}
_JSON = "application/json;charset=utf-8"


def build_answer(rule: Rule) -> Response:
    """Build the answer of a rule of the sort `answer`."""
    return _BY_KIND[rule.kind](rule)


def _status(rule: Rule) -> Response:
    return _error(rule, rule.status, _CODES.get(rule.status, f"Status{rule.status}"), "Try again later.")


def _unknown_code(rule: Rule) -> Response:
    code, text = "iot.undocumented.Whatever", "Nobody knows this code."
    return _refusal(rule, code, text) if rule.service == "iot" else _error(rule, 400, code, text)


def _deny(rule: Rule) -> Response:
    code = "Forbidden.RAM" if rule.service == "iot" else "AccessDenied"
    return _error(rule, 403, code, "The caller is not authorized to do this.")


def _throttle(rule: Rule) -> Response:
    status, code = (400, "Throttling.User") if rule.service == "iot" else (503, "ThrottlingException")
    answer = _error(rule, status, code, "Request was denied due to user flow control.")
    if rule.retry_after is not None:
        answer.headers["x-acs-retry-after"] = rule.retry_after
    return answer


def _refusal(rule: Rule, code: str, text: str) -> Response:
    """Refuse as the IoT API refuses what a call asks for: with status 200."""
    body = {"RequestId": _request_id(), "Success": False, "Code": rule.code or code, "ErrorMessage": text}
    return JSONResponse(body, media_type=_JSON)


def _error(rule: Rule, status: int, code: str, text: str) -> Response:
    """Answer with an error in the service's form; the code of the rule goes before `code`."""
    code = rule.code or code
    if rule.service == "smq":
        body = (
            '<?xml version="1.0" encoding="utf-8"?><Error xmlns="http://mns.aliyuncs.com/doc/v1">'
            f"<Code>{html.escape(code)}</Code><Message>{text}</Message><RequestId>{_request_id()}</RequestId>"
            "<HostId>http://127.0.0.1</HostId></Error>"
        )
        return Response(body, status, media_type="text/xml;charset=utf-8")
    content = {"RequestId": _request_id(), "HostId": "127.0.0.1", "Code": code, "Message": text}
    return JSONResponse(content, status, media_type=_JSON)


_BY_KIND: dict[str, Callable[[Rule], Response]] = {
    "status": _status,
    "html": lambda rule: Response(_HTML, rule.status, {"content-type": "text/html"}),
    "empty": lambda rule: Response(b"", rule.status, media_type=_JSON),
    "huge": lambda rule: Response(b'{"Success":true,"Padding":"' + b"x" * HUGE + b'"}', rule.status, media_type=_JSON),
    "unknown-code": _unknown_code,
    "throttle": _throttle,
    "deny": _deny,
    "overdue": lambda rule: _refusal(rule, "iot.system.BillIsOverDue", "The bill is overdue."),
}


def _request_id() -> str:
    return str(uuid.uuid4()).upper()
