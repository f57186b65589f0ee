"""HTTP: both forms of the trigger, and which answer a request gets."""

import base64
import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handler import web
from handler.messages import ModuleRequest, read
from handler.web import HttpRequest
from tests.support.fake_function import ASYNC, JSON, REQUEST, Function, content, kind
from tests.support.paths import ROOT

# The answers to the others depend on what the platform holds.
HELD = ("conflict", "existing", "limit-reached", "unknown-product")
SAMPLES = sorted(
    path for path in (ROOT / "events/http").glob("*.json") if "." not in path.stem and path.stem not in HELD
)


@pytest.mark.parametrize(
    "body",
    [b"", b" ", b"{", b"null", b"5", b'"{}"', b"[]", b"\xff", b"[" * 100_000, b'{"a":NaN}', b'{"a":1,"a":2}', b"a=b"],
)
def test_a_body_without_a_request_is_answered_with_400(body: bytes) -> None:
    """And causes no outcome: nobody asked for anything."""
    function = Function()
    answer = function.post(body)
    assert (answer.status, kind(answer)) == (400, "unreadable")
    assert content(answer)["detail"]
    assert function.ran == []


def test_a_text_that_holds_json_is_no_request() -> None:
    """It is not opened a second time."""
    assert Function().post(json.dumps(REQUEST)).status == 400


@pytest.mark.parametrize(
    "media",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/xml+json5",
        "application/json, text/plain",
        "application/json;charset=gbk",
        "application/json; version=1; charset=utf-16",
    ],
)
def test_other_media_types_are_answered_with_415(media: str) -> None:
    """JSON is all that is read, and UTF-8."""
    function = Function()
    answer = function.post(REQUEST, {"content-type": media})
    assert (answer.status, kind(answer)) == (415, "media-type")
    assert function.ran == []


@pytest.mark.parametrize(
    "media",
    [
        "",
        "application/json; charset=utf-8",
        'Application/JSON;charset="UTF-8"',
        "application/json;version=1",
        "application/json; x-charset=gbk; charset=utf8",
    ],
)
def test_the_media_types_parameters_may_stand_there(media: str) -> None:
    """As the common clients send them."""
    assert Function().post(REQUEST, {"content-type": media}).status == 201


def test_a_compressed_body_is_answered_with_415() -> None:
    """It is not unpacked, so it cannot grow."""
    answer = Function().post(REQUEST, {**JSON, "content-encoding": "gzip"})
    assert (answer.status, answer.headers["Accept-Encoding"]) == (415, "identity")


def test_a_body_over_a_mebibyte_is_answered_with_413() -> None:
    """To the byte."""
    text = json.dumps(REQUEST).encode()
    largest = text + b" " * (web.LARGEST_BODY - len(text))
    assert Function().post(largest).status == 201
    assert kind(Function().post(largest + b" ")) == "too-large"


@pytest.mark.parametrize("header", ["respond-async", "Respond-Async; x=1, wait=10", "handling=strict , respond-async"])
def test_a_request_that_prefers_so_is_queued(header: str) -> None:
    """Whole, with its Id and trace, for the function to read from the queue."""
    function = Function()
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    answer = function.post({"ProductKey": "a1", "ModuleName": "mcu"}, {**JSON, "prefer": header, "traceparent": trace})
    assert (answer.status, answer.headers["Preference-Applied"]) == (202, "respond-async")
    assert content(answer) == {"Ids": ["req-1"]}
    [message] = function.queued
    assert json.loads(message) == {"ProductKey": "a1", "ModuleName": "mcu", "Id": "req-1", "traceparent": trace}
    assert function.ran == []


def test_an_array_is_queued_in_messages_that_fit() -> None:
    """Every request is there, in order, with its Id."""
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
    assert answer.status == 201
    assert "Preference-Applied" not in answer.headers


@pytest.mark.parametrize("body", [{"ProductKey": "a1"}, [REQUEST, {"ProductKey": "a1"}, 5]])
def test_nothing_is_queued_where_a_request_breaks_rules(body: object) -> None:
    """The sender corrects it and sends all of it again."""
    function = Function()
    answer = function.post(body, ASYNC)
    assert (answer.status, kind(answer)) == (422, "invalid")
    told = content(answer)
    assert told["errors" if isinstance(body, dict) else "results"]
    assert [part["Id"] for part in told.get("results", ())] == (
        [] if isinstance(body, dict) else ["req-1/2", "req-1/3"]
    )
    assert function.queued == []


