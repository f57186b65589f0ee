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


class Complaints(list[str]):
    """What a page complains of on its console, and what it asks anybody but the local cloud for."""

    def __init__(self, allowed: str) -> None:
        super().__init__()
        self._listeners: dict[Any, Any] = {
            "console": lambda said: self.append(said.text) if said.type in ("error", "warning") else None,
            "pageerror": lambda error: self.append(str(error)),
            "request": lambda sent: self.append(sent.url) if not sent.url.startswith(allowed) else None,
        }

    def listen(self, page: Page) -> None:
        for event, complain in self._listeners.items():
            page.on(event, complain)

    def leave(self, page: Page) -> None:
        for event, complain in self._listeners.items():
            page.remove_listener(event, complain)


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """A page for one test after another: a new context costs three times as much as another address."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def open_page(browser: Browser, tab: Page, cloud: LocalCloud) -> Iterator[Open]:
    """`open_page()` shows the page once it is live; at the end none may have complained on its console."""
    complaints = Complaints(cloud.urls.console)
    pages: list[Page] = []

    def show(viewport: ViewportSize = WIDE, address: str = "", **options: Any) -> Page:
        page = browser.new_context(**options).new_page() if pages or options else tab
        pages.append(page)
        page.set_viewport_size(viewport)
        page.set_default_timeout(20_000)
        complaints.listen(page)
        page.goto(f"{cloud.urls.console}/{address}")
        expect(page.locator("#link")).to_have_attribute("data-state", "live", timeout=20_000)
        return page

    yield show
    for page in pages:
        if page is not tab:
            page.context.close()
            continue
        complaints.leave(page)
        page.context.clear_permissions()
        page.goto("about:blank")
    assert complaints == []


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()
