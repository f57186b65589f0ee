"""The page, in a real browser: Chromium."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from emulator.cloud import Cloud, Options
from emulator.faults.plan import Rule
from emulator.local import LocalCloud, local_cloud
from tests.e2e.browsing import NARROW, WIDE, Open, Scheme, encoded, fill, in_a_browser, row, send
from tests.support.paths import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = in_a_browser


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with local_cloud(Options(port=0)) as running:
        yield running


def publish(cloud: LocalCloud, count: int, name: str, status: str = "existing") -> None:
    """Outcomes that nobody worked for."""

    def outcome(number: int) -> dict[str, object]:
        data = {"Status": status, "ProductKey": f"a1{name}", "ModuleName": f"m{number}", "Attempts": 1}
        return {
            "id": f"{name}{number}",
            "causationid": f"{name}-{number}",
            "type": f"ota.module.{status}",
            "data": data,
        }

    def run(cloud: Cloud) -> None:
        for number in range(count):
            cloud.smq.publish("ota-module-results", encoded(outcome(number)), status)

    cloud.call(run)


@pytest.mark.parametrize("via", ["Queue", "HTTP"])
def test_a_request_sent_from_the_form_ends_as_an_outcome_in_the_list(page: Page, via: str) -> None:
    """The whole way round, by the queue and over HTTP."""
    name = f"form-{via.lower()}"
    fill(page, via, ProductKey="a1Fleet0001", ModuleName=name, AliasName="Form")
    expect(page.locator("#send-result")).to_contain_text("created", timeout=30_000)
    expect(row(page, name)).to_contain_text("created", timeout=30_000)
    expect(page.locator('[data-product="a1Fleet0001"]')).to_contain_text(name, timeout=20_000)


def test_an_outcome_opens_to_its_whole_story(page: Page, cloud: LocalCloud) -> None:
    """Sent, delivered, called, published, deleted: in this order."""
    send(cloud, {"ProductKey": "a1Fleet0002", "ModuleName": "storied", "Id": "story-1", "CorrelationId": "told"})
    send(cloud, {"ProductKey": "a1Fleet0002", "ModuleName": "sibling", "Id": "story-2", "CorrelationId": "told"})
    for name in ("storied", "sibling"):
        expect(row(page, name)).to_be_visible(timeout=30_000)
    row(page, "storied").click()
    story = page.locator("#story")
    expect(story.locator("h2")).to_contain_text("a1Fleet0002/storied")
    expect(story.locator(".related")).to_contain_text("sibling")

    def kinds() -> list[str | None]:
        page.keyboard.press("Escape")
        row(page, "storied").click()
        expect(story.locator(".steps li").first).to_be_visible()
        return [each.get_attribute("data-kind") for each in story.locator(".steps li").all()]

    # The message is deleted once the whole batch is done.
    expected = ["queued", "delivered", "call", "published", "worked", "acknowledged"]
    for _try in range(100):
        if (found := kinds()) == expected:
            break
        page.wait_for_timeout(100)
    assert found == expected
    expect(story.locator('[data-kind="call"]')).to_contain_text("CreateOTAModule")
    expect(story.locator('[data-kind="worked"]')).to_contain_text("waited")


@pytest.mark.parametrize("via", ["Queue", "HTTP"])
def test_what_is_wrong_with_a_field_stands_beside_it(page: Page, via: str) -> None:
    """The function finds the faults; the page only shows them, and goes to the first."""
    fill(page, via, ProductKey="a1 Fleet", ModuleName="default", Id="x" * 129)
    expect(page.locator("#problem-ProductKey")).to_contain_text("white space", timeout=30_000)
    expect(page.locator("#problem-ModuleName")).to_contain_text("default")
    expect(page.locator("#problem-Id")).not_to_be_empty()
    expect(page.locator("#field-ProductKey")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#field-ProductKey")).to_be_focused()
    fill(page, "HTTP", ProductKey="a1Fleet0003", ModuleName=f"mended-{via}", Id="")
    expect(page.locator("#send-result")).to_contain_text("created", timeout=30_000)
    expect(page.locator("[aria-invalid]")).to_have_count(0)


def test_a_dead_letter_is_sent_again_with_its_attempts_begun_anew(page: Page, cloud: LocalCloud) -> None:
    """It leaves the queue, and its request ends as any other."""
    request = {"ProductKey": "a1Fleet0004", "ModuleName": "revived", "Id": "letter-1", "Attempt": 5}
    letter = {"Reason": "quota", "Detail": "used up by others", "Request": request}
    cloud.call(lambda cloud: cloud.smq.send("ota-module-dead-letters", encoded(letter)))
    expect(page.locator("#letters")).to_contain_text("a1Fleet0004/revived")
    expect(page.locator("#letters")).to_contain_text("used up by others")
    page.get_by_role("button", name="Replay a1Fleet0004/revived").click()
    expect(page.locator("#dead-result")).to_contain_text("1 letter sent again")
    expect(page.locator("#dead-empty")).to_be_visible()
    expect(row(page, "revived")).to_contain_text("created", timeout=30_000)
    row(page, "revived").click()
    expect(page.locator('#story [data-kind="worked"]')).to_contain_text("attempt 1,")


def test_the_line_of_an_operation_moves_and_refused_calls_are_marked(page: Page, cloud: LocalCloud) -> None:
    """Calls of others use up every second: the next one is throttled, and both are seen."""
    chart = page.locator('[data-operation="CreateOTAModule"]')
    before = chart.locator(".line").get_attribute("d")
    others = Rule(service="iot", kind="neighbour", operation="CreateOTAModule", amount=100)
    cloud.call(lambda cloud: cloud.faults.add(others))
    fill(page, "HTTP", ProductKey="a1Fleet0005", ModuleName="throttled")
    expect(chart).to_have_attribute("data-throttled", re.compile("[1-9]"), timeout=20_000)
    cloud.call(lambda cloud: cloud.faults.clear())
    expect(chart).to_have_attribute("data-peak", re.compile("[0-9]{2}"))
    expect(chart.locator(".marks")).to_have_attribute("d", re.compile("^M"))
    assert chart.locator(".line").get_attribute("d") != before
    expect(chart.get_by_role("img")).to_have_attribute("aria-label", re.compile("calls in the last second"))


def test_queues_streams_and_instances_are_shown(page: Page, cloud: LocalCloud) -> None:
    """What waits is counted where it waits; an instance is seen with its state."""
    cloud.call(lambda cloud: cloud.smq.send("ota-module-requests", encoded({"Id": "later"}), delay=600))
    delayed = page.locator('[data-queue="ota-module-requests"] [data-figure="delayed"]')
    expect(delayed).to_have_text("1")
    expect(page.locator("#streams")).to_contain_text("running")
    fill(page, "HTTP", ProductKey="a1Fleet0005", ModuleName="instanced")
    instance = page.locator('[data-function="ota-modules-http"] [data-state]')
    expect(instance.first).to_have_attribute("data-state", re.compile("idle|busy|starting"), timeout=20_000)


def test_outcomes_are_filtered_by_status_and_by_words(page: Page, cloud: LocalCloud) -> None:
    """What does not pass is not in the list, and comes back."""
    send(
        cloud, {"ProductKey": "a1Demo00001", "ModuleName": "kept"}, {"ProductKey": "a1Nothing", "ModuleName": "refused"}
    )
    expect(row(page, "kept")).to_be_visible(timeout=30_000)
    expect(row(page, "refused")).to_be_visible(timeout=30_000)
    page.locator("#statuses button", has_text="rejected").click()
    expect(row(page, "kept")).to_have_count(0)
    expect(row(page, "refused")).to_be_visible()
    page.locator("#statuses button", has_text="all").click()
    page.locator("#outcome-search").fill("a1demo00001")
    expect(row(page, "kept")).to_be_visible()
    expect(row(page, "refused")).to_have_count(0)
    page.locator("#outcome-search").fill("nothing is like this")
    expect(page.locator("#outcome-empty")).to_be_visible()


def test_modules_are_filtered_by_product_and_by_words(page: Page) -> None:
    """A search opens what it finds."""
    products = page.locator("#products > li")
    expect(page.locator('[data-product="a1Full00010"]')).to_contain_text("10/10")
    page.locator("#module-filter").select_option("full")
    expect(products).to_have_count(1)
    page.locator("#module-filter").select_option("all")
    page.locator("#module-search").fill("bootLOADER")
    expect(products).to_have_count(1)
    expect(page.locator(".chips .hit")).to_have_text("bootloader")
    expect(page.locator(".chips .hit")).to_be_visible()


def test_a_fault_is_switched_on_and_off(page: Page, cloud: LocalCloud) -> None:
    """The switch says what the cloud does."""
    switch = page.get_by_role("switch", name="Batches twice")
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "true")
    assert [each.rule.kind for each in cloud.call(lambda cloud: list(cloud.faults))] == ["redeliver"]
    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    assert not cloud.call(lambda cloud: list(cloud.faults))


def focused(page: Page) -> dict[str, Any]:
    """The element that has the focus: what it is, and whether it can be seen."""
    found: dict[str, Any] = page.evaluate(
        """() => { const one = document.activeElement, box = one.getBoundingClientRect();
            const inside = one.matches('.ways input') ? one.parentElement.getBoundingClientRect() : box;
            return {tag: one.tagName, id: one.id, name: (one.labels?.[0] ?? one).textContent + (one.ariaLabel ?? ''),
                    seen: inside.width > 0 && inside.height > 0, outline: getComputedStyle(one).outlineStyle}; }"""
    )
    return found


def test_everything_is_reached_by_the_keyboard_alone(page: Page) -> None:
    """Tab goes through every part, shows where it is, and comes out at the end."""
    expect(page.locator("#products > li").first).to_be_visible()
    reached = []
    for _step in range(200):
        page.keyboard.press("Tab")
        here = focused(page)
        if here["tag"] == "BODY":
            break
        assert here["seen"], here
        assert here["name"].strip(), here
        reached.append(here["id"])
    assert here["tag"] == "BODY"
    wanted = [
        "outcome-search",
        "outcome-list",
        "module-filter",
        "module-search",
        "field-ProductKey",
        "field-OnExisting",
    ]
    assert [each for each in reached if each in wanted][:4] == wanted[:4]
    assert set(wanted) <= set(reached)


def test_the_list_and_a_story_are_worked_by_keys(page: Page, cloud: LocalCloud) -> None:
    """Arrows choose, Enter opens, Escape closes, and the focus is where it was."""
    publish(cloud, 40, "Keyed")
    listing = page.locator("#outcome-list")
    expect(row(page, "a1Keyed/m39")).to_be_visible()
    listing.focus()
    for key in ("Home", "ArrowDown", "ArrowDown", "ArrowUp"):
        page.keyboard.press(key)
    chosen = page.locator('.row[aria-selected="true"]')
    expect(chosen).to_contain_text("m38")
    assert listing.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("Enter")
    expect(page.locator("#story")).to_be_visible()
    expect(page.locator("#story h2")).to_contain_text("a1Keyed/m38")
    page.keyboard.press("Escape")
    expect(page.locator("#story")).not_to_be_visible()
    expect(listing).to_be_focused()


def test_nothing_moves_where_motion_is_not_wanted(open_page: Open, cloud: LocalCloud) -> None:
    """The line is drawn at each sample and stands still between them; rows do not flash."""
    page = open_page(reduced_motion="reduce")
    cloud.call(lambda cloud: cloud.iot.consume("CreateOTAModule", 3))
    chart = page.locator('[data-operation="CreateOTAModule"]')
    expect(chart).to_have_attribute("data-peak", re.compile("[1-9]"))
    publish(cloud, 1, "Still")
    expect(row(page, "a1Still/m0")).to_be_visible()
    moving = chart.locator("svg g")
    assert {moving.get_attribute("transform") for _look in range(20)} <= {"translate(0 0)", "translate(-0 0)", None}
    assert row(page, "a1Still/m0").evaluate("row => getComputedStyle(row).animationName") == "none"


def test_the_page_is_never_wider_than_the_window(page: Page) -> None:
    """Nothing is to be scrolled sideways, from a phone to a desk."""
    expect(page.locator("#products > li").first).to_be_attached()
    for width in (320, 380, 760, 1024, 1280, 1600, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide, light", "narrow, dark"]
)
def test_axe_finds_nothing_to_complain_of(
    open_page: Open, cloud: LocalCloud, viewport: ViewportSize, scheme: Scheme
) -> None:
    """WCAG 2.2 A and AA, contrast among it; with everything shown, and with a story open."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make test installs it where there is npm")
    for status in ("created", "existing", "updated", "rejected", "failed"):
        publish(cloud, 1, f"Axe-{status}", status)
    letter = encoded({"Reason": "quota", "Detail": "why", "Request": {"ProductKey": "a1Axe", "ModuleName": "m"}})
    cloud.call(lambda cloud: cloud.smq.send("ota-module-dead-letters", letter))
    page = open_page(viewport, color_scheme=scheme, reduced_motion="reduce")
    fill(page, "HTTP", ProductKey="a b", ModuleName="default")
    expect(page.locator("#problem-ModuleName")).not_to_be_empty(timeout=30_000)
    page.locator("#module-search").fill("mcu")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert violations(page) == []
    row(page, "failed").first.click()
    expect(page.locator("#story .facts")).to_be_visible()
    assert violations(page) == []


def violations(page: Page) -> list[str]:
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    return [
        f"{each['id']}: {node['html']} {node['failureSummary']}"
        for each in found["violations"]
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_ten_thousand_outcomes_are_a_list_of_few_elements(
    open_page: Open, cloud: LocalCloud, viewport: ViewportSize
) -> None:
    """Only what is in sight is there; who reads further down keeps the place while more come."""
    page = open_page(viewport)
    publish(cloud, 10_000 if viewport is WIDE else 0, "Many")
    page.locator("#outcome-search").fill("a1many")
    first = page.locator(".row").first
    expect(first).to_have_attribute("aria-setsize", re.compile("1000[03]"), timeout=30_000)
    assert page.locator(".row").count() < 100
    page.locator("#outcome-list").focus()
    page.keyboard.press("End")
    expect(row(page, "a1Many/m0")).to_be_visible()
    publish(cloud, 3, "Many-more")
    expect(page.locator("#newer")).to_contain_text("3 newer")
    expect(row(page, "a1Many/m0")).to_be_visible()
    assert page.locator(".row").count() < 100