@pytest.mark.parametrize("body", [REQUEST, [REQUEST, REQUEST]])
def test_a_queue_that_takes_nothing_is_answered_with_503(body: object) -> None:
    """Without its address."""
    answer = Function(queue_takes=0).post(body, ASYNC)
    assert (answer.status, kind(answer)) == (503, "sink")
    assert answer.headers["Retry-After"]
    assert b"testsecret" not in answer.body


def test_of_an_array_that_was_queued_in_part_each_request_is_told() -> None:
    """What is queued must not be sent again, the rest must."""
    answer = Function(queue_takes=1).post([{**REQUEST, "Id": f"own-{n}"} for n in range(20)], ASYNC)
    assert answer.status == 207
    assert [part["status"] for part in content(answer)["results"]] == [202] * 16 + [503] * 4
    assert answer.headers["Retry-After"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200), ("HEAD", "/healthz", 200), ("GET", "/healthz/", 200), ("OPTIONS", "/modules", 204),
        ("GET", "/openapi.json", 200), ("HEAD", "/openapi.json", 200), ("GET", "/modules", 405), ("PUT", "/modules/", 405),
        ("POST", "/healthz", 405), ("TRACE", "/openapi.json", 405), ("GET", "/", 404), ("GET", "", 404),
        ("GET", "//modules", 405), ("GET", "/modules/x", 404), ("OPTIONS", "/nowhere", 404), ("GET", "/nowhere\ud800\r\n", 404),
        ("HEAD", "/nowhere", 404),
    ],
)  # fmt: skip
def test_paths_and_methods(method: str, path: str, status: int) -> None:
    """405 and OPTIONS name what is allowed; HEAD has no body."""
    answer = Function().respond(HttpRequest(method, path))
    assert answer.status == status
    assert ("Allow" in answer.headers) is (status in (204, 405))
    assert (answer.body == b"") is (method == "HEAD" or status == 204)
    assert "\r" not in "".join(answer.headers.values())


EVENT = {"specversion": "1.0", "id": "ev-7", "source": "/erp", "type": "module.wanted"}
UNNAMED = {"ProductKey": "a1", "ModuleName": "mcu"}
STRUCTURED = {"content-type": "application/cloudevents+json; charset=utf-8"}
BATCH = {"content-type": "application/cloudevents-batch+json"}
TRACE = f"00-{'a' * 32}-{'b' * 16}-01"


@pytest.mark.parametrize("headers", [STRUCTURED, JSON, {}, {"content-type": "application/vnd.erp.event+json"}])
@pytest.mark.parametrize(
    "data",
    [
        {"data": UNNAMED},
        {"data": json.dumps(UNNAMED)},
        {"data_base64": base64.b64encode(json.dumps(UNNAMED).encode()).decode()},
    ],
)
def test_a_cloud_event_is_opened(headers: dict[str, str], data: dict[str, object]) -> None:
    """Structured mode, under whatever JSON it is announced as; its id is the request's."""
    function = Function()
    answer = function.post({**EVENT, **data, "traceparent": TRACE}, headers)
    assert (answer.status, content(answer)["Id"]) == (201, "ev-7")
    assert [each.traceparent for each in function.ran] == [TRACE]


def test_a_cloud_event_with_several_requests_is_answered_as_an_array() -> None:
    """Also with one."""
    for number in (1, 2):
        answer = Function().post({**EVENT, "data": [UNNAMED] * number}, STRUCTURED)
        names = [part["Id"] for part in content(answer)["results"]]
        assert (answer.status, names) == (207, [f"ev-7/{place}" for place in range(1, number + 1)])


