"""HTTP calls of the commands."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.clients import http
from cli.errors import CloudError
from tests.support.command import DEAD_PROXIES

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


@contextmanager
def answering(answer: bytes, end: bytes = b"\r\n\r\n") -> Iterator[tuple[str, bytearray]]:
    """A port that answers one call, once all up to its `end` is there: its address, and what comes there."""
    seen = bytearray()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            connection, _ = server.accept()
            with connection:
                while not seen.endswith(end):
                    seen.extend(connection.recv(1000))
                connection.sendall(answer)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", seen
        thread.join(10)


def test_this_machine_is_called_without_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the environment says; other machines are called through it, as a company's network needs it."""
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name, proxy in DEAD_PROXIES.items():
        monkeypatch.setenv(name, proxy)
    for host in ("127.0.0.1", "localhost"):
        with answering(ANSWER) as (url, _):
            assert http.call(url.replace("127.0.0.1", host)).content == b"hi"
    with answering(ANSWER) as (url, seen):
        monkeypatch.setenv("http_proxy", url)
        assert http.call("http://iot.example/").status == 200
    assert seen.startswith(b"GET http://iot.example/ HTTP/1.1")


def test_a_request_goes_out_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own headers; ~/.netrc does not change a signature, and a redirection is an answer like any other."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n", encoding="utf-8")
    monkeypatch.setenv("NETRC", str(netrc))
    away = b"HTTP/1.1 307 Away\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n"
    with answering(away, b"body") as (url, seen):
        answer = http.call(url, "POST", {"Authorization": "ACS3-HMAC-SHA256 x", "X-Own": "1"}, b"body")
    assert (answer.status, answer.headers["location"]) == (307, "http://127.0.0.1:9/")
    assert seen.startswith(b"POST / HTTP/1.1\r\n")
    assert {b"Authorization: ACS3-HMAC-SHA256 x", b"X-Own: 1"} <= set(bytes(seen).split(b"\r\n"))
    assert b"accept:" not in seen.lower()


def test_no_answer_is_reported_with_its_cause() -> None:
    """In the words of the one who saw it, not as a chain of exceptions."""
    with answering(b"") as (url, _), pytest.raises(CloudError) as caught:
        http.call(url)
    assert str(caught.value).startswith(f"no answer from {url}: Remote end closed ")
    assert "`ota-modules run`" in str(caught.value)
    with pytest.raises(CloudError, match=r"^no answer from http://127\.0\.0\.1:9: Connection refused; is"):
        http.call("http://127.0.0.1:9/")
    with pytest.raises(CloudError, match="not an http address"):
        http.call("file:///etc/passwd")
