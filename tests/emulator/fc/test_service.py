"""Function Compute on one machine, driven by the official SDK of FC 2.0."""

import base64
import json
import os
import re
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fc2.fc_exceptions import FcError as SdkError
from starlette.types import ASGIApp

from tests.emulator.fc.played import OWNER, Fc, config, refused
from tests.support.waiting import eventually

Make = Callable[..., Fc]


@pytest.fixture
def fc(serve: Callable[[ASGIApp], str]) -> Make:
    return lambda *functions, **clock: Fc(serve, *functions, **clock)


def test_bytes_go_in_and_come_out_for_who_signs(fc: Make) -> None:
    here = fc(config("echo"))
    answer = here.invoke("echo", b"\x00\xffraw")
    assert answer.data == b"\x00\xffraw"
    assert answer.headers["X-Fc-Request-Id"]
    stranger = here.client_of(replace(OWNER, secret="wrong"))
    assert refused(lambda: stranger.invoke_function("ota-modules", "echo")) == (403, "SignatureNotMatch")


def test_the_function_sees_what_the_platform_shows(fc: Make) -> None:
    """Context, variables, credentials; the platform's internal variables are hidden."""
    here = fc(config("seen", environment={"OTA_X": "y"}, initializer="samples.initialize", timeout=7))
    seen = json.loads(here.invoke("seen").data)
    assert (seen["type"], seen["timeout"], seen["ready"], seen["env"]["OTA_X"]) == ("bytes", 7, 1, "y")
    assert "credentials" in seen["context"]
    assert len(seen["env"]["ALIBABA_CLOUD_SECURITY_TOKEN"]) > 20
    assert not {"FC_TIMEOUT", "FC_RUNTIME_API", "FC_FUNCTION_VERSION"} & set(seen["fc"])
    assert {"FC_REGION", "FC_FUNCTION_NAME"} <= set(seen["fc"])


def test_the_context_of_the_3_12_runtime_has_no_credentials(fc: Make) -> None:
    seen = json.loads(fc(config("seen", runtime="python3.12")).invoke("seen").data)
    assert not {"credentials", "service", "tracing", "retry_count"} & set(seen["context"])


def test_an_instance_is_used_again_and_initialized_once(fc: Make) -> None:
    here = fc(config("seen", initializer="samples.initialize"))
    first, second = (json.loads(here.invoke("seen").data) for _ in range(2))
    assert (first["pid"], first["ready"]) == (second["pid"], second["ready"])


@pytest.mark.parametrize(("name", "result"), [(b"none", b"null"), (b"decimal", b"1.5"), (b"text", "é".encode())])
def test_results_are_serialised_as_the_platform_does(fc: Make, name: bytes, result: bytes) -> None:
    assert fc(config("value")).invoke("value", name).data == result


@pytest.mark.parametrize(
    ("name", "kind", "text"),
    [("fail", "LookupError", "something is wrong"), ("unserialisable", "TypeError", "not JSON serializable")],
)
def test_an_error_of_the_function_is_a_200_that_says_so(fc: Make, name: str, kind: str, text: str) -> None:
    """X-Fc-Error-Type, and the platform's error JSON without its own frame."""
    with pytest.raises(SdkError) as caught:
        fc(config(name)).invoke(name)
    error = json.loads(caught.value.message)
    assert (caught.value.status_code, error["errorType"]) == (200, kind)
    assert text in error["errorMessage"]


@pytest.mark.parametrize(
    ("handler", "kind"),
    [("nowhere.f", "ImportModuleError"), ("samples.nobody", "HandlerNotFound"), ("nodots", "InvalidHandleName")],
)
def test_the_reason_why_a_handler_cannot_be_loaded_is_reported(fc: Make, handler: str, kind: str) -> None:
    with pytest.raises(SdkError) as caught:
        fc(replace(config("echo"), handler=handler)).invoke("echo")
    assert json.loads(caught.value.message)["errorType"] == kind


def test_a_failing_initializer_fails_the_call_and_the_next_has_a_new_instance(fc: Make) -> None:
    here = fc(config("echo", initializer="samples.broken_initialize"))
    for _ in range(2):
        answer = httpx.post(f"{here.url}/2023-03-30/functions/echo/invocations")
        assert answer.headers["x-fc-error-type"] == "InitializationError"
        assert "no settings" in answer.text
    assert here.service.instances == []


def test_a_function_that_exits_fails_the_call(fc: Make) -> None:
    """sys.exit() ends the process, and the next call has another."""
    here = fc(config("leave"))
    with pytest.raises(SdkError, match="exited"):
        here.invoke("leave")


def test_a_call_is_killed_at_its_timeout(fc: Make) -> None:
    here = fc(config("sleep", timeout=0.5))
    with pytest.raises(SdkError, match=r"Function time out after 0\.5 seconds"):
        here.invoke("sleep", b"60")
    assert here.service.instances == []


def test_a_killed_process_is_an_error_and_the_next_call_works(fc: Make) -> None:
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
    """An instance serves one request at a time, and `instances` limits their number."""
    here = fc(config("sleep", instances=1))
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(here.invoke, "sleep", b"1")
        eventually(lambda: here.service.instances and here.service.instances[0].state == "busy")
        assert refused(lambda: here.invoke("sleep", b"0")) == (429, "FunctionResourceExhausted")
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
    here = fc(config("flaky"), scale=0.0)
    kept = tmp_path / "tries"
    answer = here.invoke("flaky", str(kept).encode(), x_fc_invocation_type="Async")
    assert answer.data == b""
    eventually(lambda: kept.exists() and len(kept.read_text().splitlines()) == 4)
    assert kept.read_text().splitlines() == ["0", "1", "2", "3"]


def test_instances_run_side_by_side(fc: Make) -> None:
    here = fc(config("sleep", instances=3))
    threads = [threading.Thread(target=here.invoke, args=("sleep", b"1")) for _ in range(3)]
    for thread in threads:
        thread.start()
    eventually(lambda: sum(instance.state == "busy" for instance in here.service.instances) == 3)
    for thread in threads:
        thread.join(20)
