"""What tests of the whole do with a local cloud."""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulator.cloud import Cloud
from emulator.local import LocalCloud
from tests.support.paths import ROOT
from tests.support.waiting import eventually


@dataclass
class Outcomes:
    """The outcomes that reached the queue subscribed to the result topic, in the order of their coming."""

    local: LocalCloud
    events: list[Mapping[str, Any]] = field(default_factory=list)

    def collect(self) -> list[Mapping[str, Any]]:
        def take(cloud: Cloud) -> list[str]:
            bodies = []
            while messages := cloud.smq.receive("ota-module-outcomes", 16):
                for message in messages:
                    bodies.append(message.body)
                    cloud.smq.delete("ota-module-outcomes", message.handle)
            return bodies

        self.events += [json.loads(base64.b64decode(body)) for body in self.local.call(take)]
        return self.events

    def of(self, request_id: str, seconds: float = 30.0) -> Mapping[str, Any]:
        """The first outcome of a request, as soon as it has come."""
        eventually(lambda: self._found(request_id), seconds, f"an outcome of {request_id}")
        return self._found(request_id)[0]

    def _found(self, request_id: str) -> list[Mapping[str, Any]]:
        return [event for event in self.collect() if event["causationid"] == request_id]


def with_variables(folder: Path, **variables: object) -> Path:
    """A copy of template.yml with other values for its variables."""
    text = (ROOT / "template.yml").read_text(encoding="utf-8")
    for name, value in variables.items():
        line = f"  {name}: {json.dumps(value)}"
        text, count = re.subn(rf"(?m)^  {name}:.*$", lambda _, line=line: line, text)  # type: ignore[misc]
        assert count == 1, f"template.yml has no variable {name}"
    path = folder / "template.yml"
    path.write_text(text, encoding="utf-8")
    return path
