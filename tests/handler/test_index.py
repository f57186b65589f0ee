"""The entry points, wired as on the platform, against a local IoT API and SMQ."""

import io
import json
import os
import threading
import tracemalloc
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
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
from emulator.smq.topics import TopicAttributes
from handler import index, steps
from handler.errors import EnvelopeError, NotFinished, SettingError

Serve = Callable[[ASGIApp], str]


class Platform:
    """What surrounds the function: the API, SMQ, variables, and the context of an invocation."""

    def __init__(self, serve: Serve, patch: pytest.MonkeyPatch) -> None:
        self.accounts = Accounts()
        self.iot = IotPlatform(self.accounts)
        self.smq = MessageService(self.accounts)
        for queue in ("requests", "dead"):
            self.smq.create_queue(queue)
        self.smq.topics.create("results", TopicAttributes())
        self.key = self.accounts.issue("ota-modules")
        self._patch = patch
        for name in [name for name in os.environ if name.startswith(("OTA_", "ALIBABA_CLOUD_", "FC_"))]:
            patch.delenv(name)
        self.set(
            OTA_REGION="cn-shanghai", OTA_IOT_ENDPOINT=serve(iot_api.application(self.iot)),
            OTA_MNS_ENDPOINT=serve(smq_api.application(self.smq)),
            OTA_RESULT_TOPIC="results", OTA_REQUEST_QUEUE="requests", OTA_DEAD_LETTER_QUEUE="dead", OTA_QPS="10",
        )  # fmt: skip

    def set(self, **variables: str) -> None:
        """Set variables, for an instance that starts anew."""
        for name, value in variables.items():
            self._patch.setenv(name, value)
        self._patch.setattr(index, "_instance", None)

    def context(self, *, timeout: object = 60, key: Key | None = None) -> Any:
        used = key or self.key
        credentials = SimpleNamespace(access_key_id=used.id, access_key_secret=used.secret, security_token=used.token)
        function = SimpleNamespace(name="f", timeout=timeout)
        return SimpleNamespace(request_id="fc-1", credentials=credentials, function=function)

    def handle(self, event: object, context: object = None, **of_context: Any) -> dict[str, Any]:
        result = index.handler(json.dumps(event).encode(), context or self.context(**of_context))
        assert isinstance(result, dict)
        return result


