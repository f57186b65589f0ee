"""HTTP calls of the commands."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
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
    return JSONResponse(
        {"method": request.method, "headers": dict(request.headers), "body": (await request.body()).decode()}
    )


async def away(_request: Request) -> Response:
    return RedirectResponse("http://127.0.0.1:9/", 307)


@pytest.fixture
def url(serve: Callable[[ASGIApp], str]) -> str:
    return serve(Starlette(routes=[Route("/", show, methods=["GET", "POST"]), Route("/away", away)]))


@pytest.mark.parametrize("names", [("HTTP_PROXY", "http_proxy"), ("ALL_PROXY", "all_proxy"), tuple(DEAD_PROXIES)])
def test_this_machine_is_called_without_a_proxy(
    url: str, monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]
) -> None:
    """Whatever the environment says."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in names:
        monkeypatch.setenv(name, DEAD_PROXIES[name])
    assert http.call(url).status == 200
    assert http.call(url.replace("127.0.0.1", "localhost")).status == 200


def test_other_machines_are_called_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a company's network needs it."""
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.getsockname()[1]}")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        seen: list[bytes] = []

        def answer() -> None:
            connection, _ = proxy.accept()
            with connection:
                seen.append(connection.recv(1000))
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert http.call("http://iot.example/").status == 204
        thread.join(10)
    assert seen[0].startswith(b"GET http://iot.example/ HTTP/1.1")


def test_a_request_goes_out_as_it_is(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own headers; ~/.netrc does not change a signature."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    answer = http.call(url, "POST", {"Authorization": "ACS3-HMAC-SHA256 x", "X-Own": "1"}, b"body")
    shown = json.loads(answer.content)
    assert (shown["method"], shown["body"]) == ("POST", "body")
    assert (shown["headers"]["authorization"], shown["headers"]["x-own"]) == ("ACS3-HMAC-SHA256 x", "1")
    assert "accept" not in shown["headers"]


def test_a_redirection_is_not_followed(url: str) -> None:
    """It is an answer like any other."""
    assert http.call(f"{url}/away").status == 307


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that closes each connection without a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def close() -> None:
            connection, _ = server.accept()
            connection.recv(1000)
            connection.close()

        threading.Thread(target=close, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_no_answer_is_told_with_its_cause(silent: str) -> None:
    """In the words of the one who saw it, not as a chain of exceptions."""
    with pytest.raises(
        CloudError, match=r"^no answer from http://127\.0\.0\.1:\d+: Remote end closed .* is `ota-modules run`"
    ):
        http.call(silent)
    with pytest.raises(CloudError, match=r"^no answer from http://127\.0\.0\.1:9: Connection refused; is"):
        http.call("http://127.0.0.1:9/")
    with pytest.raises(CloudError, match="not an http address"):
        http.call("file:///etc/passwd")
