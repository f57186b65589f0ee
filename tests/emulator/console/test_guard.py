"""Who may use the first port, and what a browser may do with its answers."""

import json
import re

import httpx
import pytest

from emulator.console import faults_api
from emulator.local import LocalCloud
from emulator.records import Event, Stall


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1:9700", "", "[::1"])
def test_a_name_that_is_not_this_machines_is_refused(client: httpx.Client, host: str) -> None:
    """DNS rebinding: another site's name that resolves to 127.0.0.1."""
    for path in ("/", "/state", "/events", "/faults"):
        assert client.get(path, headers={"host": host}).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1:9700", "localhost:9700", "LOCALHOST", "[::1]:9700"])
def test_this_machines_names_are_served(client: httpx.Client, host: str) -> None:
    """With any port: it may be forwarded."""
    assert client.get("/healthz", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"},
    ],
)  # fmt: skip
def test_another_sites_page_changes_nothing(client: httpx.Client, cloud: LocalCloud, headers: dict[str, str]) -> None:
    def read_events() -> list[Event]:
        return cloud.call(lambda parts: [event for event in parts.records.events if not isinstance(event, Stall)])

    before = read_events()
    for call in ("POST /requests", "POST /dead-letters/replay", "PUT /faults", "DELETE /faults"):
        order = {"via": "queue", "request": {}}
        assert client.request(*call.split(), json=order, headers=headers).status_code == 403
    assert read_events() == before


def test_every_answer_restricts_what_a_browser_loads(client: httpx.Client) -> None:
    """Files of this server only; no script or style within the page, no frame around it."""
    for path in ("/", "/page.js", "/page.css", "/icon.svg", "/state", "/nothing"):
        policy = client.get(path).headers["content-security-policy"]
        assert {"default-src 'none'", "frame-ancestors 'none'"} <= {*policy.split("; ")}
        assert "unsafe" not in policy


def test_the_page_has_nothing_from_outside(client: httpx.Client) -> None:
    """No address of another server, no script or style in the markup."""
    page = client.get("/").text
    assert not re.search(r"\b(?:https?:)?//", page)
    assert not re.search(r"<style|<script(?![^>]* src=)| style=| on[a-z]+=", page)


@pytest.mark.parametrize(
    ("call", "body", "status"),
    [
        ("POST /requests", b"", 422), ("POST /requests", b"[" * 100_000, 422), ("POST /requests", b" " * 300_000, 413),
        ("POST /requests", b'{"via": "post", "request": {}}', 422),
        ("POST /requests", b'{"via": "queue", "request": {}, "more": 1}', 422),
        ("POST /requests", json.dumps({"via": "queue", "request": {"Desc": "d" * 60_000}}).encode(), 422),
        ("POST /faults", b'{"service": "iot", "kind": "explode"}', 422),
        ("PUT /faults", b" " * (faults_api.LARGEST_PLAN + 1), 413),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused(client: httpx.Client, call: str, body: bytes, status: int) -> None:
    """And any that is not JSON: a browser may send it to another site unasked."""
    answer = client.request(*call.split(), content=body, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert answer.json()["detail"]
    assert client.request(*call.split(), content=body, headers={"content-type": "text/plain"}).status_code == 415
