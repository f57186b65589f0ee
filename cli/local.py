"""The local cloud in this process, on a thread of its own."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cli.problems import CliError
from cli.target import LOCAL_ACCOUNT, LOCAL_KEYS, Names, Target
from emulator.cloud import Cloud, LocalCloud, Options
from emulator.cloud import local_cloud as running


@dataclass(frozen=True)
class Local:
    """A local cloud that runs, and how to talk to it."""

    target: Target
    cloud: LocalCloud

    def busiest_second(self) -> dict[str, int]:
        """The most calls of each operation that the IoT API saw in any second."""
        return self.cloud.call(_busiest)


@contextmanager
def local_cloud(port: int) -> Iterator[Local]:
    """A local cloud while the block runs; on `port` and the next three, or on free ones for 0.

    Raises: CliError: a port is taken.
    """
    try:
        with running(Options(port=port)) as cloud:
            urls = cloud.urls
            region = cloud.cloud.template.region
            target = Target(True, region, LOCAL_ACCOUNT, LOCAL_KEYS, urls.iot, urls.smq, urls.fc, urls.console, Names())
            yield Local(target, cloud)
    except OSError as error:
        raise CliError(
            f"the local cloud cannot start on port {port}: {error.strerror or error}; try --port 0"
        ) from None


def _busiest(cloud: Cloud) -> dict[str, int]:
    windows: defaultdict[str, deque[float]] = defaultdict(deque)
    most: Counter[str] = Counter()
    for call in cloud.iot.calls:
        window = windows[call.operation]
        window.append(call.moment)
        while call.moment - window[0] >= 1:
            window.popleft()
        most[call.operation] = max(most[call.operation], len(window))
    return dict(most)
