"""The commands, and how a command that fails ends."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

COMMANDS = (
    ("run",), ("send",), ("plan",), ("outcomes",), ("invoke",), ("faults", "set"), ("faults", "list"), ("faults", "clear"),
    ("dead-letters", "list"), ("dead-letters", "replay"), ("dead-letters", "discard"),
)  # fmt: skip


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_and_json(ota_modules: Any, command: tuple[str, ...]) -> None:
    """And says so with exit status 0."""
    ended = ota_modules(*command, "--help")
    assert ended.status == 0
    assert f"Example: ota-modules {' '.join(command)}" in ended.out
    assert "--json" in ended.out


def test_the_version_is_told(ota_modules: Any) -> None:
    """With no word about targets, and exit status 0."""
    ended = ota_modules("--version")
    assert (ended.status, ended.err) == (0, "")
    assert re.fullmatch(r"ota-modules \d+\.\d+\.\d+\n", ended.out)


def test_a_command_that_is_not_there_is_a_usage_error(ota_modules: Any) -> None:
    """Exit status 2."""
    assert ota_modules("sned").status == 2


@pytest.mark.parametrize("port", ["65533", "-1", "x"])
def test_a_port_without_three_after_it_is_a_usage_error(ota_modules: Any, port: str) -> None:
    """Before anything is started."""
    ended = ota_modules("run", "--port", port)
    assert (ended.status, "--port" in ended.err) == (2, True)


def test_the_target_is_said_at_the_start(cloud: Any, ota_modules: Any) -> None:
    """On standard error, so that it does not mix with results."""
    ended = ota_modules("dead-letters", "list")
    assert ended.err.startswith("talking to the local cloud (127.0.0.1:")
    assert ended.out == "0 dead letters\n"


def test_a_local_cloud_that_is_down_is_told_in_one_line(ota_modules: Any) -> None:
    """Exit status 1, no trace of the program."""
    ended = ota_modules("faults", "list", OTA_CONSOLE_ENDPOINT="http://127.0.0.1:1")
    assert ended.status == 1
    assert "no answer from http://127.0.0.1:1" in ended.err
    assert "Traceback" not in ended.err


def test_colours_stay_off_where_nobody_looks(cloud: Any, ota_modules: Any) -> None:
    """In neither stream."""
    ended = ota_modules("dead-letters", "list")
    assert "\x1b" not in ended.out + ended.err


@pytest.mark.parametrize("text", ["vars:\n\tregion: x\n", "vars: [\n", "", "vars: text\n", "- a\n"])
def test_a_slip_in_the_template_is_told_with_its_line(ota_modules: Any, tmp_path: Path, text: str) -> None:
    """Exit status 2; commands that need nothing of it do not look at it."""
    template = tmp_path / "template.yml"
    template.write_text(text, encoding="utf-8")
    for command in (("plan", "examples/fleet.yml"), ("outcomes", "--count", "1"), ("dead-letters", "list")):
        ended = ota_modules(*command, OTA_TEMPLATE=str(template))
        assert ended.status == 2
        assert re.search(r"template\.yml:\d: ", ended.err)
    started = ota_modules("run", "--once", "--port", "0", "--template", str(template))
    assert started.status == 1
    assert re.search(r"cannot start: template\.yml:\d: ", started.err)
    ended = ota_modules("faults", "list", OTA_TEMPLATE=str(template), OTA_CONSOLE_ENDPOINT="http://127.0.0.1:1")
    assert "no answer from http://127.0.0.1:1" in ended.err


@pytest.mark.parametrize("command", [(), *COMMANDS], ids=" ".join)
def test_help_is_shown_for_h_too(ota_modules: Any, command: tuple[str, ...]) -> None:
    """As most programs do."""
    assert ota_modules(*command, "-h").out == ota_modules(*command, "--help").out != ""


@pytest.mark.parametrize(
    "command",
    [("send", "-", "--patience", "0"), ("outcomes", "--seconds", "0"), ("dead-letters", "list", "--most", "5")],
    ids=" ".join,
)
def test_former_names_of_options_still_work(cloud: Any, ota_modules: Any, command: tuple[str, ...]) -> None:
    """For scripts that have them."""
    ended = ota_modules(*command, text='{"ProductKey": "a1Demo00001", "ModuleName": "mcu"}')
    assert ended.status == 0, ended.err


def test_an_error_is_json_too(ota_modules: Any) -> None:
    """As the last line of the result, with the exit status; standard error has the text."""
    ended = ota_modules("faults", "list", "--json", OTA_CONSOLE_ENDPOINT="http://127.0.0.1:1")
    error = json.loads(ended.out)
    assert (error["ExitStatus"], error["Code"]) == (1, "")
    assert error["Error"] in ended.err


def test_a_duration_that_is_none_is_a_usage_error(cloud: Any, ota_modules: Any) -> None:
    """With an example of one."""
    ended = ota_modules("outcomes", "--for", "soon")
    assert (ended.status, "'soon' is not a duration such as 30s, 10m or 2h" in ended.err) == (2, True)
