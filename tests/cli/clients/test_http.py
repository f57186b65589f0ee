"""HTTP calls of the commands."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cli.clients import http
from cli.errors import CloudError
from tests.support.proxies import DEAD_PROXIES


async def show(request: Request) -> Response:
    """What came, as JSON."""
    return JSONResponse({"body": (await request.body()).decode(), **request.headers})


async def away(_request: Request) -> Response:
    return RedirectResponse("http://127.0.0.1:9/", 307)


@pytest.fixture
def url(serve: Callable[[ASGIApp], str]) -> str:
    return serve(Starlette(routes=[Route("/", show, methods=["GET", "POST"]), Route("/away", away)]))


@contextmanager
def answering(answer: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A port that answers one call with some bytes, and what comes there."""
    seen: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                seen.append(connection.recv(1000))
                connection.sendall(answer)

        thread = threading.Thread(target=run)
        thread.start()
        yield server.getsockname()[1], seen
        thread.join(10)


def test_this_machine_is_called_without_a_proxy(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says; other machines are called through it, as a company's network needs it."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, proxy in DEAD_PROXIES.items():
        monkeypatch.setenv(name, proxy)
    assert http.call(url).status == 200
    assert http.call(url.replace("127.0.0.1", "localhost")).status == 200
    with answering(b"HTTP/1.1 204 No Content\r\n\r\n") as (port, seen):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        assert http.call("http://iot.example/").status == 204
    assert seen[0].startswith(b"GET http://iot.example/ HTTP/1.1")


def test_a_request_goes_out_as_it_is(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own headers; ~/.netrc does not change a signature, and a redirection is an answer like any other."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    answer = http.call(url, "POST", {"Authorization": "ACS3-HMAC-SHA256 x", "X-Own": "1"}, b"body")
    shown = json.loads(answer.content)
    assert (shown["body"], shown["authorization"], shown["x-own"]) == ("body", "ACS3-HMAC-SHA256 x", "1")
    assert "accept" not in shown
    assert http.call(f"{url}/away").status == 307


def test_no_answer_is_told_with_its_cause() -> None:
    """In the words of the one who saw it, not as a chain of exceptions."""
    with (
        answering(b"") as (port, _),
        pytest.raises(
            CloudError, match=rf"^no answer from http://127\.0\.0\.1:{port}: Remote end closed .* `ota-modules run`"
        ),
    ):
        http.call(f"http://127.0.0.1:{port}")
    with pytest.raises(CloudError, match=r"^no answer from http://127\.0\.0\.1:9: Connection refused; is"):
        http.call("http://127.0.0.1:9/")
    with pytest.raises(CloudError, match="not an http address"):
        http.call("file:///etc/passwd")
