"""The samples of events/, each with what is expected of it in the files beside it."""

import json
from pathlib import Path
from typing import Any

from tests.support.paths import ROOT

EVENTS = ROOT / "events"
FOLDERS = ("requests", "wrapped", "http", "triggers")
BESIDE = (".outcomes.json", ".answer.json")


def samples(folder: str) -> list[Path]:
    return sorted(path for path in (EVENTS / folder).iterdir() if not path.name.endswith(BESIDE))


def beside(sample: Path, what: str) -> Any:
    """The `outcomes` or the `answer` that a sample leads to."""
    return json.loads(sample.with_name(f"{sample.stem}.{what}.json").read_text(encoding="utf-8"))


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


SAMPLES = [path for folder in FOLDERS for path in samples(folder)]
