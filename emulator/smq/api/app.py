"""SMQ over HTTP: authenticates a caller, finds and permits the operation, and writes the answer (SMQ, "Invocation methods")."""

import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
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
from emulator.smq.api.signature import authenticate, check_digest
from emulator.smq.errors import InvalidArgument, SmqError
from emulator.smq.service import MessageService
from emulator.smq.wire import NAMESPACE
from emulator.xml import document

LARGEST_BODY = 2 * 1024 * 1024
"""Bytes; the largest batch that is allowed is far below, whatever its escapes and properties."""

_OPERATIONS = (*queues.OPERATIONS, *topics.OPERATIONS)
_SPELLINGS = {"receiptHandle": "ReceiptHandle", "visibilityTimeout": "VisibilityTimeout"}
_METHODS = ["GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "OPTIONS"]


def application(service: MessageService) -> ASGIApp:
    """Return the ASGI app that answers for a service; while it runs, its topics' deliveries go on."""

    async def answer(request: Request) -> Response:
        try:
            reply = await _perform(service, request)
        except SmqError as error:
            return _error_response(request, error)
        return _response(reply, _new_request_id())

    async def fail(request: Request, error: Exception) -> Response:
        return _error_response(request, SmqError(500, "InternalError", f"Internal error: {type(error).__name__}."))

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        service.pusher.resume()
        yield
        await service.pusher.stop()

    route = Route("/{path:path}", answer, methods=_METHODS)
    return Starlette(routes=[route], lifespan=lifespan, exception_handlers={Exception: fail})


async def _perform(service: MessageService, request: Request) -> Reply:
    refusal = InvalidArgument(f"The request's body is larger than {LARGEST_BODY} bytes.")
    body = await read_body(request, LARGEST_BODY, refusal)
    target = _target(request)
    headers = dict(request.headers)
    key = authenticate(request.method, target, headers, service.accounts)
    check_digest(headers.get("content-md5", ""), body)
    path, _, query_string = target.partition("?")
    query = _read_query(query_string)
    operation, names = _find_operation(request.method, path, query, body)
    _permit(service, operation, unquote(path).strip("/"), key)

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    return await operation.run(Call(service, _base(request), names, query, headers, body, gone))


def operation_of(method: str, path: str, query: str, body: bytes) -> str:
    """Return the name of the operation that a request means, even if it would be refused; empty for none."""
    try:
        return _find_operation(method, path, _read_query(query), body)[0].action
    except SmqError:
        return ""


def _find_operation(
    method: str, path: str, query: Mapping[str, str], body: bytes
) -> tuple[Operation, Mapping[str, str]]:
    """Return the operation that a request means, and the names in its path. Raises: SmqError."""
    for operation in _OPERATIONS:
        names = operation.match(method, unquote(path).strip("/"))
        if names is not None and operation.when(query, body):
            return operation, names
    raise SmqError(400, "InvalidRequestURL", "Http request URL format invalid.")


def _permit(service: MessageService, operation: Operation, path: str, key: Key) -> None:
    action, resource = f"mns:{operation.action}", service.arn(path)
    if not service.accounts.permits(key, action, resource):
        text = f"The role {key.role} is not authorized: {action} on {resource} is not permitted."
        raise SmqError(403, "AccessDenied", text)


def _target(request: Request) -> str:
    """Return path and query exactly as sent: they are signed."""
    path, query = request.scope["raw_path"], request.scope["query_string"]
    return str(path + (b"?" + query if query else b""), "latin-1")


def _read_query(text: str) -> dict[str, str]:
    """Read the parameters, whose names are the service's own.

    The official SDK puts receipt handles in as they are: `+` is no space. The service's pages write two of the names with a
    small initial.
    """
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {_SPELLINGS.get(unquote(name), unquote(name)): unquote(value) for name, _, value in pairs}


def _base(request: Request) -> str:
    return f"http://{request.headers.get('host', 'localhost')}"


def _new_request_id() -> str:
    return secrets.token_hex(12).upper()


def _error_response(request: Request, error: SmqError) -> Response:
    """Write all four elements: the official SDK hides the code of an error that lacks one."""
    request_id = _new_request_id()
    content = {"Code": error.code, "Message": error.text, "RequestId": request_id, "HostId": _base(request)}
    return _response(Reply(error.status, "Error", content), request_id)


def _response(reply: Reply, request_id: str) -> Response:
    headers = {**reply.headers, "x-mns-request-id": request_id, "x-mns-version": "2015-06-06"}
    if not reply.root:
        return Response(status_code=reply.status, headers=headers)
    content = document(reply.root, reply.content, NAMESPACE)
    return Response(content, reply.status, headers, "text/xml;charset=utf-8")
