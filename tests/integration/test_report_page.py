"""The report page in a real browser: from a file, offline, filtered, on a phone and on paper."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from pulsemind.records import Outcome
from tests.integration.test_review_page import ARGUMENTS, BROWSERS, CHROMIUM, PATIENCE
from tests.unit.report_run import HOSTILE, page, write_run

pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason=f"no browser: none of {', '.join(BROWSERS)}"
)
OUTCOMES: tuple[Outcome, ...] = ("win", "loss", "tie")


class Watched:
    """A page, and what it did that it must not do."""

    def __init__(self, opened: Page) -> None:
        self.page = opened
        self.errors: list[str] = []
        self.requests: list[str] = []
        opened.set_default_timeout(PATIENCE)
        opened.on("pageerror", lambda error: self.errors.append(str(error)))
        opened.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        opened.on("request", lambda request: self.requests.append(request.url))

    def check(self, address: str) -> None:
        """Nothing failed, nothing hostile ran, and nothing but the file was asked for."""
        assert self.errors == []
        others = [u for u in self.requests if u != address and not u.startswith("data:")]
        assert others == []
        assert self.page.title().startswith("Evaluation report: ")  # hostile text sets it


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A report of 18 cases in a file."""
    folder = write_run(tmp_path_factory.mktemp("run"), 18, lambda n: OUTCOMES[(n // 3) % 3])
    path = folder / "report.html"
    path.write_text(page(folder, cases=18, profile="tiny"), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(
            executable_path=CHROMIUM, args=ARGUMENTS, timeout=PATIENCE
        )
        yield opened
        opened.close()


def test_the_answer_is_in_the_first_screen_and_filters_work(browser: Browser, address: str) -> None:
    watched = Watched(browser.new_page(viewport={"width": 1200, "height": 900}))
    opened = watched.page
    opened.goto(address)
    for text in ("Is the new model better?", "On what?", "How sure are we?", "tiny profile"):
        expect(opened.locator("#answer")).to_contain_text(text, timeout=PATIENCE)
    box = opened.locator("#answer h1").bounding_box()
    assert box
    assert box["y"] + box["height"] < 900
    shown = opened.locator("details.case:visible")
    expect(shown).to_have_count(18, timeout=PATIENCE)
    opened.select_option("#department", "cardiology")
    expect(shown).to_have_count(6, timeout=PATIENCE)
    opened.select_option("#outcome", "win")
    expect(shown).to_have_count(2, timeout=PATIENCE)
    opened.select_option("#dimension", "usefulness")  # lost where the rest is won
    expect(shown).to_have_count(0, timeout=PATIENCE)
    opened.select_option("#outcome", "loss")
    expect(shown).to_have_count(4, timeout=PATIENCE)
    expect(opened.locator("#matching")).to_have_text("4 shown", timeout=PATIENCE)
    opened.select_option("#department", HOSTILE)
    expect(shown).to_have_count(4, timeout=PATIENCE)
    watched.check(address)
    opened.close()


def test_cases_open_by_keyboard_and_by_link_with_their_images(
    browser: Browser, address: str
) -> None:
    watched = Watched(browser.new_page())
    opened = watched.page
    opened.goto(address)
    first = opened.locator("details.case").first
    first.locator("summary").first.focus()
    opened.keyboard.press("Enter")
    expect(first).to_have_attribute("open", "", timeout=PATIENCE)
    expect(first).to_contain_text("<script>document.title", timeout=PATIENCE)
    expect(first).to_contain_text("Verdict on crpo against sft", timeout=PATIENCE)
    opened.select_option("#outcome", "unjudged")  # hides all of them
    link = opened.locator(".example a").first
    wanted = str(link.get_attribute("href")).lstrip("#")
    opened.locator("details.folded", has=link).locator("summary").first.click()
    link.click()
    case = opened.locator(f"#{wanted}")
    expect(case).to_be_visible(timeout=PATIENCE)
    expect(case).to_have_attribute("open", "", timeout=PATIENCE)
    opened.select_option("#outcome", "")
    with_image = opened.locator("details.case", has=opened.locator("img")).first
    with_image.evaluate("one => { one.open = true; one.scrollIntoView(); }")
    image = with_image.locator("img").first
    expect(image).to_have_js_property("naturalWidth", 64, timeout=PATIENCE)
    watched.check(address)
    opened.close()


def test_a_phone_scrolls_down_only(browser: Browser, address: str) -> None:
    for width in (320, 375):
        watched = Watched(browser.new_page(viewport={"width": width, "height": 700}))
        watched.page.goto(address)
        watched.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
        watched.check(address)
        watched.page.close()


def test_caveats_stand_between_the_verdict_and_everything_else(
    browser: Browser, address: str
) -> None:
    for width, height in ((1200, 900), (375, 700)):
        watched = Watched(browser.new_page(viewport={"width": width, "height": height}))
        opened = watched.page
        opened.goto(address)
        boxes = [
            opened.locator(where).first.bounding_box()
            for where in ("#answer h1", "#answer .warning", "#answer .big", "#answer .pill")
        ]
        tops = [box["y"] for box in boxes if box]
        assert len(tops) == 4
        assert tops == sorted(tops)
        assert tops[1] < height
        expect(opened.locator("#answer h1")).to_contain_text("not quality", timeout=PATIENCE)
        watched.check(address)
        opened.close()


def test_only_a_real_run_is_better_in_green(browser: Browser, tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    colours = {}
    for profile in ("tiny", "7b"):
        path = tmp_path / f"{profile}.html"
        path.write_text(page(folder, profile=profile), encoding="utf-8")
        opened = browser.new_page()
        opened.goto(path.as_uri())
        for where in ("#answer h1", "#answer .better > .pill", "#win-rates .better > .pill"):
            colour = opened.locator(where).first.evaluate("one => getComputedStyle(one).color")
            colours[profile, where] = tuple(map(int, re.findall(r"\d+", colour)))
        opened.close()
    for (profile, where), (red, green, blue) in colours.items():
        assert (green > red and green > blue) is (profile == "7b"), (profile, where)


def test_a_table_that_does_not_fit_says_so(browser: Browser, address: str) -> None:
    watched = Watched(browser.new_page(viewport={"width": 900, "height": 900}))
    opened = watched.page
    opened.goto(address)
    whole = opened.locator("#accuracy details.folded")
    grid = whole.locator(".scroll")
    expect(grid).not_to_have_class("scroll wide", timeout=PATIENCE)  # shut: it has no size
    whole.locator("summary").click()
    expect(grid).to_have_class("scroll wide", timeout=PATIENCE)
    hint = grid.evaluate("one => getComputedStyle(one, '::before').content")
    assert "scroll sideways" in hint
    expect(opened.locator("#decision .scroll.wide")).to_have_count(0, timeout=PATIENCE)
    watched.check(address)
    opened.close()


def test_paper_shows_folded_tables_and_no_controls(browser: Browser, address: str) -> None:
    watched = Watched(browser.new_page())
    opened = watched.page
    opened.goto(address)
    opened.emulate_media(media="print")
    expect(opened.locator("#filters")).to_be_hidden(timeout=PATIENCE)
    expect(opened.locator("nav")).to_be_hidden(timeout=PATIENCE)
    expect(opened.locator("details.case:visible")).to_have_count(0, timeout=PATIENCE)
    opened.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(opened.locator("details.folded:not([open])")).to_have_count(0, timeout=PATIENCE)
    assert len(opened.pdf()) > 10_000
    watched.check(address)
    opened.close()
