"""Function Compute on one machine, driven by the official SDK and by plain HTTP."""

import base64
import json
import logging
import os
import re
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import fc2
import httpx
import pytest
from fc2.fc_exceptions import FcError as SdkError
from starlette.types import ASGIApp

from emulator.clock import Clock
from emulator.fc.api import application
from emulator.fc.config import FunctionConfig
from emulator.fc.service import FunctionCompute
from emulator.ram.keys import ACCESS_KEY_ID, ACCESS_KEY_SECRET, Accounts
from tests.support.waiting import eventually

CODE = Path(__file__).parent / "functions"
Serve = Callable[[ASGIApp], str]
logging.getLogger().addHandler(logging.NullHandler())  # the SDK would print whole requests where nobody listens


def config(name: str, **more: Any) -> FunctionConfig:
    return FunctionConfig(name, f"samples.{name}", CODE, role="ota-modules", **more)


class Fc:
    """A served Function Compute, and the SDK's client for it."""

    def __init__(self, serve: Serve, *functions: FunctionConfig, **clock: Any) -> None:
        self.service = FunctionCompute(Accounts(), functions, clock=Clock(**clock))
        self.url = serve(application(self.service))
        self.client = self.client_of(ACCESS_KEY_SECRET)

    def client_of(self, secret: str) -> Any:
        return fc2.Client(endpoint=self.url, accessKeyID=ACCESS_KEY_ID, accessKeySecret=secret, Timeout=30)

    def invoke(self, name: str, payload: bytes = b"", **headers: str) -> Any:
        return self.client.invoke_function(
            "ota-modules", name, payload, {k.replace("_", "-"): v for k, v in headers.items()}
        )


@pytest.fixture
def fc(serve: Serve) -> Callable[..., Fc]:
    return lambda *functions, **clock: Fc(serve, *functions, **clock)


Make = Callable[..., Fc]


def test_bytes_go_in_and_come_out(fc: Make) -> None:
    """The event is bytes, and returned bytes go as they are."""
    answer = fc(config("echo")).invoke("echo", b"\x00\xffraw")
    assert answer.data == b"\x00\xffraw"
    assert answer.headers["X-Fc-Request-Id"]


def test_the_function_sees_what_the_platform_shows(fc: Make) -> None:
    """Context, variables, credentials; the platform's own variables are taken away."""
    here = fc(config("seen", environment={"OTA_X": "y"}, initializer="samples.initialize", timeout=7))
    seen = json.loads(here.invoke("seen").data)
    assert (seen["type"], seen["timeout"], seen["ready"], seen["env"]["OTA_X"]) == ("bytes", 7, 1, "y")
    assert "credentials" in seen["context"]
    assert len(seen["env"]["ALIBABA_CLOUD_SECURITY_TOKEN"]) > 20
    assert not {"FC_TIMEOUT", "FC_RUNTIME_API", "FC_FUNCTION_VERSION"} & set(seen["fc"])
    assert {"FC_REGION", "FC_FUNCTION_NAME"} <= set(seen["fc"])


def test_the_context_of_the_3_12_runtime_has_no_credentials(fc: Make) -> None:
    """They are in the variables only."""
    seen = json.loads(fc(config("seen", runtime="python3.12")).invoke("seen").data)
    assert not {"credentials", "service", "tracing", "retry_count"} & set(seen["context"])


def test_an_instance_is_used_again_and_initialized_once(fc: Make) -> None:
    """One process for calls that follow one another."""
    here = fc(config("seen", initializer="samples.initialize"))
    first, second = (json.loads(here.invoke("seen").data) for _ in range(2))
    assert (first["pid"], first["ready"]) == (second["pid"], second["ready"])


