"""A local cloud of the project's template.yml whose functions are small and keep what they get."""

import copy
import json
from pathlib import Path
from typing import Any

import yaml

from emulator.cloud import Options
from tests.support.paths import ROOT

FUNCTIONS = ROOT / "tests/emulator/fc/functions"
Document = dict[str, Any]
TEMPLATE: Document = yaml.load((ROOT / "template.yml").read_text(encoding="utf-8"), yaml.CSafeLoader)


def document() -> Document:
    """Return template.yml, with small functions in place of the project's."""
    read: Document = copy.deepcopy(TEMPLATE)
    for name, handler in (("queue", "samples.keep"), ("http", "samples.web")):
        props = read["resources"][name]["props"]
        props |= {"code": str(FUNCTIONS), "handler": handler, "instanceLifecycleConfig": {}}
        props["environmentVariables"]["KEPT"] = "${env('KEPT', '')}"
    read["vars"]["batch_seconds"] = 0
    return read


def written(folder: Path, template: Document) -> Path:
    path = folder / "template.yml"
    path.write_text(json.dumps(template), encoding="utf-8")  # JSON is YAML, and written in no time
    return path


def options(folder: Path, template: Document | None = None, **more: Any) -> Options:
    """Make the options of a cloud whose functions keep their events in the folder."""
    path = written(folder, template or document())
    return Options(port=0, template=path, packaged=True, variables={"KEPT": str(folder / "kept")}, **more)


def kept(folder: Path) -> list[Any]:
    """Return the events that reached the function."""
    path = folder / "kept"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
