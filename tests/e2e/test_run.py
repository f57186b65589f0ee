"""`ota-modules run --once`: the main job, as a user starts it."""

import json
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from cli.tour.samples import EVENTS
from tests.support.command import DEAD_PROXIES, command, environment
from tests.support.local import changed_template
from tests.support.waiting import eventually

ENVIRONMENT = environment(**DEAD_PROXIES, NO_PROXY="", no_proxy="")
"""As on a company's network: nothing that the tour sends to this machine may go through a proxy."""


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    words = command("run", "--port", "0", *arguments)
    return subprocess.run(words, capture_output=True, text=True, timeout=110, check=False, env=ENVIRONMENT)


@pytest.fixture
def few_samples(tmp_path: Path) -> Path:
    """One for each way."""
    folder = tmp_path / "events"
    for name, stem in (("requests", "duplicate"), ("http", "healthz"), ("triggers", "bare-request")):
        (folder / name).mkdir(parents=True)
        for file in (EVENTS / name).glob(f"{stem}.*"):
            shutil.copy(file, folder / name)
    return folder


@pytest.mark.quiet
def test_every_sample_ends_as_expected_and_the_limit_is_kept() -> None:
    """By queue, over HTTP and by invocation; ten calls a second of any operation, from both functions together."""
    ended = run("--once", "--json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    *outcomes, summary = [json.loads(line) for line in ended.stdout.splitlines()]
    assert summary["Findings"] == []
    assert summary["Outcomes"] == len(outcomes) > 100
    assert min(summary["Samples"].values()) > 10
    assert max(summary["BusiestSecond"].values()) <= 10


def test_whatever_the_template_calls_things_the_tour_finds_them(tmp_path: Path, few_samples: Path) -> None:
    """Queues, topic, functions and stack are renamed, and nothing else."""
    names = ("  name: ota-modules$", "_queue: ota-module-", "result_topic: ota-module-")
    template = changed_template(tmp_path, {name: name.replace("ota-module", "fleet") for name in names})
    ended = run("--once", "--json", "--events", str(few_samples), "--template", str(template))
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1])["Outcomes"] >= 3


def test_a_wrong_expectation_is_named_and_fails(few_samples: Path) -> None:
    """With file, Id, what was expected and what came."""
    wrong = few_samples / "requests" / "duplicate.outcomes.json"
    wrong.write_text(wrong.read_text(encoding="utf-8").replace('"existing"', '"created"'), encoding="utf-8")
    ended = run("--once", "--events", str(few_samples))
    assert ended.returncode == 1
    [line] = [line for line in ended.stdout.splitlines() if line.startswith("requests/duplicate.json")]
    assert "duplicate-2" in line
    assert "Status: expected 'created', got 'existing'" in line


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_without_once_it_stays_up_until_it_is_interrupted(
    tmp_path: Path, few_samples: Path, number: signal.Signals
) -> None:
    """It says where the page is, others find what the tour saw, the loss of its queue ends nothing, and it ends with 0."""
    errors = tmp_path / "errors.txt"
    words = command("run", "--port", "0", "--events", str(few_samples))
    with errors.open("w") as stderr:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=stderr, env=ENVIRONMENT)

    def is_up() -> bool:
        assert process.poll() is None, errors.read_text(encoding="utf-8")
        return "the page: http://127.0.0.1:" in errors.read_text(encoding="utf-8")

    try:
        eventually(is_up, 60, "the page")
        [where] = re.findall(r"export (.+)", errors.read_text(encoding="utf-8"))
        there = {**ENVIRONMENT, **dict(each.split("=", 1) for each in where.split())}
        past = command("outcomes", "--since", "10m", "--count", "1", "--seconds", "20", "--json")
        assert b'"created"' in subprocess.run(past, capture_output=True, timeout=60, check=True, env=there).stdout
        clean = command("clean", "--older", "0s", "--yes")
        for _ in range(2):  # what the first one removes is there again
            eventually(
                lambda: b"1 temp" in subprocess.run(clean, capture_output=True, check=True, env=there).stdout, 20
            )
        process.send_signal(number)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert "stopped" in errors.read_text(encoding="utf-8")
