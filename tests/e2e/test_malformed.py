"""Malformed input: no crash, a rejection each, no call of the API, and the rest of the batch unharmed."""

import socket
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis

from emulator.faults.plan import Plan
from emulator.records import Arrival
from tests.e2e.scenario import Scenario, check
from tests.support.paths import ROOT

CORPUS = sorted((ROOT / "events" / "malformed").iterdir())
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def http(scenario: Scenario) -> str:
    """Where the HTTP trigger is."""
    return f"{scenario.cloud.urls.fc}/ota-modules-http"


def test_the_whole_corpus_is_rejected_and_harms_nobody(scenario: Scenario) -> None:
    """Good requests between the bad ones are created; nothing else reaches the API. A queue takes no empty message."""
    good = scenario.new_modules(1, 3)
    evidence = scenario.queue(Plan(), good, bodies=[body for path in CORPUS if (body := path.read_bytes())])
    check(evidence)
    created = [asked.id for asked in evidence.asked if evidence.statuses(asked.id) == {"created"}]
    assert created == [request["Id"] for request in good]
    assert len([arrival for arrival in evidence.of(Arrival) if arrival.service == "iot"]) == len(good)


@pytest.fixture(scope="module")
def api(http: str) -> schemathesis.BaseSchema:
    """The function's own description of itself."""
    return schemathesis.openapi.from_url(f"{http}/openapi.json")


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: path.name)
def test_over_http_a_malformed_body_is_the_senders_fault(
    scenario: Scenario, http: str, api: schemathesis.BaseSchema, path: Path
) -> None:
    """4xx, or 207 with a 4xx for each element, as the description has it; and no call of the API."""
    before = scenario.cloud.call(lambda parts: len(parts.iot.calls))
    headers = {"Content-Type": "application/json"}
    answer = httpx.post(f"{http}/modules", content=path.read_bytes(), headers=headers, timeout=20)
    results = [one["status"] for one in answer.json()["results"]] if answer.status_code == 207 else [answer.status_code]
    assert all(400 <= status < 500 for status in results), answer.text
    assert "Traceback" not in answer.text
    assert str(answer.status_code) in api.raw_schema["paths"]["/modules"]["post"]["responses"]
    api["/modules"]["POST"].validate_response(answer)
    assert scenario.cloud.call(lambda parts: len(parts.iot.calls)) == before


@pytest.mark.parametrize(
    ("media", "status"),
    [
        (None, 404), ("text/plain", 415), ("application/x-www-form-urlencoded", 415), ("multipart/form-data", 415),
        ("application/json; charset=utf-16", 415), ("application/json, text/plain", 415), ("application/xml", 415),
    ],
)  # fmt: skip
def test_another_media_type_is_refused(http: str, media: str | None, status: int) -> None:
    """Whatever the body. Without one it is taken for JSON; there is no such product."""
    headers = {"Content-Type": media} if media else {}
    answer = httpx.post(f"{http}/modules", content=b'{"ProductKey":"a","ModuleName":"b"}', headers=headers, timeout=20)
    assert answer.status_code == status


def test_a_body_that_is_too_large_is_refused(http: str) -> None:
    """More than 1 MiB; what is exactly 1 MiB is read."""
    large = b'{"Desc":"' + b"x" * MIB + b'"}'
    exact = b'{"Desc":"' + b"x" * (MIB - 11) + b'"}'
    headers = {"Content-Type": "application/json"}
    assert httpx.post(f"{http}/modules", content=large, headers=headers, timeout=20).status_code == 413
    assert httpx.post(f"{http}/modules", content=exact, headers=headers, timeout=20).status_code in (400, 422)


SMUGGLED = b"POST /ota-modules-http/modules HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
HEAD = b"POST /ota-modules-http/modules HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "lengths",
    [
        b"Content-Length: 5\r\nContent-Length: 90\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Transfer-Encoding: chunked, identity\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 5, 90\r\n",
        b"Content-Length: 0x5\r\n",
    ],
)
def test_a_request_of_two_lengths_makes_no_second_one(scenario: Scenario, http: str, lengths: bytes) -> None:
    """At most one answer comes, and it is no success."""
    place = urlsplit(http)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as peer:
        peer.sendall(HEAD + lengths + b"Connection: close\r\n\r\n0\r\n\r\n" + SMUGGLED)
        peer.shutdown(socket.SHUT_WR)
        answer = b""
        while part := peer.recv(65536):
            answer += part
    assert answer.count(b"HTTP/1.1 ") <= 1
    assert not answer.startswith(b"HTTP/1.1 2")


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/modules"), ("PUT", "/healthz")])
def test_another_method_is_refused_by_the_function(http: str, method: str, path: str) -> None:
    """Not by the trigger: its answer would not say what is allowed."""
    answer = httpx.request(method, http + path, timeout=20)
    assert (answer.status_code, answer.headers["Content-Type"]) == (405, "application/problem+json")
    assert answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/healthz", "/openapi.json"])
def test_what_the_description_promises_is_kept(http: str, api: schemathesis.BaseSchema, path: str) -> None:
    """Over the real wire; what can be posted is tried in tests/handler/test_http_contract.py."""
    answer = httpx.get(http + path, timeout=20)
    assert answer.status_code == 200
    api[path]["GET"].validate_response(answer)
