"""A whole local cloud, and the environment in which commands talk to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from tests.support.command import endpoints


@dataclass(frozen=True)
class Live:
    """A local cloud that runs."""

    cloud: LocalCloud
    environ: dict[str, str]


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    """Run a local cloud; the commands of a test share their state."""
    with local_cloud(Options(port=0)) as cloud:
        yield Live(cloud, {**endpoints(cloud), "XDG_STATE_HOME": str(tmp_path / "state")})
