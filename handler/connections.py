"""Keep-alive HTTP connections, each for one thread, whose answers are complete by a given time or not at all.

`http.client` bounds each read, not the whole answer: a peer that trickles a byte a second would hold a call for hours.
"""

import http.client
import io
import math
import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent import futures
from types import FunctionType
from typing import Any, BinaryIO, NamedTuple
from urllib.parse import urlsplit

from handler.errors import NotSent, Unanswered

LARGEST_ANSWER = 4 * 1024 * 1024
LONGEST_HEADER = 64 * 1024
MOST_HEADERS = 100
IDLE = 45.0
"""Seconds after which a connection is not used again: load balancers drop idle ones, often without a word."""


Lookup = Callable[..., Iterable[tuple[Any, ...]]]
"""`socket.getaddrinfo`, which knows no timeout: a dead name server holds it for half a minute."""
_lookups = futures.ThreadPoolExecutor(4, thread_name_prefix="lookup")


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise TimeoutError("no time is left")
    return seconds


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str] | http.client.HTTPMessage
    body: bytes


class _UntilThen(io.RawIOBase):
    """A socket's bytes, for as long as time is left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, left: Callable[[], float]) -> None:
        self._raw = raw
        self._sock = sock
        self._left = left

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - io's own signature
        left = self._left()
        if left <= 0:
            raise TimeoutError("the answer is not complete in time")
        if self._sock.fileno() >= 0:
            self._sock.settimeout(left)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def read_headers(source: BinaryIO) -> http.client.HTTPMessage:
    """`http.client.parse_headers` without the e-mail parser, which took a tenth of a request's processor time.

    Raises: http.client.HTTPException: a line is too long, or there are too many.
    """
    lines: list[str] = []
    while (line := source.readline(LONGEST_HEADER + 1)) not in (b"\r\n", b"\n", b""):
        if len(line) > LONGEST_HEADER:
            raise http.client.LineTooLong("a header")
        if len(lines) == MOST_HEADERS:
            raise http.client.HTTPException("too many headers")
        text = line.decode("latin-1").rstrip(" \t\r\n")
        if lines and line[0] in b" \t":  # the line before goes on
            lines[-1] += f" {text.lstrip()}"
        else:
            lines.append(text)
    message = http.client.HTTPMessage()
    for text in lines:
        name, _, value = text.partition(":")
        message.set_raw(name, value.lstrip(" \t"))
    return message


class _Response(http.client.HTTPResponse):
    """An answer whose headers are read by `read_headers`; all else is this Python's own."""

    begin = FunctionType(http.client.HTTPResponse.begin.__code__, {**vars(http.client), "parse_headers": read_headers})


