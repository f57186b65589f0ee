"""What one sending has done so far."""

from pathlib import Path

import pytest

from cli.clients.target import local_target
from cli.errors import CliError, UsageError
from cli.sending.ledger import Ledger, content_key
from cli.sending.outgoing import Outgoing, batches
from handler.messages import ModuleRequest

WHOLE = {"Status": "rejected", "ProductKey": "a1", "ModuleName": "mcu"}


def request(name: str = "mcu", **more: str) -> ModuleRequest:
    return ModuleRequest(ProductKey="a1", ModuleName=name, **more)  # type: ignore[arg-type]


def test_a_ledger_is_as_it_was_left(tmp_path: Path) -> None:
    """The run's name too: Ids are made of it."""
    ledger = Ledger.open(tmp_path, "key", 4)
    ledger.follow()
    ledger.sending([0, 1])
    ledger.accepted([0, 1])
    ledger.sending([2])
    ledger.outcome({0: {"Status": "created"}, 1: WHOLE}, as_wished=[0])
    ledger.close()
    again = Ledger.open(tmp_path, "key", 4)
    assert (again.run, again.following, again.finished) == (ledger.run, True, False)
    assert (again.sent, again.doubtful, again.unsent()) == (2, 1, [2, 3])
    assert (again.answered, again.statuses, list(again.remarkable)) == (2, {"created": 1, "rejected": 1}, [WHOLE])


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_line_that_was_cut_off_is_as_if_it_had_not_been_written(tmp_path: Path, cut: int) -> None:
    """And what is written next is not glued to it."""
    ledger = Ledger.open(tmp_path, "key", 3)
    ledger.accepted([0])
    ledger.accepted([1])
    ledger.path.write_bytes(ledger.path.read_bytes()[:-cut])
    ledger.close()
    again = Ledger.open(tmp_path, "key", 3)
    again.accepted([2])
    again.close()
    assert 1 in Ledger.open(tmp_path, "key", 3).unsent()


def test_anew_forgets(tmp_path: Path) -> None:
    """Another run begins, with other Ids."""
    first = Ledger.open(tmp_path, "key", 1)
    first.accepted([0])
    first.close()
    second = Ledger.open(tmp_path, "key", 1, anew=True)
    assert second.run != first.run
    assert second.unsent() == [0]


def test_two_processes_do_not_send_the_same(tmp_path: Path) -> None:
    """The second is told; when the first has ended, it can go on."""
    first = Ledger.open(tmp_path, "key", 1)
    with pytest.raises(CliError, match="another"):
        Ledger.open(tmp_path, "key", 1)
    first.close()
    Ledger.open(tmp_path, "key", 1).close()


def test_the_first_outcome_of_a_request_counts(tmp_path: Path) -> None:
    """Later ones are repetitions."""
    ledger = Ledger.open(tmp_path, "key", 1)
    ledger.outcome({0: {"Status": "created"}}, as_wished=[0])
    ledger.outcome({0: WHOLE}, as_wished=[])
    assert ledger.statuses == {"created": 1}


def test_a_folder_that_cannot_be_written_is_a_usage_error(tmp_path: Path) -> None:
    """Nothing is sent that could not be gone on with."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="cannot keep the state"):
        Ledger.open(tmp_path / "file", "key", 1)


def test_the_same_requests_for_the_same_queue_are_the_same_sending() -> None:
    """However they were written down."""
    target = local_target()
    assert content_key(target, [request()]) == content_key(target, [request()])
    assert content_key(target, [request()]) != content_key(target, [request("modem")])
    assert content_key(target, [request()]) != content_key(local_target(9800), [request()])


def test_an_id_of_ones_own_is_kept() -> None:
    """Others are made of the run and the number."""
    outgoing = Outgoing([request(), request("modem", Id="mine")], "run")
    assert (outgoing.id(0), outgoing.id(1)) == ("run-1", "mine")


def test_a_batch_holds_sixteen_messages_and_64_kib_at_most() -> None:
    """SMQ refuses more of either."""
    small = Outgoing([request(f"m{number}") for number in range(40)], "run")
    assert [len(batch) for batch in batches(small, range(40))] == [16, 16, 8]
    large = Outgoing([request(f"m{number}", Desc="字" * 100, CorrelationId="🛰" * 128) for number in range(200)], "run")
    sizes = [sum(len(large.body(number).encode()) * 4 / 3 for number in batch) for batch in batches(large, range(200))]
    assert max(sizes) <= 64 * 1024
