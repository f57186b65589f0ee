"""Standard input, output and error, whatever they are."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from cli.clients.inbox import Inbox
from cli.errors import UsageError
from cli.terminal.files import read
from tests.support.command import command, environment, run

NAMES = {"ProductKey": "a1Demo00001", "ModuleName": "mcu", "AliasName": "雷达𠮷", "Desc": "👍 naïve"}
DRIFT = {"AliasName": {"Wanted": "雷达𠮷", "Found": "👍"}}


@pytest.mark.parametrize("encoding", ["utf-8", "gbk", "latin-1", "ascii"])
def test_what_an_encoding_does_not_have_is_escaped(cloud: Any, encoding: str) -> None:
    """In JSON by its own escapes. The command ends as its work went, and the outcome is not shown again."""
    Inbox(cloud.mailbox, cloud.target, "ota-modules-kept-t").open()
    data = {"Status": "existing", **NAMES}
    shown = []
    for options, drift in (((), {"Drift": DRIFT}), (("--json",), {})):
        cloud.publish({"id": "1", "time": "2026-01-31T08:00:00Z", "data": {**data, **drift}})
        words = ("outcomes", "--keep", "t", "--count", "1", *options)
        ended = run(*words, **cloud.environ, PYTHONIOENCODING=encoding)
        assert (ended.returncode, b"Traceback" in ended.stderr) == (0, False), ended.stderr
        shown.append(ended.stdout.decode(encoding))
    assert ("👍" if encoding == "utf-8" else r"\U0001f44d") in shown[0]
    assert json.loads(shown[1])["data"] == data


@pytest.mark.parametrize("arguments", [("dead-letters", "list"), ("plan", "-")])
def test_a_reader_that_goes_away_ends_the_command_without_a_word(cloud: Any, arguments: tuple[str, ...]) -> None:
    """As SIGPIPE ends other programs, which `head` relies on."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing) as closed:
        ended = subprocess.run(
            command(*arguments), input=b'{"ProductKey": "a1Demo00001", "ModuleName": "mcu"}', stdout=closed,
            stderr=subprocess.PIPE, env=environment(**cloud.environ), timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 141
    assert b"Error" not in ended.stderr
    assert b"Traceback" not in ended.stderr


def test_a_closed_standard_input_is_a_usage_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """As `<&-` and some schedulers leave it."""
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(UsageError, match="standard input is closed"):
        read("-")
