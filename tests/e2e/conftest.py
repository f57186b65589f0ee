"""The local cloud of a file of tests, and a browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from tests.e2e.browsing import CHROMIUM, FLAGS, WIDE, Open
from tests.support.local import Outcomes


@pytest.fixture(scope="module")
def local() -> Iterator[LocalCloud]:
    """One local cloud for the tests of a file."""
    with local_cloud(Options(port=0)) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(local: LocalCloud) -> Outcomes:
    return Outcomes(local)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, cloud: LocalCloud) -> Iterator[Open]:
    """`open_page()` shows the page once it is live; at the end none may have complained on its console."""
    complaints: list[str] = []
    contexts = []

    def show(viewport: ViewportSize = WIDE, address: str = "", **options: Any) -> Page:
        contexts.append(browser.new_context(viewport=viewport, **options))
        page = contexts[-1].new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda sent: complaints.append(sent.url) if not sent.url.startswith(cloud.urls.console) else None
        )
        page.goto(f"{cloud.urls.console}/{address}")
        expect(page.locator("#link")).to_have_attribute("data-state", "live", timeout=20_000)
        return page

    yield show
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()
