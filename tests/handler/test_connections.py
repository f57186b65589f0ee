"""Connections: keep-alive, and answers that are complete in time or not at all."""

import select
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from handler.connections import Connection, Transport
from handler.errors import Misconfigured, NotSent, Unanswered
from handler.http1 import LARGEST_BODY

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Acs-Retry-After: 150\r\n\r\nok"
Script = Callable[[socket.socket, int], None]


def request_of(peer: socket.socket) -> bytes:
    """Reads one request without a body."""
    seen = b""
    while b"\r\n\r\n" not in seen:
        part = peer.recv(65536)
        if not part:
            raise ConnectionError("closed by the client")
        seen += part
    return seen


@contextmanager
def peer(script: Script) -> Iterator[str]:
    """A server that treats the n-th connection as `script(socket, n)` says, until the test ends."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        for number in range(100):
            try:
                accepted, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(accepted, number), daemon=True).start()

    def serve(accepted: socket.socket, number: int) -> None:
        with closing(accepted):
            try:
                script(accepted, number)
            except OSError:
                return

    threading.Thread(target=accept, daemon=True).start()
    with closing(listener):
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def transport(url: str, tls: ssl.SSLContext | None = None) -> Transport:
    return Transport(lambda: Connection(url, connect_timeout=2, read_timeout=5, tls=tls))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate of 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "local")])
    now = datetime.now(timezone.utc)
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    signed = made.add_extension(names, critical=False).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "local.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + signed.public_bytes(Encoding.PEM))
    return path


def test_an_answer_comes_with_lower_case_headers() -> None:
    """Servers spell them as they like."""

    def script(sock: socket.socket, _number: int) -> None:
        request_of(sock)
        sock.sendall(OK)

    with peer(script) as url:
        answer = transport(url).post("/", 2)
    assert (answer.status, answer.headers["x-acs-retry-after"], answer.body) == (200, "150", b"ok")


@pytest.mark.parametrize("head", [b"X: %s\r\n" % (b"x" * 65_536), b"X: 1\r\n" * 12_000], ids=["long", "many"])
def test_headers_without_end_are_no_answer(head: bytes) -> None:
    """Nobody's headers fill the memory."""

    def script(sock: socket.socket, _number: int) -> None:
        request_of(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n")

    with peer(script) as url, pytest.raises(Unanswered):
        transport(url).post("/", 2)


def test_many_calls_share_one_connection() -> None:
    """Keep-alive: a handshake costs more than a call."""
    connections = []

    def script(sock: socket.socket, number: int) -> None:
        connections.append(number)
        while request_of(sock):
            sock.sendall(OK)

    with peer(script) as url:
        send = transport(url)
        for _ in range(20):
            assert send.post("/", 2).body == b"ok"
    assert connections == [0]


def over_tls(certificate: Path, script: Script) -> Script:
    """The same script, behind a handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def wrapped(sock: socket.socket, number: int) -> None:
        with context.wrap_socket(sock, server_side=True) as secure:
            script(secure, number)

    return wrapped


def test_a_tls_connection_opened_ahead_of_its_call_is_used_for_it(certificate: Path) -> None:
    """What TLS 1.3 sends behind the handshake, tickets, does not make it look closed."""
    connections = []

    def script(sock: socket.socket, number: int) -> None:
        connections.append(number)
        while request_of(sock):
            sock.sendall(OK)

    with peer(over_tls(certificate, script)) as url:
        send = transport(url.replace("http:", "https:"), ssl.create_default_context(cafile=str(certificate)))
        connection = send._connection()
        connection.open(5)
        assert connection.sock is not None
        assert select.select([connection.sock], [], [], 5)[0]
        for _ in range(3):
            assert send.post("/", 2).body == b"ok"
        connection.close()
    assert connections == [0]


def test_a_tls_connection_that_the_server_closed_is_replaced(certificate: Path) -> None:
    """Told from tickets by reading: what comes is an end."""
    closed = threading.Event()

    def script(sock: socket.socket, _number: int) -> None:
        request_of(sock)
        sock.sendall(OK)
        sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    with peer(over_tls(certificate, script)) as url:
        send = transport(url.replace("http:", "https:"), ssl.create_default_context(cafile=str(certificate)))
        for _ in range(3):
            closed.clear()
            assert send.post("/", 2).body == b"ok"
            assert closed.wait(5)
        send._connection().close()


def test_a_connection_that_the_server_closed_while_idle_is_replaced() -> None:
    """The idle drop costs no answer: it is seen before the call is sent."""
    closed = threading.Event()

    def script(sock: socket.socket, _number: int) -> None:
        request_of(sock)
        sock.sendall(OK)
        sock.shutdown(socket.SHUT_RDWR)
        closed.set()

    with peer(script) as url:
        send = transport(url)
        for _ in range(5):
            closed.clear()
            assert send.post("/", 2).body == b"ok"
            assert closed.wait(5)


def test_a_refused_connection_was_not_sent() -> None:
    """Nothing can have happened, and the text names the cause."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NotSent, match=r"127\.0\.0\.1: connection refused"):
        transport(f"http://127.0.0.1:{port}").post("/", 2)


def looked_up(error: int) -> Transport:
    """A transport whose name server answers with an error."""

    def failing(*_where: object) -> list[tuple[object, ...]]:
        raise socket.gaierror(error, "as the name server says")

    url = "https://iot.cn-nowhere.aliyuncs.com"
    tls = ssl.create_default_context()
    connect = lambda: Connection(url, connect_timeout=1, read_timeout=5, tls=tls, lookup=failing)  # noqa: E731
    return Transport(connect, "OTA_REGION")


@pytest.mark.parametrize("error", [socket.EAI_NONAME, socket.EAI_NODATA])
def test_a_host_that_does_not_exist_is_the_deployments_fault(error: int) -> None:
    """A region without the platform: no request can succeed, and the text names host and setting."""
    with pytest.raises(Misconfigured, match=r"iot\.cn-nowhere\.aliyuncs\.com does not exist .*OTA_REGION") as caught:
        looked_up(error).open(2)
    assert caught.value.setting == "OTA_REGION"


@pytest.mark.parametrize("error", [socket.EAI_AGAIN, socket.EAI_FAIL])
def test_a_name_server_that_does_not_answer_is_no_fault_of_the_deployment(error: int) -> None:
    """It may answer the next time."""
    with pytest.raises(NotSent, match="name server"):
        looked_up(error).open(2)


def test_a_certificate_that_nobody_trusts_is_the_deployments_fault(certificate: Path) -> None:
    """Host and setting are named, and nothing was sent."""
    seen: list[bytes] = []
    with peer(over_tls(certificate, lambda sock, _number: seen.append(request_of(sock)))) as url:
        send = Transport(
            lambda: Connection(
                url.replace("http:", "https:"), connect_timeout=2, read_timeout=5, tls=ssl.create_default_context()
            ),
            "OTA_MNS_ENDPOINT",
        )
        with pytest.raises(Misconfigured, match=r"127\.0\.0\.1: self-signed certificate .*OTA_MNS_ENDPOINT") as caught:
            send.post("/?Signature=HIDE", 2)
    assert caught.value.code == "CertificateNotTrusted"
    assert seen == []


def test_a_peer_that_speaks_no_tls_is_told_apart() -> None:
    """Neither refused nor timed out."""

    def script(sock: socket.socket, _number: int) -> None:
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with peer(script) as url, pytest.raises(NotSent, match="TLS failed"):
        transport(url.replace("http:", "https:"), ssl.create_default_context()).post("/", 2)


def test_https_is_never_spoken_in_plain_text() -> None:
    """Neither without a context, nor by a request on a connection that nobody opened."""
    with pytest.raises(ValueError, match="TLS"):
        Connection("https://127.0.0.1", connect_timeout=1, read_timeout=1, tls=None)
    with peer(silence) as url:
        connection = Connection(url, connect_timeout=1, read_timeout=1, tls=None)
        with pytest.raises(NotSent):
            connection.ask("/", b"", {}, 1, lambda: None)


def test_looking_up_a_name_counts_as_connecting() -> None:
    """A dead name server would hold a call for half a minute."""
    over = threading.Event()

    def dead(*_where: object) -> list[tuple[object, ...]]:
        over.wait(60)
        return []

    connection = Connection("http://iot.example.com", connect_timeout=0.1, read_timeout=5, tls=None, lookup=dead)
    try:
        with pytest.raises(TimeoutError, match="looked up"):
            connection.open(9)
    finally:
        over.set()


def test_all_addresses_of_a_name_share_the_time_to_connect() -> None:
    """Else ten that do not answer take ten times as long."""
    moments = [0.0]

    def ten(*_where: object) -> Iterator[tuple[object, ...]]:
        for _ in range(10):
            moments.append(moments[-1] + 0.2)
            yield ("127.0.0.1", closed), ("127.0.0.1", closed)

    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()[1]
    connection = Connection(
        "http://iot.example.com", connect_timeout=0.3, read_timeout=5, tls=None, now=lambda: moments[-1], lookup=ten
    )
    with pytest.raises(TimeoutError, match="no time"):
        connection.open(9)
    assert len(moments) == 3


def test_connecting_and_the_answer_share_the_time() -> None:
    """What connecting took is no longer there for the answer."""
    moments = [0.0]

    def slow(*where: Any) -> Any:
        moments.append(moments[-1] + 0.4)
        return socket.getaddrinfo(*where)

    with peer(silence) as url:
        send = Transport(
            lambda: Connection(url, connect_timeout=3, read_timeout=3, tls=None, now=lambda: moments[-1], lookup=slow),
            sent=lambda: moments.append(moments[-1] + 0.2),
        )
        with pytest.raises(Unanswered, match="timed out"):
            send.post("/", 0.5)


@pytest.mark.parametrize("seconds", [0.2, 9.0])
def test_neither_timeout_is_ever_longer_than_it_was_set(seconds: float) -> None:
    """What is left until the deadline bounds connecting, too."""
    over = threading.Event()

    def dead(*_where: object) -> list[tuple[object, ...]]:
        over.wait(60)
        return []

    url = "http://iot.example.com"
    connection = Connection(url, connect_timeout=0.3, read_timeout=5, tls=None, lookup=dead)
    began = time.monotonic()
    with pytest.raises(TimeoutError):
        connection.open(seconds)
    over.set()
    assert time.monotonic() - began < 0.3 + 2


def trickle(sock: socket.socket, _number: int) -> None:
    request_of(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
    while True:
        sock.sendall(b"x")
        time.sleep(0.02)


def trickle_headers(sock: socket.socket, _number: int) -> None:
    request_of(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    while True:
        sock.sendall(b"x")
        time.sleep(0.02)


def silence(sock: socket.socket, _number: int) -> None:
    request_of(sock)
    sock.recv(1)


def reset(sock: socket.socket, _number: int) -> None:
    request_of(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def cut_short(sock: socket.socket, _number: int) -> None:
    request_of(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")


def no_http(sock: socket.socket, _number: int) -> None:
    request_of(sock)
    sock.sendall(b"SSH-2.0-OpenSSH\r\n")


def endless(sock: socket.socket, _number: int) -> None:
    request_of(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (LARGEST_BODY * 2))
    while True:
        sock.sendall(b"x" * 65536)


@pytest.mark.parametrize("script", [trickle, trickle_headers, silence, reset, cut_short, no_http, endless])
def test_an_answer_that_is_not_whole_in_time_is_no_answer(script: Script) -> None:
    """Its effect is unknown, and the next call has a connection of its own."""
    answered = threading.Event()

    def first_misbehaves(sock: socket.socket, number: int) -> None:
        if number == 0:
            script(sock, number)
        else:
            request_of(sock)
            sock.sendall(OK)
            answered.set()

    with peer(first_misbehaves) as url:
        send = transport(url)
        with pytest.raises(Unanswered):
            send.post("/?Signature=HIDE", 0.4)
        assert send.post("/", 5).body == b"ok"
    assert answered.wait(5)


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    """HTTP/1.0 style answers of gateways are whole answers."""

    def script(sock: socket.socket, _number: int) -> None:
        request_of(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nwhole")

    with peer(script) as url:
        assert transport(url).post("/", 2).body == b"whole"


def test_a_chunked_answer_is_read() -> None:
    """Proxies send chunks."""

    def script(sock: socket.socket, _number: int) -> None:
        request_of(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")

    with peer(script) as url:
        assert transport(url).post("/", 2).body == b"abc"


def test_each_thread_has_a_connection_of_its_own() -> None:
    """Answers never cross."""

    def script(sock: socket.socket, _number: int) -> None:
        while True:
            target = request_of(sock).split(b" ")[1]
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(target), target))

    wrong: list[str] = []
    with peer(script) as url:
        send = transport(url)

        def many(name: int) -> None:
            wrong.extend(target for k in range(50) if send.post(target := f"/{name}/{k}", 5).body.decode() != target)

        threads = [threading.Thread(target=many, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
    assert wrong == []


def test_the_text_of_a_fault_names_no_target() -> None:
    """A target holds a signature and a token."""
    with peer(silence) as url, pytest.raises(Unanswered) as caught:
        transport(url).post("/?Signature=HIDE&SecurityToken=HIDE", 0.2)
    assert "HIDE" not in f"{caught.value!r}{caught.value}{caught.value.__cause__}"
