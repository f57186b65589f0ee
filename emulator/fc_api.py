"""Function Compute over HTTP: the invoke API of FC 2.0 (as aliyun-fc2 calls it) and of FC 3.0, and HTTP triggers.

POST /2016-08-15/services/{service[.qualifier]}/functions/{function}/invocations
ANY  /2016-08-15/proxy/{service[.qualifier]}/{function}/{path}      an FC 2.0 HTTP trigger
POST /2023-03-30/functions/{function}/invocations
ANY  /{function}/{path}                                            an FC 3.0 HTTP trigger: each has a host of its own there
"""

import base64
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from emulator import fc_signature, http_triggers
from emulator.fc import ASYNC_LIMIT, SYNC_LIMIT, Deployed, FcError, FunctionCompute, Invocation, new_request_id
from emulator.http_triggers import HttpAnswer, HttpRequest

TAIL = 4 * 1024
_METHODS = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]
Endpoint = Callable[[Request], Awaitable[Response]]


def application(service: FunctionCompute) -> Starlette:
    """The ASGI app that answers for a service."""
    api = _Api(service)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await service.stop()

    fc2, fc3 = "/2016-08-15", "/2023-03-30"
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
        exception_handlers={FcError: _refused},
        lifespan=lifespan,
    )


async def _refused(_request: Request, error: Exception) -> Response:
    status, code, text = (error.status, error.code, error.text) if isinstance(error, FcError) else (500, "Internal", "")
    told = {"ErrorCode": code, "ErrorMessage": text, "errorCode": code, "errorMessage": text}
    return JSONResponse(told, status, {"X-Fc-Request-Id": str(uuid.uuid4())})


class _Api:
    def __init__(self, service: FunctionCompute) -> None:
        self._service = service

    def signed(self, endpoint: Endpoint) -> Endpoint:
        """Only for callers with an FC 2.0 signature."""

        async def checked(request: Request) -> Response:
            fc_signature.authenticate(_signed(request), self._service.accounts)
            return await endpoint(request)

        return checked

    async def service(self, request: Request) -> Response:
        name = _service_name(request)
        if name not in {self._service.service, *(each.config.service for each in self._service.functions.values())}:
            raise FcError(404, "ServiceNotFound", f"service '{name}' does not exist")
        return JSONResponse({"serviceName": name, "serviceId": name})

    async def functions(self, request: Request) -> Response:
        name = _service_name(request)
        found = [_described(each) for each in self._service.functions.values() if each.config.service == name]
        return JSONResponse({"functions": found, "nextToken": None})

    async def function(self, request: Request) -> Response:
        return JSONResponse(_described(self._found(request)))

    async def invoke(self, request: Request) -> Response:
        return await self._invoked(request, self._found(request))

    async def invoke_by_acs3(self, request: Request) -> Response:
        """Signed calls only, where they are signed at all: the account's own machine is trusted otherwise."""
        return await self._invoked(request, self._service.find(request.path_params["function"]))

    async def _invoked(self, request: Request, deployed: Deployed) -> Response:
        name = deployed.config.name
        if request.headers.get("x-fc-invocation-type", "").lower() == "async":
            request_id = self._service.invoke_later(name, await _body(request, ASYNC_LIMIT))
            return Response(b"", 202, {"X-Fc-Request-Id": request_id})
        result = await self._service.invoke(name, await _body(request, SYNC_LIMIT))
        headers = _told(result)
        if request.headers.get("x-fc-log-type", "").lower() == "tail":
            headers["X-Fc-Log-Result"] = base64.b64encode(result.log[-TAIL:]).decode()
        return Response(result.body, 200, headers, "application/octet-stream")

    async def proxy(self, request: Request) -> Response:
        """An FC 2.0 HTTP trigger, in the WSGI form."""
        deployed = self._found(request)
        if not deployed.config.wsgi:
            raise FcError(404, "TriggerNotFound", f"function '{deployed.config.name}' has no FC 2.0 HTTP trigger")
        self._admit(request, deployed)
        came = await _request(request)
        parts = http_triggers.wsgi_parts(came, request.url.path)
        result = await self._service.invoke(deployed.config.name, came.body, kind="wsgi", http=parts)
        return _passed(result, http_triggers.wsgi_answer_of(result))

    async def http(self, request: Request) -> Response:
        """An FC 3.0 HTTP trigger."""
        deployed = self._service.find(request.path_params["function"])
        config = deployed.config
        if config.http_auth is None or config.wsgi:
            raise FcError(404, "TriggerNotFound", f"function '{config.name}' has no HTTP trigger")
        self._admit(request, deployed)
        came = await _request(request)
        request_id = new_request_id(config)
        event = http_triggers.event(came, self._service.accounts.account_id, config.name, request_id)
        if request.headers.get("x-fc-invocation-type", "").lower() == "async":
            return Response(b"", 202, {"X-Fc-Request-Id": self._service.invoke_later(config.name, event)})
        result = await self._service.invoke(config.name, event, request_id=request_id)
        return _passed(result, http_triggers.answer_of(result))

    def _admit(self, request: Request, deployed: Deployed) -> None:
        if deployed.config.http_auth == "function":
            fc_signature.authenticate(_signed(request), self._service.accounts)
        if request.method not in deployed.config.methods:
            raise FcError(405, "MethodNotAllowed", f"the trigger takes {', '.join(deployed.config.methods)}")

    def _found(self, request: Request) -> Deployed:
        return self._service.find(request.path_params["function"], _service_name(request))


