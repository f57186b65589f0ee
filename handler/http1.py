"""Writes requests of HTTP/1.1 and reads their answers. `http.client` does it too, for half a request's processor time."""

import io
import re
from collections.abc import Mapping
from typing import NamedTuple

LARGEST_BODY = 4 * 1024 * 1024
LONGEST_LINE = 65_536
MOST_HEADERS = 100

_STATUS = re.compile(rb"HTTP/1\.([01]) ([1-5]\d\d)(?: [^\r\n]*)?\r?\n")
_HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*?)[ \t]*\r?\n")
_CONTROL = re.compile("[\x00-\x1f\x7f]")


class Answer(NamedTuple):
    """An answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def write_post(host: str, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    """Return a POST request. Raises: ValueError: a line of its head cannot be sent."""
    own = {"Host": host, "Accept-Encoding": "identity", "Content-Length": str(len(body))}
    lines = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in {**own, **headers}.items())]
    if _CONTROL.search("".join(lines)):
        raise ValueError("a control character in the head of a request")
    return "\r\n".join([*lines, "\r\n"]).encode("ascii") + body


def read_answer(stream: io.BufferedReader) -> tuple[Answer, bool]:
    """Read one answer, and whether another may follow it on the connection.

    Raises: OSError. ValueError: it is cut short, too large, or no HTTP/1.
    """
    while True:
        if (first := _STATUS.fullmatch(_read_line(stream))) is None:
            raise ValueError("no HTTP/1")
        status, headers = int(first[2]), _read_headers(stream)
        if status >= 200:  # any other says that the answer is yet to come
            break
    if status in (204, 304):
        body = b""
    elif "transfer-encoding" in headers:
        body = _read_chunks(stream, headers["transfer-encoding"])
    elif "content-length" in headers:
        body = _read_exactly(stream, _number(headers["content-length"], 10))
    else:
        body = stream.read(LARGEST_BODY + 1)
        if len(body) > LARGEST_BODY:
            raise ValueError("the answer is too large")
        return Answer(status, headers, body), False
    stays = first[1] == b"1" and "close" not in headers.get("connection", "").lower()
    return Answer(status, headers, body), stays


def _read_line(stream: io.BufferedReader) -> bytes:
    line = stream.readline(LONGEST_LINE + 1)
    if not line.endswith(b"\n"):
        raise ValueError("a line is cut short or too long")
    return line


def _read_headers(stream: io.BufferedReader) -> dict[str, str]:
    headers: dict[str, str] = {}
    for _ in range(MOST_HEADERS + 1):
        line = _read_line(stream)
        if line in (b"\r\n", b"\n"):
            return headers
        if (found := _HEADER.fullmatch(line)) is None:
            raise ValueError("a line is no header")
        name, value = found[1].decode("ascii").lower(), found[2].decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    raise ValueError("too many headers")


def _read_chunks(stream: io.BufferedReader, coding: str) -> bytes:
    if coding.lower() != "chunked":
        raise ValueError("a transfer coding that nobody asked for")
    body = b""
    while size := _number(_read_line(stream).decode("latin-1").partition(";")[0].strip(), 16):
        body += _read_exactly(stream, size, LARGEST_BODY - len(body))
        if _read_line(stream) not in (b"\r\n", b"\n"):
            raise ValueError("a chunk is longer than it says")
    _read_headers(stream)
    return body


def _read_exactly(stream: io.BufferedReader, size: int, most: int = LARGEST_BODY) -> bytes:
    if size > most:
        raise ValueError("the answer is too large")
    body = stream.read(size)
    if len(body) < size:
        raise ValueError("the answer is cut short")
    return body


def _number(text: str, base: int) -> int:
    """Read a length. `int` alone takes signs, blanks and underscores too, of which each server would make its own."""
    if not re.fullmatch("[0-9A-Fa-f]{1,16}", text):
        raise ValueError("a length is no number")
    return int(text, base)
