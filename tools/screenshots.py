"""The pictures of the page in docs/screenshots: `make screenshots`. Needs Chromium."""

import base64
import io
import json
import shutil
import sys
from typing import Any, Literal

from PIL import Image
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
    """List requests of every kind: created, existing, updated, rejected, failed."""
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
        {"ProductKey": "a1Demo00009", "ModuleName": "unlucky", "Attempt": 10, "Id": "unlucky"},
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


def shoot(shown: Page, name: str) -> None:
    """Take a picture of at most 256 colours: that makes it a third as large, and a rare red stays red."""
    shown.wait_for_timeout(500)
    taken = Image.open(io.BytesIO(shown.screenshot(scale="css"))).convert("RGB")
    taken.quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
        FOLDER / f"{name}.png", optimize=True
    )


def pictures(browser: Browser, local: LocalCloud) -> None:
    dark, light = (page(browser, local, (1440, 900), scheme) for scheme in SCHEMES)
    local.call(work)
    eventually(lambda: count_outcomes(dark) > 12, PATIENCE)
    # Colleagues use up the quota for a moment.
    local.call(lambda cloud: cloud.iot.consume("CreateOTAModule", 7))
    eventually(lambda: count_outcomes(dark) > 24, PATIENCE)
    shoot(dark, "page-dark")
    eventually(lambda: count_outcomes(light) == len(requests()), PATIENCE)
    local.call(lambda cloud: cloud.faults.clear())
    shoot(light, "page-light")
    light.locator("#outcome-search").fill("a1known0001")
    light.locator('.row[data-status="updated"]').click()
    light.locator("#story .steps li").nth(3).wait_for()
    shoot(light, "story")
    shoot(page(browser, local, (380, 760), "dark"), "phone")


def count_outcomes(shown: Page) -> int:
    """Count the outcomes that a page shows."""
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
