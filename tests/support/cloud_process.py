"""A local cloud as a process of its own: `python -m tests.support.cloud_process TEMPLATE`, until SIGINT or SIGTERM."""

import asyncio
import signal
import sys
from dataclasses import asdict
from pathlib import Path

from emulator.cloud import Options
from emulator.serving import serving


async def run(template: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with serving(Options(port=0, template=template, packaged=True)) as cloud:
        print(*(f"{name} {url}" for name, url in asdict(cloud.urls).items()), flush=True)
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
