"""Function Compute over HTTP: the official SDKs of FC 2.0 and 3.0, HTTP triggers, and the refusals."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from alibabacloud_fc20230330.client import Client
from alibabacloud_fc20230330.models import InvokeFunctionHeaders, InvokeFunctionRequest
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions
from fc2.fc_exceptions import FcError as SdkError
from starlette.types import ASGIApp

from emulator.ram.policy import Policy
from tests.emulator.fc.played import OWNER, Fc, config, refusal
from tests.support.waiting import eventually

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK of FC 3.0


@pytest.fixture
def fc(serve: Callable[[ASGIApp], str]) -> Fc:
    return Fc(
        serve,
        *map(config, ("echo", "fail", "flaky", "linger")),
        config("web", http=True, methods=("GET", "POST")),
        config("reply", http=True),
        config("wsgi", http=True, wsgi=True, service="ota-modules"),
        config("sleep", instances=2),
        config("nowhere", handler="samples.echo", python="/no/such/python"),
    )


def invoke_fc3(fc: Fc, body: bytes, secret: str = OWNER.secret) -> Any:
    config = Config(access_key_id=OWNER.id, access_key_secret=secret, protocol="http")
    config.endpoint = fc.url.removeprefix("http://")
    headers = InvokeFunctionHeaders(x_fc_invocation_type="Sync", x_fc_log_type="Tail")
    request, options = InvokeFunctionRequest(body=body), RuntimeOptions()
    return Client(config).invoke_function_with_options("echo", request, headers, options)


def post(fc: Fc, function: str, content: bytes | str, seconds: float = 60) -> httpx.Response:
    return httpx.post(f"{fc.url}/2023-03-30/functions/{function}/invocations", content=content, timeout=seconds)


def test_both_sdks_invoke_for_who_signs(fc: Fc) -> None:
    """Bytes go in and come out."""
    answer = invoke_fc3(fc, b"\x00\xffraw")
    assert (answer.status_code, answer.body.read()) == (200, b"\x00\xffraw")
    assert answer.headers["x-fc-request-id"].startswith("1-")
    assert float(answer.headers["x-fc-max-memory-usage"]) > 1
    with pytest.raises(Exception, match="SignatureNotMatch"):
        invoke_fc3(fc, b"", "wrong")
    assert fc.invoke("echo", b"\x00\xffraw").data == b"\x00\xffraw"
    stranger = fc.client_of(replace(OWNER, secret="wrong"))
    assert refusal(stranger.invoke_function, "ota-modules", "echo") == (403, "SignatureNotMatch")


def test_an_error_of_the_function_is_a_200_that_says_so(fc: Fc) -> None:
    """X-Fc-Error-Type, and the platform's error JSON."""
    with pytest.raises(SdkError) as failed:
        fc.invoke("fail")
    assert (failed.value.status_code, json.loads(failed.value.message)["errorType"]) == (200, "LookupError")


def test_instances_serve_a_call_at_a_time_and_are_limited(fc: Fc) -> None:
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(fc.invoke, "sleep", b"1") for _ in range(2)]
        eventually(lambda: [instance.state for instance in fc.service.instances] == ["busy", "busy"])
        assert refusal(fc.invoke, "sleep", b"0") == (429, "FunctionResourceExhausted")
        assert [call.result(20).data for call in calls] == [b"slept", b"slept"]


def test_the_log_comes_back_with_tail(fc: Fc) -> None:
    answer = fc.invoke("echo", x_fc_log_type="Tail")
    start, *_, end = base64.b64decode(answer.headers["X-Fc-Log-Result"]).decode().splitlines()
    assert start == f"FC Invoke Start RequestId: {answer.headers['X-Fc-Request-Id']}"
    assert end == start.replace("Start", "End")


def test_an_asynchronous_call_is_accepted_and_retried(fc: Fc, tmp_path: Path) -> None:
    """An HTTP trigger accepts one, too."""
    tries = tmp_path / "tries"
    assert fc.invoke("flaky", str(tries).encode(), x_fc_invocation_type="Async").data == b""
    eventually(lambda: tries.exists() and tries.read_text() == "0\n1\n2\n3\n")
    answer = httpx.post(f"{fc.url}/web/x", headers={"X-Fc-Invocation-Type": "Async"})
    assert (answer.status_code, answer.content, bool(answer.headers["x-fc-request-id"])) == (202, b"", True)


def test_a_role_invokes_only_what_its_policy_permits(fc: Fc) -> None:
    statement = {"Effect": "Allow", "Action": "fc:InvokeFunction", "Resource": "*/functions/web"}
    fc.accounts.attach("caller", Policy.read({"Statement": [statement]}).permits)
    client = fc.client_of(fc.accounts.issue("caller"))
    assert client.invoke_function("ota-modules", "web", b'{"a": 1}').data
    assert refusal(client.invoke_function, "ota-modules", "echo") == (403, "AccessDenied")


