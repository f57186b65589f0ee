"""What template.yml calls things, and where it puts them: the `vars` at its top, for the local cloud and for an account."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from cli.errors import UsageError
from emulator.template.document import TemplateFile
from emulator.template.variables import Document, TemplateError, resolved, variables

TEMPLATE = Path(__file__).parents[2] / "template.yml"


class Names:
    """The names of queues, topic and functions, and the region of them all.

    What the environment does not name is read from the template when it is asked for: a command that needs no name needs
    no template. Each of them raises UsageError where the template does not say it.
    """

    service = "ota-modules"
    """The FC 2.0 service under which the local cloud has the functions: aliyun-fc2 knows no others."""

    def __init__(self, environ: Mapping[str, str], template: Path | None = None) -> None:
        """The template is `template`, or OTA_TEMPLATE, or template.yml."""
        self._environ = environ
        self._template = template or Path(environ.get("OTA_TEMPLATE") or TEMPLATE)

    @property
    def region(self) -> str:
        return self._name("region", "OTA_REGION", "ALIBABA_CLOUD_REGION_ID")

    @property
    def request_queue(self) -> str:
        return self._name("request_queue", "OTA_REQUEST_QUEUE")

    @property
    def dead_letter_queue(self) -> str:
        return self._name("dead_letter_queue", "OTA_DEAD_LETTER_QUEUE")

    @property
    def outcome_queue(self) -> str:
        return self._name("outcome_queue", "OTA_OUTCOME_QUEUE")

    @property
    def result_topic(self) -> str:
        return self._name("result_topic", "OTA_RESULT_TOPIC")

    @property
    def queue_function(self) -> str:
        return f"{self._name('name')}-queue"

    @property
    def http_function(self) -> str:
        return f"{self._name('name')}-http"

    @property
    def queue_qps(self) -> str:
        """OTA_QPS of the queue's function."""
        return self._name("qps_queue")

    @property
    def log_store(self) -> str:
        """The logstore of the functions."""
        return self._name("log_store")

    def log_project(self, account: str) -> str:
        """The project of that logstore; its name is taken in a whole region, so it has the account in it."""
        return f"{self._name('name')}-{account}"

    def _name(self, variable: str, *settings: str) -> str:
        given = next((value for setting in settings if (value := self._environ.get(setting))), "")
        return given or _variable(self._template, variable)


def _variable(template: Path, name: str) -> str:
    try:
        content = _content(template)
        return str(resolved(f"${{vars.{name}}}", variables(content, os.environ, {})))
    except TemplateError as error:
        raise UsageError(
            str(error) if template.name in str(error) else f"{template.name}: vars.{name}: {error}"
        ) from None


@cache
def _content(template: Path) -> Document:
    return TemplateFile(template).content
