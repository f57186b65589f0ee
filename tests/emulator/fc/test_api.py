"""Function Compute over HTTP: both versions of the API, with the official SDK of each, and what is refused."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fc2
import httpx
import pytest
from alibabacloud_fc20230330.client import Client
from alibabacloud_fc20230330.models import InvokeFunctionHeaders, InvokeFunctionRequest
from alibabacloud_tea_openapi.models import Config
from darabonba.runtime import RuntimeOptions
from fc2.fc_exceptions import FcError as SdkError
from starlette.types import ASGIApp

from emulator.fc.api import application
from emulator.fc.config import FunctionConfig
from emulator.fc.service import FunctionCompute
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Accounts, Key
from emulator.ram.policy import Policy
from tests.support.waiting import eventually

CODE = Path(__file__).parent / "functions"
pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK of FC 3.0
OWNER = Key(ACCESS_KEY_ID, ACCESS_KEY_SECRET)
logging.getLogger().addHandler(logging.NullHandler())  # aliyun-fc2 would print whole requests where nobody listens


class Place:
    """Some functions, served; and clients of both generations."""

    def __init__(self, serve: Callable[[ASGIApp], str]) -> None:
        self.accounts = Accounts()
        functions = [
            FunctionConfig("echo", "samples.echo", CODE, role="ota-modules"),
            FunctionConfig("web", "samples.web", CODE, http_auth="anonymous", methods=("GET", "POST")),
            FunctionConfig("closed", "samples.web", CODE, http_auth="function"),
            FunctionConfig("said", "samples.said", CODE, http_auth="anonymous"),
            FunctionConfig("wsgi", "samples.wsgi", CODE, http_auth="anonymous", wsgi=True, service="ota-modules"),
            FunctionConfig("linger", "samples.linger", CODE),
            FunctionConfig("nowhere", "samples.echo", CODE, python="/no/such/python"),
        ]
        self.service = FunctionCompute(self.accounts, functions)
        self.url = serve(application(self.service))

    def fc2(self, key: Key = OWNER) -> Any:
        return fc2.Client(
            endpoint=self.url, accessKeyID=key.id, accessKeySecret=key.secret, securityToken=key.token, Timeout=30
        )

    def fc3(self, function: str, body: bytes, secret: str = ACCESS_KEY_SECRET) -> Any:
        config = Config(access_key_id=ACCESS_KEY_ID, access_key_secret=secret, protocol="http")
        config.endpoint = self.url.removeprefix("http://")
        headers = InvokeFunctionHeaders(x_fc_invocation_type="Sync", x_fc_log_type="Tail")
        request = InvokeFunctionRequest(body=body)
        return Client(config).invoke_function_with_options(function, request, headers, RuntimeOptions())


@pytest.fixture
def place(serve: Callable[[ASGIApp], str]) -> Place:
    return Place(serve)


def refused(call: Callable[[], object]) -> tuple[int, str]:
    """Status and code, as aliyun-fc2 tells them."""
    with pytest.raises(SdkError) as caught:
        call()
    return caught.value.status_code, caught.value.err_code


# Invocations


def test_the_sdk_of_fc_3_invokes(place: Place) -> None:
    """Signed with ACS3, the result as it is and the log beside it."""
    answer = place.fc3("echo", b"\x00raw")
    assert (answer.status_code, answer.body.read()) == (200, b"\x00raw")
    assert answer.headers["x-fc-request-id"].startswith("1-")
    assert float(answer.headers["x-fc-max-memory-usage"]) > 1


def test_a_wrong_signature_of_fc_3_is_refused(place: Place) -> None:
    """With a code that the SDK finds."""
    with pytest.raises(Exception, match="SignatureNotMatch"):
        place.fc3("echo", b"", secret="wrong")


def test_a_role_invokes_only_what_its_policy_permits(place: Place) -> None:
    """As RAM decides."""
    statement = {"Effect": "Allow", "Action": "fc:InvokeFunction", "Resource": "*/functions/web"}
    place.accounts.attach("caller", Policy.read({"Statement": [statement]}).permits)
    client = place.fc2(place.accounts.issue("caller"))
    assert client.invoke_function("ota-modules", "web", b'{"a": 1}').data
    assert refused(lambda: client.invoke_function("ota-modules", "echo")) == (403, "AccessDenied")


def test_services_and_functions_are_described(place: Place) -> None:
    """As far as a client looks before it calls."""
    client = place.fc2()
    assert client.get_service("ota-modules").data["serviceName"] == "ota-modules"
    assert client.get_function("ota-modules", "echo").data["handler"] == "samples.echo"
    names = [each["functionName"] for each in client.list_functions("ota-modules").data["functions"]]
    assert {"echo", "wsgi"} <= set(names)


@pytest.mark.parametrize(
    ("service", "function", "qualifier", "expected"),
    [
        ("ota-modules", "nobody", None, (404, "FunctionNotFound")),
        ("another", "wsgi", None, (404, "FunctionNotFound")),
        ("ota-modules", "echo", "7", (404, "VersionNotFound")),
        ("ota-modules", "nowhere", None, (500, "InternalServerError")),
    ],
)
def test_what_is_not_there_is_named(
    place: Place, service: str, function: str, qualifier: str | None, expected: tuple[int, str]
) -> None:
    """By the service's code; LATEST is the only version."""
    client = place.fc2()
    assert refused(lambda: client.invoke_function(service, function, qualifier=qualifier)) == expected
    assert client.invoke_function("ota-modules", "echo", b"x", qualifier="LATEST").data == b"x"


