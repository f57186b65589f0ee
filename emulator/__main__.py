"""`python -m emulator`: the local cloud, until Ctrl-C."""

import argparse
import asyncio
import sys
from pathlib import Path

from emulator.cloud import PORT, ROOT, Cloud, Options
from emulator.serving import SERVERS, run
from emulator.template.variables import TemplateError

HIGHEST_PORT = 65_536 - len(SERVERS)


def main() -> int:
    """Parse the arguments and serve."""
    parser = argparse.ArgumentParser(prog="python -m emulator", description="The local cloud, on loopback.")
    parser.add_argument(
        "--port", type=_port, default=PORT, help="the page's; the servers take the next three; 0: free ones"
    )
    parser.add_argument("--state", type=Path, help="a folder that outlives the process (default: everything in memory)")
    parser.add_argument("--template", type=Path, default=ROOT / "template.yml", help="what is deployed")
    parser.add_argument(
        "--packaged", action="store_true", help="run the packaged code (dist/function), not the sources"
    )
    parser.add_argument("--python", help="the interpreter that functions run with")
    parser.add_argument("--seed", type=int, default=0, help="decides what the API's documentation leaves open")
    given = parser.parse_args()
    options = Options(given.port, given.state, given.template, given.packaged, given.python, given.seed)
    try:
        asyncio.run(run(options, _told))
    except (OSError, TemplateError, ValueError) as error:
        print(f"the local cloud cannot start: {error}", file=sys.stderr)
        return 1
    return 0


def _port(text: str) -> int:
    """Four ports in a row are needed."""
    if not text.isascii() or not text.isdigit() or int(text[:6]) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port up to {HIGHEST_PORT}")
    return int(text)


def _told(cloud: Cloud) -> None:
    urls = cloud.urls
    places = f"page {urls.console}   IoT {urls.iot}   SMQ {urls.smq}   FC {urls.fc}"
    print(f"{places}   seed {cloud.options.seed}   Ctrl-C ends", flush=True)


if __name__ == "__main__":
    sys.exit(main())
