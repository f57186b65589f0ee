"""What the page tells of an outage and lets one do about it, in a real browser."""

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from emulator.cloud import Options
from emulator.faults.plan import Rule
from emulator.local import LocalCloud, local_cloud
from tests.e2e.browsing import Open, encoded, fill, in_a_browser, row, send
from tests.support.paths import ROOT

PAGE = ROOT / "emulator" / "console" / "page"
STREAM = "ota-modules-queue"

pytestmark = in_a_browser


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with local_cloud(Options(port=0, delay_scale=0.1)) as running:
        yield running


def rejected(cloud: LocalCloud, run: str, count: int) -> None:
    """Send requests of a run that need no call of the API that could fail."""
    requests: list[dict[str, object]] = [
        {"ProductKey": "a1 no", "ModuleName": "m", "Id": f"{run}-{number}"} for number in range(count)
    ]
    send(cloud, *requests)


def test_an_outage_is_told_in_red_with_its_last_error(page: Page, cloud: LocalCloud) -> None:
    """Calls that met a 503 are counted where they were made, and the line of health says so until they succeed again."""
    health = page.locator("#health")
    cloud.call(lambda parts: parts.faults.add(Rule(service="iot", kind="status", operation="CreateOTAModule")))
    send(cloud, {"ProductKey": "a1Fleet0001", "ModuleName": "outage", "Id": "outage"})
    expect(health).to_have_attribute("data-state", "bad", timeout=30_000)
    expect(health.locator('[data-fact="api"]')).to_contain_text("API failing")
    expect(health.locator('[data-fact="waiting"]')).to_contain_text("1 waiting")
    expect(page.locator("#health-error")).to_contain_text("503")
    chart = page.locator('[data-operation="CreateOTAModule"]')
    expect(chart).to_have_attribute("data-failed", re.compile("[1-9]"))
    expect(chart).to_contain_text("failed in this minute")
    cloud.call(lambda parts: parts.faults.clear())
    expect(row(page, "outage")).to_contain_text("created", timeout=60_000)
    expect(health).to_have_attribute("data-state", "good", timeout=30_000)
    expect(health.locator('[data-fact="api"]')).to_have_text("API ok")


def test_a_run_is_told_as_a_whole_and_filters_its_outcomes(page: Page, cloud: LocalCloud) -> None:
    """Sent, answered, statuses; the address keeps the filter."""
    rejected(cloud, "5ea7ef0c", 3)
    rejected(cloud, "0badcafe", 2)
    run = page.locator('[data-run="5ea7ef0c"]')
    expect(run).to_contain_text("3 of 3", timeout=30_000)
    expect(run).to_contain_text("3 rejected")
    expect(page.locator('[data-run="0badcafe"]')).to_contain_text("2 of 2", timeout=30_000)
    run.click()
    expect(page.locator(".row")).to_have_count(3)
    expect(page).to_have_url(re.compile("#run=5ea7ef0c$"))
    run.click()
    expect(page.locator(".row").nth(4)).to_be_attached()


def test_the_functions_log_is_in_a_requests_story(page: Page, cloud: LocalCloud) -> None:
    """With level and fields, under the address of the outcome."""
    send(cloud, {"ProductKey": "a1Fleet0002", "ModuleName": "logged", "Id": "logged"})
    expect(row(page, "logged")).to_be_visible(timeout=30_000)
    row(page, "logged").click()
    expect(page).to_have_url(re.compile("#/outcomes/[0-9]+$"))
    line = page.locator('#story .log [data-event="request"]')
    expect(line).to_contain_text("INFO")
    expect(line).to_contain_text("status=created")


def test_a_request_is_checked_before_it_is_sent(page: Page, cloud: LocalCloud) -> None:
    """By the published schema. What it refuses can be sent all the same, and the function says what it finds."""
    sent = cloud.call(lambda parts: len(parts.records.events))
    fill(page, "HTTP", ProductKey="a1Fleet0003", ModuleName="blank name", AliasName="蓝牙", Id="checked")
    expect(page.locator("#problem-ModuleName")).to_contain_text("may contain English letters")
    expect(page.locator("#problem-AliasName")).to_be_empty()
    expect(page.locator("#send-result")).to_contain_text("not sent: 1 field to correct")
    invoked = cloud.call(lambda parts: [each for each in parts.records.events[sent:] if hasattr(each, "request_id")])
    assert invoked == []
    page.get_by_role("button", name="Send anyway").click()
    expect(page.locator("#send-result")).to_contain_text("rejected", timeout=30_000)
    expect(page.locator("#problem-ModuleName")).not_to_be_empty()


def test_the_stream_is_paused_and_resumed(page: Page, cloud: LocalCloud) -> None:
    """What is sent meanwhile waits, and the line of health says why."""
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#health")).to_have_attribute("data-state", "paused")
    expect(page.locator('[data-fact="stream"]')).to_contain_text("paused")
    send(cloud, {"ProductKey": "a1 no", "ModuleName": "held", "Id": "held"})
    active = page.locator('[data-queue="ota-module-requests"] [data-figure="active"]')
    expect(active).to_have_text("1")
    page.get_by_role("button", name="Resume").click()
    expect(row(page, "held")).to_be_visible(timeout=30_000)
    expect(active).to_have_text("0")


def test_a_queue_is_emptied_only_after_a_question(page: Page, cloud: LocalCloud) -> None:
    """Cancel leaves everything as it was."""
    cloud.call(lambda parts: [parts.smq.send("ota-module-dead-letters", encoded({"Id": str(n)})) for n in range(2)])
    active = page.locator('[data-queue="ota-module-dead-letters"] [data-figure="active"]')
    purge = page.get_by_role("button", name="Purge Dead letters")
    expect(active).to_have_text("2")
    purge.click()
    expect(page.locator("#question")).to_contain_text("Discard 2 messages of Dead letters?")
    page.get_by_role("button", name="Cancel").click()
    expect(active).to_have_text("2")
    purge.click()
    page.locator("#question-yes").click()
    expect(page.locator("#queue-result")).to_contain_text("2 messages of Dead letters discarded")
    expect(active).to_have_text("0")


