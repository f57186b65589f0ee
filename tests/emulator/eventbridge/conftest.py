"""An SMQ with a queue and another for dead letters."""

from collections.abc import Iterator

import pytest

from emulator.ram.keys import Accounts
from emulator.smq.service import MessageService


@pytest.fixture
def service() -> Iterator[MessageService]:
    service = MessageService(Accounts())
    service.create_queue("q")
    service.create_queue("dead")
    yield service
    service.close()
