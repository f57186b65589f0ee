"""The samples of events/: what to send, which way, and what is expected of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from cli import records
from cli.clients import http
from cli.errors import UsageError

EVENTS = Path(__file__).parents[2] / "events"
MESSAGE = "{message}"
"""Stands in an expected Id for an id that is known only once the sample is sent."""
BESIDE = (".outcomes.json", ".answer.json")

Way = Literal["queue", "http", "invoke"]
WAYS: Mapping[str, Way] = {"requests": "queue", "wrapped": "queue", "http": "http", "triggers": "invoke"}
"""By folder."""


@dataclass(frozen=True)
class Sample:
    """A file of events/; `outcomes` are parts of outcomes' data, each with the `Id` of its request."""

    name: str
    way: Way
    body: bytes
    outcomes: tuple[Mapping[str, Any], ...]
    answer: Mapping[str, Any] | None = None

    @property
    def awaits_id(self) -> bool:
        """Whether its outcomes' ids are known only once it is sent."""
        return any(MESSAGE in outcome["Id"] for outcome in self.outcomes)

    def expected(self, message_id: str = "") -> dict[str, Mapping[str, Any]]:
        """Parts of outcomes' data, by their requests' ids."""
        return {
            outcome["Id"].replace(MESSAGE, message_id): {name: value for name, value in outcome.items() if name != "Id"}
            for outcome in self.outcomes
        }


def read_all(folder: Path = EVENTS) -> list[Sample]:
    """Every sample of a folder that is laid out as events/ is. Raises: UsageError."""
    found = [
        read(path) for name in WAYS for path in sorted((folder / name).glob("*")) if not path.name.endswith(BESIDE)
    ]
    if not found:
        raise UsageError(f"no samples in {folder}")
    return found


def read(path: Path) -> Sample:
    """Raises: UsageError."""
    answer = path.with_name(f"{path.stem}.answer.json")
    return Sample(
        name=f"{path.parent.name}/{path.name}",
        way=WAYS[path.parent.name],
        body=path.read_bytes(),
        outcomes=tuple(_json(path.with_name(f"{path.stem}.outcomes.json"))),
        answer=_json(answer) if answer.exists() else None,
    )


def _json(path: Path) -> Any:  # noqa: ANN401 - any JSON value
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from None


def http_body(said: object) -> bytes | None:
    """A body as a sample has it: text goes as it is, anything else as JSON."""
    if said is None:
        return None
    return said.encode() if isinstance(said, str) else json.dumps(said, ensure_ascii=False).encode()


def answer_value(answer: http.Answer) -> records.Answer:
    """An HTTP answer in the form of an answer file."""
    try:
        body = json.loads(answer.content)
    except ValueError:
        body = answer.content.decode("utf-8", "replace")
    return {"status": answer.status, "headers": dict(answer.headers), "body": body}
