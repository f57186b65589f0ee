"""Function Compute over HTTP: the invoke API of FC 2.0 (as aliyun-fc2 calls it) and of FC 3.0, and HTTP triggers.

POST /2016-08-15/services/{service[.qualifier]}/functions/{function}/invocations
ANY  /2016-08-15/proxy/{service[.qualifier]}/{function}/{path}      an FC 2.0 HTTP trigger
POST /2023-03-30/functions/{function}/invocations                  a signature is checked where there is one
ANY  /{function}/{path}                                            an FC 3.0 HTTP trigger: each has a host of its own there
"""

import base64
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator.bodies import read_body
from emulator.fc import http_triggers, signature
from emulator.fc.http_triggers import HttpAnswer, HttpRequest
from emulator.fc.service import ASYNC_LIMIT, SYNC_LIMIT, Deployed, FcError, FunctionCompute, Invocation, new_request_id

TAIL = 4 * 1024
_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]
_VERSIONS = ("2016-08-15", "2023-03-30")
Endpoint = Callable[[Request], Awaitable[Response]]


def application(service: FunctionCompute) -> Starlette:
    """Return the ASGI app that answers for a service."""
    api = _Api(service)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await service.stop()

    fc2, fc3 = (f"/{version}" for version in _VERSIONS)
    return Starlette(
        routes=[
            Route(f"{fc2}/services/{{service}}", api.signed(api.service), methods=["GET"]),
            Route(f"{fc2}/services/{{service}}/functions", api.signed(api.functions), methods=["GET"]),
            Route(f"{fc2}/services/{{service}}/functions/{{function}}", api.signed(api.function), methods=["GET"]),
            Route(
                f"{fc2}/services/{{service}}/functions/{{function}}/invocations",
                api.signed(api.invoke),
                methods=["POST"],
            ),
            Route(f"{fc2}/proxy/{{service}}/{{function}}{{path:path}}", api.proxy, methods=_METHODS),
            Route(f"{fc3}/functions/{{function}}/invocations", api.invoke_by_acs3, methods=["POST"]),
            Route("/{function}{path:path}", api.http, methods=_METHODS),
        ],
        exception_handlers={FcError: _refused, HTTPException: _misdirected, Exception: _failed},
        lifespan=lifespan,
    )


async def _refused(_request: Request, error: Exception) -> Response:
    return (
        _error_response(error)
        if isinstance(error, FcError)
        else _error_response(FcError(500, "InternalServerError", ""))
    )


async def _misdirected(request: Request, _error: Exception) -> Response:
    """Nothing is at this path, or not for this method."""
    path = request.url.path
    return _error_response(FcError(400, "PathNotSupported", f"'{request.method}' against '{path}' is not supported"))


async def _failed(_request: Request, error: Exception) -> Response:
    return _error_response(
        FcError(500, "InternalServerError", f"an internal error has occurred: {type(error).__name__}")
    )


def _error_response(error: FcError) -> Response:
    """Write the error in all spellings: those of the SDKs of FC 2.0 and 3.0 and of the documentation differ."""
    request_id = str(uuid.uuid4())
    content = {
        "ErrorCode": error.code, "ErrorMessage": error.text, "errorCode": error.code, "errorMessage": error.text,
        "Code": error.code, "Message": error.text, "RequestId": request_id,
    }  # fmt: skip
    return JSONResponse(content, error.status, {"X-Fc-Request-Id": request_id})


