"""Writes the contracts, made from the function's own models: JSON Schemas, AsyncAPI, and OpenAPI as the function serves it."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from deploy.asyncapi import asyncapi
from deploy.log_lines import log_schema
from deploy.openapi import document
from deploy.records import records
from deploy.schemas import manifest, standalone
from emulator.template.reader import ros_templates

ROOT = Path(__file__).resolve().parent.parent


def contracts() -> Mapping[str, str]:
    """Write each contract; return the texts by path in the checkout."""
    names = {
        name: one.get("Default") for name, one in ros_templates(ROOT / "template.yml")["infra"]["Parameters"].items()
    }
    messages = asyncapi(names["RequestQueueName"], names["ResultTopicName"], names["DeadLetterQueueName"])
    return {
        "events/request.schema.json": _json(
            standalone("request", "One request, or several", "ModuleRequest", "ModuleRequests")
        ),
        "events/manifest.schema.json": _json(manifest()),
        "events/outcome.schema.json": _json(standalone("outcome", "An outcome", "Outcome")),
        "events/log.schema.json": _json(log_schema()),
        "events/cli.schema.json": _json(records()),
        "events/asyncapi.yml": _yaml(messages),
        "events/openapi.json": _json(document()),
        "handler/openapi.json": json.dumps(document(), separators=(",", ":")),
    }


def main(arguments: list[str] | None = None) -> None:
    """Write the contracts."""
    parser = argparse.ArgumentParser(prog="python -m deploy.contracts", description=main.__doc__)
    parser.add_argument("--output", type=Path, default=ROOT, help="folder; default: the checkout")
    options = parser.parse_args(arguments)
    for name, text in contracts().items():
        path = options.output / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)


def _json(value: object) -> str:
    """Write JSON in ASCII: patterns hold characters that editors cannot show."""
    return json.dumps(value, indent=2) + "\n"


def _yaml(value: object) -> str:
    copied = json.loads(json.dumps(value))  # else what stands there twice becomes an anchor and an alias
    text = yaml.safe_dump(copied, sort_keys=False, width=120)
    return f"# Made by `make contracts`.\n{text}"


if __name__ == "__main__":
    main()
