"""Writes the ROS template of template.yml to a file of its own, for the ROS console and for other tools."""

import argparse
import json
from pathlib import Path

from emulator.template import ros_template

ROOT = Path(__file__).resolve().parent.parent


def main(arguments: list[str] | None = None) -> None:
    """Write dist/infra.json: the stack's template, with the file's variables as the defaults of its parameters."""
    parser = argparse.ArgumentParser(prog="python -m deploy.infra", description=main.__doc__)
    parser.add_argument("--template", type=Path, default=ROOT / "template.yml", help="default: template.yml")
    parser.add_argument("--output", type=Path, default=ROOT / "dist" / "infra.json", help="default: dist/infra.json")
    options = parser.parse_args(arguments)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(ros_template(options.template), indent=2, ensure_ascii=False)
    options.output.write_text(text + "\n", encoding="utf-8")
    print(options.output)


if __name__ == "__main__":
    main()