@pytest.fixture
def platform(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> Platform:
    return Platform(serve, monkeypatch)


def wanted(name: str = "mcu-x", **more: object) -> dict[str, object]:
    return {"ProductKey": "a1Le6d0abcd", "ModuleName": name, **more}


def event(name: str, **data: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": name, "data": data}


def http_event(method: str, path: str, body: object = None, **headers: str) -> dict[str, object]:
    return {
        "version": "v1", "rawPath": path, "body": "" if body is None else json.dumps(body), "isBase64Encoded": False,
        "headers": {"Content-Type": "application/json", **headers}, "queryParameters": {},
        "requestContext": {"requestId": "fc-1", "http": {"method": method, "path": path}},
    }  # fmt: skip


def test_a_bare_request_returns_its_outcome_and_a_batch_a_summary(platform: Platform) -> None:
    """Console test, s invoke and fc2 send bare requests."""
    result = platform.handle(wanted(Id="r1"))
    [outcome] = result["outcomes"]
    assert (result["created"], outcome["Id"], outcome["Status"]) == (1, "r1", "created")
    events = [event(f"e{n}", messageId=f"m{n}", messageBody=json.dumps(wanted(f"m{n}"))) for n in range(3)]
    others = dict.fromkeys(("existing", "updated", "rejected", "failed", "put_back"), 0)
    assert platform.handle(events) == {"created": 3, **others}


def test_an_http_event_is_answered_or_queued_under_its_own_id(platform: Platform) -> None:
    """Where the context has none, two requests that are alike would be one otherwise, with one outcome id."""
    platform.set(OTA_HTTP_PREFIX="/ota")
    answer = platform.handle(http_event("POST", "/ota/modules", wanted("by-http")))
    assert (answer["statusCode"], json.loads(answer["body"])["Status"]) == (201, "created")
    context = platform.context()
    del context.request_id
    answer = platform.handle(http_event("POST", "/modules", wanted(), Prefer="respond-async"), context)
    assert (answer["statusCode"], json.loads(answer["body"])) == (202, {"Ids": ["fc-1"]})
    assert platform.smq.depths("requests").active == 1


def test_a_body_that_is_too_large_is_refused_before_it_is_parsed(platform: Platform) -> None:
    """Function Compute lets 32 MB through, and the smallest instance has 128; the largest is read however it is escaped."""
    for size, status in ((1 << 20, 400), ((1 << 20) + 1, 413)):
        assert platform.handle({**http_event("POST", "/modules"), "body": "\x01" * size})["statusCode"] == status
    sent, context = json.dumps(http_event("POST", "/modules", "x" * (31 << 20))).encode(), platform.context()
    tracemalloc.start()
    answer: Any = index.handler(sent, context)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert answer["statusCode"] == 413
    assert peak < 1 << 20


def test_what_asks_for_nothing_is_a_line_in_the_log(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    result = platform.handle([event("e", topic="t", partition=7, offset=25, key="k", value=None)])
    assert not any(result.values())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    [ignored] = [line for line in lines if line["event"] == "ignored"]
    assert (ignored["id"], ignored["reason"]) == ("t-7-25", "kafka without a body")


def test_the_wsgi_form_answers_the_same(platform: Platform) -> None:
    statuses: list[str] = []
    body = json.dumps(wanted("by-wsgi")).encode()
    environ: Mapping[str, Any] = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/modules", "CONTENT_TYPE": "application/json", "wsgi.input": io.BytesIO(body),
        "CONTENT_LENGTH": str(len(body)), "fc.context": platform.context(),
    }  # fmt: skip
    parts = index.http(environ, lambda status, _headers: statuses.append(status))
    assert (statuses, json.loads(b"".join(parts))["Status"]) == (["201 Created"], "created")


def test_credentials_come_from_the_variables_where_the_context_has_none(platform: Platform) -> None:
    """The 3.12 runtime."""
    key = platform.key
    values = {"ACCESS_KEY_ID": key.id, "ACCESS_KEY_SECRET": key.secret, "SECURITY_TOKEN": key.token}
    platform.set(**{f"ALIBABA_CLOUD_{name}": value for name, value in values.items()})
    context = SimpleNamespace(request_id="fc-1", function=SimpleNamespace(name="f", timeout=60))
    assert platform.handle(wanted(), context)["created"] == 1


def test_each_invocation_uses_its_own_keys(platform: Platform) -> None:
    """Keys that were revoked are not used again by a warm instance."""
    platform.handle(wanted("one"))
    fresh = platform.accounts.issue("ota-modules")
    platform.accounts.revoke(platform.key.id)
    assert platform.handle(wanted("two"), key=fresh)["created"] == 1


def test_a_function_without_a_role_raises_and_says_so(platform: Platform) -> None:
    """Nothing is given up for a deployment's fault; that the function runs, /healthz says all the same."""
    context = SimpleNamespace(request_id="fc-1")
    with pytest.raises(NotFinished, match="role"):
        platform.handle(wanted(), context)
    assert platform.handle(http_event("GET", "/healthz"), context)["statusCode"] == 200


def test_wrong_keys_raise_without_showing_themselves(platform: Platform, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(NotFinished) as caught:
        platform.handle(wanted(), key=Key(platform.key.id, "hidden-secret", platform.key.token))
    printed = capsys.readouterr().out + str(caught.value)
    assert "SignatureDoesNotMatch" in printed
    assert "hidden-secret" not in printed
    assert platform.key.token not in printed


def test_the_timeout_may_come_as_text(platform: Platform) -> None:
    for number, timeout in enumerate(("60", 60, 60.0, None, "soon")):
        assert platform.handle(wanted(f"m{number}"), timeout=timeout)["created"] == 1


def test_the_margin_is_kept_where_the_timeout_leaves_any(platform: Platform) -> None:
    """No call begins within it; one that is as long as the timeout is cut to half of it."""
    for number, (timeout, margin, begins) in enumerate((("4", "3", True), ("4", "3.99", False), ("2", "2", True))):
        platform.set(OTA_DEADLINE_MARGIN=margin)
        result = platform.handle(wanted(f"m{number}"), timeout=timeout)
        assert (result["created"], result["put_back"]) == (int(begins), int(not begins))


def test_an_unknown_event_and_a_wrong_setting_are_errors_that_name_them(platform: Platform) -> None:
    with pytest.raises(EnvelopeError, match="events"):
        platform.handle({"events": [{"eventSource": "acs:oss"}]})
    platform.set(OTA_QPS="fast")
    with pytest.raises(SettingError, match="OTA_QPS"):
        index.initialize(platform.context())


def test_requests_side_by_side_on_a_new_instance_share_one_quota(platform: Platform) -> None:
    """FC 2.0 may give each request a thread; the parts are wired once."""
    platform.set(OTA_QPS="4")
    start = threading.Barrier(6)

    def call(number: int) -> None:
        start.wait(10)
        platform.handle(wanted(f"m{number}"))

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(call, range(6)))
    created = sorted(each.moment for each in platform.iot.calls if each.operation == "CreateOTAModule")
    assert len(created) == 6
    assert created[-1] - created[0] > 1


def test_a_delivery_ends_before_eventbridge_gives_it_up(platform: Platform) -> None:
    """A cold start counts for EventBridge, not for the function's timeout: else the batch would come again meanwhile."""
    index.initialize(platform.context())
    instance = index._get_instance()
    with index.begin(instance, platform.context(timeout=300), is_delivery=True) as invocation:
        assert invocation.outbox.until < instance.pipeline.api.clock.now() + 300 - 19


def test_an_invocation_announces_its_steps(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    reached: list[str] = []
    monkeypatch.setattr(steps, "listener", reached.append)
    platform.handle(wanted())
    assert reached == ["receive", "validate", "paced", "sent", "answered", "published"]
    platform.set(OTA_DEADLINE_MARGIN="3.99")
    reached.clear()
    platform.handle(wanted("late"), timeout=4)
    assert reached == ["receive", "validate", "put back"]


def test_spans_leave_at_the_end_of_every_invocation(platform: Platform, serve: Serve) -> None:
    exports: list[bytes] = []

    async def collect(request: Request) -> Response:
        exports.append(await request.body())
        return Response()

    path = "/v1/traces"
    platform.set(OTA_TRACE_URL=serve(Starlette(routes=[Route(path, collect, methods=["POST"])])) + path)
    assert platform.handle(wanted(Id="r1"))["created"] == 1
    assert platform.handle(http_event("POST", "/modules", wanted("by-http")))["statusCode"] == 201
    assert [b"CreateOTAModule" in each for each in exports] == [True, True]
