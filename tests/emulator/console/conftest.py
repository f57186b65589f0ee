"""A client of the page's port."""

from collections.abc import Iterator

import httpx
import pytest

from emulator.local import LocalCloud


@pytest.fixture
def client(cloud: LocalCloud) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cloud.urls.console, timeout=60) as client:
        yield client
