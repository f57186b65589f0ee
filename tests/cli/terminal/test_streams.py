"""Standard output and standard error, whatever they are."""

import json
import os
import subprocess
from collections.abc import Mapping
from typing import Any

import pytest

from cli.clients.inbox import Inbox
from tests.support.command import command, environment, run

NAMES = {"ProductKey": "a1Demo00001", "ModuleName": "mcu", "AliasName": "雷达𠮷", "Desc": "👍 naïve"}
DRIFT = {"AliasName": {"Wanted": "雷达𠮷", "Found": "👍"}}


def publish(cloud: Any, **data: object) -> None:
    event = {"id": "1", "time": "2026-01-31T08:00:00Z", "data": {"Status": "existing", **NAMES, **data}}
    cloud.mailbox.publish(cloud.names.result_topic, json.dumps(event))


@pytest.fixture
def kept(cloud: Any) -> Mapping[str, str]:
    """The environment of a cloud with a queue `t` that is kept for outcomes."""
    Inbox(cloud.mailbox, cloud.target, "ota-modules-kept-t").open()
    environ: dict[str, str] = cloud.environ
    return environ


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "latin-1", "ascii"])
def test_what_an_encoding_does_not_have_is_escaped(cloud: Any, kept: Mapping[str, str], encoding: str) -> None:
    """In JSON by its own escapes. The command ends as its work went, and the outcome is not shown again."""
    publish(cloud, Drift=DRIFT)
    ended = run("outcomes", "--keep", "t", "--count", "1", **kept, PYTHONIOENCODING=encoding)
    assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False), ended.stderr
    assert ("👍" if encoding == "utf-8" else r"\U0001f44d") in ended.stdout.decode(encoding)
    publish(cloud)
    ended = run("outcomes", "--json", "--keep", "t", "--count", "1", **kept, PYTHONIOENCODING=encoding)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.decode(encoding))["data"] == {"Status": "existing", **NAMES}


@pytest.mark.parametrize("arguments", [("dead-letters", "list"), ("plan", "-")])
def test_a_reader_that_goes_away_ends_the_command_without_a_word(cloud: Any, arguments: tuple[str, ...]) -> None:
    """As SIGPIPE ends other programs, which `head` relies on."""
    reading, writing = os.pipe()
    os.close(reading)
    with subprocess.Popen(
        command(*arguments), stdin=subprocess.PIPE, stdout=writing, stderr=subprocess.PIPE,
        env=environment(**cloud.environ),
    ) as process:  # fmt: skip
        os.close(writing)
        _, said = process.communicate(b'{"ProductKey": "a1Demo00001", "ModuleName": "mcu"}', timeout=60)
    assert process.returncode == 141
    assert b"Error" not in said
    assert b"Traceback" not in said
