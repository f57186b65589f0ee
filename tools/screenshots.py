"""The pictures of the page in docs/screenshots: `make screenshots`. Needs Chromium."""

import base64
import json
import shutil
import struct
import sys
import zlib
from collections import Counter
from typing import Any, Literal

from playwright.sync_api import Browser, Page, sync_playwright

from emulator.cloud import Cloud, Options
from emulator.faults.plan import Rule
from emulator.local import LocalCloud, local_cloud
from tests.support.paths import ROOT
from tests.support.waiting import eventually

FOLDER = ROOT / "docs" / "screenshots"
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"]
NAMES = ("mcu", "modem", "barcodeScanner", "sensorHub")
PATIENCE = 90.0
SCHEMES: tuple[Literal["dark"], Literal["light"]] = ("dark", "light")


def requests() -> list[dict[str, Any]]:
    """Something of everything: created, existing, updated, rejected, failed."""
    fleet: list[dict[str, Any]] = [
        {
            "ProductKey": f"a1Demo{number:05d}",
            "ModuleName": name,
            "AliasName": f"Gate_{name}",
            "CorrelationId": f"rollout-{number}",
        }
        for number in range(1, 9)
        for name in NAMES
    ]
    fleet[20:20] = [
        {"ProductKey": "a1Known0001", "ModuleName": "mcu", "AliasName": "Controller", "OnExisting": "update"},
        {"ProductKey": "a1Known0001", "ModuleName": "barcodeScanner", "AliasName": "Scanner"},
        {"ProductKey": "a1Full00010", "ModuleName": "lidar"},
        {"ProductKey": "a1 Demo", "ModuleName": "default"},
        {"ProductKey": "a1Demo00009", "ModuleName": "unlucky", "Attempt": 5, "Id": "unlucky"},
    ]
    return fleet


def work(cloud: Cloud) -> None:
    """Send them all, with an API that fails one of them for good and refuses some others for a while."""
    cloud.faults.add(Rule(service="iot", kind="status", contains="unlucky"))
    for request in requests():
        cloud.smq.send("ota-module-requests", base64.b64encode(json.dumps(request).encode()).decode())


def page(browser: Browser, local: LocalCloud, size: tuple[int, int], scheme: Literal["light", "dark"]) -> Page:
    opened = browser.new_page(
        viewport={"width": size[0], "height": size[1]}, color_scheme=scheme, reduced_motion="reduce"
    )
    opened.goto(local.urls.console)
    opened.locator('#link[data-state="live"]').wait_for()
    opened.locator("#products > li").first.wait_for()
    return opened


def shoot(browser: Browser, shown: Page, name: str) -> None:
    """Take a picture of at most 256 colours: that makes it a third as large, and nobody sees it."""
    shown.wait_for_timeout(500)
    taken = base64.b64encode(shown.screenshot(scale="css")).decode()
    blank = browser.new_page()
    width, height, pixels = blank.evaluate(PIXELS, taken)
    blank.close()
    (FOLDER / f"{name}.png").write_bytes(png(width, height, base64.b64decode(pixels)))


PIXELS = """async taken => {
    const image = await createImageBitmap(await (await fetch("data:image/png;base64," + taken)).blob());
    const context = new OffscreenCanvas(image.width, image.height).getContext("2d");
    context.drawImage(image, 0, 0);
    const bytes = context.getImageData(0, 0, image.width, image.height).data;
    const parts = [];
    for (let at = 0; at < bytes.length; at += 32766) parts.push(String.fromCharCode(...bytes.subarray(at, at + 32766)));
    return [image.width, image.height, btoa(parts.join(""))];
}"""


def png(width: int, height: int, rgba: bytes) -> bytes:
    """A PNG with a palette; colours that are not in it become their nearest."""
    pixels = [rgba[at : at + 3] for at in range(0, len(rgba), 4)]
    counted = Counter(pixels)
    palette = colours(counted)
    place = {colour: min(range(len(palette)), key=lambda at: _apart(palette[at], colour)) for colour in counted}
    indexed = bytes(map(place.__getitem__, pixels))
    lines = b"".join(b"\0" + indexed[at : at + width] for at in range(0, len(indexed), width))
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", b"".join(palette)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, content) for kind, content in chunks)


def colours(counted: Counter[bytes]) -> list[bytes]:
    """The commonest 64, and those that are farthest from all others, so that a rare red stays red."""
    found = [colour for colour, _count in counted.most_common(64)]
    missed = {colour: min(_apart(colour, other) for other in found) * count for colour, count in counted.items()}
    while len(found) < min(256, len(counted)):
        found.append(max(missed, key=lambda colour: missed[colour]))
        for colour in missed:
            missed[colour] = min(missed[colour], _apart(colour, found[-1]) * counted[colour])
    return found


def _apart(one: bytes, other: bytes) -> int:
    return sum((first - second) ** 2 for first, second in zip(one, other, strict=True))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def pictures(browser: Browser, local: LocalCloud) -> None:
    dark, light = (page(browser, local, (1440, 900), scheme) for scheme in SCHEMES)
    local.call(work)
    eventually(lambda: seen(dark) > 12, PATIENCE)
    # Colleagues use up the quota for a moment.
    local.call(lambda cloud: cloud.iot.consume("CreateOTAModule", 7))
    eventually(lambda: seen(dark) > 24, PATIENCE)
    shoot(browser, dark, "page-dark")
    eventually(lambda: seen(light) == len(requests()), PATIENCE)
    local.call(lambda cloud: cloud.faults.clear())
    shoot(browser, light, "page-light")
    light.locator("#outcome-search").fill("a1known0001")
    light.locator('.row[data-status="updated"]').click()
    light.locator("#story .steps li").nth(3).wait_for()
    shoot(browser, light, "story")
    shoot(browser, page(browser, local, (380, 760), "dark"), "phone")


def seen(shown: Page) -> int:
    """The outcomes that a page shows."""
    return int(shown.locator("#statuses b").first.inner_text())


def main() -> int:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        print("there is no Chromium here", file=sys.stderr)
        return 1
    FOLDER.mkdir(parents=True, exist_ok=True)
    with local_cloud(Options(port=0)) as local, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        pictures(browser, local)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
