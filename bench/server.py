"""A strict API and a topic, in a process of their own: `python -m bench.server LATENCY JITTER LIMIT TENANT`.

Counts the calls of each operation in any sliding second, as they arrive after a delay of their own (half of LATENCY and at most
JITTER seconds); what is over the limit is throttled, and does not count
against it (the kinder reading of "10 a second" for those who run into it).
TENANT other calls a second use the quota as well, evenly spaced. Prints its port; `GET /stats` says what it saw. Answers are
written by hand, so that little of what is measured is the server's own.
"""

import asyncio
import json
import random
import sys
import time
from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

WINDOW = 1.0
NAMESPACE = b' xmlns="http://mns.aliyuncs.com/doc/v1/"'
IDS = b"<MessageId>1</MessageId><MessageBodyMD5>0</MessageBodyMD5>"
ONE = b'<?xml version="1.0"?><Message' + NAMESPACE + b">" + IDS + b"</Message>"


def accepted(sent: bytes) -> bytes:
    """Accept the message that was sent, or all of them."""
    if b"<Messages" not in sent:
        return ONE
    every = (b"<Message>" + IDS + b"</Message>") * sent.count(b"<MessageBody>")
    return b'<?xml version="1.0"?><Messages' + NAMESPACE + b">" + every + b"</Messages>"


@dataclass
class Api:
    """Modules, and the moments of the calls by operation."""

    latency: float
    jitter: float
    limit: float
    tenant: float
    modules: set[str] = field(default_factory=set)
    moments: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    admitted: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    throttled: int = 0
    published: int = 0
    began: float = 0.0

    def admit(self, operation: str, now: float) -> bool:
        """Decide whether a call is within the limit, and count it."""
        taken = self.admitted[operation]
        self.began = self.began or now
        insort(self.moments[operation], now)
        if len(taken) - bisect_left(taken, now - WINDOW) + self._others(now) >= self.limit:
            return False
        insort(taken, now)
        return True

    def _others(self, now: float) -> int:
        """Count the calls of the other tenant within the last second."""
        return int(now * self.tenant) - int((now - WINDOW) * self.tenant)

    async def answer(self, target: str, action: str) -> tuple[int, dict[str, object]]:
        call = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        if self.latency or self.jitter:
            await asyncio.sleep(self.latency / 2 + random.random() * self.jitter)
        admitted = self.admit(call.get("Action", action), time.monotonic())
        if not admitted:
            self.throttled += 1
            return 400, {
                "RequestId": "R",
                "Code": "Throttling.User",
                "Message": "Request was denied due to user flow control.",
            }
        self.modules.add(f"{call.get('ProductKey')}/{call.get('ModuleName', '').lower()}")
        if self.latency:
            await asyncio.sleep(self.latency / 2)
        return 200, {"RequestId": "R", "Success": True}

    def stats(self) -> dict[str, object]:
        calls = self.moments["CreateOTAModule"]
        most = max((bisect_left(calls, moment + WINDOW) - number for number, moment in enumerate(calls)), default=0)
        return {
            "calls": len(calls), "throttled": self.throttled, "most": most, "modules": len(self.modules),
            "published": self.published, "moments": [round(moment - self.began, 4) for moment in calls],
        }  # fmt: skip


async def serve(api: Api, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer the requests of one connection, one after another."""
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            line, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, _, value in (text.partition(": ") for text in lines)}
            sent = await reader.readexactly(int(headers.get("content-length", 0)))
            _, target, _ = line.split(" ", 2)
            kind = "application/json"
            if target.startswith(("/topics/", "/queues/")):
                api.published += 1
                status, content, kind = 201, accepted(sent), "text/xml"
            elif target == "/stats":
                status, content = 200, json.dumps(api.stats()).encode()
            else:
                status, body = await api.answer(target, headers.get("x-acs-action", ""))
                content = json.dumps(body).encode()
            writer.write(
                f"HTTP/1.1 {status} OK\r\nContent-Type: {kind}\r\nContent-Length: {len(content)}\r\n"
                f"x-mns-request-id: 1\r\n\r\n".encode()
                + content
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main() -> None:
    latency, jitter, limit, tenant = (float(value) for value in sys.argv[1:])
    api = Api(latency, jitter, limit, tenant)
    server = await asyncio.start_server(lambda reader, writer: serve(api, reader, writer), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
