"""The schema of the records that the command line prints with --json, made from its own types."""

from typing import Any

from pydantic import TypeAdapter

from cli.records import OPEN, Record
from deploy.schemas import DIALECT, Schema


def records() -> Schema:
    """Return the schema of a line of standard output: one of the records, with no field that is not described."""
    made = TypeAdapter[Any](Record).json_schema(mode="serialization")
    further = {kind.__name__ for kind in OPEN}
    definitions = {
        name: {**definition, "additionalProperties": name in further} for name, definition in made["$defs"].items()
    }
    head = {
        "$schema": DIALECT,
        "$id": "urn:ota-modules:schema:cli",
        "title": "A line that ota-modules prints with --json",
    }
    return {**head, "anyOf": made["anyOf"], "$defs": definitions}
