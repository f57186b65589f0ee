"""What callers inside the local cloud get of an answer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from emulator.client import Response, post

Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def posted(peer: Peer) -> Response:
    """Post to a peer that answers by hand."""

    async def scenario() -> Response:
        server = await asyncio.start_server(peer, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            return await post(f"http://127.0.0.1:{port}/a?b=c", {"X-Tag": "条"}, b"body", 10)

    return asyncio.run(scenario())


def answering(answer: bytes, requests: list[bytes] | None = None) -> Peer:
    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"body")
        (requests if requests is not None else []).append(request)
        writer.write(answer)
        writer.close()

    return peer


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 4\r\n\r\ntext",
        b"HTTP/1.1 201 Created\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nte\r\n2\r\nxt\r\n0\r\n\r\n",
        b"HTTP/1.0 201 Created\r\nX-A: b\r\n\r\ntext",
    ],
    ids=["length", "chunks", "until the connection ends"],
)
def test_an_answer_is_read_to_its_end(answer: bytes) -> None:
    response = posted(answering(answer))
    assert (response.status, response.headers["x-a"], response.body) == (201, "b", b"text")


def test_a_request_is_sent_as_it_is_given() -> None:
    requests: list[bytes] = []
    posted(answering(b"HTTP/1.1 204 No Content\r\n\r\n", requests))
    lines = requests[0].decode().split("\r\n")
    assert lines[0] == "POST /a?b=c HTTP/1.1"
    assert {"X-Tag: 条", "Content-Length: 4", "Connection: close"} <= set(lines)
    assert lines[-2:] == ["", "body"]


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\ntext",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nte\r\n",
        b"no HTTP at all\r\n\r\n",
    ],
)
def test_an_answer_that_is_not_whole_is_none(answer: bytes) -> None:
    """The caller cannot know whether its request had an effect."""
    with pytest.raises(OSError):
        posted(answering(answer))


def test_who_stops_waiting_hangs_up() -> None:
    async def scenario() -> None:
        hung_up = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            hung_up.set()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(TimeoutError, match="did not answer within"):
                await post(f"http://127.0.0.1:{port}", {}, b"", timeout=0.05)
            await asyncio.wait_for(hung_up.wait(), 10)

    asyncio.run(scenario())
