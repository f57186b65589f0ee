"""SMQ over HTTP: who calls, which operation is meant, may they, and the answer's form (SMQ, "Invocation methods")."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from emulator.bodies import read_body
from emulator.ram.keys import Key
from emulator.smq.api import queues, topics
from emulator.smq.api.calls import Call, Operation, Reply
from emulator.smq.api.signature import Signed, authenticate, check_digest
from emulator.smq.errors import BadRequest, Forbidden, InvalidArgument, SmqError
from emulator.smq.service import MessageService
from emulator.smq.wire import Element, document, element, elements

LARGEST_BODY = 2 * 1024 * 1024
"""Bytes; the largest batch that is allowed is far below, whatever its escapes and properties."""

_OPERATIONS = (*queues.OPERATIONS, *topics.OPERATIONS)
_SPELLINGS = {"receiptHandle": "ReceiptHandle", "visibilityTimeout": "VisibilityTimeout"}
_METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"]


def application(service: MessageService) -> ASGIApp:
    """Return the ASGI app that answers for a service; while it runs, its topics' deliveries go on."""

    async def answer(request: Request) -> Response:
        request_id = secrets.token_hex(12).upper()
        try:
            reply = await _reply(service, request)
        except SmqError as error:
            reply = Reply(error.status, _error(error.code, error.text, request_id, _base(request)))
        return _response(reply, request_id)

    async def failed(request: Request, error: Exception) -> Response:
        request_id = secrets.token_hex(12).upper()
        text = f"Internal error: {type(error).__name__}."
        return _response(Reply(500, _error("InternalError", text, request_id, _base(request))), request_id)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        service.resume()
        yield
        await service.pusher.stop()

    route = Route("/{path:path}", answer, methods=_METHODS)
    return Starlette(routes=[route], lifespan=lifespan, exception_handlers={Exception: failed})


async def _reply(service: MessageService, request: Request) -> Reply:
    refusal = InvalidArgument(f"The request's body is larger than {LARGEST_BODY} bytes.")
    body = await read_body(request, LARGEST_BODY, refusal)
    target = _target(request)
    headers = dict(request.headers)
    key = authenticate(Signed(request.method, target, headers), service.accounts)
    check_digest(headers.get("content-md5", ""), body)
    path, _, query = target.partition("?")

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    call = Call(service, _base(request), {}, _query(query), headers, body, gone)
    return await _perform(call, request.method, unquote(path).strip("/"), key)


def operation_of(service: MessageService, method: str, path: str, query: str, body: bytes) -> str:
    """Return the operation that a request means, whether or not it is let in; empty for none."""

    async def never() -> None:
        return

    call = Call(service, "", {}, _query(query), {}, body, never)
    try:
        return next((known.action for known in _OPERATIONS if _means(known, call, method, path)), "")
    except SmqError:
        return ""


def _means(operation: Operation, call: Call, method: str, path: str) -> bool:
    return operation.match(method, unquote(path).strip("/")) is not None and operation.when(call)


async def _perform(call: Call, method: str, path: str, key: Key) -> Reply:
    for operation in _OPERATIONS:
        names = operation.match(method, path)
        if names is not None and operation.when(call):
            _permit(call, operation, path, key)
            return await operation.run(replace(call, names=names))
    raise BadRequest("Http request URL format invalid.", "InvalidRequestURL")


def _permit(call: Call, operation: Operation, path: str, key: Key) -> None:
    action, resource = f"mns:{operation.action}", call.service.arn(path)
    if not call.service.accounts.permits(key, action, resource):
        text = f"The role {key.role} is not authorized: {action} on {resource} is not permitted."
        raise Forbidden(text, "AccessDenied")


def _target(request: Request) -> str:
    """Return path and query exactly as sent: they are signed."""
    path, query = request.scope["raw_path"], request.scope["query_string"]
    return str(path + (b"?" + query if query else b""), "latin-1")


def _query(text: str) -> dict[str, str]:
    """Read the parameters, whose names are the service's own.

    The official SDK puts receipt handles in as they are: `+` is no space. The service's pages write two of the names with a
    small initial.
    """
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {_SPELLINGS.get(unquote(name), unquote(name)): unquote(value) for name, _, value in pairs}


def _base(request: Request) -> str:
    return f"http://{request.headers.get('host', 'localhost')}"


def _error(code: str, text: str, request_id: str, host: str) -> Element:
    """Write all four elements: the official SDK hides the code of an error that lacks one."""
    values = [("Code", code), ("Message", text), ("RequestId", request_id), ("HostId", host)]
    return element("Error", *elements(values))


def _response(reply: Reply, request_id: str) -> Response:
    headers = {**reply.headers, "x-mns-request-id": request_id, "x-mns-version": "2015-06-06"}
    if reply.content is None:
        return Response(status_code=reply.status, headers=headers)
    return Response(document(reply.content), reply.status, headers, "text/xml;charset=utf-8")
