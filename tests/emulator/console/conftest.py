"""A local cloud, and a client of its page's port."""

from collections.abc import Iterator

import httpx
import pytest

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with local_cloud(Options(port=0)) as running:
        yield running


@pytest.fixture
def client(cloud: LocalCloud) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=cloud.urls.console, timeout=60, trust_env=False) as client:
        yield client
