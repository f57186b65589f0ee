"""`ota-modules run --once`: the main job, as a user starts it."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cli.tour.samples import EVENTS
from tests.support.proxies import DEAD_PROXIES

COMMAND = (sys.executable, "-c", "from cli.main import main; main()", "run", "--port", "0")
LEFT_OUT = ("ALIBABA_CLOUD_", "OTA_", "NO_PROXY", "no_proxy")
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith(LEFT_OUT)} | DEAD_PROXIES
"""As on a company's network: nothing that the tour sends to this machine may go through a proxy."""


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [*COMMAND, *arguments], capture_output=True, text=True, timeout=110, check=False, env=ENVIRONMENT
    )


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    """The JSON lines of one whole tour."""
    ended = run("--once", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


@pytest.mark.quiet
def test_every_sample_ends_as_expected(records: list[dict[str, Any]]) -> None:
    """By queue, over HTTP and by invocation."""
    summary = records[-1]
    assert summary["Findings"] == []
    assert summary["Outcomes"] == len(records) - 1 > 100
    assert min(summary["Samples"].values()) > 10


@pytest.mark.quiet
def test_the_sample_of_the_documentation_ends_as_created(records: list[dict[str, Any]]) -> None:
    """With the values that the documentation writes."""
    [outcome] = [record for record in records if record.get("Id") == "documentation-1"]
    assert (outcome["Status"], outcome["ProductKey"], outcome["ModuleName"], outcome["AliasName"], outcome["Desc"]) == (
        "created",
        "a1Le6d0****",
        "barcodeScanner",
        "Barcode_scanner",
        "The firmware module of the barcode scanner.",
    )


@pytest.mark.quiet
def test_no_second_sees_more_than_ten_calls(records: list[dict[str, Any]]) -> None:
    """Of any operation, from both functions together."""
    assert max(records[-1]["BusiestSecond"].values()) <= 10


def few_samples(folder: Path) -> Path:
    """One for each way."""
    for name, stem in (("requests", "duplicate"), ("http", "healthz"), ("triggers", "bare-request")):
        (folder / name).mkdir(parents=True)
        for file in (EVENTS / name).glob(f"{stem}.*"):
            shutil.copy(file, folder / name)
    return folder


def test_whatever_the_template_calls_things_the_tour_finds_them(tmp_path: Path) -> None:
    """Queues, topic, functions and stack are renamed, and nothing else."""
    template = tmp_path / "template.yml"
    text = (EVENTS.parent / "template.yml").read_text(encoding="utf-8")
    for name in ("  name: ota-modules$", "_queue: ota-module-", "result_topic: ota-module-"):
        assert name in text
        text = text.replace(name, name.replace("ota-module", "fleet"))
    template.write_text(text, encoding="utf-8")
    ended = run("--once", "--json", "--events", str(few_samples(tmp_path / "events")), "--template", str(template))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["Outcomes"] >= 3


def test_a_wrong_expectation_is_named_and_fails(tmp_path: Path) -> None:
    """With file, Id, what was expected and what came."""
    few_samples(tmp_path / "events")
    wrong = tmp_path / "events" / "requests" / "duplicate.outcomes.json"
    wrong.write_text(wrong.read_text(encoding="utf-8").replace('"existing"', '"created"'), encoding="utf-8")
    ended = run("--once", "--events", str(tmp_path / "events"))
    assert ended.returncode == 1
    [line] = [line for line in ended.stdout.splitlines() if line.startswith("requests/duplicate.json")]
    assert "duplicate-2" in line
    assert "Status: expected 'created', got 'existing'" in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_once_it_stays_up_until_it_is_interrupted(tmp_path: Path, number: signal.Signals) -> None:
    """Says where the page is, then ends with 0."""
    for folder in ("requests", "wrapped", "http", "triggers"):
        (tmp_path / folder).mkdir()
    for file in (EVENTS / "triggers").glob("bare-request.*"):
        shutil.copy(file, tmp_path / "triggers")
    errors = tmp_path / "errors.txt"
    with errors.open("w") as stderr:
        process = subprocess.Popen(
            [*COMMAND, "--events", str(tmp_path)], stdout=subprocess.DEVNULL, stderr=stderr, env=ENVIRONMENT
        )
        try:
            _wait_for(errors, "the page: http://127.0.0.1:", process)
            [where] = re.findall(r"export (.+)", errors.read_text(encoding="utf-8"))
            there = {**ENVIRONMENT, **dict(each.split("=", 1) for each in where.split())}
            assert '"created"' in outcomes_of_the_past(there)
            process.send_signal(number)
            assert process.wait(30) == 0
        finally:
            process.kill()
            process.wait()
    assert "stopped" in errors.read_text(encoding="utf-8")


def outcomes_of_the_past(environment: dict[str, str]) -> str:
    """What the tour saw is still there for others."""
    command = [*COMMAND[:3], "outcomes", "--since", "10m", "--count", "1", "--seconds", "20", "--json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment).stdout


def _wait_for(file: Path, text: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 60
    while text not in file.read_text(encoding="utf-8"):
        assert process.poll() is None, file.read_text(encoding="utf-8")
        assert time.monotonic() < until, file.read_text(encoding="utf-8")
        time.sleep(0.1)
