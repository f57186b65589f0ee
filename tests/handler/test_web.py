"""HTTP: which answer a request gets."""

import base64
import json

import pytest

from handler import web
from handler.messages import ModuleRequest, read
from handler.web import HttpRequest
from tests.support.fake_function import ASYNC, JSON, REQUEST, Function, content, kind

TRACE, OTHER_TRACE = (f"00-{digit * 32}-{'b' * 16}-01" for digit in "ac")
UNNAMED = {"ProductKey": "a1", "ModuleName": "mcu"}
EVENT = {"specversion": "1.0", "id": "ev-7", "source": "/erp", "type": "module.wanted", "traceparent": TRACE}
LARGEST = json.dumps(REQUEST).encode().ljust(web.LARGEST_BODY)


def media(kind: str) -> dict[str, str]:
    return {"content-type": kind}


STRUCTURED = media("application/cloudevents+json; charset=utf-8")
WITHOUT_REQUEST = (
    b"", b" ", b"{", b"null", b"5", b'"{}"', b"[]", b"\xff", b"[" * 100_000, b'{"a":NaN}', b'{"a":1,"a":2}', b"a=b",
    json.dumps(REQUEST), {**EVENT, "data": "no JSON"}, {**EVENT, "data": 5}, {**EVENT, "data": []},
)  # fmt: skip
UNREAD_MEDIA = (
    "text/plain", "application/x-www-form-urlencoded", "application/xml+json5", "application/json, text/plain",
    "application/json;charset=gbk", "application/json; version=1; charset=utf-16",
)  # fmt: skip
READ_MEDIA = (
    "", "application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"', "application/json;version=1",
    "application/json; x-charset=gbk; charset=utf8",
)  # fmt: skip


@pytest.mark.parametrize(
    ("status", "problem", "body", "headers"),
    [
        (201, "", LARGEST, JSON),
        *((201, "", REQUEST, media(kind)) for kind in READ_MEDIA),
        (204, "", {**EVENT, "data": None}, STRUCTURED),
        (204, "", EVENT, JSON),
        (204, "", b"", {**JSON, "ce-specversion": "1.0"}),
        *((400, "unreadable", body, JSON) for body in WITHOUT_REQUEST),
        (413, "too-large", LARGEST + b" ", JSON),
        *((415, "media-type", REQUEST, media(kind)) for kind in UNREAD_MEDIA),
        (415, "media-type", REQUEST, {**JSON, "content-encoding": "gzip"}),
    ],
)
def test_a_body_is_answered_by_its_form(status: int, problem: str, body: object, headers: dict[str, str]) -> None:
    function = Function()
    answer = function.post(body, headers)
    assert (answer.status, bool(function.ran)) == (status, status == 201)
    assert not problem or (kind(answer) == problem and content(answer)["detail"])
    assert "content-encoding" not in headers or answer.headers["Accept-Encoding"] == "identity"


PREFERENCES = ("respond-async", "Respond-Async; x=1, wait=10", "handling=strict , respond-async")


@pytest.mark.parametrize("headers", [*({"prefer": text} for text in PREFERENCES), {"x-fc-invocation-type": "Async"}])
def test_a_request_that_nobody_waits_for_is_queued(headers: dict[str, str]) -> None:
    """Because its sender prefers so, or the platform has answered already; whole, with its Id and its trace."""
    function = Function()
    answer = function.post(UNNAMED, {**JSON, "traceparent": TRACE, **headers})
    assert (answer.status, answer.headers["Preference-Applied"]) == (202, "respond-async")
    assert content(answer) == {"Ids": ["req-1"]}
    assert [json.loads(each) for each in function.queued] == [{**UNNAMED, "Id": "req-1", "traceparent": TRACE}]
    function.post({**EVENT, "data": UNNAMED}, {**STRUCTURED, **headers})
    assert json.loads(function.queued[1]) == {**UNNAMED, "Id": "ev-7", "traceparent": TRACE}
    assert function.ran == []


def test_an_array_is_queued_in_messages_that_fit() -> None:
    function = Function()
    longest = {"ProductKey": "\U0001f600" * 64, "ModuleName": "m" * 64, "AliasName": "\U00020000" * 64, "Desc": '"' * 100,
               "CorrelationId": "\U0001f600" * 128, "IotInstanceId": "i" * 128}  # fmt: skip
    answer = function.post([{**longest, "Id": f"{n}" + "\U0001f600" * 120} for n in range(40)], ASYNC)
    assert answer.status == 202
    found = [each for message in function.queued for each in read(message, "other")]
    assert [each.Id for each in found] == content(answer)["Ids"]
    assert all(isinstance(each, ModuleRequest) for each in found)
    assert max(len(base64.b64encode(message.encode())) for message in function.queued) <= 65_536
    assert len(function.queued) == 3


@pytest.mark.parametrize("request_id", ["", "x" * 200, "a\nb", "\ud800"])
def test_a_request_id_that_cannot_be_an_id_is_replaced(request_id: str) -> None:
    """By one made of the body, the same each time, so that the queue's reader takes what was accepted here."""
    function = Function()
    for name in ("a", "a", "b"):
        body = json.dumps([{"ProductKey": "a1", "ModuleName": name}] * 2).encode()
        assert function.respond(HttpRequest("POST", "/modules", ASYNC, body=body, request_id=request_id)).status == 202
    first, again, other = (read(message, "other") for message in function.queued)
    assert all(isinstance(each, ModuleRequest) for each in first + other)
    assert first == again
    assert len({each.Id for each in first + other}) == 4


