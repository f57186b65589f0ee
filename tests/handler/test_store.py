"""The store of a shared quota: what is said of an outage or a refusal, and what its user needs."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import redis
from lupa.lua51 import LuaRuntime  # the version that the server has

from handler.clock import Clock
from handler.log import Log
from handler.store import OVERDUE, PATIENCE, PAUSE, REMINDER, SCRIPT, Answer, Question, Run, Store, Valkey
from tests.support.fleet import BACK, GONE
from tests.support.paths import ROOT
from tests.support.valkey_server import ValkeyServer

ONE = Question(20.0, latest=10.0**6)
"""Asks for a slot, whenever."""
KEY = "{ota-modules}:CreateOTAModule"
OWN = "~{ota-modules}:*"
NEEDED = ("+time", "+eval", "+hmget", "+hset", "+pexpire")
"""The commands that the user of a store needs; README and docs tell them."""


@dataclass
class Asking:
    """A process that asks for a slot now and then, by a clock that only it moves on."""

    url: str
    run: Run | None = None
    time: float = 0.0
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = Store(self.url, Clock(now=lambda: self.time), Log(write=self.lines.append), self.run)

    def ask(self) -> Answer | None:
        return self.store.ask(KEY, ONE)

    def read_refusal(self) -> dict[str, str]:
        """Ask, and read the one line that says why there is no answer."""
        assert self.ask() is None
        [line] = map(json.loads, self.lines)
        assert line["level"] == "ERROR"
        return dict(line)

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
    assert (before := store.ask(KEY, ONE)) is not None
    server.freeze()
    threading.Timer(1.4 * PATIENCE, server.thaw).start()
    assert (after := store.ask(KEY, ONE)) is not None
    assert round((after.free - before.free) * 20) >= 2
    assert (store.down, lines) == (False, [])


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        (ValkeyServer.kill, ValkeyServer.start),
        (ValkeyServer.freeze, ValkeyServer.thaw),
        (ValkeyServer.demote, ValkeyServer.promote),
    ],
    ids=["killed, and back empty", "stands still", "a replica, which takes no writes"],
)
def test_a_store_that_is_down_is_tried_again_for_as_long_as_it_takes(
    server: ValkeyServer, begin: Callable[[ValkeyServer], object], end: Callable[[ValkeyServer], object]
) -> None:
    process = Asking(server.url)
    assert process.ask() is not None
    for _ in range(2):
        begin(server)
        assert [(process.ask(), process.probe()) for _ in range(3)] == [(None, PAUSE)] * 3
        end(server)
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


def test_a_name_server_that_hangs_holds_the_asker_for_a_second_only(monkeypatch: pytest.MonkeyPatch) -> None:
    over, look_up = threading.Event(), socket.getaddrinfo

    def hang(host: Any, *rest: Any) -> Any:
        if host == "store.example.com":
            over.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "later")
        return look_up(host, *rest)

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    process, began = Asking("redis://store.example.com"), time.monotonic()
    assert [process.ask() for _ in range(3)] == [None] * 3
    over.set()
    assert time.monotonic() - began < 3 * OVERDUE + 1
    assert [GONE in line for line in process.lines] == [True]


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
    answers = {"TIME": ["1", "0"], "HMGET": [False] * 5}

    def call(name: str, *arguments: object) -> object:
        assert asked[:1] == ["replicate_commands"]
        return lua.table_from(answers.get(name, []))

    server = lua.table_from({"call": call, "replicate_commands": lambda: asked.append("replicate_commands")})
    script = lua.eval(f"function(redis, KEYS, ARGV) {SCRIPT} end")
    assert script(server, lua.table_from([KEY]), lua.table_from([*map(str, ONE), "0.0"])) is not None


@pytest.mark.parametrize(
    "rules",
    [("~*", "&*", "+@all", "-script"), ("~*", "&*", "+@all", "-client", "-hello"), (OWN, *NEEDED)],
    ids=["no script", "no client, no hello", "least"],
)
def test_a_user_needs_no_more_than_what_the_script_does(server: ValkeyServer, rules: tuple[str, ...]) -> None:
    """The script travels with the call: nothing is loaded beforehand, and nothing is said of the client."""
    process = Asking(server.allow("ota", *rules))
    assert None not in (process.ask(), process.ask())
    assert process.lines == []


@pytest.mark.parametrize(
    ("own", "missing", "words"),
    [(OWN, name, f"'{name[1:]}'") for name in ("+time", "+hmget", "+hset", "+pexpire")]
    + [("~{other}:*", "", "NOPERM.*key")],
)
def test_what_a_user_may_not_do_is_said_in_the_servers_words(
    server: ValkeyServer, own: str, missing: str, words: str
) -> None:
    line = Asking(server.allow("ota", own, *(each for each in NEEDED if each != missing))).read_refusal()
    assert re.search(words, line["error"])
    assert GONE not in line["text"]


def test_a_password_that_the_store_refuses_is_said_without_it(server: ValkeyServer) -> None:
    url = server.allow("ota", OWN, *NEEDED, password="p#/?@%hunter2")
    assert Asking(url).ask() is not None
    server.run("CONFIG", "SET", "requirepass", "other")
    for address, sentence in ((url.replace("hunter2", "hunter3"), "WRONGPASS"), (server.url, "NOAUTH")):
        line = Asking(address).read_refusal()
        assert (sentence in line["error"], line["command"], "hunter" in str(line)) == (True, "AUTH", False)


def test_a_refusal_is_said_once_a_minute_without_the_password() -> None:
    """It lasts until somebody puts it right, and whoever looks for it later has to find it."""

    def refuse(_key: str, _arguments: Sequence[float]) -> Sequence[int]:
        raise redis.ResponseError("Write commands not allowed after non deterministic commands; hunter2 and hunter%32")

    process = Asking("redis://:hunter%32@127.0.0.1:1", refuse)
    for _ in range(13):
        assert process.ask() is None
        process.time += REMINDER / 6
    assert ["Write commands not allowed" in line for line in process.lines] == [True] * 3
    assert "hunter" not in str(process.lines)


def test_a_cluster_is_followed_from_any_of_its_nodes(tmp_path: Path) -> None:
    """The node that keeps the key's slot says where the others have to go; a user needs two commands more for that."""
    with ValkeyServer(tmp_path / "one", bus=True) as one, ValkeyServer(tmp_path / "two", bus=True) as two:
        one.join(two)
        urls = [node.allow("ota", OWN, *NEEDED, "+cluster|slots", "+command") for node in (one, two)]
        clients = [Valkey(url) for url in urls]
        for process in (Asking(url, client.run) for url, client in zip(urls, clients, strict=True)):
            assert [process.ask() is not None for _ in range(3)] == [True] * 3
            assert process.lines == []
        assert len({type(client._client) for client in clients}) == 2
