"""The page of a local cloud in a real browser: what its tests have in common."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, ViewportSize, expect

from emulator.local import LocalCloud
from tests.support.local import encoded, send

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
WIDE: ViewportSize = {"width": 1600, "height": 1000}
NARROW: ViewportSize = {"width": 380, "height": 800}
Open = Callable[..., Page]

in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium here: the page is tested in one")


class Window:
    """A page, and what it complains of on its console, or asks anybody but the local cloud for."""

    def __init__(self, browser: Browser, allowed: str, **options: Any) -> None:
        self.complaints: list[str] = []
        self.context = browser.new_context(**options)
        self.context.on("console", lambda line: self._complain(line.text, line.type in ("error", "warning")))
        self.context.on("weberror", lambda error: self._complain(str(error.error)))
        self.context.on("request", lambda request: self._complain(request.url, not request.url.startswith(allowed)))
        self.page = self.context.new_page()

    def _complain(self, text: str, is_wrong: bool = True) -> None:
        if is_wrong:
            self.complaints.append(text)


def fill(page: Page, via: str, **values: str) -> None:
    """Fill the form and send it."""
    page.locator(".ways label", has_text=via).click()
    if {"Id", "CorrelationId", "IotInstanceId"} & set(values) and page.locator("#fields details:not([open])").count():
        page.locator("#fields summary").click()
    for name, value in values.items():
        page.locator(f"#field-{name}").fill(value)
    page.locator("#send-form button.primary").click()


def row(page: Page, module: str) -> Locator:
    return page.locator(".row", has_text=module)


def queued(page: Page, queue: str, figure: str = "active") -> Locator:
    return page.locator(f'[data-queue="{queue}"] [data-figure="{figure}"]')


def send_run(page: Page, cloud: LocalCloud, run: str, count: int) -> Locator:
    """Send requests of a run that need no call of the API, and wait until all are answered."""
    send(cloud, *({"ProductKey": "a1 no", "ModuleName": "m", "Id": f"{run}-{number}"} for number in range(count)))
    shown = page.locator(f'[data-run="{run}"]')
    expect(shown).to_contain_text(f"{count} of {count}", timeout=30_000)
    return shown


def send_letter(cloud: LocalCloud, name: str, **more: object) -> None:
    """Put a request into the dead-letter queue, as the function does."""
    request = {"ProductKey": "a1Dead", "ModuleName": name, "Id": name, **more}
    letter = encoded({"Reason": "quota", "Detail": "used up by others", "Request": request})
    cloud.call(lambda parts: parts.smq.send("ota-module-dead-letters", letter))


def check_widths(page: Page) -> None:
    """Nothing is to be scrolled sideways, from a phone to a desk."""
    for width in (320, 380, 760, 1024, 1280, 1600, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