def test_without_a_queue_the_preference_is_ignored() -> None:
    """As RFC 7240 allows; the answer does not claim otherwise."""
    answer = Function(has_queue=False).post(REQUEST, ASYNC)
    assert (answer.status, "Preference-Applied" in answer.headers) == (201, False)


def test_nothing_is_queued_where_a_request_breaks_rules() -> None:
    function = Function()
    for body, wrong in (({"ProductKey": "a1"}, None), ([REQUEST, {"ProductKey": "a1"}, 5], ["req-1/2", "req-1/3"])):
        answer = function.post(body, ASYNC)
        assert (answer.status, kind(answer)) == (422, "invalid")
        told = content(answer)
        assert [part["Id"] for part in told["results"]] == wrong if wrong else told["errors"]
    assert function.queued == []


def test_what_the_queue_does_not_take_is_told() -> None:
    """What is queued must not be sent again, the rest must."""
    for sent in (REQUEST, [REQUEST] * 2):
        answer = Function(queue_takes=0).post(sent, ASYNC)
        assert (answer.status, kind(answer), answer.headers["Retry-After"]) == (503, "sink", "5")
    answer = Function(queue_takes=1).post([REQUEST] * 20, ASYNC)
    assert (answer.status, answer.headers["Retry-After"]) == (207, "5")
    assert [part["status"] for part in content(answer)["results"]] == [202] * 16 + [503] * 4


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200), ("HEAD", "/healthz", 200), ("GET", "/healthz/", 200), ("OPTIONS", "/modules", 204),
        ("GET", "/openapi.json", 200), ("HEAD", "/openapi.json", 200), ("GET", "/modules", 405), ("PUT", "/modules/", 405),
        ("POST", "/healthz", 405), ("TRACE", "/openapi.json", 405), ("GET", "/", 404), ("GET", "", 404),
        ("GET", "//modules", 405), ("GET", "/modules/x", 404), ("OPTIONS", "/nowhere", 404), ("GET", "/nowhere\ud800\r\n", 404),
        ("HEAD", "/nowhere", 404), ("POST", "//modules", 201), ("POST", "/modules//", 201), ("POST", "/ota/modules", 404),
    ],
)  # fmt: skip
def test_paths_and_methods(method: str, path: str, status: int) -> None:
    answer = Function().respond(HttpRequest(method, path, JSON, body=LARGEST))
    assert answer.status == status
    assert ("Allow" in answer.headers) is (status in (204, 405))
    assert (answer.body == b"") is (method == "HEAD" or status == 204)
    assert "\r" not in "".join(answer.headers.values())


@pytest.mark.parametrize(
    ("prefix", "taken", "refused"),
    [
        ("/ota", ("/ota/modules", "/modules", "//ota//modules/"), ("/ota", "/otamodules", "/ota/ota/modules")),
        ("/a/b", ("/a/b/modules",), ("/a/modules",)),
    ],
)
def test_a_prefix_may_stand_in_front_of_a_path(prefix: str, taken: tuple[str, ...], refused: tuple[str, ...]) -> None:
    for status, paths in ((201, taken), (404, refused)):
        assert {Function(prefix=prefix).post(REQUEST, path=path).status for path in paths} == {status}


@pytest.mark.parametrize(
    ("data", "ends"),
    [
        ({"data": UNNAMED}, (201, "ev-7")),
        ({"data": json.dumps(UNNAMED)}, (201, "ev-7")),
        ({"data_base64": base64.b64encode(json.dumps(UNNAMED).encode()).decode()}, (201, "ev-7")),
        ({"data": [UNNAMED]}, [(201, "ev-7/1")]),
        ({"data": [UNNAMED, {"x": 1}]}, [(201, "ev-7/1"), (422, "ev-7/2")]),
    ],
)
def test_a_cloud_event_is_opened_and_gives_its_id_and_its_trace(data: dict[str, object], ends: object) -> None:
    for headers in (STRUCTURED, JSON, {}, media("application/vnd.erp.event+json")):
        function = Function()
        assert read_results(function.post({**EVENT, **data}, headers)) == ends
        assert {each.traceparent for each in function.ran} == {TRACE}
    batch = [{**EVENT, **data}, {**EVENT, "id": "ev-8", "data": UNNAMED}]
    each = ends if isinstance(ends, list) else [ends]
    assert read_results(Function().post(batch, media("application/cloudevents-batch+json"))) == [*each, (201, "ev-8")]


def read_results(answer: web.HttpAnswer) -> object:
    """Return status and Id; of an array's answer those of each result."""
    body = content(answer)
    if answer.status == 207:
        return [(part["status"], part["Id"]) for part in body["results"]]
    return answer.status, body["Id"]


@pytest.mark.parametrize(
    ("headers", "name", "trace"),
    [
        ({"ce-id": "my-7", "ce-specversion": "1.0", "traceparent": TRACE}, "my-7", TRACE),
        ({"ce-id": "a%20%E5%BE%AE", "traceparent": f"{TRACE},{TRACE}"}, "a 微", TRACE),
        ({"ce-id": "my-7, my-7", "traceparent": TRACE, "ce-traceparent": OTHER_TRACE}, "my-7", OTHER_TRACE),
        ({"ce-specversion": "1.0"}, "req-1", None),
        ({"ce-id": "x" * 101}, "req-1", None),
    ],
)
def test_a_cloud_event_in_binary_mode_gives_its_id_and_its_trace(
    headers: dict[str, str], name: str, trace: str | None
) -> None:
    function = Function()
    assert read_results(function.post(UNNAMED, {**JSON, **headers})) == (201, name)
    assert read_results(function.post([UNNAMED, REQUEST], {**JSON, **headers})) == [(201, f"{name}/1"), (201, "own-1")]
    assert {each.traceparent for each in function.ran} == {trace}
