"""The entry points, wired as on the platform, against a local IoT API and SMQ."""

import io
import json
import os
import threading
import tracemalloc
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from emulator.iot import api as iot_api
from emulator.iot.service import IotPlatform
from emulator.ram.keys import Accounts, Key
from emulator.smq.api import app as smq_api
from emulator.smq.service import MessageService
from handler import index, steps
from handler.errors import EnvelopeError, NotFinished, SettingError

Serve = Callable[[ASGIApp], str]


class Platform:
    """What surrounds the function: the API, SMQ, and the context of an invocation."""

    def __init__(self, serve: Serve, environ: pytest.MonkeyPatch) -> None:
        self.accounts = Accounts()
        self.iot = IotPlatform(self.accounts)
        self.smq = MessageService(self.accounts)
        for queue in ("requests", "dead"):
            self.smq.create_queue(queue)
        self.smq.topics.create("results")
        self.environ = {
            "OTA_REGION": "cn-shanghai", "OTA_IOT_ENDPOINT": serve(iot_api.application(self.iot)),
            "OTA_MNS_ENDPOINT": serve(smq_api.application(self.smq)),
            "OTA_RESULT_TOPIC": "results", "OTA_REQUEST_QUEUE": "requests", "OTA_DEAD_LETTER_QUEUE": "dead", "OTA_QPS": "10",
        }  # fmt: skip
        for name in [name for name in os.environ if name.startswith(("OTA_", "ALIBABA_CLOUD_", "FC_"))]:
            environ.delenv(name)
        for name, value in self.environ.items():
            environ.setenv(name, value)
        self.key = self.accounts.issue("ota-modules")

    def context(self, *, timeout: object = 60, key: Key | None = None, **more: object) -> Any:
        used = key or self.key
        credentials = SimpleNamespace(access_key_id=used.id, access_key_secret=used.secret, security_token=used.token)
        function = SimpleNamespace(name="f", timeout=timeout)
        return SimpleNamespace(request_id="fc-1", credentials=credentials, function=function, **more)


def forget(patch: pytest.MonkeyPatch) -> None:
    """Let the next call wire new parts."""
    patch.setattr(index, "_instance", None)


