"""The planted faults, as far as that needs no running."""

import pytest

from tests.mutants.__main__ import MUTANTS
from tests.mutants.faults import Mutant
from tests.support.paths import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_fault_can_be_planted(mutant: Mutant) -> None:
    """The text that it replaces stands once in the function as it is now, and its tests exist."""
    times = (ROOT / "handler" / mutant.file).read_text(encoding="utf-8").count(mutant.old)
    assert times == 1, (
        f"{mutant.old!r} stands {times} times in handler/{mutant.file}: plant the fault where it belongs now"
    )
    assert all((ROOT / test).is_file() for test in mutant.tests)
