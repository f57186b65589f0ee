"""Connections: keep-alive, and answers that are complete in time or not at all."""

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import trustme

from handler.connections import Connection, Transport
from handler.errors import CallError, Misconfigured, NotSent, Unanswered
from handler.http1 import LARGEST_BODY

HEAD = b"HTTP/1.1 200 OK\r\n"
OK = HEAD + b"Content-Length: 2\r\n\r\nok"
Script = Callable[[socket.socket, int], object]


def read_request(sock: socket.socket) -> bytes:
    """Read one request without a body."""
    request = b""
    while b"\r\n\r\n" not in request:
        request += (part := sock.recv(65536))
        if not part:
            raise ConnectionError("closed by the client")
    return request


def answer_with(answer: bytes, *more: bytes) -> Script:
    """Answer one request; `more` is sent on and on."""

    def script(sock: socket.socket, _number: int) -> None:
        read_request(sock)
        sock.sendall(answer)
        while more:
            sock.sendall(more[0])
            time.sleep(0.02 if len(more[0]) == 1 else 0)

    return script


@contextmanager
def peer(script: Script, certificate: Path | None = None) -> Iterator[str]:
    """Treat the n-th connection as `script(socket, n)` says, until the test ends; over TLS with a certificate."""
    listener = socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate is not None:
        context.load_cert_chain(certificate)

    def accept() -> None:
        with suppress(OSError):
            for number in range(100):
                accepted, _ = listener.accept()
                threading.Thread(target=serve, args=(accepted, number), daemon=True).start()

    def serve(accepted: socket.socket, number: int) -> None:
        with suppress(OSError), context.wrap_socket(accepted, server_side=True) if certificate else accepted as sock:
            script(sock, number)

    threading.Thread(target=accept, daemon=True).start()
    with closing(listener):
        yield f"http{'s' if certificate else ''}://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def trusting(certificate: Path | None = None) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=None if certificate is None else str(certificate))


def connection(url: str, tls: ssl.SSLContext | None = None, **options: Any) -> Connection:
    return Connection(url, "OTA_MNS_ENDPOINT", **{"connect_timeout": 2, "read_timeout": 5, "tls": tls, **options})


def transport(url: str, tls: ssl.SSLContext | None = None, **options: Any) -> Transport:
    return Transport(lambda: connection(url, tls, **options))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key and certificate of 127.0.0.1, and its authority's certificate, in one file."""
    authority, path = trustme.CA(), tmp_path_factory.mktemp("tls") / "local.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    authority.cert_pem.write_to_path(path, append=True)
    return path


@pytest.fixture
def closed() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def test_many_calls_share_one_connection_and_what_opened_it_ahead_is_used(certificate: Path) -> None:
    """A handshake costs more than a call. What TLS 1.3 sends behind it, tickets, does not make the connection look closed."""
    for secure in (None, certificate):
        connections: list[int] = []

        def script(sock: socket.socket, number: int, numbers: list[int] = connections) -> None:
            numbers.append(number)
            while read_request(sock):
                sock.sendall(OK)

        with peer(script, secure) as url:
            send = transport(url, trusting(certificate))
            opened = send.connection
            opened.open(5)
            assert opened.sock is not None
            assert not secure or select.select([opened.sock], [], [], 5)[0]
            for _ in range(20):
                assert send.post("/", 2).body == b"ok"
            opened.close()
        assert connections == [0]


@pytest.mark.parametrize("secure", [False, True])
def test_a_connection_that_the_server_closed_while_idle_is_replaced(certificate: Path, *, secure: bool) -> None:
    """The idle drop costs no answer: it is seen before the call is sent. Over TLS reading tells it from tickets."""
    closed = threading.Event()

    def script(sock: socket.socket, _number: int) -> None:
        read_request(sock)
        sock.sendall(OK)
        sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    with peer(script, certificate if secure else None) as url:
        send = transport(url, trusting(certificate))
        for _ in range(5):
            closed.clear()
            assert send.post("/", 2).body == b"ok"
            assert closed.wait(5)
        send.connection.close()


NO_HOST = r"iot\.cn-nowhere\.aliyuncs\.com does not exist .*OTA_MNS_ENDPOINT"


@pytest.mark.parametrize(
    ("error", "kind", "text"),
    [
        *((error, Misconfigured, NO_HOST) for error in (socket.EAI_NONAME, socket.EAI_NODATA)),
        *((error, NotSent, "name server") for error in (socket.EAI_AGAIN, socket.EAI_FAIL)),
    ],
)
def test_a_host_that_does_not_exist_is_the_deployments_fault(error: int, kind: type[CallError], text: str) -> None:
    """No request can succeed, and the text names host and setting. A name server that does not answer may do so the next time."""

    def fail(*_where: object) -> list[tuple[object, ...]]:
        raise socket.gaierror(error, "as the name server says")

    with pytest.raises(kind, match=text) as caught:
        transport("https://iot.cn-nowhere.aliyuncs.com", trusting(), lookup=fail).open(2)
    assert caught.value.setting == ("OTA_MNS_ENDPOINT" if kind is Misconfigured else None)


def test_a_certificate_that_nobody_trusts_is_the_deployments_fault(certificate: Path) -> None:
    requests: list[bytes] = []
    text = r"127\.0\.0\.1: self-signed certificate .*OTA_MNS_ENDPOINT"
    with (
        peer(lambda sock, _number: requests.append(read_request(sock)), certificate) as url,
        pytest.raises(Misconfigured, match=text) as caught,
    ):
        transport(url, trusting()).post("/?Signature=HIDE", 2)
    assert caught.value.code == "CertificateNotTrusted"
    assert requests == []