def test_what_is_shown_can_be_downloaded(page: Page, cloud: LocalCloud) -> None:
    """The table holds what the filters pass, and no more."""
    rejected(cloud, "0000aaaa", 2)
    expect(page.locator('[data-run="0000aaaa"]')).to_contain_text("2 of 2", timeout=30_000)
    page.locator("#outcome-search").fill("0000aaaa-1")
    expect(page.locator(".row")).to_have_count(1)
    with page.expect_download() as download:
        page.locator("#csv").click()
    assert download.value.suggested_filename == "outcomes.csv"
    rows = download.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(rows) == 2
    assert ",rejected,a1 no,m,0000aaaa-1," in rows[1]


def test_addresses_lead_to_a_filter_and_to_a_story(open_page: Open, cloud: LocalCloud) -> None:
    """In a new window as after Back; a search finds statuses."""
    rejected(cloud, "0000bbbb", 2)
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


def test_keys_lead_to_the_search_through_products_and_from_story_to_story(page: Page, cloud: LocalCloud) -> None:
    """`/` searches; all products are one stop of Tab; arrows go on from there, and in a story to the outcomes beside it."""
    rejected(cloud, "0000cccc", 3)
    expect(page.locator('[data-run="0000cccc"]')).to_contain_text("3 of 3", timeout=30_000)
    page.keyboard.press("/")
    expect(page.locator("#outcome-search")).to_be_focused()
    page.keyboard.type("0000cccc")
    expect(page.locator(".row")).to_have_count(3)
    page.locator(".row[aria-posinset='1']").click()
    title = page.locator("#story .facts dd").first
    before = title.inner_text()
    page.keyboard.press("ArrowRight")
    expect(title).not_to_have_text(before)
    page.keyboard.press("ArrowLeft")
    expect(title).to_have_text(before)
    page.keyboard.press("Escape")
    stops = page.locator('#products summary[tabindex="0"]')
    expect(stops).to_have_count(1)
    stops.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#products details[open] summary")).to_be_focused()
    expect(stops).to_have_count(1)


def test_j_and_k_go_through_outcomes_and_stories_and_a_question_mark_tells_the_keys(
    page: Page, cloud: LocalCloud
) -> None:
    """Where nothing is typed; Escape closes what was opened."""
    rejected(cloud, "0000dddd", 3)
    expect(page.locator('[data-run="0000dddd"]')).to_contain_text("3 of 3", timeout=30_000)
    chosen = page.locator('.row[aria-selected="true"]')
    places = []
    for key in "jjk":
        page.keyboard.press(key)
        places.append(int(chosen.get_attribute("data-n") or ""))
    assert (places[1], places[2]) == (places[0] - 1, places[0])
    page.keyboard.press("Enter")
    title = page.locator("#story .facts dd").first
    before = title.inner_text()
    page.keyboard.press("j")
    expect(title).not_to_have_text(before)
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("search the outcomes")
    page.keyboard.press("Escape")
    expect(page.locator("#keys")).not_to_be_visible()


def test_one_dead_letter_is_discarded_after_a_question(page: Page, cloud: LocalCloud) -> None:
    """The others stay."""
    for name in ("stays", "goes"):
        letter = {"Reason": "quota", "Request": {"ProductKey": "a1Dead", "ModuleName": name, "Id": name}}
        cloud.call(lambda parts, letter=letter: parts.smq.send("ota-module-dead-letters", encoded(letter)))  # type: ignore[misc]
    page.get_by_role("button", name="Discard a1Dead/goes").click()
    expect(page.locator("#question")).to_contain_text("Discard the dead letter of a1Dead/goes?")
    page.locator("#question-yes").click()
    expect(page.locator("#dead-result")).to_contain_text("1 letter discarded")
    expect(page.locator("#letters")).not_to_contain_text("a1Dead/goes")
    expect(page.locator("#letters")).to_contain_text("a1Dead/stays")
    cloud.call(lambda parts: parts.smq.purge("ota-module-dead-letters"))


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


def strings(page: Page) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = page.evaluate("import('/strings.js').then(module => module.STRINGS)")
    return found


def test_both_languages_have_the_same_texts(page: Page) -> None:
    """The same keys with the same values in them; and every key that the page names is there."""
    tables = strings(page)
    english, chinese = tables["en"], tables["zh"]
    assert english.keys() == chinese.keys()
    values: Any = lambda text: sorted(re.findall(r"{\w+}", text))  # noqa: E731
    assert {key: values(text) for key, text in english.items()} == {key: values(text) for key, text in chinese.items()}
    named = [re.findall(r"\bt\(\"([^\"]+)\"", each.read_text(encoding="utf-8")) for each in PAGE.glob("*.js")]
    named += [re.findall(r'data-t[a-z-]*="([^"]+)"', (PAGE / "index.html").read_text(encoding="utf-8"))]
    assert {key for keys in named for key in keys} <= english.keys()


def test_the_browsers_language_decides(open_page: Open) -> None:
    """Chinese for those who prefer it, and nothing of it is wider than the window."""
    page = open_page(locale="zh-CN")
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.locator("#outcomes-title")).to_have_text("处理结果")
    expect(page.locator("#send-form button.primary")).to_have_text("发送")
    expect(page.locator('[data-fact="stream"]')).to_contain_text("运行中")
    for width in (320, 760, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
