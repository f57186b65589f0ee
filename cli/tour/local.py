"""The local cloud in this process, on a thread of its own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from cli.clients.names import Names
from cli.clients.target import Target, local_at
from cli.errors import CliError
from emulator.cloud import Options
from emulator.iot.answers import AnswersError
from emulator.local import local_cloud as running
from emulator.pulse import busiest_second
from emulator.template.variables import TemplateError


@contextmanager
def local_cloud(options: Options) -> Iterator[tuple[Target, Callable[[], dict[str, int]]]]:
    """Run a local cloud while the block does; yield how to talk to it, and what tells the busiest second of its IoT API.

    Raises: CliError: a port is taken, or the template cannot be carried out.
    """
    port = options.port
    try:
        with running(options) as cloud:
            urls = cloud.urls
            target = local_at((urls.console, urls.iot, urls.smq, urls.fc), Names({}, options.template))
            yield target, lambda: dict(cloud.call(lambda parts: busiest_second(parts.records.events)))
    except OSError as error:
        where = error.filename or f"port {port}"
        hint = "" if error.filename else f"; try --port {port + 100} (make run PORT={port + 100})"
        raise CliError(f"the local cloud cannot start on {where}: {error.strerror or error}{hint}") from None
    except (TemplateError, AnswersError) as error:
        raise CliError(f"the local cloud cannot start: {error}") from None
