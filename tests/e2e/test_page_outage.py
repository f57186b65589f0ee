"""What the page tells of an outage and lets one do about it, in a real browser."""

import re
from typing import Any

from playwright.sync_api import Page, expect

from emulator.faults.plan import Rule
from emulator.local import LocalCloud
from tests.e2e.browsing import Open, check_widths, fill, in_a_browser, queued, row, send_letter
from tests.support.local import encoded, send
from tests.support.paths import ROOT

PAGE = ROOT / "emulator" / "console" / "page"
CREATE = "CreateOTAModule"

pytestmark = in_a_browser


def test_an_outage_is_told_in_red_with_its_last_error(page: Page, cloud: LocalCloud) -> None:
    """Calls that met a 503 are counted where they were made, and the line of health says so until they succeed again."""
    health, chart = page.locator("#health"), page.locator(f'[data-operation="{CREATE}"]')
    cloud.call(lambda parts: parts.faults.add(Rule(service="iot", kind="status", operation=CREATE)))
    send(cloud, {"ProductKey": "a1Fleet0001", "ModuleName": "outage", "Id": "outage"})
    expect(health).to_have_attribute("data-state", "bad", timeout=30_000)
    expect(health.locator('[data-fact="api"]')).to_contain_text("API failing")
    expect(health.locator('[data-fact="waiting"]')).to_contain_text("1 waiting")
    expect(page.locator("#health-error")).to_contain_text("503")
    expect(chart).to_have_attribute("data-failed", re.compile("[1-9]"))
    expect(chart).to_contain_text("failed in this minute")
    cloud.call(lambda parts: parts.faults.clear())
    expect(row(page, "outage")).to_contain_text("created", timeout=60_000)
    expect(health).to_have_attribute("data-state", "good", timeout=30_000)
    expect(health.locator('[data-fact="api"]')).to_have_text("API ok")


def test_the_line_of_an_operation_moves_and_refused_calls_are_marked(page: Page, cloud: LocalCloud) -> None:
    """Calls of others use up every second: the next one is throttled, and both are seen."""
    chart = page.locator(f'[data-operation="{CREATE}"]')
    before = chart.locator(".line").get_attribute("d")
    others = Rule(service="iot", kind="neighbour", operation=CREATE, amount=100)
    cloud.call(lambda parts: parts.faults.add(others))
    fill(page, "HTTP", ProductKey="a1Fleet0005", ModuleName="throttled")
    expect(chart).to_have_attribute("data-throttled", re.compile("[1-9]"), timeout=20_000)
    cloud.call(lambda parts: parts.faults.clear())
    expect(chart).to_have_attribute("data-peak", re.compile("[0-9]{2}"))
    expect(chart.locator(".marks")).to_have_attribute("d", re.compile("^M"))
    assert chart.locator(".line").get_attribute("d") != before
    expect(chart.get_by_role("img")).to_have_attribute("aria-label", re.compile("calls in the last second"))


def test_a_fault_is_switched_on_and_off(page: Page, cloud: LocalCloud) -> None:
    """The switch says what the cloud does."""
    switch = page.get_by_role("switch", name="Batches twice")
    for checked, kinds in (("true", ["redeliver"]), ("false", [])):
        switch.click()
        expect(switch).to_have_attribute("aria-checked", checked)
        assert [each.rule.kind for each in cloud.call(lambda parts: list(parts.faults))] == kinds


def test_queues_instances_and_a_paused_stream_are_shown(page: Page, cloud: LocalCloud) -> None:
    """What waits is counted where it waits, and the line of health says why; an instance is seen with its state."""
    cloud.call(lambda parts: parts.smq.send("ota-module-requests", encoded({"Id": "later"}), delay=6000))
    expect(queued(page, "ota-module-requests", "delayed")).to_have_text("1")
    expect(page.locator("#streams")).to_contain_text("running")
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#health")).to_have_attribute("data-state", "paused")
    expect(page.locator('[data-fact="stream"]')).to_contain_text("paused")
    send(cloud, {"ProductKey": "a1 no", "ModuleName": "held", "Id": "held"})
    expect(queued(page, "ota-module-requests")).to_have_text("1")
    page.get_by_role("button", name="Resume").click()
    expect(row(page, "held")).to_be_visible(timeout=30_000)
    expect(queued(page, "ota-module-requests")).to_have_text("0")
    instance = page.locator('[data-function="ota-modules-queue"] [data-state]').first
    expect(instance).to_have_attribute("data-state", re.compile("idle|busy|starting"), timeout=20_000)


def test_dead_letters_are_sent_again_or_discarded_after_a_question(page: Page, cloud: LocalCloud) -> None:
    """One is replayed, its attempts begun anew; one is discarded, and the others stay until all are."""
    send_letter(cloud, "revived", ProductKey="a1Fleet0004", Attempt=5)
    for name in ("goes", "stays", "stays too"):
        send_letter(cloud, name)
    letters, active = page.locator("#letters"), queued(page, "ota-module-dead-letters")
    expect(letters).to_contain_text("a1Fleet0004/revived")
    expect(letters).to_contain_text("used up by others")
    page.get_by_role("button", name="Replay a1Fleet0004/revived").click()
    expect(page.locator("#dead-result")).to_contain_text("1 letter sent again")
    expect(row(page, "revived")).to_contain_text("created", timeout=30_000)
    row(page, "revived").click()
    expect(page.locator('#story [data-kind="worked"]')).to_contain_text("attempt 1,")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Discard a1Dead/goes").click()
    expect(page.locator("#question")).to_contain_text("Discard the dead letter of a1Dead/goes?")
    page.locator("#question-yes").click()
    expect(page.locator("#dead-result")).to_contain_text("1 letter discarded")
    expect(letters).not_to_contain_text("a1Dead/goes")
    expect(letters).to_contain_text("a1Dead/stays")
    purge = page.get_by_role("button", name="Purge Dead letters")
    purge.click()
    expect(page.locator("#question")).to_contain_text("Discard 2 messages of Dead letters?")
    page.get_by_role("button", name="Cancel").click()
    expect(active).to_have_text("2")
    purge.click()
    page.locator("#question-yes").click()
    expect(page.locator("#queue-result")).to_contain_text("2 messages of Dead letters discarded")
    expect(active).to_have_text("0")
    expect(page.locator("#dead-empty")).to_be_visible()


def test_both_languages_have_the_same_texts(page: Page) -> None:
    """The same keys with the same values in them; and every key that the page names is there."""
    tables: dict[str, dict[str, str]] = page.evaluate("import('/strings.js').then(module => module.STRINGS)")
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
    check_widths(page)
