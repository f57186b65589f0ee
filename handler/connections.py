"""Keeps HTTP connections alive, one per thread; each answer is complete by a given time, or fails.

A limit per read is not enough: a peer that sends a byte a second would hold a call for hours.
"""

import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent import futures
from typing import Any
from urllib.parse import urlsplit

from handler.errors import Misconfigured, NotSent, Unanswered
from handler.http1 import Answer, Source, read_answer, write_post

FRESH = 0.05
"""Seconds for which a connection counts as open after a check."""
IDLE = 45.0
"""Seconds after which an idle connection is not reused: load balancers drop such, often silently."""
AT_ONCE = 65_536
"""Bytes per read."""
ACCEPT_JSON = {"Accept": "application/json"}
_NO_SUCH_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))

Lookup = Callable[..., Iterable[tuple[Any, ...]]]
"""`socket.getaddrinfo`, which has no timeout: a dead name server blocks it for half a minute."""
_lookups = futures.ThreadPoolExecutor(4, thread_name_prefix="lookup")


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise TimeoutError("no time is left")
    return seconds


class Connection:
    """One connection to one endpoint. Timeouts are in seconds; `read_timeout` is for a whole answer.

    `setting` is the host's setting, as errors name it; `sent` is called after a request was sent.
    """

    sock: socket.socket | None = None

    def __init__(
        self,
        url: str,
        setting: str = "the endpoint",
        sent: Callable[[], object] = lambda: None,
        *,
        connect_timeout: float,
        read_timeout: float,
        tls: ssl.SSLContext | None,
        now: Callable[[], float] = time.monotonic,
        lookup: Lookup = socket.getaddrinfo,
    ) -> None:
        parts = urlsplit(url)
        secure = parts.scheme == "https"
        if secure and tls is None:
            raise ValueError("https needs a TLS context")
        self._host = parts.hostname or ""
        self._netloc = parts.netloc
        self._port = parts.port or (443 if secure else 80)
        self._connect_timeout = connect_timeout
        self._read_timeout = read_timeout
        self._tls = tls if secure else None
        self._setting = setting
        self._sent = sent
        self._now = now
        self._lookup = lookup
        self._used = self._seen = 0.0

    def __del__(self) -> None:
        self.close()  # a thread that ends takes its connection with it

    def close(self) -> None:
        if self.sock is not None:
            self.sock.close()
            self.sock = None

    def open(self, seconds: float) -> None:
        """Connect within `seconds` unless already connected, so that the next request leaves at once.

        Raises: NotSent. Misconfigured: the host does not exist, or its certificate is not trusted.
        """
        self._ensure_open(seconds)

    def post(self, target: str, seconds: float, body: bytes = b"", headers: Mapping[str, str] = ACCEPT_JSON) -> Answer:
        """Send a POST and return the whole answer within `seconds`, connecting included.

        Raises: NotSent, Misconfigured, Unanswered. Their texts name only the kind of fault: a target holds a signature.
        """
        end = self._now() + seconds
        sock = self._ensure_open(seconds)
        try:
            answer, stays = self._ask(sock, write_post(self._netloc, target, headers, body), end)
        except (OSError, ValueError) as error:
            self.close()
            raise Unanswered("NoAnswer", _cause(error)) from None
        except BaseException:
            self.close()  # half an answer must not meet the next request
            raise
        self._used, self._seen = self._now(), -math.inf
        if not stays:
            self.close()
        return answer

    def _ask(self, sock: socket.socket, request: bytes, end: float) -> tuple[Answer, bool]:
        end = min(end, self._now() + self._read_timeout)

        def receive() -> bytes:
            sock.settimeout(_positive(end - self._now()))
            return sock.recv(AT_ONCE)

        sock.settimeout(_positive(end - self._now()))
        sock.sendall(request)
        self._sent()
        return read_answer(Source(receive))

    def _ensure_open(self, seconds: float) -> socket.socket:
        if self.sock is not None:
            if self._now() - self._seen < FRESH or not self._is_stale(self.sock):
                return self.sock
            self.close()
        end = self._now() + min(self._connect_timeout, seconds)
        try:
            self.sock = self._connect(lambda: _positive(end - self._now()))
        except ssl.SSLCertVerificationError as error:
            raise self._misconfigured("CertificateNotTrusted", f": {error.verify_message}") from None
        except socket.gaierror as error:
            if error.errno in _NO_SUCH_HOST:
                raise self._misconfigured("HostNotFound", " does not exist") from None
            raise NotSent("NotConnected", f"{self._host}: the name server does not answer") from None
        except OSError as error:
            raise NotSent("NotConnected", f"{self._host}: {_cause(error)}") from None
        self._used = self._seen = self._now()
        return self.sock

    def _misconfigured(self, code: str, problem: str) -> Misconfigured:
        return Misconfigured(code, f"{self._host}{problem} (is {self._setting} right?)", setting=self._setting)

    def _connect(self, remaining: Callable[[], float]) -> socket.socket:
        """Look up the name, try its addresses and shake hands, all within one time limit."""
        sock = self._dial(remaining)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._tls is not None:
                sock.settimeout(remaining())
                return self._tls.wrap_socket(sock, server_hostname=self._host)
        except BaseException:
            sock.close()
            raise
        return sock

    def _dial(self, remaining: Callable[[], float]) -> socket.socket:
        error: OSError = OSError("the name has no address")
        for *_, address in self._look_up(remaining()):
            seconds = remaining()
            try:
                return socket.create_connection(address[:2], seconds)
            except OSError as failed:
                error = failed
        raise error

    def _look_up(self, seconds: float) -> Iterable[tuple[Any, ...]]:
        lookup = _lookups.submit(self._lookup, self._host, self._port, 0, socket.SOCK_STREAM)
        try:
            return lookup.result(seconds)
        except futures.TimeoutError:
            lookup.cancel()
            raise TimeoutError("the name is not looked up in time") from None

    def _is_stale(self, sock: socket.socket) -> bool:
        """Tell whether it was idle too long, or has data without a request: then the peer has closed it.

        TLS consumes its own messages, such as the session tickets that servers of TLS 1.3 send after a handshake.
        """
        if self._now() - self._used > IDLE:
            return True
        try:
            sock.settimeout(0)
            sock.recv(1)
        except (BlockingIOError, ssl.SSLWantReadError):
            self._seen = self._now()
            return False
        except (OSError, ValueError):
            pass
        return True


class Transport(threading.local):
    """A connection for each thread that sends."""

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self.connection = connect()
        self.open, self.post = self.connection.open, self.connection.post


def _cause(error: Exception) -> str:
    """Name the kind of a fault; the error's text may hold the request."""
    if isinstance(error, TimeoutError):
        return "timed out"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason or type(error).__name__})"
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno).lower()
    return str(error) or type(error).__name__
