"""What template.yml calls things, and where it puts them: the `vars` at its top, for the local cloud and for an account."""

import os
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cli.errors import UsageError
from emulator.template.document import TemplateFile
from emulator.template.variables import TemplateError, lookup_in, resolve

TEMPLATE = Path(__file__).parents[2] / "template.yml"
_read = cache(TemplateFile)


class _Name:
    """A variable of the template, unless the environment has it under one of some names; with something after it."""

    def __init__(self, variable: str, *settings: str, after: str = "") -> None:
        self._variable = variable
        self._settings = settings
        self._after = after

    def __get__(self, names: "Names", _owner: type["Names"]) -> str:
        for setting in self._settings:
            if given := names.environ.get(setting):
                if not re.fullmatch("[A-Za-z0-9-]+", given):
                    raise UsageError(f"{setting}: must be letters, digits and - (it is {given!r})")
                return given
        return _variable(names.template, self._variable) + self._after


class Names:
    """The names of queues, topic and functions, and the region of them all.

    What the environment does not name is read from the template when it is asked for: a command that needs no name needs
    no template. Each of them raises UsageError where the template does not say it.
    """

    region = _Name("region", "OTA_REGION", "ALIBABA_CLOUD_REGION_ID")
    request_queue = _Name("request_queue", "OTA_REQUEST_QUEUE")
    dead_letter_queue = _Name("dead_letter_queue", "OTA_DEAD_LETTER_QUEUE")
    outcome_queue = _Name("outcome_queue", "OTA_OUTCOME_QUEUE")
    result_topic = _Name("result_topic", "OTA_RESULT_TOPIC")
    queue_function = _Name("name", after="-queue")
    http_function = _Name("name", after="-http")
    queue_qps = _Name("qps_queue")
    """OTA_QPS of the queue's function."""
    log_project = _Name("name")
    """What the project of the functions' logstore begins with: the account follows, as its name is taken in a whole region."""
    log_store = _Name("log_store")

    def __init__(self, environ: Mapping[str, str], template: Path | None = None) -> None:
        """The template is `template`, or OTA_TEMPLATE, or template.yml."""
        self.environ = environ
        self.template = template or Path(environ.get("OTA_TEMPLATE") or TEMPLATE)


def _variable(template: Path, name: str) -> str:
    try:
        return str(resolve(f"${{vars.{name}}}", lookup_in(_read(template).content, os.environ, {})))
    except TemplateError as error:
        text = str(error)
        raise UsageError(text if template.name in text else f"{template.name}: vars.{name}: {text}") from None
