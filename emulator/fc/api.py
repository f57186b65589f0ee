"""Function Compute over HTTP: the invoke API of FC 2.0 (as aliyun-fc2 calls it) and of FC 3.0, and HTTP triggers.

POST /2016-08-15/services/{service[.qualifier]}/functions/{function}/invocations
ANY  /2016-08-15/proxy/{service[.qualifier]}/{function}/{path}      an FC 2.0 HTTP trigger
POST /2023-03-30/functions/{function}/invocations                  a signature is checked where there is one
ANY  /{function}/{path}                                            an FC 3.0 HTTP trigger: each has a host of its own there
"""

import base64
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.bodies import read_body
from emulator.fc import http_triggers, signature
from emulator.fc.http_triggers import HttpRequest
from emulator.fc.service import ASYNC_LIMIT, SYNC_LIMIT, Deployed, FcError, FunctionCompute, Invocation, new_request_id

_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]
_FC2, _FC3 = "/2016-08-15", "/2023-03-30"


def application(service: FunctionCompute) -> Starlette:
    """Return the ASGI app that answers for a service."""
    api = _Api(service)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await service.stop()

    return Starlette(
        routes=[
            Route(f"{_FC2}/services/{{service}}/functions/{{function}}/invocations", api.invoke, methods=["POST"]),
            Route(f"{_FC2}/proxy/{{service}}/{{function}}{{path:path}}", api.trigger_fc2, methods=_METHODS),
            Route(f"{_FC3}/functions/{{function}}/invocations", api.invoke, methods=["POST"]),
            Route("/{function}{path:path}", api.trigger_fc3, methods=_METHODS),
        ],
        exception_handlers={FcError: _answer_error, HTTPException: _answer_error, Exception: _answer_error},
        lifespan=lifespan,
    )


async def _answer_error(request: Request, error: Exception) -> Response:
    """Write an error in all spellings: those of the SDKs of FC 2.0 and 3.0 and of the documentation differ."""
    if isinstance(error, HTTPException):
        text = f"'{request.method}' against '{request.url.path}' is not supported"
        error = FcError(400, "PathNotSupported", text)
    elif not isinstance(error, FcError):
        error = FcError(500, "InternalServerError", f"an internal error has occurred: {type(error).__name__}")
    request_id = str(uuid.uuid4())
    content = {
        "ErrorCode": error.code, "ErrorMessage": error.text, "errorCode": error.code, "errorMessage": error.text,
        "Code": error.code, "Message": error.text, "RequestId": request_id,
    }  # fmt: skip
    return JSONResponse(content, error.status, {"X-Fc-Request-Id": request_id})


class _Api:
    def __init__(self, service: FunctionCompute) -> None:
        self._service = service

    async def invoke(self, request: Request) -> Response:
        """Invoke a function. FC 2.0 wants a signature; to FC 3.0, whoever reaches the loopback address is the account's owner."""
        if "service" in request.path_params or "authorization" in request.headers:
            self._authenticate(request)
        name = self._find(request).config.name
        if _is_async(request):
            return self._accept(name, await _read_body(request, ASYNC_LIMIT))
        result = await self._service.invoke(name, await _read_body(request, SYNC_LIMIT))
        headers = _headers(result)
        if request.headers.get("x-fc-log-type", "").lower() == "tail":
            headers["X-Fc-Log-Result"] = base64.b64encode(result.log).decode()
        return Response(result.body, 200, headers, "application/octet-stream")

    async def trigger_fc2(self, request: Request) -> Response:
        """Call the WSGI form of a function over its FC 2.0 HTTP trigger."""
        config = self._find(request).config
        if not config.wsgi:
            raise FcError(404, "TriggerNotFound", f"function '{config.name}' has no FC 2.0 HTTP trigger")
        sent = await self._read_trigger(request, config.methods, segments=4)
        result = await self._service.invoke(config.name, sent.body, kind="wsgi", http=sent.wsgi_parts())
        return http_triggers.build_answer(result, _headers(result), wsgi=True)

    async def trigger_fc3(self, request: Request) -> Response:
        """Call a function over its FC 3.0 HTTP trigger."""
        if f"/{request.path_params['function']}" in (_FC2, _FC3):
            raise HTTPException(404)
        config = self._find(request).config
        if not config.http or config.wsgi:
            raise FcError(404, "TriggerNotFound", f"function '{config.name}' has no HTTP trigger")
        sent = await self._read_trigger(request, config.methods, segments=1)
        request_id = new_request_id(config)
        event = sent.event(self._service.accounts.account_id, config.name, request_id, self._service.region)
        if _is_async(request):
            return self._accept(config.name, event)
        result = await self._service.invoke(config.name, event, request_id=request_id)
        return http_triggers.build_answer(result, _headers(result))

    def _accept(self, name: str, event: bytes) -> Response:
        return Response(b"", 202, {"X-Fc-Request-Id": self._service.invoke_later(name, event)})

    def _authenticate(self, request: Request) -> None:
        """Raises: FcError: the caller is not known, or its role may not invoke this function."""
        accounts, service = self._service.accounts, _service_name(request)
        key = signature.authenticate(_signed(request), accounts)
        of_service = f"services/{service}/" if service is not None else ""
        function = f"{of_service}functions/{request.path_params['function']}"
        resource = f"acs:fc:{self._service.region}:{accounts.account_id}:{function}"
        if not accounts.permits(key, "fc:InvokeFunction", resource):
            raise FcError(403, "AccessDenied", f"role {key.role} may not fc:InvokeFunction on {resource}")

    def _find(self, request: Request) -> Deployed:
        return self._service.find(request.path_params["function"], _service_name(request))

    async def _read_trigger(self, request: Request, methods: Sequence[str], segments: int) -> HttpRequest:
        """Read a request to a trigger, whose own path begins after so many segments. Raises: FcError."""
        if request.method not in methods:
            raise FcError(405, "MethodNotAllowed", f"the trigger takes {', '.join(methods)}")
        return http_triggers.read_request(request, await _read_body(request, SYNC_LIMIT, "InvalidArgument"), segments)


def _is_async(request: Request) -> bool:
    return request.headers.get("x-fc-invocation-type", "").lower() == "async"


def _service_name(request: Request) -> str | None:
    """Return the service without its qualifier; None for FC 3.0. Raises: FcError: the qualifier is not the newest version's."""
    if "service" not in request.path_params:
        return None
    name, _, qualifier = str(request.path_params["service"]).partition(".")
    if qualifier not in ("", "LATEST"):
        raise FcError(404, "VersionNotFound", f"version '{qualifier}' of service '{name}' does not exist")
    return name


def _signed(request: Request) -> signature.Signed:
    raw = request.scope["raw_path"].decode("ascii")
    return signature.Signed(request.method, raw, request.url.query, dict(request.headers))


async def _read_body(request: Request, limit: int, code: str = "EntityTooLarge") -> bytes:
    """Read the body. Raises: FcError: it is larger than `limit` bytes, or not the one that was signed."""
    refusal = FcError(400, code, f"payload size exceeds maximum allowed size: it is larger than {limit} bytes")
    body = await read_body(request, limit, refusal)
    signature.check_body(_signed(request), body)
    return body


def _headers(result: Invocation) -> dict[str, str]:
    headers = {
        "X-Fc-Request-Id": result.request_id,
        "X-Fc-Invocation-Duration": str(round(result.seconds * 1000)),
        "X-Fc-Max-Memory-Usage": f"{result.memory:.2f}",
        "X-Fc-Instance-Id": result.instance,
    }
    return {**headers, "X-Fc-Error-Type": result.error_type} if result.error_type else headers
