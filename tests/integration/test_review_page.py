"""The review page in a real browser: three dialogues accepted, edited and rejected."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from pulsemind.data.review.apply import Tally, proofread
from pulsemind.data.review.server import server
from pulsemind.records import Consultation
from tests.unit.review_queue import settings, three

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((path for name in BROWSERS if (path := shutil.which(name))), None)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]
PATIENCE = 120_000
"""Milliseconds that a browser may take for anything: a guard, not a measure of speed."""
expect.set_options(timeout=PATIENCE)


def go_on(folder: Path) -> tuple[dict[str, Consultation], dict[str, str]]:
    """What the dataset stage lets through, and what it drops by which rule."""
    dropped: dict[str, str] = {}

    def drop(record: Consultation, rule: str) -> None:
        dropped[record.id] = rule

    items = ((item, folder) for item in three(folder))
    kept = proofread(items, folder / "queue", settings(), 7, drop, Tally())
    return {record.id: record for record in kept}, dropped


def review(page: Page, address: str) -> None:
    """Accept the first dialogue, edit the second, reload, reject the third."""
    page.goto(address)
    page.fill("#reviewer", "dr-1")
    page.click("#welcome button")
    expect(page.locator("#dialogue")).to_contain_text("I cough.")
    expect(page.locator("#dialogue img")).to_have_js_property("naturalWidth", 80)
    page.click("#accept")
    expect(page.locator("#note")).not_to_be_empty()  # ethics has not been checked
    page.check("#ethics")
    page.check("#empathy")
    page.keyboard.press("a")

    expect(page.locator("#dialogue")).to_contain_text("<script>")
    assert "run" not in page.title()
    page.check("#ethics")
    page.click("#edit")
    page.fill("textarea[data-turn='1']", "Please wait and call me tomorrow.")
    page.click("#edit")

    expect(page.locator("#dialogue")).to_contain_text("My knee hurts.")
    page.fill("#reason", "half a rea")
    page.reload()
    expect(page.locator("#dialogue")).to_contain_text("My knee hurts.")
    expect(page.locator("#reason")).to_have_value("half a rea")
    expect(page.locator("#progress")).to_have_attribute("aria-valuenow", "2")
    page.fill("#reason", "Not safe after an injury")
    page.click("#reject")
    expect(page.locator("#progress")).to_have_attribute("aria-valuenow", "3")


@pytest.mark.skipif(CHROMIUM is None, reason=f"no browser: none of {', '.join(BROWSERS)}")
def test_three_dialogues_reviewed_in_a_browser_reach_the_dataset(tmp_path: Path) -> None:
    go_on(tmp_path)
    httpd, address = server(tmp_path / "queue")
    threading.Thread(target=httpd.serve_forever, args=(0.02,), daemon=True).start()
    try:
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE
            )
            page = browser.new_page()
            page.set_default_timeout(PATIENCE)
            outside: list[str] = []
            page.on("request", lambda r: outside.append(r.url) if address not in r.url else None)
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            review(page, address)
            browser.close()
    finally:
        httpd.shutdown()
        httpd.server_close()
    assert (errors, [url for url in outside if "favicon" not in url]) == ([], [])
    kept, dropped = go_on(tmp_path)
    assert dropped == {"c": "review_rejected"}
    assert kept["a"].turns[1].text == "Please rest and drink."
    assert kept["b"].turns[1].text == "Please wait and call me tomorrow."
