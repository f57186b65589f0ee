"""Function Compute, driven by the official SDK of FC 2.0: signatures, errors, instances, asynchronous calls."""

import base64
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from fc2.fc_exceptions import FcError as SdkError
from starlette.types import ASGIApp

from tests.emulator.fc.played import OWNER, Fc, config, refused
from tests.support.waiting import eventually

Make = Callable[..., Fc]


@pytest.fixture
def fc(serve: Callable[[ASGIApp], str]) -> Make:
    return lambda *functions, **clock: Fc(serve, *functions, **clock)


def busy(fc: Fc) -> int:
    return sum(instance.state == "busy" for instance in fc.service.instances)


def test_bytes_go_in_and_come_out_for_who_signs(fc: Make) -> None:
    here = fc(config("echo"))
    assert here.invoke("echo", b"\x00\xffraw").data == b"\x00\xffraw"
    stranger = here.client_of(replace(OWNER, secret="wrong"))
    assert refused(lambda: stranger.invoke_function("ota-modules", "echo")) == (403, "SignatureNotMatch")


def test_an_error_of_the_function_is_a_200_that_says_so(fc: Make) -> None:
    """X-Fc-Error-Type, and the platform's error JSON."""
    with pytest.raises(SdkError) as caught:
        fc(config("fail")).invoke("fail")
    assert (caught.value.status_code, json.loads(caught.value.message)["errorType"]) == (200, "LookupError")


def test_instances_serve_a_call_at_a_time_and_are_limited(fc: Make) -> None:
    here = fc(config("sleep", instances=2))
    with ThreadPoolExecutor(2) as pool:
        calls = [pool.submit(here.invoke, "sleep", b"1") for _ in range(2)]
        eventually(lambda: busy(here) == 2)
        assert refused(lambda: here.invoke("sleep", b"0")) == (429, "FunctionResourceExhausted")
        assert [call.result(20).data for call in calls] == [b"slept", b"slept"]


def test_the_log_comes_back_with_tail(fc: Make) -> None:
    answer = fc(config("echo")).invoke("echo", x_fc_log_type="Tail")
    start, *_, end = base64.b64decode(answer.headers["X-Fc-Log-Result"]).decode().splitlines()
    assert start == f"FC Invoke Start RequestId: {answer.headers['X-Fc-Request-Id']}"
    assert end == start.replace("Start", "End")


def test_an_asynchronous_call_is_accepted_and_retried(fc: Make, tmp_path: Path) -> None:
    here = fc(config("flaky"), scale=0.0)
    kept = tmp_path / "tries"
    assert here.invoke("flaky", str(kept).encode(), x_fc_invocation_type="Async").data == b""
    eventually(lambda: kept.exists() and kept.read_text() == "0\n1\n2\n3\n")
