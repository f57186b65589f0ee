"""The local cloud of a file of tests."""

from collections.abc import Iterator

import pytest

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from tests.support.local import Outcomes


@pytest.fixture(scope="module")
def local() -> Iterator[LocalCloud]:
    """One local cloud for the tests of a file."""
    with local_cloud(Options(port=0)) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(local: LocalCloud) -> Outcomes:
    return Outcomes(local)
