"""Keep-alive HTTP connections, each for one thread, whose answers are complete by a given time or not at all.

`http.client` bounds each read, not the whole answer: a peer that trickles a byte a second would hold a call for hours.
"""

import http.client
import io
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent import futures
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from handler.errors import Misconfigured, NotSent, Unanswered

LARGEST_ANSWER = 4 * 1024 * 1024
IDLE = 45.0
"""Seconds after which a connection is not used again: load balancers drop idle ones, often without a word."""
_NO_SUCH_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))

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


class _Bounded(io.RawIOBase):
    """A socket's bytes, for as long as time is left; stands where `HTTPResponse` wants a socket, and asks it for a file."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._raw: Any = sock.makefile("rb", buffering=0)
        self._sock = sock
        self._left = left

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:  # noqa: ANN401 - io's own signature
        left = _positive(self._left())
        if self._sock.fileno() >= 0:
            self._sock.settimeout(left)
        return int(self._raw.readinto(buffer))

    def close(self) -> None:
        self._raw.close()
        super().close()


class Connection(http.client.HTTPConnection):
    """One connection to one host. `connect_timeout` and `read_timeout` are seconds; the second is for a whole answer.

    Only `open` makes the connection, over TLS for https: nothing else can, and nothing is sent on one that is not open.
    """

    auto_open = 0

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
        super().__init__(parts.hostname or "", parts.port or (443 if secure else 80))
        if secure and tls is None:
            raise ValueError("https needs a TLS context")
        self.now = now
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._tls = tls if secure else None
        self._lookup = lookup
        self._used = now()
        self._answer_by = 0.0
        self.response_class: Any = self._response

    def __del__(self) -> None:
        self.close()  # a thread that ends takes its connection with it

    def open(self, seconds: float) -> None:
        """Connect within so many seconds, unless there is a connection that still lives.

        Looking up the name, trying its addresses and the handshake all count: alone, each may take the whole time.
        Raises: OSError.
        """
        if self.sock is not None and self._is_stale():
            self.close()
        if self.sock is not None:
            return
        end = self.now() + min(self._connect_timeout, seconds)
        self.sock = self._dial(lambda: end - self.now())
        try:
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                self.sock.settimeout(_positive(end - self.now()))
                self.sock = self._tls.wrap_socket(self.sock, server_hostname=self.host)
        except BaseException:
            self.close()
            raise
        self._used = self.now()

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

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        seconds: float,
        sent: Callable[[], object] = lambda: None,
    ) -> Answer:
        """Send a request on the open connection, call `sent`, and read the whole answer, in so many seconds.

        Raises: OSError, http.client.HTTPException, ValueError, Unanswered: the connection is of no use any more.
        """
        self._answer_by = self.now() + min(self._read_timeout, seconds)
        if self.sock is not None:
            self.sock.settimeout(_positive(self._answer_by - self.now()))
        self.request(method, target, body, headers)
        sent()
        response = self.getresponse()
        self._used = self.now()
        content = response.read(LARGEST_ANSWER)
        if not response.isclosed() and response.read(1):
            raise Unanswered("NoAnswer", "the answer is too large")
        if response.length:
            raise Unanswered("NoAnswer", "the answer was cut short")
        return Answer(response.status, response.headers, content)

    def _response(self, sock: Any, *args: Any, **kwargs: Any) -> http.client.HTTPResponse:  # noqa: ANN401
        source: Any = _Bounded(sock, lambda: self._answer_by - self.now())
        return http.client.HTTPResponse(source, *args, **kwargs)

    def _is_stale(self) -> bool:
        """Whether it was idle for too long, or there is anything to read though nothing was asked: the peer has closed it.

        TLS reads its own messages by itself: servers of TLS 1.3 send tickets for later sessions after a handshake.
        """
        if self.now() - self._used > IDLE:
            return True
        try:
            self.sock.settimeout(0)
            self.sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        except (OSError, ValueError):
            pass
        return True


class Transport:
    """Sends requests to one endpoint, over a connection of the calling thread.

    `setting` is where the endpoint's host comes from, as an error names it; `sent` is called when a request has left.
    """

    def __init__(
        self,
        connect: Callable[[], Connection],
        setting: str = "the endpoint",
        sent: Callable[[], object] = lambda: None,
    ) -> None:
        self._connect = connect
        self._setting = setting
        self._sent = sent
        self._local = threading.local()

    def open(self, seconds: float) -> None:
        """Have a connection ready within so many seconds, so that the next request leaves at once.

        Raises: NotSent. Misconfigured: the host does not exist, or shows a certificate that nobody trusts.
        """
        connection = self._connection()
        try:
            connection.open(seconds)
        except ssl.SSLCertVerificationError as error:
            raise self._misconfigured("CertificateNotTrusted", f"{connection.host}: {error.verify_message}") from None
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_HOST:
                raise self._misconfigured("HostNotFound", f"{connection.host} does not exist") from None
            raise NotSent("NotConnected", f"{connection.host}: the name server does not answer") from None
        except OSError as error:
            raise NotSent("NotConnected", f"{connection.host}: {_cause(error)}") from None

    def post(self, target: str, seconds: float) -> Answer:
        """Send an empty POST, as `send` does."""
        return self.send("POST", target, None, {"Content-Length": "0", "Accept": "application/json"}, seconds)

    def send(self, method: str, target: str, body: bytes | None, headers: Mapping[str, str], seconds: float) -> Answer:
        """Send a request and wait so many seconds at most, connecting included, for the whole answer.

        Raises: NotSent, Misconfigured, Unanswered. Their texts name the kind of fault only: a target holds a signature.
        """
        connection = self._connection()
        end = connection.now() + seconds
        self.open(seconds)
        try:
            return connection.ask(method, target, body, headers, end - connection.now(), self._sent)
        except (OSError, http.client.HTTPException, ValueError) as error:
            connection.close()
            raise Unanswered("NoAnswer", _cause(error)) from None
        except BaseException:
            connection.close()  # half an answer must not meet the next request
            raise

    def _misconfigured(self, code: str, problem: str) -> Misconfigured:
        return Misconfigured(code, f"{problem} (is {self._setting} right?)", setting=self._setting)

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._connect()
        return connection


def _cause(error: Exception) -> str:
    """The kind of a fault in words; its own text may hold the request."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or type(error).__name__})"
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number).lower() if number else type(error).__name__
