"""The database of a service that was killed, or of another release."""

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
from tests.support.paths import ROOT


def test_a_process_that_is_killed_loses_nothing(tmp_path: Path) -> None:
    code = """
        import os, signal, sys
        from emulator.ram.keys import Accounts
        from emulator.smq.queues import DlqPolicy
        from emulator.smq.service import MessageService
        from emulator.smq.topics import Subscription, TopicAttributes
        service = MessageService(Accounts(), path=sys.argv[1])
        service.create_queue("dead")
        service.create_queue("q", visibility_timeout=600, dlq_policy=DlqPolicy("dead", 5))
        service.topics.create("t", TopicAttributes())
        service.topics.subscribe(Subscription("t", "s", "acs:mns:x:1:queues/q", "tag", "SIMPLIFIED"))
        service.send("q", "received")
        print(service.receive("q")[0].handle, flush=True)
        service.send("q", "delayed", delay=600)
        service.send("q", "waiting")
        os.kill(os.getpid(), signal.SIGKILL)
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "smq.db")]
    killed = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=False)
    assert killed.returncode == -signal.SIGKILL
    service = MessageService(Accounts(), path=str(tmp_path / "smq.db"))
    assert service.queues.get("q").attributes.dlq_policy == DlqPolicy("dead", 5)
    assert service.depths("q") == Depths(active=1, inactive=1, delayed=1)
    service.delete("q", killed.stdout.strip())
    service.publish("t", "published", "tag")
    assert service.depths("q") == Depths(active=2, delayed=1)
    service.close()


def test_a_file_of_another_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "smq.db"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(OSError, match=r"is of version 99.*smq\.db"):
        MessageService(Accounts(), path=str(path))