@pytest.mark.parametrize(("said", "result"), [(b"none", b"null"), (b"decimal", b"1.5"), (b"text", "é".encode())])
def test_results_are_serialised_as_the_platform_does(fc: Make, said: bytes, result: bytes) -> None:
    """Text as it is, all else as JSON."""
    assert fc(config("value")).invoke("value", said).data == result


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [("fail", "LookupError", "something is wrong"), ("unserialisable", "TypeError", "not JSON serializable")],
)
def test_an_error_of_the_function_is_a_200_that_says_so(fc: Make, name: str, kind: str, text: str) -> None:
    """X-Fc-Error-Type, and the platform's error JSON without its own frame."""
    with pytest.raises(SdkError) as caught:
        fc(config(name)).invoke(name)
    told = json.loads(caught.value.message)
    assert (caught.value.status_code, told["errorType"]) == (200, kind)
    assert text in told["errorMessage"]


@pytest.mark.parametrize(
    ("handler", "kind"),
    [("nowhere.f", "ImportModuleError"), ("samples.nobody", "HandlerNotFound"), ("nodots", "InvalidHandleName")],
)
def test_a_handler_that_cannot_be_loaded_is_named(fc: Make, handler: str, kind: str) -> None:
    """As the platform names it."""
    with pytest.raises(SdkError) as caught:
        fc(replace(config("echo"), handler=handler)).invoke("echo")
    assert json.loads(caught.value.message)["errorType"] == kind


def test_a_failing_initializer_fails_the_call_and_the_next_has_a_new_instance(fc: Make) -> None:
    """InitializationError."""
    here = fc(config("echo", initializer="samples.broken_initialize"))
    for _ in range(2):
        answer = httpx.post(f"{here.url}/2023-03-30/functions/echo/invocations")
        assert answer.headers["x-fc-error-type"] == "InitializationError"
        assert "no settings" in answer.text
    assert here.service.instances == []


def test_a_function_that_exits_does_not_answer(fc: Make) -> None:
    """sys.exit() ends the process, and the next call has another."""
    here = fc(config("leave"))
    with pytest.raises(SdkError, match="exited"):
        here.invoke("leave")


def test_a_call_is_killed_at_its_timeout(fc: Make) -> None:
    """With the platform's words."""
    here = fc(config("sleep", timeout=0.5))
    with pytest.raises(SdkError, match=r"Function time out after 0\.5 seconds"):
        here.invoke("sleep", b"60")
    assert here.service.instances == []


def test_a_killed_process_is_an_error_and_the_next_call_works(fc: Make) -> None:
    """SIGKILL in the middle of a call."""
    here = fc(config("sleep"))
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(here.invoke, "sleep", b"60")
        eventually(lambda: here.service.instances and here.service.instances[0].state == "busy")
        pid = here.service.instances[0].pid
        assert pid
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(SdkError, match="exited"):
            call.result(20)
    assert here.invoke("sleep", b"0").data == b"slept"


def test_no_instance_free_is_a_429(fc: Make) -> None:
    """One request an instance, and no more instances than are allowed."""
    here = fc(config("sleep", instances=1))
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(here.invoke, "sleep", b"1")
        eventually(lambda: here.service.instances and here.service.instances[0].state == "busy")
        with pytest.raises(SdkError) as caught:
            here.invoke("sleep", b"0")
        assert (caught.value.status_code, caught.value.err_code) == (429, "FunctionResourceExhausted")
        assert call.result(20).data == b"slept"


def test_the_log_comes_back_with_tail(fc: Make) -> None:
    """Prints and log lines of this call, in the platform's format."""
    answer = fc(config("speak")).invoke("speak", b"up", x_fc_log_type="Tail")
    lines = base64.b64decode(answer.headers["X-Fc-Log-Result"]).decode().splitlines()
    request_id = answer.headers["X-Fc-Request-Id"]
    assert lines[:2] == [f"FC Invoke Start RequestId: {request_id}", "printed up"]
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z {request_id} \[INFO\] logged", lines[2])
    assert lines[3:] == [f"FC Invoke End RequestId: {request_id}"]


def test_an_asynchronous_call_is_accepted_and_tried_again(fc: Make, tmp_path: Path) -> None:
    """Three retries where the function fails."""
    here = fc(config("flaky"), scale=0.0)
    kept = tmp_path / "tries"
    answer = here.invoke("flaky", str(kept).encode(), x_fc_invocation_type="Async")
    assert answer.data == b""
    eventually(lambda: kept.exists() and len(kept.read_text().splitlines()) == 4)
    assert kept.read_text().splitlines() == ["0", "1", "2", "3"]


