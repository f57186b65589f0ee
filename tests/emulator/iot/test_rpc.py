"""Requests as parameters, answers as XML."""

import asyncio
from typing import Any
from xml.etree import ElementTree

import pytest
from starlette.requests import Request

from emulator.iot import rpc
from emulator.iot.rpc import Answer, RpcRequest


def read(query: bytes = b"", body: bytes = b"", content_type: str = "application/x-www-form-urlencoded") -> RpcRequest:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    headers = [(b"content-type", content_type.encode()), (b"host", b"iot.local")]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": query, "headers": headers}
    return asyncio.run(rpc.read(Request(scope, receive)))


def test_parameters_come_from_the_query_and_a_form_alone() -> None:
    request = read(b"Action=Pub&Empty=", b"Desc=a%20b+c&Alias=%E4%BB%AA")
    assert request.parameters == {"Action": "Pub", "Empty": "", "Desc": "a b c", "Alias": "仪"}
    assert read(b"Action=Pub", b"Desc=x", "text/plain; charset=utf-8").parameters == {"Action": "Pub"}


@pytest.mark.parametrize(
    ("query", "body", "status"),
    [
        (b"Desc=1&Desc=2", b"", 400),
        (b"Desc=1", b"Desc=1", 400),
        (b"Desc=%FF", b"", 400),
        (b"Desc=\xff", b"", 400),
        (b"&".join(b"p%d=1" % n for n in range(rpc.PARAMETER_LIMIT + 1)), b"", 400),
        (b"", b"x" * (rpc.BODY_LIMIT + 1), 413),
    ],
    ids=["twice", "in query and form", "not UTF-8", "raw bytes", "too many", "too long"],
)
def test_parameters_that_are_ambiguous_or_too_long_are_refused(query: bytes, body: bytes, status: int) -> None:
    problem = read(query, body).problem
    assert problem is not None
    assert (problem.status, problem.code) == (status, "InvalidParameter")


def test_the_format_asked_for_decides() -> None:
    """XML, unless the query or else the header Accept asks for JSON."""
    for query, accept, wants_json in (
        ({}, "*/*", False),
        ({}, "application/json", True),
        ({"Format": "XML"}, "application/json", False),
        ({"Format": "json"}, "", True),
    ):
        assert RpcRequest("POST", "/", {"accept": accept}, query).wants_json is wants_json


def test_xml_repeats_list_items_leaves_out_null_and_escapes() -> None:
    content = {"Success": True, "None": None, "List": {"Item": [{"A": 1}, {"A": "<&>\x00\ud7ff"}]}}
    text = bytes(Answer(200, "Root", content).response(as_json=False).body).decode()
    root = ElementTree.fromstring(text)
    assert [child.tag for child in root] == ["Success", "List"]
    assert [item.tag for item in root.findall("List/*")] == ["Item", "Item"]
    assert "<A>&lt;&amp;&gt;\ufffd\ud7ff</A>" in text
