"""The samples of events/: what to send, which way, and what is expected of it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from cli.errors import UsageError

EVENTS = Path(__file__).parents[2] / "events"
MESSAGE = "{message}"
"""Stands in an expected Id for an id that is known only once the sample is sent."""
BESIDE = (".outcomes.json", ".answer.json")

WAYS = {"requests": "queue", "wrapped": "queue", "http": "http", "triggers": "invoke"}
"""How samples are sent, by folder."""


class Sample(NamedTuple):
    """A file of events/; `outcomes` are parts of outcomes' data, each with the `Id` of its request."""

    name: str
    way: str
    body: bytes
    outcomes: tuple[Mapping[str, Any], ...]
    answer: Mapping[str, Any] | None = None


def read_all(folder: Path = EVENTS) -> list[Sample]:
    """Read every sample of a folder that is laid out as events/ is. Raises: UsageError."""
    found = [_read(path) for way in WAYS for path in sorted((folder / way).glob("*")) if not path.name.endswith(BESIDE)]
    if not found:
        raise UsageError(f"no samples in {folder}")
    return found


def _read(path: Path) -> Sample:
    outcomes, answer = (path.with_name(path.stem + beside) for beside in BESIDE)
    return Sample(
        name=f"{path.parent.name}/{path.name}",
        way=WAYS[path.parent.name],
        body=path.read_bytes(),
        outcomes=tuple(_json(outcomes)),
        answer=_json(answer) if answer.exists() else None,
    )


def _json(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from None
