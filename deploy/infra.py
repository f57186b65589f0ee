"""Writes the ROS templates of template.yml to files of their own, for the ROS console and for other tools."""

import argparse
import json
from pathlib import Path

from emulator.template.reader import ros_templates

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> None:
    """Write dist/infra.json and dist/alarms.json, with the file's variables as the defaults of their parameters."""
    parser = argparse.ArgumentParser(prog="python -m deploy.infra", description=main.__doc__)
    parser.add_argument("--template", type=Path, default=ROOT / "template.yml", help="default: template.yml")
    parser.add_argument("--output", type=Path, default=ROOT / "dist", help="a folder; default: dist")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    for name, template in ros_templates(options.template).items():
        path = options.output / f"{name}.json"
        path.write_text(json.dumps(template, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        print(path)


if __name__ == "__main__":
    main()
