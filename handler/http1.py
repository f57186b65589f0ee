"""Writes requests of HTTP/1.1 and reads their answers. `http.client` does it too, for half a request's processor time."""

import io
import re
from collections.abc import Mapping
from typing import NamedTuple

LARGEST_BODY = 4 * 1024 * 1024
LARGEST_HEAD = 65_536

_HEADER = r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)\r?\n"
_HEADERS = re.compile(_HEADER)
_HEAD = re.compile(rf"HTTP/1\.([01]) ([1-5][0-9]{{2}})(?: [^\r\n]*)?\r?\n((?:{_HEADER})*)\r?\n")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_BLANK = (b"\r\n", b"\n")


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
    head = _read_head(stream)
    while head[2].startswith("1"):  # the answer is yet to come
        head = _read_head(stream)
    status = int(head[2])
    headers: dict[str, str] = {}
    for name, value in _HEADERS.findall(head[3]):
        key, text = name.lower(), value.rstrip(" \t")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
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
    stays = head[1] == "1" and "close" not in headers.get("connection", "").lower()
    return Answer(status, headers, body), stays


def _read_head(stream: io.BufferedReader) -> re.Match[str]:
    lines = [_read_line(stream)]
    left = LARGEST_HEAD - len(lines[0])
    while lines[-1] not in _BLANK:
        lines.append(_read_line(stream, left))
        left -= len(lines[-1])
    if (head := _HEAD.fullmatch(b"".join(lines).decode("latin-1"))) is None:
        raise ValueError("no HTTP/1")
    return head


def _read_line(stream: io.BufferedReader, longest: int = LARGEST_HEAD) -> bytes:
    line = stream.readline(max(longest, 1))
    if not line.endswith(b"\n"):
        raise ValueError("a line is cut short or too long")
    return line


def _read_chunks(stream: io.BufferedReader, coding: str) -> bytes:
    if coding.lower() != "chunked":
        raise ValueError("a transfer coding that nobody asked for")
    body = b""
    while size := _number(_read_line(stream).decode("latin-1").partition(";")[0].strip(), 16):
        body += _read_exactly(stream, size, LARGEST_BODY - len(body))
        if _read_line(stream) not in _BLANK:
            raise ValueError("a chunk is longer than it says")
    while _read_line(stream) not in _BLANK:
        pass  # nothing in a trailer is of use
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
