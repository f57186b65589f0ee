"""Requests and answers of the cloud's RPC APIs: parameters from query and form, answers in XML or JSON.

RpcError          a call that fails
├── GatewayError  refused before the product saw it: an HTTP status of 4xx or 5xx, with Code and Message
└── BusinessError the product's own no: HTTP 200, `Success` false, with Code and ErrorMessage
"""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

BODY_LIMIT = 256 * 1024
PARAMETER_LIMIT = 200
_FORM = "application/x-www-form-urlencoded"
_NOT_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class RpcError(Exception):
    """A call that fails."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class GatewayError(RpcError):
    """Refused before the product saw it: an HTTP status of 4xx or 5xx, with Code and Message."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code, message)
        self.status = status
        self.headers = dict(headers or {})


class BusinessError(RpcError):
    """The product's own no: HTTP 200, `Success` false, with Code and ErrorMessage."""


@dataclass(frozen=True)
class RpcRequest:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    problem: GatewayError | None = None
    """Why it could not be read as parameters."""

    @property
    def action(self) -> str:
        """The operation; callers that sign by headers name it there alone."""
        return self.parameters.get("Action") or self.headers.get("x-acs-action", "")

    @property
    def parameters(self) -> dict[str, str]:
        return {**self.query, **self.form}

    @property
    def wants_json(self) -> bool:
        """XML unless asked otherwise: by `Format`, or, from callers that send none, by `Accept`."""
        asked = self.parameters.get("Format") or self.headers.get("accept", "")
        return "json" in asked.casefold()


@dataclass(frozen=True)
class Answer:
    """What a call gets back; `root` is the name of the XML document's outermost element."""

    status: int
    root: str
    content: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def success(self) -> bool:
        return self.content.get("Success") is True

    @property
    def code(self) -> str:
        return str(self.content.get("Code", ""))

    def response(self, *, as_json: bool) -> Response:
        if as_json:
            text = json.dumps(self.content, ensure_ascii=False, separators=(",", ":"))
            return Response(text, self.status, dict(self.headers), "application/json;charset=utf-8")
        text = '<?xml version="1.0" encoding="UTF-8"?>' + "".join(_elements(self.root, self.content))
        return Response(text, self.status, dict(self.headers), "text/xml;charset=utf-8")


async def read(http: Request) -> RpcRequest:
    bare = RpcRequest(http.method, http.scope["path"], dict(http.headers))
    try:
        body = await _body(http)
        is_form = bare.headers.get("content-type", "").split(";")[0].strip().lower() == _FORM
        query, form = _parameters(http.scope["query_string"]), _parameters(body if is_form else b"")
        _each_once([*query, *form])
    except GatewayError as problem:
        return replace(bare, problem=problem)
    return replace(bare, query=query, form=form, body=body)


async def _body(http: Request) -> bytes:
    body = b""
    async for chunk in http.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise GatewayError(413, "InvalidParameter", f"The body is longer than {BODY_LIMIT} bytes.")
    return body


def _parameters(encoded: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(encoded.decode(), keep_blank_values=True, errors="strict", max_num_fields=PARAMETER_LIMIT)
    except ValueError as error:
        raise GatewayError(400, "InvalidParameter", "The parameters cannot be decoded.") from error
    _each_once([name for name, _ in pairs])
    return dict(pairs)


def _each_once(names: Sequence[str]) -> None:
    """Which of two values was signed would be anyone's guess."""
    if len(set(names)) < len(names):
        raise GatewayError(400, "InvalidParameter", "A parameter stands more than once.")


def _elements(name: str, value: object) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _elements(name, item)
    elif value is not None:
        yield f"<{name}>"
        yield from _content(value)
        yield f"</{name}>"


def _content(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _elements(name, inner)
    elif isinstance(value, bool):
        yield str(value).lower()
    else:
        yield html.escape(_NOT_XML.sub("\ufffd", str(value)), quote=False)
