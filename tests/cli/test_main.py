"""The commands, and how a command that fails ends."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.docs.command_line import COMMANDS
from tests.support.paths import ROOT

DOWN = {f"OTA_{name}_ENDPOINT": "http://127.0.0.1:1" for name in ("IOT", "MNS", "FC", "CONSOLE")}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example_and_json(ota_modules: Any, command: str) -> None:
    """And says so with exit status 0; -h is short for it."""
    ended = ota_modules(*command.split(), "--help")
    assert (ended.status, "--json" in ended.out) == (0, True)
    assert f"Example: ota-modules {command}" in ended.out
    assert ota_modules(*command.split(), "-h").out == ended.out


def test_the_version_is_shown(ota_modules: Any) -> None:
    ended = ota_modules("--version")
    assert (ended.status, ended.err) == (0, "")
    assert re.fullmatch(r"ota-modules \d+\.\d+\.\d+\n", ended.out)


@pytest.mark.parametrize(
    ("command", "status", "words"),
    [
        ("sned", 2, "send"),
        ("--what", 2, "--what"),
        ("plan", 2, "manifests"),
        ("plan no-such.yml", 2, "no-such.yml"),
        ("run --port 65533", 2, "--port"),
        ("run --port -1", 2, "--port"),
        ("run --port x", 2, "--port"),
        ("dead-letters replay", 2, "specify message ids or --all"),
        ("dead-letters discard x --all", 2, "specify message ids or --all"),
        ("outcomes --since soon", 2, "neither like 10m"),
        ("outcomes --since 10", 2, "neither like 10m"),
        ("outcomes --status done", 2, "--status done is not one of created"),
        ("outcomes --keep a_b", 2, "take letters, digits and -"),
        ("outcomes --forget a_b", 2, "take letters, digits and -"),
        ("outcomes --for soon", 2, "'soon' is not a duration such as 30s, 10m or 2h"),
        ("dead-letters list --reason bogus", 2, "'quota'"),
        ("--profile none dead-letters list", 2, "profile none of"),
        ("dead-letters list --profile none", 2, "profile none of"),
        ("faults list", 1, "no answer from http://127.0.0.1:1"),
        ("status", 1, "ota-modules run"),
        ("plan examples/fleet.yml", 1, "read: NotConnected: 127.0.0.1: connection refused; is `ota-modules run`"),
    ],
)
def test_a_command_that_fails_says_why(ota_modules: Any, tmp_path: Path, command: str, status: int, words: str) -> None:
    """In a line on standard error, with no trace of the program, and as a record; no profile that is named is passed over."""
    ended = ota_modules(*command.split(), HOME=str(tmp_path), **DOWN)
    assert (ended.status, ended.out) == (status, "")
    assert words in ended.err
    assert "Traceback" not in ended.err
    ended = ota_modules(*command.split(), "--json", HOME=str(tmp_path), **DOWN)
    assert ended.records[-1]["ExitStatus"] == ended.status == status
    assert words in ended.err


def test_the_target_is_shown_at_the_start(cloud: Any, ota_modules: Any) -> None:
    """On standard error, so that it does not mix with results, and without colours where nobody looks."""
    ended = ota_modules("dead-letters", "list")
    assert ended.err.startswith("talking to the local cloud (127.0.0.1:")
    assert ended.out == "0 dead letters\n"
    assert "\x1b" not in ended.out + ended.err
    ended = ota_modules("dead-letters", "list", "-q")
    assert (ended.out, ended.err) == ("0 dead letters\n", "")
    assert "SMQ: receive from ota-module-dead-letters: " in ota_modules("dead-letters", "list", "-v").err


@pytest.mark.parametrize("text", ["vars:\n\tregion: x\n", "vars: [\n", "", "vars: text\n", "- a\n"])
def test_a_slip_in_the_template_is_reported_with_its_line(ota_modules: Any, write: Any, text: str) -> None:
    """Exit status 2; commands that need nothing of it do not look at it."""
    template = write("template.yml", text)
    for command in ("plan examples/fleet.yml", "outcomes --count 1", "dead-letters list"):
        ended = ota_modules(*command.split(), OTA_TEMPLATE=template)
        assert ended.status == 2
        assert re.search(r"template\.yml:\d: ", ended.err)
    started = ota_modules("run", "--once", "--port", "0", "--template", template)
    assert started.status == 1
    assert re.search(r"cannot start: template\.yml:\d: ", started.err)
    assert "no answer from" in ota_modules("faults", "list", OTA_TEMPLATE=template, **DOWN).err


@pytest.mark.parametrize("command", ["send - --patience 0", "outcomes --seconds 0", "dead-letters list --most 5"])
def test_former_names_of_options_still_work(cloud: Any, ota_modules: Any, command: str) -> None:
    ended = ota_modules(*command.split(), text='{"ProductKey": "a1Demo00001", "ModuleName": "mcu"}')
    assert ended.status == 0, ended.err


def test_ctrl_c_during_the_start_ends_without_a_traceback() -> None:
    """While the parts are still being imported."""
    program = """
import os, signal, sys
class Interrupt:
    def find_spec(self, name, *_):
        if name == "cli.main":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Interrupt())
from cli.__main__ import main
main()
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, "")