def _service_name(request: Request) -> str:
    return str(request.path_params["service"]).split(".", 1)[0]


def _described(deployed: Deployed) -> dict[str, object]:
    config = deployed.config
    return {
        "functionName": config.name, "runtime": config.runtime, "handler": config.handler, "timeout": config.timeout,
        "memorySize": config.memory,
    }  # fmt: skip


def _signed(request: Request) -> fc_signature.Signed:
    raw = request.scope["raw_path"].decode("ascii")
    return fc_signature.Signed(request.method, raw, request.url.query, dict(request.headers))


async def _body(request: Request, limit: int) -> bytes:
    """The body. Raises: FcError: as soon as it is larger than `limit` bytes."""
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit:
            raise FcError(
                413 if limit == SYNC_LIMIT else 400, "EntityTooLarge", f"the payload is larger than {limit} bytes"
            )
    return bytes(body)


async def _request(request: Request) -> HttpRequest:
    raw = request.scope["raw_path"].decode("ascii")
    whole = str(request.path_params["path"])
    # The trigger's own path is what stands behind the function's name, still encoded.
    path = raw[len(raw) - len(_encoded_tail(raw, whole)) :] or "/"
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw]
    client = request.client.host if request.client else "127.0.0.1"
    came = HttpRequest(request.method, path, request.url.query, headers, await _body(request, SYNC_LIMIT), client)
    if came.too_large():
        raise FcError(400, "InvalidArgument", "headers are larger than 8 KB, or the target than 4 KB")
    return came


def _encoded_tail(raw: str, decoded: str) -> str:
    """The part of an encoded path that has as many slashes as its decoded end."""
    count = decoded.count("/")
    parts = raw.split("/")
    return "/" + "/".join(parts[len(parts) - count :]) if count else ""


def _told(result: Invocation) -> dict[str, str]:
    headers = {
        "X-Fc-Request-Id": result.request_id,
        "X-Fc-Invocation-Duration": str(round(result.seconds * 1000)),
        "X-Fc-Instance-Id": result.instance,
    }
    return {**headers, "X-Fc-Error-Type": result.error_type} if result.error_type else headers


def _passed(result: Invocation, answer: HttpAnswer) -> Response:
    response = Response(answer.body, answer.status)
    for name, value in http_triggers.passed_on(answer):
        response.headers.append(name, value)
    for name, value in _told(result).items():
        response.headers[name] = value
    return response
