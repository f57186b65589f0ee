"""The local clouds of a file of tests, and a browser."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright

from emulator.cloud import Options
from emulator.local import LocalCloud, local_cloud
from tests.e2e.browsing import CHROMIUM, FLAGS, WIDE, Open, Window
from tests.e2e.scenario import Scenario, hurried_cloud
from tests.support.local import Outcomes


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """One local cloud for the tests of a file, in which what is put back comes again soon."""
    with local_cloud(Options(port=0, delay_scale=0.1)) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(cloud: LocalCloud) -> Outcomes:
    return Outcomes(cloud)


@pytest.fixture(scope="module")
def scenario(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Scenario]:
    """One hurried cloud for the tests of a file, or one for each `param`."""
    with hurried_cloud(tmp_path_factory.mktemp("hurried"), **getattr(request, "param", {})) as running:
        yield Scenario(running)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def window(browser: Browser, cloud: LocalCloud) -> Window:
    """A window for one test after another: a new one costs three times as much as another address."""
    return Window(browser, cloud.urls.console)


@pytest.fixture
def open_page(browser: Browser, window: Window, cloud: LocalCloud) -> Iterator[Open]:
    """`open_page()` shows the page once it is live; at the end none may have complained."""
    windows: list[Window] = []
    window.complaints.clear()

    def show(viewport: ViewportSize = WIDE, address: str = "", **options: Any) -> Page:
        windows.append(Window(browser, cloud.urls.console, **options) if windows or options else window)
        page = windows[-1].page
        page.set_viewport_size(viewport)
        page.set_default_timeout(20_000)
        page.goto(f"{cloud.urls.console}/{address}")
        expect(page.locator("#link")).to_have_attribute("data-state", "live", timeout=20_000)
        return page

    yield show
    complaints = [complaint for each in windows for complaint in each.complaints]
    for each in windows:
        if each is not window:
            each.context.close()
    window.context.clear_permissions()
    window.page.goto("about:blank")
    assert complaints == []


@pytest.fixture
def page(open_page: Open) -> Page:
    return open_page()