def test_a_call_whose_connection_was_not_made_was_not_sent(closed: int) -> None:
    def speak_no_tls(sock: socket.socket, _number: int) -> None:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with pytest.raises(NotSent, match=r"127\.0\.0\.1: connection refused"):
        transport(f"http://127.0.0.1:{closed}").post("/", 2)
    with peer(speak_no_tls) as url, pytest.raises(NotSent, match="TLS failed"):
        transport(url.replace("http:", "https:"), trusting()).post("/", 2)


def test_https_is_never_spoken_in_plain_text() -> None:
    with pytest.raises(ValueError, match="TLS"):
        connection("https://127.0.0.1")


@pytest.mark.parametrize("seconds", [0.2, 9.0])
def test_looking_up_a_name_counts_as_connecting(seconds: float) -> None:
    """A dead name server would hold a call for half a minute; what is left until the deadline bounds connecting, too."""
    began, over = time.monotonic(), threading.Event()
    dead = connection("http://iot.example.com", connect_timeout=0.3, lookup=lambda *_where: [()] * over.wait(60))
    with pytest.raises(NotSent, match="timed out"):
        dead.open(seconds)
    over.set()
    assert time.monotonic() - began < 0.3 + 2


def test_all_addresses_of_a_name_share_the_time_to_connect(closed: int) -> None:
    """Else ten that do not answer take ten times as long."""
    moments = [0.0]

    def ten(*_where: object) -> Iterator[tuple[object, ...]]:
        for _ in range(10):
            moments.append(moments[-1] + 0.2)
            yield ("127.0.0.1", closed), ("127.0.0.1", closed)

    slow = connection("http://iot.example.com", connect_timeout=0.3, now=lambda: moments[-1], lookup=ten)
    with pytest.raises(NotSent, match="timed out"):
        slow.open(9)
    assert len(moments) == 3


def silence(sock: socket.socket, _number: int) -> None:
    read_request(sock)
    sock.recv(1)


def reset(sock: socket.socket, _number: int) -> None:
    read_request(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_connecting_and_the_answer_share_the_time() -> None:
    moments = [0.0]

    def slow(*where: Any) -> Any:
        moments.append(moments[-1] + 0.4)
        return socket.getaddrinfo(*where)

    with peer(silence) as url:
        send = connection(url, now=lambda: moments[-1], lookup=slow, sent=lambda: moments.append(moments[-1] + 0.2))
        with pytest.raises(Unanswered, match="timed out"):
            send.post("/", 0.5)


NOT_WHOLE: dict[str, Script] = {
    "silence": silence,
    "reset": reset,
    "trickle": answer_with(HEAD + b"Content-Length: 1000\r\n\r\n", b"x"),
    "trickle in a header": answer_with(HEAD + b"X: ", b"x"),
    "long header": answer_with(HEAD + b"X: " + b"x" * 65_536 + b"\r\n\r\n"),
    "many headers": answer_with(HEAD + b"X: 1\r\n" * 12_000 + b"\r\n"),
    "cut short": answer_with(HEAD + b"Content-Length: 1000\r\n\r\nhalf"),
    "no HTTP": answer_with(b"SSH-2.0-OpenSSH\r\n"),
    "endless": answer_with(HEAD + b"Content-Length: %d\r\n\r\n" % (LARGEST_BODY * 2), b"x" * 65536),
}


@pytest.mark.parametrize("case", NOT_WHOLE)
def test_an_answer_that_is_not_whole_in_time_is_no_answer(case: str) -> None:
    """Its effect is unknown, and the next call has a connection of its own. A target holds a signature, which no fault names."""
    with peer(lambda sock, number: (answer_with(OK) if number else NOT_WHOLE[case])(sock, number)) as url:
        send = transport(url)
        with pytest.raises(Unanswered) as caught:
            send.post("/?Signature=HIDE&SecurityToken=HIDE", 0.4)
        assert "HIDE" not in f"{caught.value!r}{caught.value}{caught.value.__cause__}"
        assert send.post("/", 5).body == b"ok"


def test_a_call_that_is_interrupted_leaves_no_answer_for_the_next() -> None:
    def interrupt() -> None:
        for error in interrupts:
            raise error

    interrupts = iter([KeyboardInterrupt])
    with peer(lambda sock, number: answer_with(HEAD + b"Content-Length: 1\r\n\r\n%d" % number)(sock, number)) as url:
        interrupted = connection(url, sent=interrupt)
        with pytest.raises(KeyboardInterrupt):
            interrupted.post("/", 5)
        assert interrupted.post("/", 5).body == b"1"


def test_a_connection_that_an_answer_ends_is_not_used_again() -> None:
    with peer(answer_with(HEAD + b"Connection: close\r\nContent-Length: 2\r\n\r\nok")) as url:
        ended = connection(url)
        assert ended.post("/", 5).body == b"ok"
        assert ended.sock is None


def test_each_thread_has_a_connection_of_its_own() -> None:
    def script(sock: socket.socket, _number: int) -> None:
        while True:
            target = read_request(sock).split(b" ")[1]
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(target), target))

    with peer(script) as url, ThreadPoolExecutor(4) as pool:
        send = transport(url)
        targets = [f"/{number}" for number in range(200)]
        assert [answer.body.decode() for answer in pool.map(lambda target: send.post(target, 5), targets)] == targets