class _Api:
    def __init__(self, service: FunctionCompute) -> None:
        self._service = service

    def signed(self, endpoint: Endpoint) -> Endpoint:
        """Only for callers with an FC 2.0 signature."""

        async def checked(request: Request) -> Response:
            self._authenticate(request)
            return await endpoint(request)

        return checked

    async def service(self, request: Request) -> Response:
        name = _service_name(request)
        if name not in {self._service.service, *(each.config.service for each in self._service.functions.values())}:
            raise FcError(404, "ServiceNotFound", f"service '{name}' does not exist")
        return JSONResponse({"serviceName": name, "serviceId": name})

    async def functions(self, request: Request) -> Response:
        name = _service_name(request)
        services = ("", name) if name == self._service.service else (name,)
        functions = [_describe(known) for known in self._service.functions.values() if known.config.service in services]
        return JSONResponse({"functions": functions, "nextToken": None})

    async def function(self, request: Request) -> Response:
        return JSONResponse(_describe(self._find(request)))

    async def invoke(self, request: Request) -> Response:
        return await self._invoke(request, self._find(request))

    async def invoke_by_acs3(self, request: Request) -> Response:
        """A call without a signature is let in: whoever reaches the loopback address is the account's owner."""
        if "authorization" in request.headers:
            self._authenticate(request)
        return await self._invoke(request, self._service.find(request.path_params["function"]))

    def _authenticate(self, request: Request) -> None:
        """Raises: FcError: the caller is not known, or its role may not invoke this function."""
        accounts, service = self._service.accounts, self._service
        key = signature.authenticate(_signed(request), accounts)
        of_service = f"services/{_service_name(request)}/" if "service" in request.path_params else ""
        name = request.path_params.get("function", "*")
        resource = f"acs:fc:{service.region}:{accounts.account_id}:{of_service}functions/{name}"
        if not accounts.permits(key, "fc:InvokeFunction", resource):
            raise FcError(403, "AccessDenied", f"role {key.role} may not fc:InvokeFunction on {resource}")

    async def _invoke(self, request: Request, deployed: Deployed) -> Response:
        name = deployed.config.name
        if request.headers.get("x-fc-invocation-type", "").lower() == "async":
            request_id = self._service.invoke_later(name, await _body(request, ASYNC_LIMIT))
            return Response(b"", 202, {"X-Fc-Request-Id": request_id})
        result = await self._service.invoke(name, await _body(request, SYNC_LIMIT))
        headers = _headers(result)
        if request.headers.get("x-fc-log-type", "").lower() == "tail":
            headers["X-Fc-Log-Result"] = base64.b64encode(result.log[-TAIL:]).decode()
        return Response(result.body, 200, headers, "application/octet-stream")

    async def proxy(self, request: Request) -> Response:
        """An FC 2.0 HTTP trigger, in the WSGI form."""
        deployed = self._find(request)
        if not deployed.config.wsgi:
            raise FcError(404, "TriggerNotFound", f"function '{deployed.config.name}' has no FC 2.0 HTTP trigger")
        self._admit(request, deployed)
        trigger_request = await _request(request, segments=4)
        parts = http_triggers.wsgi_parts(trigger_request, _target(request))
        result = await self._service.invoke(deployed.config.name, trigger_request.body, kind="wsgi", http=parts)
        return _trigger_response(result, http_triggers.wsgi_answer_of(result))

    async def http(self, request: Request) -> Response:
        """An FC 3.0 HTTP trigger."""
        if request.path_params["function"] in _VERSIONS:
            return await _misdirected(request, FcError(400, "PathNotSupported", ""))
        deployed = self._service.find(request.path_params["function"])
        config = deployed.config
        if config.http_auth is None or config.wsgi:
            raise FcError(404, "TriggerNotFound", f"function '{config.name}' has no HTTP trigger")
        self._admit(request, deployed)
        trigger_request = await _request(request, segments=1)
        request_id = new_request_id(config)
        account, region = self._service.accounts.account_id, self._service.region
        event = http_triggers.event(trigger_request, account, config.name, request_id, region)
        if request.headers.get("x-fc-invocation-type", "").lower() == "async":
            return Response(b"", 202, {"X-Fc-Request-Id": self._service.invoke_later(config.name, event)})
        result = await self._service.invoke(config.name, event, request_id=request_id)
        return _trigger_response(result, http_triggers.answer_of(result))

    def _admit(self, request: Request, deployed: Deployed) -> None:
        if deployed.config.http_auth == "function":
            self._authenticate(request)
        if request.method not in deployed.config.methods:
            raise FcError(405, "MethodNotAllowed", f"the trigger takes {', '.join(deployed.config.methods)}")

    def _find(self, request: Request) -> Deployed:
        return self._service.find(request.path_params["function"], _service_name(request))


def _service_name(request: Request) -> str:
    """The service's name without its qualifier. Raises: FcError: one that names another version than the newest."""
    name, _, qualifier = str(request.path_params["service"]).partition(".")
    if qualifier not in ("", "LATEST"):
        raise FcError(404, "VersionNotFound", f"version '{qualifier}' of service '{name}' does not exist")
    return name


def _describe(deployed: Deployed) -> dict[str, object]:
    config = deployed.config
    return {
        "functionName": config.name, "runtime": config.runtime, "handler": config.handler, "timeout": config.timeout,
        "memorySize": config.memory,
    }  # fmt: skip


def _signed(request: Request) -> signature.Signed:
    raw = request.scope["raw_path"].decode("ascii")
    return signature.Signed(request.method, raw, request.url.query, dict(request.headers))


async def _body(request: Request, limit: int, code: str = "EntityTooLarge") -> bytes:
    """Read the body. Raises: FcError: it is larger than `limit` bytes, or not the one that was signed."""
    refusal = FcError(400, code, f"payload size exceeds maximum allowed size: it is larger than {limit} bytes")
    body = await read_body(request, limit, refusal)
    signature.check_body(_signed(request), body)
    return body


def _target(request: Request) -> str:
    """Path and query as they were sent."""
    raw, query = request.scope["raw_path"].decode("ascii"), request.url.query
    return f"{raw}?{query}" if query else raw


async def _request(request: Request, segments: int) -> HttpRequest:
    """Read a request to a trigger, whose own path begins after so many segments."""
    parts = request.scope["raw_path"].decode("ascii").split("/", segments + 1)
    path = "/" + parts[segments + 1] if len(parts) > segments + 1 else "/"
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
    client = request.client.host if request.client else "127.0.0.1"
    body = await _body(request, SYNC_LIMIT, "InvalidArgument")
    trigger_request = HttpRequest(request.method, path, request.url.query, headers, body, client)
    if trigger_request.too_large():
        raise FcError(400, "InvalidArgument", "headers are larger than 8 KB, or the target than 4 KB")
    return trigger_request


def _headers(result: Invocation) -> dict[str, str]:
    headers = {
        "X-Fc-Request-Id": result.request_id,
        "X-Fc-Invocation-Duration": str(round(result.seconds * 1000)),
        "X-Fc-Max-Memory-Usage": f"{result.memory:.2f}",
        "X-Fc-Instance-Id": result.instance,
    }
    return {**headers, "X-Fc-Error-Type": result.error_type} if result.error_type else headers


def _trigger_response(result: Invocation, answer: HttpAnswer) -> Response:
    response = Response(answer.body, answer.status)
    for name, value in http_triggers.allowed_headers(answer):
        response.headers.append(name, value)
    for name, value in _headers(result).items():
        response.headers[name] = value
    return response
