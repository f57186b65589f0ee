"""A whole local cloud, and the environment in which commands talk to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud


@dataclass(frozen=True)
class Live:
    """A local cloud that runs."""

    cloud: LocalCloud
    environ: dict[str, str]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Run a local cloud; the commands of a test share their state."""
    with local_cloud(Options(port=0)) as cloud:
        urls = cloud.urls
        environ = {
            "OTA_IOT_ENDPOINT": urls.iot, "OTA_MNS_ENDPOINT": urls.smq, "OTA_FC_ENDPOINT": urls.fc,
            "OTA_CONSOLE_ENDPOINT": urls.console, "XDG_STATE_HOME": str(tmp_path / "state"),
        }  # fmt: skip
        yield Live(cloud, environ)
