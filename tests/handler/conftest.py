"""A real Valkey server for the tests of what shares a quota."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.valkey_server import ValkeyServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    with ValkeyServer(tmp_path) as server:
        yield server
