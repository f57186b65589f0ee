"""The planted faults, as far as that needs no running."""

import pytest

from tests.mutants.faults import FAULTS, TESTS
from tests.support.paths import ROOT


@pytest.mark.parametrize("file", FAULTS)
def test_every_fault_can_be_planted(file: str) -> None:
    """The text that it replaces stands once in the function as it is now, and its tests exist."""
    text = (ROOT / "handler" / file).read_text(encoding="utf-8")
    misplaced = {fault.name: text.count(fault.old) for fault in FAULTS[file] if text.count(fault.old) != 1}
    assert misplaced == {}, "plant them where they belong now"
    assert all((ROOT / "tests" / f"{test}.py").is_file() for test in TESTS[file])
