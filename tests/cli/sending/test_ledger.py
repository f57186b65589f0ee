"""What one sending has done so far."""

import base64
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from cli.clients.target import local_target
from cli.errors import CliError, UsageError
from cli.sending.ledger import Ledger, content_key
from handler.messages import ModuleRequest
from tests.support.paths import ROOT

WHOLE = {"Status": "rejected", "ProductKey": "a1", "ModuleName": "mcu"}
Opened = Callable[..., Ledger]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """`opened(total)` opens the test's ledger; all are closed when the test ends."""
    with ExitStack() as ending:
        yield lambda total: ending.enter_context(closing(Ledger(tmp_path, "key", range(total))))


def request(name: str = "mcu", **more: str) -> ModuleRequest:
    return ModuleRequest(ProductKey="a1", ModuleName=name, **more)  # type: ignore[arg-type]


def test_a_ledger_is_as_it_was_left(opened: Opened) -> None:
    """The run's name too: Ids are made of it. The first outcome of a request counts; later ones are repetitions."""
    ledger = opened(4)
    ledger.note(following=True)
    ledger.note_sent([0, 1])
    ledger.note_outcomes({0: {"Status": "created"}, 1: WHOLE})
    ledger.note_outcomes({0: WHOLE})
    before = ledger.run
    ledger.close()
    again = opened(4)
    assert again.run == before
    assert (before.following, before.finished, before.sent, before.answered) == (1, 0, 2, 2)
    assert (again.unsent(), again.statuses, again.remarkable()) == ([2, 3], {"created": 1, "rejected": 1}, [WHOLE])


PROGRAM = """
import sys
from pathlib import Path
from cli.sending.ledger import Ledger
ledger = Ledger(Path(sys.argv[1]), "key", range(1000))
print(ledger.run.name, flush=True)
for number in range(0, 1000, 2):
    ledger.note_sent([number, number + 1])
    print(number, flush=True)
"""


def start(folder: Path) -> "subprocess.Popen[str]":
    """Start a process that sends a thousand requests, as far as its ledger knows."""
    command = [sys.executable, "-c", PROGRAM, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT)


@pytest.mark.parametrize("rounds", [1, 40])
def test_a_process_that_is_killed_loses_nothing_that_it_noted(opened: Opened, tmp_path: Path, rounds: int) -> None:
    """And another one goes on at once: the lock ends with the process."""
    with start(tmp_path) as process:
        assert process.stdout
        run = process.stdout.readline().strip()
        sent = [int(process.stdout.readline()) for _ in range(rounds)]
        process.kill()
    after = opened(1000)
    assert (after.run.name, after.run.sent >= sent[-1] + 2) == (run, True)
    assert after.unsent() == list(range(after.run.sent, 1000))


def test_another_process_is_refused_while_one_is_at_work(opened: Opened, tmp_path: Path) -> None:
    """The lock holds between processes; when the one has ended, another can go on."""
    ledger = opened(1000)
    with start(tmp_path) as process:
        assert "CliError: another" in process.communicate()[1]
    with pytest.raises(CliError, match="another"):
        opened(1000)
    ledger.close()
    opened(1000)


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"\0" * 5000], ids=["text", "zeros"])
def test_a_file_that_is_no_database_is_a_usage_error(opened: Opened, tmp_path: Path, content: bytes) -> None:
    """With its path, so that it can be removed."""
    (tmp_path / "key.db").write_bytes(content)
    with pytest.raises(UsageError, match=r"cannot keep the state in .*key\.db"):
        opened(1)
    with pytest.raises(UsageError, match="cannot keep the state"):
        Ledger(tmp_path / "key.db", "no folder")


def test_the_same_requests_for_the_same_queue_are_the_same_sending() -> None:
    """However they were written down."""
    here, elsewhere = local_target({}), local_target({"OTA_LOCAL_PORT": "9800"})
    assert content_key(here, [request()]) == content_key(here, [request()])
    assert content_key(here, [request()]) != content_key(here, [request("modem")])
    assert content_key(here, [request()]) != content_key(elsewhere, [request()])


def test_sixteen_of_the_largest_requests_are_less_than_64_kib() -> None:
    """SMQ takes no more at once, in Base64; so batches are counted, not weighed."""
    own = dict.fromkeys(("Id", "CorrelationId"), "🛰" * 128) | {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    keys = {"ProductKey": "🛰" * 64, "ModuleName": "m" * 64, "IotInstanceId": '"' * 128, "OnExisting": "update"}
    largest = ModuleRequest.model_validate({**keys, **own, "AliasName": "字" * 64, "Desc": "🛰" * 100})
    assert 16 * len(base64.b64encode(largest.to_json().encode())) < 64 * 1024
