"""Function Compute over HTTP: FC 3.0 with the official SDK, HTTP triggers, and the refusals."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from alibabacloud_fc20230330.client import Client
from alibabacloud_fc20230330.models import InvokeFunctionHeaders, InvokeFunctionRequest
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions
from starlette.types import ASGIApp

from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET
from emulator.ram.policy import Policy
from tests.emulator.fc.played import Fc, config, refused
from tests.support.waiting import eventually

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK of FC 3.0


@pytest.fixture
def fc(serve: Callable[[ASGIApp], str]) -> Fc:
    return Fc(
        serve,
        config("echo"),
        config("web", http=True, methods=("GET", "POST")),
        config("said", http=True),
        config("wsgi", http=True, wsgi=True, service="ota-modules"),
        config("linger"),
        config("nowhere", handler="samples.echo", python="/no/such/python"),
    )


def invoke_fc3(fc: Fc, body: bytes, secret: str) -> Any:
    config = Config(access_key_id=ACCESS_KEY_ID, access_key_secret=secret, protocol="http")
    config.endpoint = fc.url.removeprefix("http://")
    headers = InvokeFunctionHeaders(x_fc_invocation_type="Sync", x_fc_log_type="Tail")
    request = InvokeFunctionRequest(body=body)
    return Client(config).invoke_function_with_options("echo", request, headers, RuntimeOptions())


def invocations(fc: Fc, function: str) -> str:
    return f"{fc.url}/2023-03-30/functions/{function}/invocations"


def test_the_sdk_of_fc_3_invokes(fc: Fc) -> None:
    answer = invoke_fc3(fc, b"\x00raw", ACCESS_KEY_SECRET)
    assert (answer.status_code, answer.body.read()) == (200, b"\x00raw")
    assert answer.headers["x-fc-request-id"].startswith("1-")
    assert float(answer.headers["x-fc-max-memory-usage"]) > 1
    with pytest.raises(Exception, match="SignatureNotMatch"):
        invoke_fc3(fc, b"", "wrong")


def test_a_role_invokes_only_what_its_policy_permits(fc: Fc) -> None:
    statement = {"Effect": "Allow", "Action": "fc:InvokeFunction", "Resource": "*/functions/web"}
    fc.accounts.attach("caller", Policy.read({"Statement": [statement]}).permits)
    client = fc.client_of(fc.accounts.issue("caller"))
    assert client.invoke_function("ota-modules", "web", b'{"a": 1}').data
    assert refused(lambda: client.invoke_function("ota-modules", "echo")) == (403, "AccessDenied")


@pytest.mark.parametrize(
    ("service", "function", "qualifier", "expected"),
    [
        ("ota-modules", "nobody", None, (404, "FunctionNotFound")),
        ("another", "wsgi", None, (404, "FunctionNotFound")),
        ("ota-modules", "echo", "7", (404, "VersionNotFound")),
        ("ota-modules", "nowhere", None, (500, "InternalServerError")),
    ],
)
def test_a_function_that_cannot_be_found_or_started_is_refused(
    fc: Fc, service: str, function: str, qualifier: str | None, expected: tuple[int, str]
) -> None:
    """LATEST is the only version."""
    assert refused(lambda: fc.client.invoke_function(service, function, qualifier=qualifier)) == expected
    assert fc.client.invoke_function("ota-modules", "echo", b"x", qualifier="LATEST").data == b"x"


@pytest.mark.parametrize("path", ["/2016-08-15/tags", "/2023-03-30/functions", "/2016-08-15/services/a/b/c"])
def test_unknown_operations_are_refused_in_json(fc: Fc, path: str) -> None:
    """aliyun-fc2 can read nothing else."""
    answer = httpx.get(fc.url + path)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (400, "PathNotSupported")


def test_a_payload_has_32_mb_at_most(fc: Fc) -> None:
    payload = b"x" * (32 * 2**20)
    assert httpx.post(invocations(fc, "echo"), content=payload, timeout=60).content == payload
    answer = httpx.post(invocations(fc, "echo"), content=payload + b"x")
    assert (answer.status_code, answer.json()["Code"]) == (400, "EntityTooLarge")


def test_a_function_goes_on_when_its_caller_hangs_up(fc: Fc, tmp_path: Path) -> None:
    """As EventBridge does after five minutes."""
    event = json.dumps([0.5, str(tmp_path / "done")])
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(invocations(fc, "linger"), content=event, timeout=0.2)
    eventually((tmp_path / "done").exists)


# HTTP triggers


@pytest.mark.parametrize("path", ["/a%2Fb/c", "/", "/a%20b", "//x"])
def test_a_trigger_gets_its_path_as_it_was_sent(fc: Fc, path: str) -> None:
    """The part after the function's name, still encoded; in FC 2.0 with the proxy's."""
    event = httpx.get(f"{fc.url}/web{path}").json()
    assert event["rawPath"] == path
    environ = httpx.get(f"{fc.url}/2016-08-15/proxy/ota-modules/wsgi{path}?q=1").json()
    assert environ["fc.request_uri"] == f"/2016-08-15/proxy/ota-modules/wsgi{path}?q=1"
    assert environ["PATH_INFO"] == event["requestContext"]["http"]["path"]


def test_a_trigger_takes_its_methods_alone(fc: Fc) -> None:
    answer = httpx.delete(f"{fc.url}/web/x")
    assert (answer.status_code, answer.json()["Code"]) == (405, "MethodNotAllowed")


def test_a_trigger_may_be_called_asynchronously(fc: Fc) -> None:
    answer = httpx.post(f"{fc.url}/web/x", headers={"X-Fc-Invocation-Type": "Async"})
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["x-fc-request-id"]


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({"statusCode": 99}, 502),
        ({"statusCode": 200, "headers": {"X-A": "b\r\nX-C: d"}}, 502),
        ({"statusCode": 200, "headers": {"X-A": "b" * 9000}}, 502),
        ({"statusCode": 200, "isBase64Encoded": True, "body": "?"}, 502),
        ({"statusCode": "204", "body": "never sent"}, 204),
        ({"no": "status"}, 200),
    ],
)
def test_an_answer_that_cannot_be_sent_is_a_502(fc: Fc, result: object, status: int) -> None:
    """BadResponse; a result without a status is the body itself."""
    answer = httpx.post(f"{fc.url}/said", content=json.dumps(result))
    assert answer.status_code == status
    assert status != 502 or answer.json()["Code"] == "BadResponse"
    assert status != 200 or answer.json() == result


def test_binary_answers_come_back_as_bytes(fc: Fc) -> None:
    result = {"statusCode": 200, "isBase64Encoded": True, "body": "AP8=", "headers": {"Content-Type": "image/png"}}
    answer = httpx.post(f"{fc.url}/said", content=json.dumps(result))
    assert (answer.content, answer.headers["content-type"]) == (b"\x00\xff", "image/png")


def test_an_http_trigger_passes_the_documented_event(fc: Fc) -> None:
    """Version v1, and back: status, headers and body; a function cannot set the platform's own headers."""
    answer = httpx.post(f"{fc.url}/web/a%20b/c?x=1&x=2", content="hello", headers={"X-One": "1", "X-Fc-Secret": "no"})
    event = answer.json()
    assert (answer.status_code, answer.headers["x-seen"], answer.headers.get("server")) == (201, "yes", "uvicorn")
    assert (event["version"], event["rawPath"], event["queryParameters"]) == ("v1", "/a%20b/c", {"x": "1,2"})
    assert (event["body"], event["isBase64Encoded"]) == ("hello", False)
    assert (event["requestContext"]["http"]["method"], event["requestContext"]["http"]["path"]) == ("POST", "/a b/c")
    assert event["headers"]["X-One"] == "1"
    assert "X-Fc-Secret" not in event["headers"]
    binary = httpx.post(f"{fc.url}/web", content=b"\xff").json()
    assert (binary["body"], binary["isBase64Encoded"], binary["rawPath"]) == ("/w==", True, "/")


def test_an_http_trigger_of_fc_2_speaks_wsgi(fc: Fc) -> None:
    """Through the proxy path that aliyun-fc2 calls."""
    answer = fc.client.do_http_request("POST", "ota-modules", "wsgi", "/modules", body=b"hello")
    environ = json.loads(answer.content)
    assert (answer.status_code, answer.headers["X-Path"]) == (202, "/modules")
    assert (environ["body"], environ["REQUEST_METHOD"], environ["SERVER_SOFTWARE"]) == (
        "hello",
        "POST",
        "FCRUNTIME/1.0",
    )
    assert environ["id"] == answer.headers["X-Fc-Request-Id"]


def test_asynchronous_payloads_and_headers_are_limited(fc: Fc) -> None:
    """To 128 KiB and 8 KB."""
    large = b"x" * (128 * 1024 + 1)
    assert refused(lambda: fc.invoke("web", large, x_fc_invocation_type="Async")) == (400, "EntityTooLarge")
    assert httpx.get(f"{fc.url}/web/", headers={"X-Big": "x" * 9000}).status_code == 400
