"""What tests of the whole do with a local cloud."""

import base64
import json
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


def encoded(value: object) -> str:
    """The body of a message, as every SDK sends it."""
    return base64.b64encode(json.dumps(value).encode()).decode()


def send(cloud: LocalCloud, *requests: object) -> None:
    """Send each to the request queue in a message of its own."""
    cloud.call(lambda parts: [parts.smq.send("ota-module-requests", encoded(request)) for request in requests])


def publish(cloud: LocalCloud, *events: Mapping[str, Any]) -> None:
    """Publish outcomes that no function worked for."""
    bodies = [(encoded(event), event["data"]["Status"]) for event in events]
    cloud.call(lambda parts: [parts.smq.publish("ota-module-results", body, status) for body, status in bodies])


def changed_template(folder: Path, changes: Mapping[str, str]) -> Path:
    """Write a copy of template.yml in which these texts are replaced."""
    text = (ROOT / "template.yml").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "template.yml"
    path.write_text(text, encoding="utf-8")
    return path
