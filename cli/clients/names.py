"""What template.yml calls things, and where it puts them: the `vars` at its top, for the local cloud and for an account."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

from cli.errors import UsageError
from emulator.template import document
from emulator.template.variables import Document, TemplateError, resolved, variables

TEMPLATE = Path(__file__).parents[2] / "template.yml"


@dataclass(frozen=True)
class Names:
    """Of queues, topic and functions; and the region of them all."""

    region: str
    request_queue: str
    dead_letter_queue: str
    outcome_queue: str
    result_topic: str
    queue_function: str
    http_function: str
    service: str = "ota-modules"
    """The FC 2.0 service under which the local cloud has the functions: aliyun-fc2 knows no others."""


def read(environ: Mapping[str, str], template: Path | None = None) -> Names:
    """Return the names that the environment gives, and for those that it does not, the template's.

    The template is `template`, or OTA_TEMPLATE, or template.yml; it is read only where a name is missing.
    Raises: UsageError: the template does not say what one of them is.
    """
    path = template or Path(environ.get("OTA_TEMPLATE") or TEMPLATE)
    variable = partial(_variable, path)
    name = variable("name")
    return Names(
        region=environ.get("OTA_REGION") or environ.get("ALIBABA_CLOUD_REGION_ID") or variable("region"),
        request_queue=environ.get("OTA_REQUEST_QUEUE") or variable("request_queue"),
        dead_letter_queue=environ.get("OTA_DEAD_LETTER_QUEUE") or variable("dead_letter_queue"),
        outcome_queue=environ.get("OTA_OUTCOME_QUEUE") or variable("outcome_queue"),
        result_topic=environ.get("OTA_RESULT_TOPIC") or variable("result_topic"),
        queue_function=f"{name}-queue",
        http_function=f"{name}-http",
    )


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
    return document.read(template).content
