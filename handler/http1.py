"""Writes HTTP/1.1 requests and reads their answers. `http.client` would take half of a request's processor time."""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

LARGEST_BODY = 4 * 1024 * 1024
LARGEST_HEAD = 65_536

_HEADER = r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n]*)\r?\n"
_HEADERS = re.compile(_HEADER)
_HEAD = re.compile(rf"HTTP/1\.([01]) ([1-5][0-9]{{2}})(?: [^\r\n]*)?\r?\n((?:{_HEADER})*)\r?\n")
_CONTROL = re.compile("[\x00-\x1f\x7f]")
_HEAD_END, _LINE_END = re.compile(rb"\n\r?\n"), re.compile(rb"\n")


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


class Source:
    """Hands out received bytes piece by piece; `receive` returns some, and none at the end.

    Every method raises what `receive` raises, and ValueError: the bytes end too early, or the piece is too large.
    """

    def __init__(self, receive: Callable[[], bytes]) -> None:
        self._receive = receive
        self._ahead = bytearray()

    def take_until(self, end: re.Pattern[bytes]) -> str:
        """Take text up to and including `end`."""
        while (found := end.search(self._ahead)) is None:
            self._read_on(LARGEST_HEAD)
        return self.take(found.end(), LARGEST_HEAD).decode("latin-1")

    def take(self, size: int, most: int) -> bytes:
        """Take `size` bytes, at most `most`."""
        if size > most:
            raise ValueError("the answer is too large")
        while len(self._ahead) < size:
            self._read_on(most)
        taken = bytes(self._ahead[:size])
        del self._ahead[:size]
        return taken

    def take_all(self, most: int) -> bytes:
        """Take all until the end."""
        while data := self._receive():
            self._ahead += data
            if len(self._ahead) > most:
                raise ValueError("the answer is too large")
        return bytes(self._ahead)

    def _read_on(self, most: int) -> None:
        if len(self._ahead) > most:
            raise ValueError("the answer is too large")
        if not (data := self._receive()):
            raise ValueError("the answer is cut short")
        self._ahead += data


def read_answer(source: Source) -> tuple[Answer, bool]:
    """Read one answer; return it, and whether the connection can be reused.

    Raises: what the source raises. ValueError: it is cut short, too large, or no HTTP/1.
    """
    head = _read_head(source)
    while head[2].startswith("1"):  # the final answer is yet to come
        head = _read_head(source)
    status = int(head[2])
    headers: dict[str, str] = {}
    for name, value in _HEADERS.findall(head[3]):
        key, text = name.lower(), value.rstrip(" \t")
        headers[key] = f"{headers[key]}, {text}" if key in headers else text
    if status in (204, 304):
        body = b""
    elif "transfer-encoding" in headers:
        body = _read_chunks(source, headers["transfer-encoding"])
    elif "content-length" in headers:
        body = source.take(_number(headers["content-length"], 10), LARGEST_BODY)
    else:
        return Answer(status, headers, source.take_all(LARGEST_BODY)), False
    stays = head[1] == "1" and "close" not in headers.get("connection", "").lower()
    return Answer(status, headers, body), stays


def _read_head(source: Source) -> re.Match[str]:
    if (head := _HEAD.fullmatch(source.take_until(_HEAD_END))) is None:
        raise ValueError("no HTTP/1")
    return head


def _read_chunks(source: Source, coding: str) -> bytes:
    if coding.lower() != "chunked":
        raise ValueError("a transfer coding that nobody asked for")
    body = b""
    while size := _number(source.take_until(_LINE_END).partition(";")[0].strip(), 16):
        body += source.take(size, LARGEST_BODY - len(body))
        if source.take_until(_LINE_END).strip("\r\n"):
            raise ValueError("a chunk is longer than it says")
    while source.take_until(_LINE_END).strip("\r\n"):
        pass  # nothing in a trailer is of use
    return body


def _number(text: str, base: int) -> int:
    """Read a length. `int` alone accepts signs, blanks and underscores too, which servers may read differently."""
    if not re.fullmatch("[0-9A-Fa-f]{1,16}", text):
        raise ValueError("a length is no number")
    return int(text, base)