def test_a_batch_of_cloud_events_is_answered_one_by_one() -> None:
    """Each by its own id."""
    events = [
        {**EVENT, "data": UNNAMED},
        {**EVENT, "id": "ev-8", "data": {"x": 1}},
        {**EVENT, "id": "ev-9", "data": [UNNAMED]},
    ]
    answer = Function().post(events, BATCH)
    assert [(part["status"], part["Id"]) for part in content(answer)["results"]] == [
        (201, "ev-7"), (422, "ev-8"), (201, "ev-9/1"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({"ce-id": "my-7", "ce-specversion": "1.0"}, "my-7"),
        ({"ce-id": "a%20%E5%BE%AE"}, "a 微"),
        ({"ce-id": "my-7, my-7"}, "my-7"),
        ({"ce-specversion": "1.0"}, "req-1"),
        ({"ce-id": "x" * 101}, "req-1"),
    ],
)
def test_a_cloud_event_in_binary_mode_gives_its_id(headers: dict[str, str], name: str) -> None:
    """The body is its data, the headers hold its attributes."""
    assert content(Function().post(UNNAMED, {**JSON, **headers}))["Id"] == name
    several = content(Function().post([UNNAMED, REQUEST], {**JSON, **headers}))
    assert [part["Id"] for part in several["results"]] == [f"{name}/1", "own-1"]


def test_a_cloud_event_in_binary_mode_gives_its_trace() -> None:
    """In either of its headers."""
    other = TRACE.replace("a", "c")
    for headers, trace in (({"traceparent": TRACE}, TRACE), ({"traceparent": TRACE, "ce-traceparent": other}, other)):
        function = Function()
        function.post(UNNAMED, {**JSON, "ce-id": "my-7", **headers})
        assert [each.traceparent for each in function.ran] == [trace]


@pytest.mark.parametrize(
    ("body", "headers"),
    [({**EVENT, "data": None}, STRUCTURED), (EVENT, JSON), (b"", {**JSON, "ce-specversion": "1.0"})],
)
def test_an_event_without_data_asks_for_nothing(body: object, headers: dict[str, str]) -> None:
    """No error, and no outcome."""
    function = Function()
    answer = function.post(body, headers)
    assert (answer.status, answer.body) == (204, b"")
    assert function.ran == []


@pytest.mark.parametrize("body", [{**EVENT, "data": "no JSON"}, {**EVENT, "data": 5}, {**EVENT, "data": []}])
def test_an_event_without_a_request_is_answered_with_400(body: object) -> None:
    """As a body without one is."""
    function = Function()
    assert kind(function.post(body, STRUCTURED)) == "unreadable"
    assert function.ran == []


def test_a_cloud_event_is_queued_as_its_request() -> None:
    """With the event's id."""
    function = Function()
    answer = function.post({**EVENT, "data": UNNAMED}, {**STRUCTURED, "prefer": "respond-async"})
    assert (answer.status, content(answer)) == (202, {"Ids": ["ev-7"]})
    assert json.loads(function.queued[0]) == {**UNNAMED, "Id": "ev-7"}


def test_an_asynchronous_invocation_is_queued() -> None:
    """The platform has answered its caller already: nobody would hear that there was no time."""
    function = Function()
    assert function.post(REQUEST, {**JSON, "x-fc-invocation-type": "Async"}).status == 202
    assert len(function.queued) == 1


@pytest.mark.parametrize(
    ("prefix", "path", "status"),
    [
        ("/ota", "/ota/modules", 201), ("/ota", "/modules", 201), ("/ota", "//ota//modules/", 201), ("/ota", "/ota", 404),
        ("/ota", "/otamodules", 404), ("/ota", "/ota/ota/modules", 404), ("/a/b", "/a/b/modules", 201),
        ("/a/b", "/a/modules", 404),
        ("", "//modules", 201), ("", "/modules//", 201), ("", "/ota/modules", 404),
    ],
)  # fmt: skip
def test_a_prefix_may_stand_in_front_of_a_path(prefix: str, path: str, status: int) -> None:
    """And slashes may be doubled, as where a base address ends in one."""
    assert Function(prefix=prefix).post(REQUEST, path=path).status == status


def http_event(**fields: object) -> dict[str, Any]:
    """An event of an FC 3.0 HTTP trigger, as the platform's documentation shows it."""
    http = {
        "method": "POST",
        "path": "/modules",
        "protocol": "HTTP/1.1",
        "sourceIp": "127.0.0.1",
        "userAgent": "curl/8",
    }
    return {
        "version": "v1",
        "rawPath": "/modules",
        "body": json.dumps(REQUEST),
        "isBase64Encoded": False,
        "headers": {"Content-Type": "application/json", "PREFER": "a,b"},
        "queryParameters": {"p": "v1,v2"},
        "requestContext": {"accountId": "123", "http": http, "requestId": "1-64f6cd87", "timeEpoch": "1693896071895"},
        **fields,
    }


