"""An HTTP client on the event loop, for calls from one part of the local cloud to another and to its subscribers."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httptools
from anyio import move_on_after

_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Response:
    """An answer; the names of its headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Incoming:
    """Collects the parts of an answer from the parser."""

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.body = bytearray()
        self.begun = False
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self.begun = True

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True

    @property
    def ends_with_connection(self) -> bool:
        return self.begun and not self.headers.keys() & {"content-length", "transfer-encoding"}


async def post(url: str, headers: Mapping[str, str], body: bytes, seconds: float | None = None) -> Response:
    """Send a POST over a new connection, which is closed if the caller stops waiting.

    Raises: OSError: no complete answer came, within `seconds`.
    """
    # Not wait_for(): before Python 3.12 it can swallow a cancellation that comes together with the answer.
    with move_on_after(seconds):
        return await _exchange(url, headers, body)
    raise TimeoutError(f"{url} did not answer within {seconds} s")


async def _exchange(url: str, headers: Mapping[str, str], body: bytes) -> Response:
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        fields = {**headers, "Host": parts.netloc, "Content-Length": str(len(body)), "Connection": "close"}
        head = [f"POST {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items()), "", ""]
        writer.write("\r\n".join(head).encode() + body)
        await writer.drain()
        return await _read(reader)
    finally:
        writer.close()


async def _read(reader: asyncio.StreamReader) -> Response:
    incoming = _Incoming()
    parser = httptools.HttpResponseParser(incoming)
    while not incoming.complete:
        data = await reader.read(_CHUNK)
        if not data:
            if incoming.ends_with_connection:
                break
            raise ConnectionResetError("the connection ended before the answer did")
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise ConnectionError(f"the answer is no HTTP: {error}") from error
    return Response(parser.get_status_code(), incoming.headers, bytes(incoming.body))
