"""Writes the contracts of events/: JSON Schemas, AsyncAPI and OpenAPI, all made from the function's own models."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from deploy.asyncapi import asyncapi
from deploy.log_lines import log_schema
from deploy.schemas import manifest, standalone
from emulator.template.reader import ros_templates
from handler.openapi import document

ROOT = Path(__file__).resolve().parent.parent


def contracts() -> Mapping[str, str]:
    """The text of each file, by its name."""
    names = {
        name: one.get("Default") for name, one in ros_templates(ROOT / "template.yml")["infra"]["Parameters"].items()
    }
    messages = asyncapi(names["RequestQueueName"], names["ResultTopicName"], names["DeadLetterQueueName"])
    return {
        "request.schema.json": _json(
            standalone("request", "One request, or several", "ModuleRequest", "ModuleRequests")
        ),
        "manifest.schema.json": _json(manifest()),
        "outcome.schema.json": _json(standalone("outcome", "An outcome", "Outcome")),
        "log.schema.json": _json(log_schema()),
        "asyncapi.yml": _yaml(messages),
        "openapi.json": _json(document()),
    }


def main(arguments: list[str] | None = None) -> None:
    """Write the contracts."""
    parser = argparse.ArgumentParser(prog="python -m deploy.contracts", description=main.__doc__)
    parser.add_argument("--output", type=Path, default=ROOT / "events", help="folder; default: events")
    options = parser.parse_args(arguments)
    for name, text in contracts().items():
        path = options.output / name
        path.write_text(text, encoding="utf-8")
        print(path)


def _json(value: object) -> str:
    """In ASCII: patterns hold characters that editors cannot show."""
    return json.dumps(value, indent=2) + "\n"


def _yaml(value: object) -> str:
    copied = json.loads(json.dumps(value))  # else what stands there twice becomes an anchor and an alias
    text = yaml.safe_dump(copied, sort_keys=False, width=120)
    return f"# Made by `make contracts`.\n{text}"


if __name__ == "__main__":
    main()