def test_an_fc_3_event_is_an_http_request() -> None:
    """Header names come in any case."""
    assert web.from_event(http_event()) == HttpRequest(
        "POST",
        "/modules",
        {"content-type": "application/json", "prefer": "a,b"},
        json.dumps(REQUEST).encode(),
        "1-64f6cd87",
    )


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        ({"Prefer": ["a", "b"]}, {"prefer": "a, b"}),
        ({"Prefer": "a", "prefer": "b", "PREFER": ["c"]}, {"prefer": "a, b, c"}),
        ({"Prefer": "respond-async,\r\n  wait=1"}, {"prefer": "respond-async, wait=1"}),
        ({"Content-Type": " application/json "}, {"content-type": "application/json"}),
        ({"X": None, "Y": 5, "Z": []}, {"x": "None", "y": "5", "z": ""}),
    ],
)
def test_headers_that_are_repeated_or_folded_are_joined(sent: object, headers: object) -> None:
    """However a gateway hands them over."""
    request = web.from_event(http_event(headers=sent))
    assert request is not None
    assert request.headers == headers


@pytest.mark.parametrize(
    "media",
    [
        ["application/json", "application/json"],
        "application/json,application/json",
        "application/json,\r\n application/json",
    ],
)
def test_a_header_that_was_sent_twice_alike_is_one(media: object) -> None:
    """As proxies do it."""
    request = web.from_event(http_event(headers={"content-type": media, "traceparent": f"{TRACE},{TRACE}"}))
    assert request is not None
    function = Function()
    assert function.respond(request).status == 201
    assert function.ran[0].traceparent == TRACE


def test_an_fc_3_body_may_be_base64() -> None:
    """As the platform hands over what is no text."""
    event = http_event(body=base64.b64encode(b"\x00\xff").decode(), isBase64Encoded=True)
    assert web.from_event(event).body == b"\x00\xff"  # type: ignore[union-attr]


@pytest.mark.parametrize("body", ["no base64!", "\ud800", 5])
def test_an_fc_3_body_that_cannot_be_decoded_is_unreadable(body: object) -> None:
    """An answer, not an error of the function."""
    request = web.from_event(http_event(body=body, isBase64Encoded=True))
    assert request is not None
    assert Function().respond(request).status == 400


def test_an_encoded_path_is_decoded_once() -> None:
    """Where the platform gives the encoded one alone."""
    context = {"http": {"method": "get"}}
    assert web.from_event(http_event(rawPath="/health%7A", requestContext=context)) == HttpRequest(
        "GET",
        "/healthz",
        {"content-type": "application/json", "prefer": "a,b"},
        json.dumps(REQUEST).encode(),
    )
    assert web.from_event(http_event(rawPath="/health%257A", requestContext=context)).path == "/health%7A"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "event",
    [
        None,
        5,
        [],
        {},
        [http_event()],
        REQUEST,
        {"requestContext": None},
        {"requestContext": {"http": {}}},
        {"data": {}},
    ],
)
def test_any_other_event_is_no_http_request(event: object) -> None:
    """It goes to the triggers."""
    assert web.from_event(event) is None


def test_an_answer_is_an_fc_3_result() -> None:
    """Text, status and headers, and JSON through and through."""
    result = web.to_event(Function().post({**REQUEST, "AliasName": "微控"}))
    assert json.loads(json.dumps(result)) == result
    assert (result["statusCode"], result["isBase64Encoded"]) == (201, False)
    assert "微控" in str(result["body"])


def environ(body: bytes = b"", **more: object) -> dict[str, object]:
    """What the FC 2.0 runtime hands over."""
    return {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/modules", "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)), "HTTP_PREFER": "x", "HTTP_X_Y": "z", "wsgi.input": io.BytesIO(body),
        "fc.context": SimpleNamespace(request_id="r-2"), **more,
    }  # fmt: skip