class _Source:
    """What `HTTPResponse` takes for a socket: it only ever asks for a file."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock = sock
        self._left = left

    def makefile(self, _mode: str) -> io.BufferedReader:
        raw: Any = self._sock.makefile("rb", buffering=0)
        return io.BufferedReader(_UntilThen(raw, self._sock, self._left))


class Connection(http.client.HTTPConnection):
    """One connection to one host. `connect_timeout` and `read_timeout` are seconds; the second is for a whole answer."""

    def __init__(
        self,
        url: str,
        *,
        connect_timeout: float,
        read_timeout: float,
        tls: ssl.SSLContext | None,
        now: Callable[[], float] = time.monotonic,
        lookup: Lookup = socket.getaddrinfo,
    ) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        super().__init__(parts.hostname or "", parts.port or (443 if secure else 80), timeout=connect_timeout)
        self.read_timeout = read_timeout
        self._longest = (connect_timeout, read_timeout)
        self.request_length = 0  # read by the SMQ SDK
        self._tls = tls if secure else None
        self._now = now
        self._lookup = lookup
        self._used = now()
        self._answer_by = 0.0
        self._until = math.inf
        self._unsent: bytearray | None = None
        self.response_class: Any = self._response

    def __del__(self) -> None:
        self.close()  # a thread that ends takes its connection with it

    def limit(self, seconds: float) -> None:
        """From now on connecting and a whole answer take so long together at most, a second try by the SMQ SDK included; and
        neither longer than it was set."""
        connect, read = self._longest
        self.timeout, self.read_timeout = min(connect, seconds), min(read, seconds)
        self._until = self._now() + seconds

    def open(self) -> None:
        """Connect now, unless there is a connection that still lives.

        Raises: OSError: within the connect timeout.
        """
        if self.sock is not None and self._stale():
            self.close()
        if self.sock is None:
            self.connect()

    def connect(self) -> None:
        """Looking up the name, trying its addresses and the handshake all count: alone, each may take the whole time."""
        end = min(self._now() + (self.timeout or 0.0), self._until)
        self.sock = self._dial(lambda: end - self._now())
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is not None:
            try:
                self.sock.settimeout(_positive(end - self._now()))
                self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
            except BaseException:
                self.close()
                raise
        self._used = self._now()

    def _dial(self, left: Callable[[], float]) -> socket.socket:
        error: OSError = OSError("the name has no address")
        for *_, address in self._addresses(left()):
            seconds = _positive(left())
            try:
                return socket.create_connection(address[:2], seconds)
            except OSError as failed:
                error = failed
        raise error

    def _addresses(self, seconds: float) -> Iterable[tuple[Any, ...]]:
        lookup = _lookups.submit(self._lookup, self.host, self.port, 0, socket.SOCK_STREAM)
        try:
            return lookup.result(_positive(seconds))
        except futures.TimeoutError:
            lookup.cancel()
            raise TimeoutError("the name is not looked up in time") from None

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **more: Any) -> None:  # noqa: ANN401
        """Send a request; its answer is due `read_timeout` seconds from the moment the connection is up, or at the limit."""
        self.open()
        self.ask(method, url, body, headers or {}, **more)

    def ask(self, method: str, url: str, body: Any, headers: Mapping[str, str], **more: Any) -> None:  # noqa: ANN401
        """`request` on a connection that is open."""
        self._answer_by = min(self._now() + self.read_timeout, self._until)
        self.sock.settimeout(_positive(self._answer_by - self._now()))
        # Head and body in one write: in two, the second waits for the first to be acknowledged where Nagle is on.
        self._unsent = bytearray()
        super().request(method, url, body, headers, **more)
        whole, self._unsent = self._unsent, None
        super().send(bytes(whole))

    def send(self, data: Any) -> None:  # noqa: ANN401
        if self._unsent is None:
            super().send(data)
        else:
            self._unsent += data

    def getresponse(self) -> http.client.HTTPResponse:
        answer = super().getresponse()
        self._used = self._now()
        return answer

    def _response(self, sock: Any, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:  # noqa: ANN401
        source: Any = _Source(sock, lambda: self._answer_by - self._now())
        return _Response(source, *args, **kwargs)

    def _stale(self) -> bool:
        """Idle for too long, or the peer has closed it (then it can be read from, though nothing was asked)."""
        if self._now() - self._used > IDLE:
            return True
        try:
            poll = select.poll()
            poll.register(self.sock, select.POLLIN)
            return bool(poll.poll(0)) and not self._only_tickets()
        except (OSError, ValueError):
            return True

    def _only_tickets(self) -> bool:
        """Whether all that came unasked is TLS's own: servers of TLS 1.3 send tickets for later sessions after a handshake."""
        if not isinstance(self.sock, ssl.SSLSocket):
            return False
        self.sock.settimeout(0)
        try:
            self.sock.recv(1)
        except ssl.SSLWantReadError:
            return True
        return False


class Transport:
    """Sends requests to one endpoint, over a connection of the calling thread."""

    def __init__(self, connect: Callable[[], Connection], sent: Callable[[], object] = lambda: None) -> None:
        """`sent` is called when a request has left."""
        self._connect = connect
        self._sent = sent
        self._local = threading.local()

    def open(self, seconds: float) -> None:
        """Have a connection ready within so many seconds, so that the next `post` leaves at once.

        Raises: NotSent.
        """
        try:
            connection = self._connection()
            connection.limit(seconds)
            connection.open()
        except OSError as error:
            raise NotSent("NotConnected", type(error).__name__) from None

    def post(self, target: str, seconds: float) -> Answer:
        """Send an empty POST and wait `seconds` at most for the whole answer.

        Raises: NotSent, Unanswered. Their texts name the kind of fault only: the target holds a signature.
        """
        connection = self._connection()
        self.open(seconds)
        try:
            connection.ask("POST", target, None, {"Content-Length": "0", "Accept": "application/json"})
            self._sent()
            response = connection.getresponse()
            body = response.read(LARGEST_ANSWER)
            more = b"" if response.isclosed() else response.read(1)
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise Unanswered("NoAnswer", type(error).__name__) from None
        except BaseException:
            connection.close()  # half an answer must not meet the next request
            raise
        if more or response.length:
            connection.close()
            raise Unanswered("NoAnswer", "the answer is too large" if more else "the answer was cut short")
        return Answer(response.status, response.headers, body)

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection
