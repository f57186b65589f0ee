"""The two forms of the HTTP trigger: an event, and WSGI."""

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handler import web
from handler.web import HttpRequest
from tests.support.fake_function import JSON, REQUEST, Function
from tests.support.json_values import json_values
from tests.support.samples import beside, named, samples

HELD = ("conflict", "existing", "limit-reached", "unknown-product")
"""Samples whose answers depend on what the platform holds."""


def http_event(**fields: object) -> dict[str, Any]:
    """An event of an FC 3.0 HTTP trigger, as the platform's documentation shows it."""
    http = {"method": "POST", "path": "/modules", "protocol": "HTTP/1.1", "userAgent": "curl/8"}
    return {
        "version": "v1", "rawPath": "/modules", "body": json.dumps(REQUEST), "isBase64Encoded": False,
        "headers": {"Content-Type": "application/json", "PREFER": "a,b"}, "queryParameters": {"p": "v1,v2"},
        "requestContext": {"accountId": "123", "http": http, "requestId": "1-64f6cd87", "timeEpoch": "1693896071895"},
        **fields,
    }  # fmt: skip


def open_event(**fields: object) -> HttpRequest:
    request = web.from_event(json.dumps(http_event(**fields)).encode())
    assert request is not None
    return request


def test_an_fc_3_event_is_an_http_request() -> None:
    request = HttpRequest("POST", "/modules", {**JSON, "prefer": "a,b"}, json.dumps(REQUEST).encode(), "1-64f6cd87")
    assert open_event() == request
    for encoded, path in (("/health%7A", "/healthz"), ("/health%257A", "/health%7A")):
        found = open_event(rawPath=encoded, requestContext={"http": {"method": "get"}})
        assert found == request._replace(method="GET", path=path, request_id="")


@pytest.mark.parametrize(
    ("sent", "headers"),
    [
        ({"Prefer": ["a", "b"]}, {"prefer": "a, b"}),
        ({"Prefer": "a", "prefer": "b", "PREFER": ["c"]}, {"prefer": "a, b, c"}),
        ({"Prefer": "respond-async,\r\n  wait=1"}, {"prefer": "respond-async, wait=1"}),
        ({"Content-Type": " application/json "}, JSON),
        ({"X": None, "Y": 5, "Z": []}, {"x": "None", "y": "5", "z": ""}),
    ],
)
def test_headers_that_are_repeated_or_folded_are_joined(sent: object, headers: object) -> None:
    assert open_event(headers=sent).headers == headers


def test_a_header_that_was_sent_twice_alike_is_one() -> None:
    """As proxies do it."""
    for twice in ("application/json,application/json", ["application/json"] * 2):
        assert Function().respond(open_event(headers={"content-type": twice})).status == 201


def test_an_fc_3_body_may_be_base64() -> None:
    assert open_event(body=base64.b64encode(b"\x00\xff").decode(), isBase64Encoded=True).body == b"\x00\xff"
    for body in ("no base64!", "\ud800", 5):
        assert Function().respond(open_event(body=body, isBase64Encoded=True)).status == 400


def test_any_other_event_is_no_http_request() -> None:
    others = ("null", "5", "[]", "{}", '{"requestContext": null}', '{"requestContext": {"http": {}}}', '{"data": {}}')
    for text in (*others, json.dumps([http_event()]), json.dumps(REQUEST)):
        assert web.from_event(text.encode()) is None


def test_an_answer_is_an_fc_3_result() -> None:
    result = web.to_event(Function().post({**REQUEST, "AliasName": "微控"}))
    assert json.loads(json.dumps(result)) == result
    assert (result["statusCode"], result["isBase64Encoded"]) == (201, False)
    assert "微控" in str(result["body"])


def environ(body: bytes = b"", **more: object) -> dict[str, object]:
    """What the FC 2.0 runtime hands over."""
    return {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/modules", "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)), "HTTP_PREFER": "x", "HTTP_X_Y": "z", "wsgi.input": io.BytesIO(body),
        **more,
    }  # fmt: skip