def test_a_wsgi_environment_is_an_http_request() -> None:
    """The same as the event's."""
    assert web.from_environ(environ(b"{}")) == HttpRequest(
        "POST", "/modules", {"prefer": "x", "x-y": "z", "content-type": "application/json"}, b"{}", "r-2"
    )


@pytest.mark.parametrize(
    ("length", "read_bytes"), [("2", 2), ("", 0), ("-1", 0), ("x", 0), ("9" * 40, 4), ("²", 0), (None, 0)]
)
def test_no_more_of_a_wsgi_body_is_read_than_its_length_says(length: str | None, read_bytes: int) -> None:
    """A server's stream may not end by itself."""
    assert len(web.from_environ(environ(b"{  }", CONTENT_LENGTH=length)).body) == read_bytes


def test_of_a_large_wsgi_body_no_more_is_read_than_shows_it() -> None:
    """One byte above the limit."""
    request = web.from_environ(environ(b" " * (web.LARGEST_BODY + 500)))
    assert len(request.body) == web.LARGEST_BODY + 1
    assert Function().respond(request).status == 413


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_a_sample_is_answered_as_its_answer_file_says(path: Path) -> None:
    """In both forms of the trigger."""
    sample, expected = json.loads(path.read_bytes()), json.loads(path.with_suffix(".answer.json").read_bytes())
    body = sample.get("body", "")
    text = body if isinstance(body, str) else json.dumps(body)
    http = {"method": sample["method"], "path": sample["path"]}
    event = http_event(body=text, headers=sample["headers"], requestContext={"http": http})
    names = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sample["headers"].items()}
    wsgi = environ(text.encode(), REQUEST_METHOD=sample["method"], PATH_INFO=sample["path"], CONTENT_TYPE="", **names)
    for request in (web.from_event(event), web.from_environ(wsgi)):
        assert request is not None
        answer = Function().respond(request)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        assert answer.status == expected["status"]
        assert expected.get("headers", {}).items() <= headers.items()
        assert expected.get("body", {}).items() <= json.loads(answer.body or b"{}").items()


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of the fields, each as it should be or not."""
    return st.fixed_dictionaries({}, optional={name: field | values for name, field in fields.items()})


METHODS, ROUTES = st.sampled_from(["POST", "GET"]), st.sampled_from(["/modules", "/healthz"])
EVENTS = some(
    body=st.just("{}"),
    isBase64Encoded=st.booleans(),
    headers=some(**{"Content-Type": st.just("application/json"), "prefer": st.just("respond-async")}),
    rawPath=ROUTES,
    queryParameters=values,
    requestContext=some(http=some(method=METHODS, path=ROUTES), requestId=values),
)
ENVIRONS = some(
    REQUEST_METHOD=METHODS,
    PATH_INFO=ROUTES,
    CONTENT_TYPE=st.just("application/json"),
    CONTENT_LENGTH=st.integers(-1, 30).map(str),
    HTTP_PREFER=st.just("respond-async"),
)


@given(EVENTS | values)
@example(http_event(body=json.loads("[" * 900 + "]" * 900)))
def test_whatever_an_event_holds_it_is_answered_or_none_of_http(event: object) -> None:
    """An event is what its invoker writes, where it does not come from the trigger."""
    request = web.from_event(event)
    if request is not None:
        function = Function()
        assert json.dumps(web.to_event(function.respond(request)))
        assert function.faults == []


@given(ENVIRONS, st.binary(max_size=40))
def test_whatever_an_environment_holds_it_is_answered(fields: dict[str, object], body: bytes) -> None:
    """Any variable may be missing or odd."""
    function = Function()
    request = web.from_environ({**fields, "wsgi.input": io.BytesIO(body)})
    assert function.respond(request).status < 500
    assert function.faults == []


@given(
    st.binary(max_size=200),
    st.dictionaries(st.sampled_from(["content-type", "prefer", "traceparent"]), st.text(max_size=40)),
)
def test_whatever_is_sent_is_answered(body: bytes, headers: dict[str, str]) -> None:
    """Never with a fault of ours, and always in JSON."""
    function = Function()
    for sent in (headers, {**headers, **JSON}):
        answer = function.post(body, sent)
        assert answer.status in (201, 202, 207, 400, 415, 422)
        assert json.loads(answer.body)
    assert function.faults == []
