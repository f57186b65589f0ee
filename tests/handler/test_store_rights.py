"""What a store refuses: what its user needs, and how a refusal is said."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
import redis

from handler.clock import Clock
from handler.log import Log
from handler.store import REMINDER, Question, Run, Store, Valkey
from tests.support.fleet import GONE
from tests.support.valkey_server import ValkeyServer

NEEDED = ("+time", "+eval", "+hmget", "+hset", "+pexpire")
"""The commands that the user of a store needs; README and docs tell them."""
OWN = "~{ota-modules}:*"
KEY = "{ota-modules}:CreateOTAModule"


def said(url: str, *, times: int = 1, run: Run | None = None, step: float = 0.0) -> tuple[bool, list[dict[str, str]]]:
    """Whether the last of so many questions was answered, and what was logged; the clock moves on by `step` each time."""
    now, lines = [0.0], list[str]()
    store = Store(url, Clock(now=lambda: now[0]), Log(write=lines.append), run)
    answered = False
    for _ in range(times):
        answered = store.ask(KEY, Question(20.0, latest=10.0**6)) is not None
        now[0] += step
    return answered, [json.loads(line) for line in lines]


@pytest.mark.parametrize(
    "rules",
    [
        ("~*", "&*", "+@all", "-script"),
        ("~*", "&*", "+@all", "-client", "-hello"),
        (OWN, *NEEDED),
    ],
    ids=["no script", "no client, no hello", "least"],
)
def test_a_user_needs_no_more_than_what_the_script_does(server: ValkeyServer, rules: tuple[str, ...]) -> None:
    """The script travels with the call: nothing is loaded beforehand, and nothing is said of the client."""
    assert said(server.allow("ota", *rules), times=2) == (True, [])


@pytest.mark.parametrize(
    ("own", "missing", "words"),
    [(OWN, name, [f"'{name[1:]}'"]) for name in ("+time", "+hmget", "+hset", "+pexpire")]
    + [("~{other}:*", "", ["NOPERM", "key"])],
)
def test_what_a_user_may_not_do_is_said_in_the_servers_words(
    server: ValkeyServer, own: str, missing: str, words: list[str]
) -> None:
    answered, lines = said(server.allow("ota", own, *(each for each in NEEDED if each != missing)))
    assert (answered, [line["level"] for line in lines]) == (False, ["ERROR"])
    assert all(word in lines[0]["error"] for word in words)
    assert GONE not in lines[0]["text"]


def test_a_password_that_the_store_refuses_is_said_without_it(server: ValkeyServer) -> None:
    url = server.allow("ota", OWN, *NEEDED, password="p#/?@%hunter2")
    assert said(url) == (True, [])
    with server.client as client:
        client.config_set("requirepass", "other")
    for address, sentence in ((url.replace("hunter2", "hunter3"), "WRONGPASS"), (server.url, "NOAUTH")):
        answered, lines = said(address)
        assert not answered
        assert (sentence in lines[0]["error"], lines[0]["command"]) == (True, "AUTH")
        assert "hunter" not in str(lines)


def test_a_refusal_is_said_once_a_minute_without_the_password() -> None:
    """It lasts until somebody puts it right, and whoever looks for it later has to find it."""

    def refuse(_key: str, _arguments: Sequence[float]) -> Sequence[int]:
        raise redis.ResponseError("Write commands not allowed after non deterministic commands; hunter2 and hunter%32")

    answered, lines = said("redis://:hunter%32@127.0.0.1:1", times=13, run=refuse, step=REMINDER / 6)
    assert not answered
    assert len(lines) == 3
    assert "Write commands not allowed" in lines[0]["error"]
    assert "hunter" not in str(lines)


def test_a_cluster_is_followed_from_any_of_its_nodes(tmp_path: Path) -> None:
    """The node that keeps the key's slot says where the others have to go; a user needs two commands more for that."""
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with ValkeyServer(folders[0], bus=True) as one, ValkeyServer(folders[1], bus=True) as two:
        one.join(two)
        urls = [node.allow("ota", OWN, *NEEDED, "+cluster|slots", "+command") for node in (one, two)]
        clients = [Valkey(url) for url in urls]
        assert [said(url, times=3, run=client.run) for url, client in zip(urls, clients, strict=True)] == [
            (True, [])
        ] * 2
        assert len({type(client._client) for client in clients}) == 2
