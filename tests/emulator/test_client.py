"""The HTTP client of the local cloud."""

import asyncio

import pytest

from emulator.client import Response, post


def exchange(answer: bytes) -> tuple[Response, str]:
    """Post to a peer that sends this answer; return what the client reads, and what it sent."""
    requests = []

    async def peer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"body"))
        writer.write(answer)
        writer.close()

    async def run() -> Response:
        async with await asyncio.start_server(peer, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            return await post(f"http://127.0.0.1:{port}/a?b=c", {"X-Tag": "条"}, b"body", 10)

    return asyncio.run(run()), requests[0].decode()


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 201 Created\r\nX-A: b\r\nContent-Length: 4\r\n\r\ntext",
        b"HTTP/1.1 201 Created\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nte\r\n2\r\nxt\r\n0\r\n\r\n",
        b"HTTP/1.0 201 Created\r\nX-A: b\r\n\r\ntext",
    ],
    ids=["length", "chunks", "until the connection ends"],
)
def test_a_request_is_sent_as_it_is_given_and_its_answer_read_to_the_end(answer: bytes) -> None:
    response, request = exchange(answer)
    assert (response.status, response.headers["x-a"], response.body) == (201, "b", b"text")
    first, *headers, blank, body = request.split("\r\n")
    assert (first, blank, body) == ("POST /a?b=c HTTP/1.1", "", "body")
    assert {"X-Tag: 条", "Content-Length: 4", "Connection: close"} <= set(headers)


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
def test_an_incomplete_answer_is_an_error(answer: bytes) -> None:
    """The caller cannot know whether its request had an effect."""
    with pytest.raises(OSError):
        exchange(answer)


def test_a_caller_that_stops_waiting_closes_the_connection() -> None:
    async def scenario() -> None:
        hung_up = asyncio.Event()

        async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read()
            hung_up.set()
            writer.close()

        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(TimeoutError, match="did not answer within"):
                await post(f"http://127.0.0.1:{port}", {}, b"", seconds=0.05)
            await asyncio.wait_for(hung_up.wait(), 10)

    asyncio.run(scenario())