def test_a_wsgi_environment_is_an_http_request() -> None:
    headers = {"prefer": "x", "x-y": "z", **JSON}
    assert web.from_environ(environ(b"{}")) == HttpRequest("POST", "/modules", headers, b"{}")


@pytest.mark.parametrize(
    ("length", "read_bytes"), [("2", 2), ("", 0), ("-1", 0), ("x", 0), ("9" * 40, 4), ("²", 0), (None, 0)]
)
def test_no_more_of_a_wsgi_body_is_read_than_its_length_says(length: str | None, read_bytes: int) -> None:
    """A server's stream may not end by itself; of one that is too large no more is read than shows it."""
    assert len(web.from_environ(environ(b"{  }", CONTENT_LENGTH=length)).body) == read_bytes
    assert len(web.from_environ(environ(b" " * (web.LARGEST_BODY + 500))).body) == web.LARGEST_BODY + 1


@pytest.mark.parametrize("path", [each for each in samples("http") if each.stem not in HELD], ids=named)
def test_a_sample_is_answered_as_its_answer_file_says(path: Path) -> None:
    sample, expected = json.loads(path.read_bytes()), beside(path, "answer")
    text = body if isinstance(body := sample.get("body", ""), str) else json.dumps(body)
    http = {"method": sample["method"], "path": sample["path"]}
    event = http_event(body=text, headers=sample["headers"], requestContext={"http": http})
    names = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sample["headers"].items()}
    wsgi = environ(text.encode(), REQUEST_METHOD=sample["method"], PATH_INFO=sample["path"], CONTENT_TYPE="", **names)
    for request in (web.from_event(json.dumps(event).encode()), web.from_environ(wsgi)):
        assert request is not None
        answer = Function().respond(request)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        assert answer.status == expected["status"]
        assert expected.get("headers", {}).items() <= headers.items()
        assert expected.get("body", {}).items() <= json.loads(answer.body or b"{}").items()


values = json_values()


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """An object with some of the fields, each as it should be or not."""
    return st.fixed_dictionaries({}, optional={name: field | values for name, field in fields.items()})


METHODS, ROUTES = st.sampled_from(["POST", "GET"]), st.sampled_from(["/modules", "/healthz"])
TYPE, PREFERENCE = st.just("application/json"), st.just("respond-async")
HEADERS = some(**{"Content-Type": TYPE, "prefer": PREFERENCE})
CONTEXT = some(http=some(method=METHODS, path=ROUTES), requestId=values)
EVENTS = some(
    body=st.just("{}"), isBase64Encoded=st.booleans(), headers=HEADERS, rawPath=ROUTES, requestContext=CONTEXT
)
LENGTHS = st.integers(-1, 200).map(str)
ENVIRONS = some(
    REQUEST_METHOD=METHODS, PATH_INFO=ROUTES, CONTENT_TYPE=TYPE, CONTENT_LENGTH=LENGTHS, HTTP_PREFER=PREFERENCE
)


@given(EVENTS | values)
@example(http_event(body=json.loads("[" * 900 + "]" * 900)))
def test_whatever_an_event_holds_it_is_answered_or_none_of_http(event: object) -> None:
    request = web.from_event(json.dumps(event).encode())
    if request is not None:
        function = Function()
        assert json.dumps(web.to_event(function.respond(request)))
        assert function.faults == []


@given(ENVIRONS, st.binary(max_size=200))
def test_whatever_an_environment_holds_it_is_answered(fields: dict[str, object], body: bytes) -> None:
    function = Function()
    answer = function.respond(web.from_environ({**fields, "wsgi.input": io.BytesIO(body)}))
    assert answer.status < 500
    assert answer.body == b"" or json.loads(answer.body)
    assert function.faults == []
