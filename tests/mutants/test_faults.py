"""The planted faults, as far as that needs no running."""

import pytest

from tests.mutants.faults import FAULTS, expected_tests
from tests.support.paths import ROOT


@pytest.mark.parametrize(("file", "name"), [(file, name) for file, faults in FAULTS.items() for name in faults])
def test_every_fault_can_be_planted(file: str, name: str) -> None:
    """The text that it replaces stands once in the function as it is now, what comes of it is Python, and its tests exist."""
    compile(FAULTS[file][name].plant((ROOT / "handler" / file).read_text(encoding="utf-8")), file, "exec")
    tests = expected_tests(file)
    assert tests
    assert all((ROOT / test).is_file() for test in tests)