@pytest.fixture
def platform(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Platform:
    forget(monkeypatch)
    return Platform(serve, monkeypatch)


def wanted(name: str = "mcu-x", product: str = "a1Le6d0abcd", **more: object) -> dict[str, object]:
    return {"ProductKey": product, "ModuleName": name, **more}


def http_event(method: str, path: str, body: object = None, **headers: str) -> bytes:
    return json.dumps(
        {
            "version": "v1", "rawPath": path, "body": "" if body is None else json.dumps(body), "isBase64Encoded": False,
            "headers": {"Content-Type": "application/json", **headers}, "queryParameters": {},
            "requestContext": {"requestId": "fc-1", "http": {"method": method, "path": path}},
        }
    ).encode()  # fmt: skip


def test_a_bare_request_returns_its_outcome(platform: Platform) -> None:
    """Console test, s invoke, fc2."""
    result = index.handler(json.dumps(wanted(Id="r1")).encode(), platform.context())
    assert isinstance(result, dict)
    assert (result["created"], result["outcomes"][0]["Id"], result["outcomes"][0]["Status"]) == (1, "r1", "created")


def test_a_queue_event_returns_a_summary(platform: Platform) -> None:
    """Counts by status."""
    event = [
        {
            "specversion": "1.0",
            "id": f"e{n}",
            "data": {"messageId": f"m{n}", "messageBody": json.dumps(wanted(f"m{n}"))},
        }
        for n in range(3)
    ]
    result = index.handler(json.dumps(event).encode(), platform.context())
    assert result == {"created": 3, "existing": 0, "updated": 0, "rejected": 0, "failed": 0, "put_back": 0}


def test_an_http_event_is_answered(platform: Platform) -> None:
    """201, with the outcome."""
    answer = index.handler(http_event("POST", "/modules", wanted("by-http")), platform.context())
    assert isinstance(answer, dict)
    assert (answer["statusCode"], json.loads(str(answer["body"]))["Status"]) == (201, "created")


def test_a_path_may_have_the_prefix_that_is_set(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a domain that many functions share."""
    monkeypatch.setenv("OTA_HTTP_PREFIX", "/ota")
    forget(monkeypatch)
    answer = index.handler(http_event("GET", "/ota/healthz"), platform.context())
    assert isinstance(answer, dict)
    assert answer["statusCode"] == 200


def test_a_body_that_is_far_too_large_is_refused_before_it_is_parsed(platform: Platform) -> None:
    """Function Compute lets 32 MB through, and the smallest instance has 128."""
    event = http_event("POST", "/modules", "x" * (31 << 20))
    index.handler(http_event("GET", "/healthz"), platform.context())
    tracemalloc.start()
    answer = index.handler(event, platform.context())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert isinstance(answer, dict)
    assert answer["statusCode"] == 413
    assert peak < 1 << 20


def test_a_body_of_the_largest_size_is_read_however_it_is_escaped(platform: Platform) -> None:
    """One byte more is refused, too."""
    for size, status in ((1 << 20, 400), ((1 << 20) + 1, 413)):
        event = json.loads(http_event("POST", "/modules"))
        event["body"] = "\x01" * size
        answer = index.handler(json.dumps(event).encode(), platform.context())
        assert isinstance(answer, dict)
        assert answer["statusCode"] == status


def test_what_asks_for_nothing_is_a_line_in_the_log(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    """No outcome and no error: a tombstone of a compacted topic."""
    event = {
        "specversion": "1.0",
        "id": "e",
        "data": {"topic": "t", "partition": 7, "offset": 25, "key": "k", "value": None},
    }
    result = index.handler(json.dumps([event]).encode(), platform.context())
    assert isinstance(result, dict)
    assert sum(value for value in result.values() if isinstance(value, int)) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["id"], line["reason"]) for line in lines if line["event"] == "ignored"] == [
        ("t-7-25", "kafka without a body")
    ]


def test_the_wsgi_form_answers_the_same(platform: Platform) -> None:
    """FC 2.0."""
    seen: list[tuple[str, list[tuple[str, str]]]] = []
    body = json.dumps(wanted("by-wsgi")).encode()
    environ: Mapping[str, Any] = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/modules", "CONTENT_TYPE": "application/json", "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)), "fc.context": platform.context(),
    }  # fmt: skip
    parts = index.http(environ, lambda status, headers: seen.append((status, headers)))
    assert seen[0][0] == "201 Created"
    assert json.loads(b"".join(parts))["Status"] == "created"


def test_credentials_come_from_the_variables_where_the_context_has_none(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The 3.12 runtime."""
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", platform.key.id)
    monkeypatch.setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", platform.key.secret)
    monkeypatch.setenv("ALIBABA_CLOUD_SECURITY_TOKEN", platform.key.token)
    context = SimpleNamespace(request_id="fc-1", function=SimpleNamespace(name="f", timeout=60))
    result = index.handler(json.dumps(wanted()).encode(), context)
    assert isinstance(result, dict)
    assert result["created"] == 1


def test_each_invocation_uses_its_own_keys(platform: Platform) -> None:
    """Keys that were revoked are not used again by a warm instance."""
    index.handler(json.dumps(wanted("one")).encode(), platform.context())
    fresh = platform.accounts.issue("ota-modules")
    platform.accounts.revoke(platform.key.id)
    result = index.handler(json.dumps(wanted("two")).encode(), platform.context(key=fresh))
    assert isinstance(result, dict)
    assert result["created"] == 1


def test_a_function_without_a_role_raises_and_says_so(platform: Platform) -> None:
    """Nothing is given up for a deployment's fault."""
    with pytest.raises(NotFinished, match="role"):
        index.handler(json.dumps(wanted()).encode(), SimpleNamespace(request_id="fc-1"))


def test_wrong_keys_raise_without_showing_themselves(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    """In the error and in the log."""
    wrong = Key(platform.key.id, "hidden-secret", platform.key.token)
    with pytest.raises(NotFinished) as caught:
        index.handler(json.dumps(wanted()).encode(), platform.context(key=wrong))
    printed = capsys.readouterr().out + str(caught.value)
    assert "SignatureDoesNotMatch" in printed
    assert "hidden-secret" not in printed
    assert platform.key.token not in printed


@pytest.mark.parametrize("timeout", ["60", 60, 60.0, None, "soon"])
def test_the_timeout_may_come_as_text(platform: Platform, timeout: object) -> None:
    """As some runtimes give it."""
    result = index.handler(json.dumps(wanted()).encode(), platform.context(timeout=timeout))
    assert isinstance(result, dict)
    assert result["created"] == 1


def test_past_the_deadline_requests_go_back_to_the_queue(platform: Platform) -> None:
    """A timeout shorter than the margin leaves time for what it can."""
    platform.iot.latency = 0.2
    event = json.dumps([wanted(f"m{n}", Id=f"r{n}") for n in range(10)]).encode()
    result = index.handler(event, platform.context(timeout=1))
    assert isinstance(result, dict)
    assert result["put_back"] > 0
    assert result["created"] + result["put_back"] == 10
    assert platform.smq.depths("requests").delayed == 1


@pytest.mark.parametrize(("timeout", "margin", "begins"), [("4", "3", True), ("4", "3.99", False), ("2", "2", True)])
def test_the_margin_is_kept_where_the_timeout_leaves_any(
    platform: Platform, monkeypatch: pytest.MonkeyPatch, timeout: str, margin: str, *, begins: bool
) -> None:
    """No call begins within it; one that is as long as the timeout is cut to half of it."""
    monkeypatch.setenv("OTA_DEADLINE_MARGIN", margin)
    forget(monkeypatch)
    result = index.handler(json.dumps(wanted()).encode(), platform.context(timeout=timeout))
    assert isinstance(result, dict)
    assert (result["created"], result["put_back"]) == (int(begins), int(not begins))


def test_an_unknown_event_is_an_error_that_names_it(platform: Platform) -> None:
    """No guess."""
    with pytest.raises(EnvelopeError, match="events"):
        index.handler(b'{"events": [{"eventSource": "acs:oss"}]}', platform.context())


def test_initialize_names_the_setting_that_is_wrong(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """The instance does not start."""
    monkeypatch.setenv("OTA_QPS", "fast")
    with pytest.raises(SettingError, match="OTA_QPS"):
        index.initialize(platform.context())


def test_requests_side_by_side_on_a_new_instance_share_one_quota(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    """FC 2.0 may give each request a thread; the parts are wired once."""
    monkeypatch.setenv("OTA_QPS", "4")
    start = threading.Barrier(6)

    def call(number: int) -> None:
        start.wait(10)
        index.handler(json.dumps(wanted(f"m{number}")).encode(), platform.context())

    threads = [threading.Thread(target=call, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    created = sorted(each.moment for each in platform.iot.calls if each.operation == "CreateOTAModule")
    assert len(created) == 6
    assert created[-1] - created[0] > 1


def test_a_delivery_ends_before_eventbridge_gives_it_up(platform: Platform) -> None:
    """A cold start counts for EventBridge, not for the function's timeout: else the batch would come again meanwhile."""
    index.initialize(platform.context())
    instance = index._ready()
    with index.begin(instance, platform.context(timeout=300), is_delivery=True) as invocation:
        assert invocation.outbox.until < instance.pipeline.clock.now() + 300 - 19


def test_respond_async_queues_the_request_under_its_id(platform: Platform) -> None:
    """202, and the queue has it."""
    answer = index.handler(http_event("POST", "/modules", wanted(), Prefer="respond-async"), platform.context())
    assert isinstance(answer, dict)
    assert answer["statusCode"] == 202
    assert platform.smq.depths("requests").active == 1


def test_healthz_needs_no_role(platform: Platform) -> None:
    """It says that the function runs."""
    answer = index.handler(http_event("GET", "/healthz"), SimpleNamespace(request_id="x"))
    assert isinstance(answer, dict)
    assert answer["statusCode"] == 200


def test_an_invocation_announces_its_steps(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """In their order; what is sent to SMQ is no call of the API."""
    reached: list[str] = []
    monkeypatch.setattr(steps, "listener", reached.append)
    index.handler(json.dumps(wanted()).encode(), platform.context())
    assert reached == ["receive", "validate", "paced", "sent", "answered", "published"]
    monkeypatch.setenv("OTA_DEADLINE_MARGIN", "3.99")
    forget(monkeypatch)
    reached.clear()
    index.handler(json.dumps(wanted("late")).encode(), platform.context(timeout=4))
    assert reached == ["receive", "validate", "put back"]


@pytest.mark.parametrize("status", [200, 500])
def test_spans_leave_at_the_end_of_every_invocation(
    platform: Platform, serve: Serve, monkeypatch: pytest.MonkeyPatch, status: int
) -> None:
    """Of events and of HTTP requests, to the address that is set, whatever the collector says."""
    taken: list[bytes] = []

    async def collect(request: Request) -> Response:
        taken.append(await request.body())
        return Response(status_code=status)

    app = Starlette(routes=[Route("/v1/traces", collect, methods=["POST"])])
    monkeypatch.setenv("OTA_TRACE_URL", serve(app) + "/v1/traces")
    result = index.handler(json.dumps(wanted(Id="r1")).encode(), platform.context())
    assert isinstance(result, dict)
    assert result["created"] == 1
    assert [b"CreateOTAModule" in each for each in taken] == [True]
    forget(monkeypatch)
    answer = index.handler(http_event("POST", "/modules", wanted("by-http")), platform.context())
    assert isinstance(answer, dict)
    assert (answer["statusCode"], [b"CreateOTAModule" in each for each in taken]) == (201, [True, True])
