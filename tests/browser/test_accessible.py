"""Every page, light and dark, on a desk and on a phone: axe-core finds nothing serious, nothing scrolls
sideways, and Tab reaches everything with a focus that is seen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_pages import ask, open_photo, sign_in
from desk_stock import ANN
from playwright.sync_api import Page, expect

from board_preview import chromium

SIZES = {
    "desk": {"viewport": {"width": 1366, "height": 768}},
    "phone": {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True},
}
PAGES = {
    "ask": "/",
    "review": "/review",
    "groups": "/groups",
    "people": "/people",
    "person": "/person?name=Ann",
    "forget": "/person/forget?name=Ann",
    "decisions": "/decisions",
    "photo": "/photo?index=faces-000001&id=team&versions=1",
    "problem": "/nothing-is-here",
}
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="session")
def axe() -> str:
    """Its script."""
    chromium.install(print)
    return (chromium.HERE / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def violations(axe: str):
    """What axe-core finds on a page that is serious: rule -> the elements."""

    def find(page: Page) -> dict[str, list[str]]:
        # Evaluated by the browser's own tools, which the policy doesn't bind.
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        return {
            one["id"]: [node["html"][:200] for node in one["nodes"]]
            for one in found
            if one["impact"] in SERIOUS
        }

    return find


def shown(page: Page, photo: Path) -> Iterator[str]:
    """Opens one page after the other; their names."""
    page.goto("/sign-in")
    yield "sign in"
    sign_in(page, "faces_admin")
    for name, path in PAGES.items():
        page.goto(path)
        yield name
    open_photo(page, "faces-000001", "team")
    page.get_by_text("A face was missed").click()
    yield "drawing"
    page.goto("/person?name=Ann")
    page.locator("details").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")
    yield "person, open"
    ask(page, photo)
    yield "asked"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_no_page_has_a_serious_violation_or_scrolls_sideways(visit, violations, people, stock, size, scheme):
    page = visit(user=None, color_scheme=scheme, **SIZES[size])
    found = {}
    for name in shown(page, people[ANN][7]):
        if problems := violations(page):
            found[name] = problems
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > SIZES[size]["viewport"]["width"]:
            found[f"{name}, width"] = width
    assert found == {}


FOCUSABLE = """() => [...document.querySelectorAll("a[href], button, input, select, summary, textarea")]
    .filter((one) => one.type !== "hidden" && !one.disabled && one.checkVisibility()).length"""
FOCUSED = """() => {
    const WHITE = "rgb(255, 255, 255)";
    const one = document.activeElement;
    if (!one || one === document.body) return null;
    window.reached ??= new Set();
    const isNew = !window.reached.has(one);
    window.reached.add(one);
    const {outlineStyle, outlineWidth} = getComputedStyle(one);
    const stroke = one.matches(".box") ? getComputedStyle(one.firstElementChild).stroke : WHITE;
    const isBox = stroke !== WHITE;
    return {
        isNew,
        isSeen: isBox || (outlineStyle !== "none" && parseFloat(outlineWidth) >= 2),
        html: one.outerHTML.slice(0, 120),
    };
}"""
"""What has the focus: whether for the first time, and whether that is seen; null behind the last."""


@pytest.mark.parametrize("name", ["asked", "photo", "person, open", "review", "groups"])
def test_everything_is_reached_by_tab_with_a_focus_that_is_seen(visit, people, name):
    page = visit(user=None, **SIZES["desk"])
    next(one for one in shown(page, people[ANN][7]) if one == name)
    wanted, reached = page.evaluate(FOCUSABLE), []
    for _ in range(3 * wanted):
        page.keyboard.press("Tab")
        focused = page.evaluate(FOCUSED)
        if focused is None:
            break
        # A date has several parts.
        if focused["isNew"]:
            reached.append(focused)
    assert [one["html"] for one in reached if not one["isSeen"]] == []
    assert len(reached) == wanted


def test_the_field_for_a_photo_is_the_first_on_its_page_for_the_keyboard(visit):
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the page"
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#photo")).to_be_focused()
