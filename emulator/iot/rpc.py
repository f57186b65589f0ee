"""Requests and answers of the cloud's RPC APIs: parameters from query and form, answers in XML or JSON.

RpcError
├── GatewayError
└── BusinessError
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import Response

from emulator.bodies import read_body
from emulator.xml import document

BODY_LIMIT = 256 * 1024
PARAMETER_LIMIT = 200
_FORM = "application/x-www-form-urlencoded"


class RpcError(Exception):
    """A call that fails."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class GatewayError(RpcError):
    """Refused by the gateway: an HTTP status of 4xx or 5xx, with Code and Message."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(code, message)
        self.status = status
        self.headers = dict(headers or {})


class BusinessError(RpcError):
    """Refused by the product: HTTP 200, `Success` false, with Code and ErrorMessage."""


@dataclass(frozen=True)
class RpcRequest:
    """A request; header names are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    problem: GatewayError | None = None
    """The error that prevented reading the parameters."""

    @property
    def action(self) -> str:
        """The operation; callers that sign by headers name it only there."""
        return self.parameters.get("Action") or self.headers.get("x-acs-action", "")

    @property
    def parameters(self) -> dict[str, str]:
        return {**self.query, **self.form}

    @property
    def wants_json(self) -> bool:
        """False for XML, the default; `Format` decides, or without it `Accept`."""
        wanted = self.parameters.get("Format") or self.headers.get("accept", "")
        return "json" in wanted.casefold()


@dataclass(frozen=True)
class Answer:
    """The answer to a call; `root` is the name of the XML document's root."""

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
            written = json.dumps(self.content, ensure_ascii=False, separators=(",", ":"))
            return Response(written, self.status, dict(self.headers), "application/json;charset=utf-8")
        return Response(document(self.root, self.content), self.status, dict(self.headers), "text/xml;charset=utf-8")


async def read(http: Request) -> RpcRequest:
    """Read a request; `problem` is the error where its parameters cannot be read."""
    bare = RpcRequest(http.method, http.scope["path"], dict(http.headers))
    try:
        refusal = GatewayError(413, "InvalidParameter", f"The body is longer than {BODY_LIMIT} bytes.")
        body = await read_body(http, BODY_LIMIT, refusal)
        is_form = bare.headers.get("content-type", "").split(";")[0].strip().lower() == _FORM
        query, form = _read_pairs(http.scope["query_string"]), _read_pairs(body if is_form else b"")
        names = [name for name, _ in (*query, *form)]
        if len(set(names)) < len(names):
            # It would be unclear which value was signed.
            raise GatewayError(400, "InvalidParameter", "A parameter stands more than once.")
    except GatewayError as problem:
        return replace(bare, problem=problem)
    return replace(bare, query=dict(query), form=dict(form), body=body)


def _read_pairs(encoded: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(encoded.decode(), keep_blank_values=True, errors="strict", max_num_fields=PARAMETER_LIMIT)
    except ValueError as error:
        raise GatewayError(400, "InvalidParameter", "The parameters cannot be decoded.") from error
