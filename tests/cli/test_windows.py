"""The command line where there is no POSIX: everything but the local cloud."""

import json
from typing import Any

from cli.clients.inbox import Inbox
from tests.support.command import run

WITHOUT_POSIX = """
import os, signal, sys
import asyncio  # on Windows it has other insides
for name in ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"):
    sys.modules[name] = None
KNOWN = {"SIGABRT", "SIGBREAK", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
for name in dir(signal):
    if name.startswith("SIG") and name not in KNOWN:
        delattr(signal, name)
for name in ("fork", "forkpty", "geteuid", "getpgid", "getuid", "killpg", "sched_getaffinity", "setsid", "uname", "O_CLOEXEC"):
    delattr(os, name)
"""
REQUEST = {"ProductKey": "a1Demo00001", "ModuleName": "mcu"}


def test_requests_are_planned_and_sent(cloud: Any, write: Any) -> None:
    """And not twice: the state of a sending is kept, and locked, there too."""
    path = write("m.json", json.dumps(REQUEST))
    planned = run("plan", path, "--json", first=WITHOUT_POSIX, **cloud.environ)
    assert json.loads(planned.stdout)["Action"] == "create", planned.stderr
    sent = run("send", path, first=WITHOUT_POSIX, **cloud.environ)
    assert sent.returncode == 0, sent.stderr
    assert b"already sent" in run("send", path, first=WITHOUT_POSIX, **cloud.environ).stderr
    assert [request["ModuleName"] for request in cloud.requests()] == ["mcu"]


def test_outcomes_are_followed_and_dead_letters_replayed(cloud: Any) -> None:
    """Until the count is reached, and after they were listed."""
    Inbox(cloud.mailbox, cloud.target, "ota-modules-kept-w").open()
    cloud.publish({"id": "1", "data": {"Status": "created", **REQUEST}})
    cloud.mailbox.send(cloud.target.names.dead_letter_queue, [json.dumps({"Reason": "quota", "Request": REQUEST})])
    for command, words in (
        ("outcomes --keep w --count 1", b"a1Demo00001/mcu"),
        ("dead-letters list", b"quota"),
        ("replay --all", b"1 dead letter sent again"),
    ):
        ended = run(*command.split(), first=WITHOUT_POSIX, **cloud.environ)
        assert (ended.returncode, words in ended.stdout) == (0, True), ended.stderr


def test_the_local_cloud_says_what_it_needs() -> None:
    ended = run("run", "--once", first=WITHOUT_POSIX)
    assert (ended.returncode, ended.stdout) == (1, b"")
    assert b"the local cloud needs Linux or macOS" in ended.stderr
    assert b"Traceback" not in ended.stderr
