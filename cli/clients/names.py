"""What template.yml calls things, and where it puts them: the `vars` at its top, for the local cloud and for an account."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

import yaml

from cli.errors import UsageError
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


def read(environ: Mapping[str, str], template: Path = TEMPLATE) -> Names:
    """The names in the template, or those that the function's own settings in the environment say.

    Raises: UsageError: the template does not say what one of them is.
    """
    said = partial(_said, template)
    name = said("name", "ota-modules")
    return Names(
        region=environ.get("OTA_REGION") or environ.get("ALIBABA_CLOUD_REGION_ID") or said("region", "cn-shanghai"),
        request_queue=environ.get("OTA_REQUEST_QUEUE") or said("request_queue", "ota-module-requests"),
        dead_letter_queue=environ.get("OTA_DEAD_LETTER_QUEUE") or said("dead_letter_queue", "ota-module-dead-letters"),
        outcome_queue=environ.get("OTA_OUTCOME_QUEUE") or said("outcome_queue", "ota-module-outcomes"),
        result_topic=environ.get("OTA_RESULT_TOPIC") or said("result_topic", "ota-module-results"),
        queue_function=f"{name}-queue",
        http_function=f"{name}-http",
    )


def _said(template: Path, name: str, usual: str) -> str:
    document = _document(template)
    value = (document.get("vars") or {}).get(name, usual)
    try:
        return str(resolved(value, variables(document, os.environ, {})))
    except TemplateError as error:
        raise UsageError(f"{template.name}: vars.{name}: {error}") from None


@cache
def _document(template: Path) -> Document:
    """Empty where there is no such file: the command line may be installed without it."""
    try:
        document = yaml.safe_load(template.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return MappingProxyType({})
    return MappingProxyType(document)
