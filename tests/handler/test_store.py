"""The store of a shared quota: its address, and what is said of an outage. Its script is tested with the quota."""

import re
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

import pytest
from lupa.lua51 import LuaRuntime  # the version that the server has

from handler.clock import Clock
from handler.log import Log
from handler.store import (
    OVERDUE,
    PATIENCE,
    PAUSE,
    SCRIPT,
    Answer,
    Question,
    Store,
)
from tests.support.fleet import BACK, GONE
from tests.support.paths import ROOT
from tests.support.valkey_server import ValkeyServer

ONE = Question(20.0, latest=10.0**6)
"""Asks for a slot, whenever."""
KEY = "{ota-modules}:CreateOTAModule"


@dataclass
class Asking:
    """A process that asks for a slot now and then, by a clock that only it moves on."""

    url: str
    time: float = 0.0
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store(self.url, Clock(now=lambda: self.time), Log(write=self.lines.append))

    def ask(self) -> Answer | None:
        return self.store.ask("key", ONE)

    def probe(self) -> float:
        """Moves the clock on until the store may be tried again; returns the seconds."""
        since = self.time
        while not self.store.ready(self.time):
            self.time += 0.25
            assert self.time <= since + PAUSE, "the store is not tried again"
        return self.time - since


def test_a_missing_package_is_told_by_the_setting_that_needs_it() -> None:
    script = "import sys; sys.modules['redis'] = None; import handler.quota"
    run = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.stderr.endswith("SettingError: OTA_QUOTA_URL: needs the package redis\n")


def test_one_answer_that_does_not_come_in_time_is_no_outage(server: ValkeyServer) -> None:
    """It is asked for again: whoever went on by itself would come on top of all who lost nothing. No slot comes twice."""
    lines: list[str] = []
    store = Store(server.url, Clock(), Log(write=lines.append))
    before = store.ask("key", ONE)
    server.freeze()
    thaw = threading.Timer(1.4 * PATIENCE, server.thaw)
    thaw.start()
    after = store.ask("key", ONE)
    thaw.join()
    assert before is not None
    assert after is not None
    assert round((after.free - before.free) * 20) >= 2
    assert (store.down, lines) == (False, [])


def test_a_store_that_is_down_is_tried_again_for_as_long_as_it_takes(server: ValkeyServer) -> None:
    process = Asking(server.url)
    assert process.ask() is not None
    for _ in range(2):
        server.kill()
        pauses = []
        for _ in range(5):
            assert process.ask() is None
            pauses.append(process.probe())
        assert pauses == [PAUSE] * 5
        assert server.start()
        assert process.ask() is not None
        assert not process.store.down
    assert [line.count(GONE) + 2 * line.count(BACK) for line in process.lines] == [1, 2, 1, 2]


def test_a_store_that_is_back_is_settled_once_everybody_must_have_noticed(server: ValkeyServer) -> None:
    """Whoever tried it last before it came back tries it again after a pause."""
    process = Asking(server.url)
    server.kill()
    process.ask()
    assert server.start()
    process.ask()
    assert not process.store.settled(process.time + PAUSE)
    assert process.store.settled(process.time + PAUSE + OVERDUE)


def test_a_replica_that_takes_no_writes_is_no_store(server: ValkeyServer) -> None:
    """It tells the time and would tell the record, but gives out nothing until it is the master again; no slot comes twice."""
    process = Asking(server.url)
    before = process.ask()
    assert before is not None
    server.demote()
    for _ in range(3):
        assert process.ask() is None
        process.probe()
    server.promote()
    after = process.ask()
    assert after is not None
    assert before.slot is not None
    assert after.slot is not None
    assert after.slot + process.store.offset >= before.slot + process.store.offset + 1 / 20 - 0.01


def test_a_name_server_that_hangs_holds_the_asker_for_a_second_only(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    look_up = socket.getaddrinfo

    def hanging(host: Any, *rest: Any) -> Any:
        if host == "store.example.com":
            over.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "later")
        return look_up(host, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", hanging)
    lines: list[str] = []
    store = Store("redis://store.example.com", Clock(), Log(write=lines.append))
    began = time.monotonic()
    for _ in range(3):
        assert store.ask(KEY, ONE) is None
    over.set()
    assert time.monotonic() - began < 3 * OVERDUE + 1
    assert len(lines) == 1
    assert GONE in lines[0]


def test_every_command_of_the_script_names_its_key() -> None:
    """Proxies and clusters look for it there: the literal KEYS[1], as the first argument of all that has a key."""
    calls = re.findall(r"redis\.call\(([^,)]+)(?:, ([^,)]+))?", SCRIPT)
    assert len(calls) == SCRIPT.count("redis.call")
    assert {(name, key) for name, key in calls if name != "'TIME'"} == {
        ("'HMGET'", "KEYS[1]"), ("'HSET'", "KEYS[1]"), ("'PEXPIRE'", "KEYS[1]"),
    }  # fmt: skip


def test_the_script_may_write_after_it_read_the_time_on_an_old_server() -> None:
    """Before version 5, Redis allows that only once replication of effects was asked for."""
    lua = LuaRuntime(register_eval=False, register_builtins=False)
    asked: list[str] = []
    commands = {"TIME": lambda: lua.table_from(["1", "0"]), "HMGET": lambda: lua.table_from([False] * 5)}

    def call(name: str, *arguments: object) -> object:
        assert asked[:1] == ["replicate_commands"]
        return commands[name]() if name in commands else 1

    server = lua.table_from({"call": call, "replicate_commands": lambda: asked.append("replicate_commands")})
    script = lua.eval(f"function(redis, KEYS, ARGV) {SCRIPT} end")
    assert script(server, lua.table_from([KEY]), lua.table_from([*map(str, ONE), "0.0"])) is not None
