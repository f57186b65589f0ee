"""The page, in a real browser: requests, outcomes and modules."""

import json
import re
import shlex
from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from emulator.local import LocalCloud
from tests.e2e.browsing import NARROW, WIDE, Open, check_widths, fill, in_a_browser, row, send_letter, send_run
from tests.support.local import publish, send
from tests.support.paths import ROOT

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"

pytestmark = in_a_browser


def publish_many(cloud: LocalCloud, count: int, name: str, status: str = "existing") -> None:
    """Publish outcomes of a product's modules `m0`, `m1` and so on."""
    data = {"Status": status, "ProductKey": f"a1{name}", "Attempts": 1}
    events = [
        {"id": f"{name}m{n}", "causationid": f"{name}-m{n}", "type": f"ota.module.{status}"} for n in range(count)
    ]
    publish(cloud, *({**event, "data": {**data, "ModuleName": f"m{n}"}} for n, event in enumerate(events)))


@pytest.mark.parametrize("via", ["Queue", "HTTP"])
def test_a_request_is_checked_before_it_is_sent_and_ends_as_an_outcome(page: Page, cloud: LocalCloud, via: str) -> None:
    """By the published schema, beside each field. What it refuses can be sent all the same: the function says the same."""
    events = cloud.call(lambda parts: len(parts.records.events))
    fill(page, via, ProductKey="a1 Fleet", ModuleName="default", AliasName="蓝牙", Id="x" * 129)
    expect(page.locator("#problem-ProductKey")).to_contain_text("white space")
    expect(page.locator("#problem-ModuleName")).to_contain_text("default")
    expect(page.locator("#problem-AliasName")).to_be_empty()
    expect(page.locator("#problem-Id")).not_to_be_empty()
    expect(page.locator("#field-ProductKey")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#field-ProductKey")).to_be_focused()
    expect(page.locator("#send-result")).to_contain_text("not sent: 3 fields to correct")
    assert not cloud.call(lambda parts: [each for each in parts.records.events[events:] if hasattr(each, "request_id")])
    page.get_by_role("button", name="Send anyway").click()
    expect(page.locator("#send-result")).to_contain_text("rejected", timeout=30_000)
    expect(page.locator("#problem-ModuleName")).not_to_be_empty()
    fill(page, via, ProductKey="a1Fleet0001", ModuleName=f"form-{via}", Id="")
    expect(page.locator("#send-result")).to_contain_text("created", timeout=30_000)
    expect(page.locator("[aria-invalid]")).to_have_count(0)
    expect(row(page, f"form-{via}")).to_contain_text("created", timeout=30_000)
    expect(page.locator('[data-product="a1Fleet0001"]')).to_contain_text(f"form-{via}", timeout=20_000)


def test_the_form_is_copied_as_a_command_that_sends_its_request(page: Page, cloud: LocalCloud) -> None:
    """Quotes and all: what is pasted into a shell does what the button would have done."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("#field-ProductKey").fill("a1Fleet0005")
    page.locator("#field-ModuleName").fill("it's copied")
    page.locator("#curl").click()
    expect(page.locator("#send-result")).to_have_text("copied")
    command = shlex.split(page.evaluate("navigator.clipboard.readText()"))
    assert (command[0], command[-1]) == ("curl", f"{cloud.urls.console}/requests")
    order = {"via": "queue", "request": {"ProductKey": "a1Fleet0005", "ModuleName": "it's copied"}}
    assert json.loads(command[command.index("-d") + 1]) == order


def test_an_outcome_opens_to_its_whole_story_and_the_functions_log(page: Page, cloud: LocalCloud) -> None:
    """Sent, delivered, called, published, deleted: in this order, and under an address of its own."""
    requests = [
        {"ProductKey": "a1Fleet0002", "ModuleName": name, "CorrelationId": "told"} for name in ("storied", "sibling")
    ]
    send(cloud, *requests)
    for name in ("storied", "sibling"):
        expect(row(page, name)).to_be_visible(timeout=30_000)
    story = page.locator("#story")

    def kinds() -> list[str | None]:
        page.keyboard.press("Escape")
        row(page, "storied").click()
        expect(story.locator(".steps li").first).to_be_visible()
        return [each.get_attribute("data-kind") for each in story.locator(".steps li").all()]

    # The message is deleted once the whole batch is done.
    expected = ["queued", "delivered", "call", "published", "worked", "acknowledged"]
    for _try in range(100):
        if (shown := kinds()) == expected:
            break
        page.wait_for_timeout(100)
    assert shown == expected
    expect(page).to_have_url(re.compile("#/outcomes/[0-9]+$"))
    expect(story.locator("h2")).to_contain_text("a1Fleet0002/storied")
    expect(story.locator(".related")).to_contain_text("sibling")
    expect(story.locator('[data-kind="call"]')).to_contain_text("CreateOTAModule")
    expect(story.locator('[data-kind="worked"]')).to_contain_text("waited")
    line = story.locator('.log [data-event="request"]')
    expect(line).to_contain_text("INFO")
    expect(line).to_contain_text("status=created")


def test_outcomes_are_filtered_by_status_and_by_words(page: Page, cloud: LocalCloud) -> None:
    """What does not pass is not in the list, and comes back."""
    requests = {"kept": "a1Demo00001", "refused": "a1No"}
    send(cloud, *({"ProductKey": product, "ModuleName": name} for name, product in requests.items()))
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


def test_a_run_is_shown_as_a_whole_filters_its_outcomes_and_is_downloaded(page: Page, cloud: LocalCloud) -> None:
    """The address keeps the filter; the table holds what the filters pass, and no more."""
    run = send_run(page, cloud, "5ea7ef0c", 3)
    send_run(page, cloud, "0badcafe", 2)
    expect(run).to_contain_text("3 rejected")
    run.click()
    expect(page.locator(".row")).to_have_count(3)
    expect(page).to_have_url(re.compile("#run=5ea7ef0c$"))
    page.locator("#outcome-search").fill("5ea7ef0c-1")
    expect(page.locator(".row")).to_have_count(1)
    with page.expect_download() as download:
        page.locator("#csv").click()
    assert download.value.suggested_filename == "outcomes.csv"
    [_, line] = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert ",rejected,a1 no,m,5ea7ef0c-1," in line
    page.locator("#outcome-search").fill("")
    run.click()
    expect(page.locator(".row").nth(4)).to_be_attached()


def test_addresses_lead_to_a_filter_and_to_a_story(open_page: Open, cloud: LocalCloud) -> None:
    """In a new window as after Back; a search finds statuses."""
    send_run(open_page(), cloud, "0000bbbb", 2)
    page = open_page(address="#status=rejected&run=0000bbbb")
    expect(page.locator(".row")).to_have_count(2, timeout=30_000)
    expect(page.locator("#statuses button", has_text="rejected")).to_have_attribute("aria-pressed", "true")
    page.locator(".row").first.click()
    expect(page).to_have_url(re.compile("#/outcomes/[0-9]+$"))
    address = page.url.rpartition("/#")[2]
    page.go_back()
    expect(page.locator("#story")).not_to_be_visible()
    expect(page.locator(".row")).to_have_count(2)
    shared = open_page(address=f"#{address}")
    expect(shared.locator("#story h2")).to_contain_text("a1 no/m")
    shared.keyboard.press("Escape")
    shared.locator("#outcome-search").fill("rejected 0000bbbb")
    expect(shared.locator("#outcome-empty")).to_be_visible()
    shared.locator("#outcome-search").fill("Rejected")
    expect(shared.locator(".row").first).to_contain_text("rejected")


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


def focused(page: Page) -> dict[str, Any]:
    """The element that has the focus: what it is, and whether it can be seen."""
    element: dict[str, Any] = page.evaluate(
        """() => { const one = document.activeElement, box = one.getBoundingClientRect();
            const inside = one.matches('.ways input') ? one.parentElement.getBoundingClientRect() : box;
            return {tag: one.tagName, id: one.id, name: (one.labels?.[0] ?? one).textContent + (one.ariaLabel ?? ''),
                    seen: inside.width > 0 && inside.height > 0}; }"""
    )
    return element


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
    expected = ["outcome-search", "outcome-list", "module-filter", "module-search"]
    assert [name for name in reached if name in expected] == expected
    assert {"field-ProductKey", "field-OnExisting"} <= set(reached)


def test_the_list_and_a_story_are_worked_by_keys(page: Page, cloud: LocalCloud) -> None:
    """Arrows or j and k choose, in a story too; Enter opens, Escape closes, and the focus is where it was; ? shows the keys."""
    publish_many(cloud, 40, "Keyed")
    listing, chosen = page.locator("#outcome-list"), page.locator('.row[aria-selected="true"]')
    story, title = page.locator("#story"), page.locator("#story h2")
    expect(row(page, "a1Keyed/m39")).to_be_visible()
    for key, module in (("j", 39), ("j", 38), ("k", 39)):
        page.keyboard.press(key)
        expect(chosen).to_contain_text(f"m{module}")
    listing.focus()
    for key, module in (("ArrowDown", 38), ("ArrowDown", 37), ("Home", 39), ("ArrowDown", 38)):
        page.keyboard.press(key)
        expect(chosen).to_contain_text(f"m{module}")
    assert listing.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    page.keyboard.press("Enter")
    expect(story).to_be_visible()
    for key, module in (("ArrowRight", 37), ("ArrowLeft", 38), ("j", 37), ("k", 38)):
        page.keyboard.press(key)
        expect(title).to_contain_text(f"a1Keyed/m{module}")
    page.keyboard.press("Escape")
    expect(story).not_to_be_visible()
    expect(listing).to_be_focused()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("search the outcomes")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()


def test_keys_lead_to_the_search_and_through_the_products(page: Page) -> None:
    """`/` searches; all products are one stop of Tab; arrows go on from there."""
    stops = page.locator('#products summary[tabindex="0"]')
    expect(stops).to_have_count(1)
    page.keyboard.press("/")
    expect(page.locator("#outcome-search")).to_be_focused()
    stops.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#products details[open] summary")).to_be_focused()
    expect(stops).to_have_count(1)


def test_nothing_moves_where_motion_is_not_wanted(open_page: Open, cloud: LocalCloud) -> None:
    """The line is drawn at each sample and stands still between them; rows do not flash."""
    page = open_page(reduced_motion="reduce")
    cloud.call(lambda parts: parts.iot.consume("CreateOTAModule", 3))
    chart = page.locator('[data-operation="CreateOTAModule"]')
    expect(chart).to_have_attribute("data-peak", re.compile("[1-9]"))
    publish_many(cloud, 1, "Still")
    expect(row(page, "a1Still/m0")).to_be_visible()
    moving = chart.locator("svg g")
    assert {moving.get_attribute("transform") for _look in range(20)} <= {"translate(0 0)", "translate(-0 0)", None}
    assert row(page, "a1Still/m0").evaluate("row => getComputedStyle(row).animationName") == "none"


def test_the_page_is_never_wider_than_the_window(page: Page) -> None:
    expect(page.locator("#products > li").first).to_be_attached()
    check_widths(page)


@pytest.mark.parametrize(
    ("viewport", "scheme"), [(WIDE, "light"), (NARROW, "dark")], ids=["wide, light", "narrow, dark"]
)
def test_axe_finds_nothing_to_complain_of(
    open_page: Open, cloud: LocalCloud, viewport: ViewportSize, scheme: str
) -> None:
    """WCAG 2.2 A and AA, contrast among it; with everything shown, and with a story open."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make test installs it where there is npm")
    for status in ("created", "existing", "updated", "rejected", "failed"):
        publish_many(cloud, 1, f"Axe-{status}", status)
    send_letter(cloud, "axe")
    page = open_page(viewport, color_scheme=scheme, reduced_motion="reduce")
    fill(page, "HTTP", ProductKey="a b", ModuleName="default")
    expect(page.locator("#problem-ModuleName")).not_to_be_empty(timeout=30_000)
    page.locator("#module-search").fill("mcu")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert axe_violations(page) == []
    row(page, "failed").first.click()
    expect(page.locator("#story .facts")).to_be_visible()
    assert axe_violations(page) == []


def axe_violations(page: Page) -> list[str]:
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    rules = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)["violations"]
    return [f"{rule['id']}: {node['html']} {node['failureSummary']}" for rule in rules for node in rule["nodes"]]


@pytest.mark.parametrize("viewport", [WIDE, NARROW], ids=["wide", "narrow"])
def test_ten_thousand_outcomes_are_a_list_of_few_elements(
    open_page: Open, cloud: LocalCloud, viewport: ViewportSize
) -> None:
    """Only what is in sight is there; who reads further down keeps the place while more come."""
    page = open_page(viewport)
    publish_many(cloud, 10_000 if viewport is WIDE else 0, "Many")
    page.locator("#outcome-search").fill("a1many")
    first = page.locator(".row").first
    expect(first).to_have_attribute("aria-setsize", re.compile("1000[03]"), timeout=30_000)
    assert page.locator(".row").count() < 100
    page.locator("#outcome-list").focus()
    page.keyboard.press("End")
    expect(row(page, "a1Many/m0")).to_be_visible()
    publish_many(cloud, 3, "Many-more")
    expect(page.locator("#newer")).to_contain_text("3 newer")
    expect(row(page, "a1Many/m0")).to_be_visible()
    assert page.locator(".row").count() < 100
