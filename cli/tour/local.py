"""The local cloud in this process, on a thread of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from cli.clients.names import Names
from cli.clients.target import Target, local_at
from cli.errors import CliError
from emulator.cloud import Options
from emulator.iot.answers import AnswersError
from emulator.local import LocalCloud
from emulator.local import local_cloud as running
from emulator.pulse import busiest_second
from emulator.template.variables import TemplateError


@dataclass(frozen=True)
class Local:
    """A local cloud that runs, and how to talk to it."""

    target: Target
    cloud: LocalCloud

    def busiest_second(self) -> dict[str, int]:
        """Return the most calls of each operation that the IoT API saw in any second."""
        return dict(self.cloud.call(lambda cloud: busiest_second(cloud.records.events)))


@contextmanager
def local_cloud(options: Options) -> Iterator[Local]:
    """Run a local cloud while the block does.

    Raises: CliError: a port is taken, or the template cannot be carried out.
    """
    port = options.port
    try:
        with running(options) as cloud:
            urls = cloud.urls
            target = local_at((urls.console, urls.iot, urls.smq, urls.fc), Names({}, options.template))
            yield Local(target, cloud)
    except OSError as error:
        raise CliError(
            f"the local cloud cannot start on port {port}: {error.strerror or error}; "
            f"try --port {port + 100} (make run PORT={port + 100})"
        ) from None
    except (TemplateError, AnswersError) as error:
        raise CliError(f"the local cloud cannot start: {error}") from None
