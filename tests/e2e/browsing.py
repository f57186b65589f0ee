"""The page of a local cloud in a real browser: what its tests have in common."""

import base64
import json
import shutil
from collections.abc import Callable
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, ViewportSize

from emulator.local import LocalCloud

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE: ViewportSize = {"width": 1600, "height": 1000}
NARROW: ViewportSize = {"width": 380, "height": 800}
Scheme = Literal["light", "dark"]
Open = Callable[..., Page]

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: the page is tested in one")


def encoded(value: object) -> str:
    return base64.b64encode(json.dumps(value).encode()).decode()


def send(cloud: LocalCloud, *requests: dict[str, object]) -> None:
    cloud.call(lambda cloud: [cloud.smq.send("ota-module-requests", encoded(request)) for request in requests])


def fill(page: Page, via: str, **values: str) -> None:
    """Fill the form and send it."""
    page.locator(".ways label", has_text=via).click()
    if {"Id", "CorrelationId", "IotInstanceId"} & set(values) and page.locator("#fields details:not([open])").count():
        page.locator("#fields summary").click()
    for name, value in values.items():
        page.locator(f"#field-{name}").fill(value)
    page.locator("#send-form button.primary").click()


def row(page: Page, module: str) -> Any:
    return page.locator(".row", has_text=module)