def test_a_function_that_cannot_be_found_or_started_is_refused(fc: Fc) -> None:
    """LATEST is the only version."""
    for service, function, qualifier, refused in (
        ("ota-modules", "nobody", None, (404, "FunctionNotFound")),
        ("another", "wsgi", None, (404, "FunctionNotFound")),
        ("ota-modules", "echo", "7", (404, "VersionNotFound")),
        ("ota-modules", "nowhere", None, (500, "InternalServerError")),
    ):
        assert refusal(fc.client.invoke_function, service, function, qualifier=qualifier) == refused
    assert fc.client.invoke_function("ota-modules", "echo", b"x", qualifier="LATEST").data == b"x"


def test_unknown_operations_and_methods_are_refused_in_json(fc: Fc) -> None:
    """aliyun-fc2 can read nothing else."""
    for path in ("/2016-08-15/tags", "/2023-03-30/functions", "/2016-08-15/services/a/b/c"):
        answer = httpx.get(fc.url + path)
        assert (answer.status_code, answer.json()["ErrorCode"]) == (400, "PathNotSupported")
    answer = httpx.delete(f"{fc.url}/web/x")
    assert (answer.status_code, answer.json()["Code"]) == (405, "MethodNotAllowed")


def test_payloads_and_headers_are_limited(fc: Fc) -> None:
    """To 32 MB, 128 KiB where the call is asynchronous, and 8 KB."""
    payload = b"x" * (32 * 2**20)
    assert post(fc, "echo", payload).content == payload
    answer = post(fc, "echo", payload + b"x")
    assert (answer.status_code, answer.json()["Code"]) == (400, "EntityTooLarge")
    large = payload[: 128 * 1024 + 1]
    assert refusal(fc.invoke, "web", large, x_fc_invocation_type="Async") == (400, "EntityTooLarge")
    assert httpx.get(f"{fc.url}/web/", headers={"X-Big": "x" * 9000}).status_code == 400


def test_a_function_goes_on_when_its_caller_hangs_up(fc: Fc, tmp_path: Path) -> None:
    """As EventBridge does after five minutes."""
    with pytest.raises(httpx.ReadTimeout):
        post(fc, "linger", json.dumps([0.5, str(tmp_path / "done")]), seconds=0.2)
    eventually((tmp_path / "done").exists)


def test_a_trigger_gets_its_path_as_it_was_sent(fc: Fc) -> None:
    """The part after the function's name, still encoded; in FC 2.0 with the proxy's."""
    for path in ("/a%2Fb/c", "/", "/a%20b", "//x"):
        event = httpx.get(f"{fc.url}/web{path}").json()
        assert event["rawPath"] == path
        environ = httpx.get(f"{fc.url}/2016-08-15/proxy/ota-modules/wsgi{path}?q=1").json()
        assert environ["fc.request_uri"] == f"/2016-08-15/proxy/ota-modules/wsgi{path}?q=1"
        assert environ["PATH_INFO"] == event["requestContext"]["http"]["path"]


def test_an_answer_that_cannot_be_sent_is_a_502(fc: Fc) -> None:
    """BadResponse; a result without a status is the body itself, and binary ones come back as bytes."""
    binary = {"statusCode": 200, "isBase64Encoded": True, "body": "AP8=", "headers": {"Content-Type": "image/png"}}
    for result, status, part in (
        ({"statusCode": 99}, 502, b"BadResponse"),
        ({"statusCode": 200, "headers": {"X-A": "b\r\nX-C: d"}}, 502, b"BadResponse"),
        ({"statusCode": 200, "headers": {"X-A": "b" * 9000}}, 502, b"BadResponse"),
        ({"statusCode": 200, "isBase64Encoded": True, "body": "?"}, 502, b"BadResponse"),
        ({"statusCode": "204", "body": "never sent"}, 204, b""),
        ({"no": "status"}, 200, b'{\n    "no": "status"\n}'),
        (binary, 200, b"\x00\xff"),
    ):
        answer = httpx.post(f"{fc.url}/reply", content=json.dumps(result))
        content = answer.json()["Code"].encode() if status == 502 else answer.content
        assert (answer.status_code, content) == (status, part)
    assert answer.headers["content-type"] == "image/png"


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
    assert (environ["body"], environ["REQUEST_METHOD"]) == ("hello", "POST")
    assert (environ["SERVER_SOFTWARE"], environ["id"]) == ("FCRUNTIME/1.0", answer.headers["X-Fc-Request-Id"])
