"""The store of a shared quota: its address, and what is said of an outage. Its script is tested with the quota."""

import pytest

from handler.clock import Clock
from handler.errors import SettingError
from handler.log import Log
from handler.store import Store


@pytest.mark.parametrize("url", ["http://host", "redis://:testsecret/x@host:1", "host"])
def test_an_address_that_is_none_is_refused_without_repeating_it(url: str) -> None:
    """The setting is named, its value is not."""
    with pytest.raises(SettingError) as caught:
        Store(url, Clock(), Log())
    assert caught.value.name == "OTA_QUOTA_URL"
    assert "testsecret" not in str(caught.value)


def test_an_outage_is_said_once() -> None:
    """However often the store is tried."""
    lines: list[str] = []
    store = Store("redis://127.0.0.1:1", Clock(), Log(write=lines.append))
    for _ in range(3):
        assert store.ask("key", ()) is None
    assert len(lines) == 1
