"""The local cloud in this process, on a thread of its own."""

from collections import Counter, defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cli import names
from cli.problems import CliError
from cli.target import Target, local_at
from emulator.cloud import Cloud, LocalCloud, Options
from emulator.cloud import local_cloud as running
from emulator.variables import TemplateError


@dataclass(frozen=True)
class Local:
    """A local cloud that runs, and how to talk to it."""

    target: Target
    cloud: LocalCloud

    def busiest_second(self) -> dict[str, int]:
        """The most calls of each operation that the IoT API saw in any second."""
        return self.cloud.call(_busiest)


@contextmanager
def local_cloud(port: int, template: Path = names.TEMPLATE, state: Path | None = None) -> Iterator[Local]:
    """A local cloud while the block runs; on `port` and the next three, or on free ones for 0.

    Raises: CliError: a port is taken, or the template cannot be carried out.
    """
    try:
        with running(Options(port=port, template=template, state=state)) as cloud:
            urls = cloud.urls
            called = names.read({}, template)
            yield Local(local_at(urls.iot, urls.smq, urls.fc, urls.console, called), cloud)
    except OSError as error:
        raise CliError(
            f"the local cloud cannot start on port {port}: {error.strerror or error}; "
            f"try --port {port + 100} (make run PORT={port + 100})"
        ) from None
    except TemplateError as error:
        raise CliError(f"the local cloud cannot start: {template.name}: {error}") from None


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
