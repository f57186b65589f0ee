"""HTTP/1.1: requests that are written, and answers that are whole or none."""

import contextlib
import http.client
import io
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.http1 import Source, read_answer, write_post


def read(raw: bytes) -> tuple[int, dict[str, str], bytes, bool]:
    pieces = iter([raw[:20], *(raw[at : at + 1] for at in range(20, len(raw)))])
    answer, stays = read_answer(Source(lambda: next(pieces, b"")))
    return answer.status, dict(answer.headers), answer.body, stays


def test_a_request_is_one_that_others_can_read() -> None:
    raw = write_post("h:81", "/a?b=1", {"Accept": "x/y"}, b"body")
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *headers = head.decode().split("\r\n")
    assert (first, body) == ("POST /a?b=1 HTTP/1.1", b"body")
    assert {"Host: h:81", "Content-Length: 4", "Accept: x/y"} <= set(headers)


@pytest.mark.parametrize("text", ["a\r\nX: 1", "a\nb", "a\0", "\u5fae"])
def test_nothing_can_be_slipped_into_a_head(text: str) -> None:
    """A key or a token that holds a line end would end the line."""
    with pytest.raises(ValueError, match=r"control|ascii"):
        write_post("h", "/", {"security-token": text}, b"")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", (200, b"ok", True)),
        (b"HTTP/1.1 200\nContent-Length: 2\n\nok", (200, b"ok", True)),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", (200, b"ok", False)),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", (200, b"ok", False)),
        (b"HTTP/1.1 200 OK\r\n\r\nwhole", (200, b"whole", False)),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", (204, b"", True)),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=1\r\nab\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
         (200, b"ab0123456789", True)),
    ],
)  # fmt: skip
def test_an_answer_is_read_whole(raw: bytes, expected: tuple[int, bytes, bool]) -> None:
    status, _, body, stays = read(raw)
    assert (status, body, stays) == expected


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"HTTP/1.1 200 OK", b"HTTP/2 200 OK\r\n\r\n", b"HTTP/1.1 20 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : 1\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n", b"HTTP/1.1 200 OK\r\nA: 1\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1_0\r\n\r\n0123456789",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok", b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0x2\r\nab\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\nab\r\n0\r\n\r\n",
    ],
)  # fmt: skip
def test_what_is_not_whole_or_not_clear_is_no_answer(raw: bytes) -> None:
    """Guessing where it ends would give one request another's answer."""
    with pytest.raises(ValueError, match=r"\w"):
        read(raw)


RESERVED = ("content-length", "transfer-encoding", "connection")
NAMES: st.SearchStrategy[str] = st.from_regex("[A-Za-z][A-Za-z0-9-]{0,8}", fullmatch=True)


@given(
    st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    st.dictionaries(NAMES, st.from_regex("[!-~]{0,9}", fullmatch=True), max_size=5),
    st.binary(max_size=50),
)
def test_answers_are_read_as_the_standard_library_reads_them(status: int, headers: dict[str, str], body: bytes) -> None:
    """It is the slower reader of the two."""
    headers = {name: value for name, value in headers.items() if name.lower() not in RESERVED}
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": str(len(body))}.items())
    raw = f"HTTP/1.1 {status} text\r\n{lines}\r\n".encode() + body
    source: Any = SimpleNamespace(makefile=lambda _mode: io.BytesIO(raw))
    other = http.client.HTTPResponse(source, method="POST")
    other.begin()
    answered, ours, content, stays = read(raw)
    assert (answered, content, stays) == (other.status, other.read(), not other.will_close)
    assert ours == {name.lower(): ", ".join(other.headers.get_all(name, [])) for name in other.headers}


@given(st.binary(max_size=200))
def test_whatever_comes_is_an_answer_or_a_fault(raw: bytes) -> None:
    with contextlib.suppress(ValueError):
        read(b"HTTP/1.1 " + raw)
