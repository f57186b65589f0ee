"""The database after the service was stopped or killed."""

import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from emulator.ram.keys import Accounts
from emulator.smq.messages import Depths
from emulator.smq.queues import DlqPolicy
from emulator.smq.service import MessageService
from emulator.smq.topics import Subscription, TopicAttributes


def open_service(path: Path) -> MessageService:
    return MessageService(Accounts(), path=str(path))


def test_a_restart_loses_nothing(tmp_path: Path) -> None:
    before = open_service(tmp_path / "smq.db")
    before.create_queue("dead")
    before.create_queue("q", visibility_timeout=600, dlq_policy=DlqPolicy("dead", 5))
    before.topics.create("t", TopicAttributes())
    before.topics.subscribe(Subscription("t", "s", "acs:mns:x:1:queues/q", "tag", "SIMPLIFIED"))
    before.send("q", "received")
    handle = before.receive("q")[0].handle
    before.send("q", "delayed", delay=600)
    before.send("q", "waiting")
    before.close()

    after = open_service(tmp_path / "smq.db")
    assert after.queues.get("q").attributes.dlq_policy == DlqPolicy("dead", 5)
    assert after.depths("q") == Depths(active=1, inactive=1, delayed=1)
    after.delete("q", handle)
    after.publish("t", "published", "tag")
    assert after.depths("q") == Depths(active=2, delayed=1)
    after.close()


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    code = """
        import os, signal, sys
        from emulator.ram.keys import Accounts
        from emulator.smq.service import MessageService
        service = MessageService(Accounts(), path=sys.argv[1])
        service.create_queue("q")
        service.send("q", "x")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    path = tmp_path / "smq.db"
    command = [sys.executable, "-c", textwrap.dedent(code), str(path)]
    killed = subprocess.run(command, check=False, env={**os.environ, "PYTHONPATH": "."})
    assert killed.returncode == -signal.SIGKILL
    service = open_service(path)
    assert [message.body for message in service.receive("q")] == ["x"]
    service.close()


def test_a_file_of_another_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "smq.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(ValueError, match=r"smq\.db is of version 99"):
        open_service(path)