@pytest.mark.parametrize("path", ["/2016-08-15/tags", "/2023-03-30/functions", "/2016-08-15/services/a/b/c"])
def test_unknown_operations_are_refused_in_json(place: Place, path: str) -> None:
    """Whatever else comes, aliyun-fc2 cannot read."""
    answer = httpx.get(place.url + path)
    assert (answer.status_code, answer.json()["ErrorCode"]) == (400, "PathNotSupported")


def test_a_payload_beyond_32_mb_is_refused(place: Place) -> None:
    """EntityTooLarge."""
    answer = httpx.post(f"{place.url}/2023-03-30/functions/echo/invocations", content=b"x" * (32 * 2**20 + 1))
    assert (answer.status_code, answer.json()["Code"]) == (400, "EntityTooLarge")


def test_a_payload_of_32_mb_goes_in_and_comes_out(place: Place) -> None:
    """The largest there is."""
    payload = b"x" * (32 * 2**20)
    answer = httpx.post(f"{place.url}/2023-03-30/functions/echo/invocations", content=payload, timeout=60)
    assert answer.content == payload


def test_a_caller_that_hangs_up_calls_nothing_off(place: Place, tmp_path: Path) -> None:
    """As EventBridge does after five minutes: the function goes on to its end."""
    event = json.dumps([0.5, str(tmp_path / "done")])
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(f"{place.url}/2023-03-30/functions/linger/invocations", content=event, timeout=0.2)
    eventually((tmp_path / "done").exists)


# HTTP triggers


@pytest.mark.parametrize("path", ["/a%2Fb/c", "/", "/a%20b", "//x"])
def test_a_trigger_sees_its_path_as_it_was_sent(place: Place, path: str) -> None:
    """Behind the function's name, and still encoded; FC 2.0 behind the proxy's."""
    came = httpx.get(f"{place.url}/web{path}").json()
    assert came["rawPath"] == path
    old = httpx.get(f"{place.url}/2016-08-15/proxy/ota-modules/wsgi{path}?q=1").json()
    assert old["fc.request_uri"] == f"/2016-08-15/proxy/ota-modules/wsgi{path}?q=1"
    assert old["PATH_INFO"] == came["requestContext"]["http"]["path"]


def test_a_trigger_takes_its_methods_alone(place: Place) -> None:
    """Those that the template names."""
    answer = httpx.delete(f"{place.url}/web/x")
    assert (answer.status_code, answer.json()["Code"]) == (405, "MethodNotAllowed")


def test_a_closed_trigger_wants_a_signature(place: Place) -> None:
    """authType function, on an FC 3.0 trigger."""
    answer = httpx.get(f"{place.url}/closed/x")
    assert (answer.status_code, answer.json()["Code"]) == (400, "MissingRequiredHeader")


def test_a_call_of_a_trigger_may_be_asynchronous(place: Place) -> None:
    """202 at once, and a request id."""
    answer = httpx.post(f"{place.url}/web/x", headers={"X-Fc-Invocation-Type": "Async"})
    assert (answer.status_code, answer.content) == (202, b"")
    assert answer.headers["x-fc-request-id"]


@pytest.mark.parametrize(
    ("result", "status"),
    [
        ({"statusCode": 99}, 502),
        ({"statusCode": 200, "headers": {"X-A": "b\r\nX-C: d"}}, 502),
        ({"statusCode": 200, "headers": {"X-A": "b" * 9000}}, 502),
        ({"statusCode": 200, "isBase64Encoded": True, "body": "?"}, 502),
        ({"statusCode": "204", "body": "nobody sees it"}, 204),
        ({"no": "status"}, 200),
    ],
)
def test_an_answer_that_cannot_be_sent_is_a_502(place: Place, result: object, status: int) -> None:
    """BadResponse; a result without a status is the body itself."""
    answer = httpx.post(f"{place.url}/said", content=json.dumps(result))
    assert answer.status_code == status
    assert status != 502 or answer.json()["Code"] == "BadResponse"
    assert status != 200 or answer.json() == result


def test_binary_answers_come_back_as_bytes(place: Place) -> None:
    """isBase64Encoded."""
    result = {"statusCode": 200, "isBase64Encoded": True, "body": "AP8=", "headers": {"Content-Type": "image/png"}}
    answer = httpx.post(f"{place.url}/said", content=json.dumps(result))
    assert (answer.content, answer.headers["content-type"]) == (b"\x00\xff", "image/png")