def test_a_wrong_signature_is_refused(fc: Make) -> None:
    """As are unknown functions and services."""
    here = fc(config("echo"))
    calls: list[tuple[Callable[[], Any], int]] = [
        (lambda: here.client_of("wrong").invoke_function("ota-modules", "echo"), 403),
        (lambda: here.client.invoke_function("ota-modules", "nobody"), 404),
        (lambda: here.client.invoke_function("other", "echo"), 404),
    ]
    for call, status in calls:
        with pytest.raises(SdkError) as caught:
            call()
        assert caught.value.status_code == status


def test_an_http_trigger_hands_over_the_documented_event(fc: Make) -> None:
    """Version v1, and back: status, headers and body; headers that are the platform's are not the function's to set."""
    here = fc(config("web", http_auth="anonymous"))
    answer = httpx.post(f"{here.url}/web/a%20b/c?x=1&x=2", content="hello", headers={"X-One": "1", "X-Fc-Secret": "no"})
    came = answer.json()
    assert (answer.status_code, answer.headers["x-seen"], answer.headers.get("server")) == (201, "yes", "uvicorn")
    assert (came["version"], came["rawPath"], came["body"], came["isBase64Encoded"]) == (
        "v1",
        "/a%20b/c",
        "hello",
        False,
    )
    assert came["queryParameters"] == {"x": "1,2"}
    assert (came["requestContext"]["http"]["method"], came["requestContext"]["http"]["path"]) == ("POST", "/a b/c")
    assert came["headers"]["X-One"] == "1"
    assert "X-Fc-Secret" not in came["headers"]
    binary = httpx.post(f"{here.url}/web", content=b"\xff").json()
    assert (binary["body"], binary["isBase64Encoded"], binary["rawPath"]) == ("/w==", True, "/")


def test_an_http_trigger_of_fc_2_speaks_wsgi(fc: Make) -> None:
    """Through the proxy path that aliyun-fc2 calls."""
    here = fc(config("wsgi", http_auth="anonymous", wsgi=True, service="ota-modules"))
    answer = here.client.do_http_request("POST", "ota-modules", "wsgi", "/modules", body=b"hello")
    told = json.loads(answer.content)
    assert (answer.status_code, answer.headers["X-Path"]) == (202, "/modules")
    assert (told["body"], told["REQUEST_METHOD"], told["SERVER_SOFTWARE"]) == ("hello", "POST", "FCRUNTIME/1.0")
    assert told["id"] == answer.headers["X-Fc-Request-Id"]


def test_a_signed_http_trigger_lets_nobody_else_in(fc: Make) -> None:
    """authType function."""
    here = fc(config("wsgi", http_auth="function", wsgi=True, service="ota-modules"))
    assert here.client.do_http_request("GET", "ota-modules", "wsgi", "/x").status_code == 202
    unsigned = httpx.get(f"{here.url}/2016-08-15/proxy/ota-modules/wsgi/x")
    assert (unsigned.status_code, unsigned.json()["Code"]) == (400, "MissingRequiredHeader")


def test_what_is_too_large_is_refused(fc: Make) -> None:
    """128 KiB for asynchronous calls, 8 KB of headers."""
    here = fc(config("web", http_auth="anonymous"))
    with pytest.raises(SdkError, match="larger"):
        here.invoke("web", b"x" * (128 * 1024 + 1), x_fc_invocation_type="Async")
    assert httpx.get(f"{here.url}/web/", headers={"X-Big": "x" * 9000}).status_code == 400


def test_instances_run_side_by_side(fc: Make) -> None:
    """A call each."""
    here = fc(config("sleep", instances=3))
    threads = [threading.Thread(target=here.invoke, args=("sleep", b"1")) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: sum(each.state == "busy" for each in here.service.instances) == 3)
    for thread in threads:
        thread.join(20)
