"""Fifty clicks that a person makes on the desk, in a real Chromium: from each click to the next page's load
event, by the browser's own clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from playwright.sync_api import Browser, FilePayload, Page

from desk_preview.stock import Stock

MOST_P50_MS = 300
CLICKS = 50

# The last that a person did on a page: a click, a key, or a file that was chosen.
WATCH = """
for (const kind of ["click", "change", "keydown"]) {
  const keep = (event) => sessionStorage.setItem("acted", performance.timeOrigin + event.timeStamp);
  addEventListener(kind, keep, true);
}
"""
LOADED = 'performance.getEntriesByType("navigation")[0].loadEventEnd'
ELAPSED = f'performance.timeOrigin + {LOADED} - Number(sessionStorage.getItem("acted"))'


@dataclass(frozen=True)
class Click:
    """``act`` ends with what leads to another page."""

    name: str
    act: Callable[[Page], None]


def clicking(browser: Browser, desk: str, stock: Stock) -> dict[str, Any]:
    """Milliseconds of each click, and their percentiles."""
    context = browser.new_context(base_url=desk)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto("/", wait_until="load")
    each = [(click.name, _timed(page, click)) for click in clicks(stock)]
    context.close()
    times = [time for _, time in each]
    return {
        "clicks": len(each),
        "p50_ms": round(float(np.percentile(times, 50)), 1),
        "p90_ms": round(float(np.percentile(times, 90)), 1),
        "max_ms": round(max(times), 1),
        "each": [{"click": name, "ms": time} for name, time in each],
    }


def _timed(page: Page, click: Click) -> float:
    with page.expect_event("load"):
        click.act(page)
    page.wait_for_function(f"{LOADED} > 0")
    return round(float(page.evaluate(ELAPSED)), 1)


def clicks(stock: Stock) -> Iterator[Click]:
    yield from _asking(stock.party)
    yield from _people()
    yield from _groups()
    yield from _reviewing()
    yield from _deciding(stock.single)


def _asking(photo: bytes) -> Iterator[Click]:
    yield _page("Ask")
    yield _photo(photo)
    for number in (2, 3, 4, 1):
        yield Click(f"face {number}", lambda page, number=number: _face(page, number))  # type: ignore[misc]
    for field, value in (("Person", "Madonna"), ("Observer", "Lobby")):
        yield Click(f"filter by {field}", lambda page, own=(field, value): _filter(page, *own))  # type: ignore[misc]
        yield Click("clear", lambda page: page.get_by_role("link", name="Clear").click())
    yield Click("more", lambda page: page.get_by_role("link", name="More", exact=True).click())
    yield Click("a match's photo", lambda page: _card(page, "Best matches on other photos"))
    yield Click(
        "same picture elsewhere", lambda page: page.get_by_role("link", name="Same picture elsewhere").click()
    )


def _people() -> Iterator[Click]:
    yield _page("People")
    yield Click("find", _find)
    yield Click("a person", lambda page: page.locator("main .card a").first.click())
    yield Click("a portrait", lambda page: page.locator("[aria-labelledby=portraits] a").first.click())
    yield _page("People")
    yield Click("another person", lambda page: page.locator("main .card a").nth(1).click())
    yield Click("seen with", lambda page: page.locator("[aria-labelledby=with] a").first.click())
    yield Click("a photo of theirs", lambda page: page.locator("[aria-labelledby=photos] a").first.click())


def _groups() -> Iterator[Click]:
    yield _page("Groups")
    yield Click("a group", lambda page: page.locator("a.pile").first.click())
    yield Click("name all", _name_group)
    yield _undo()
    yield _page("Groups")
    yield Click("name all in the list", _name_group)
    yield _undo()


def _reviewing() -> Iterator[Click]:
    yield _page("Review")
    for key in ("1", "r", "u", "s", "i", "u", "s", "1"):
        yield Click(f"answer {key}", lambda page, key=key: page.keyboard.press(key))  # type: ignore[misc]


def _deciding(photo: bytes) -> Iterator[Click]:
    yield _page("Decisions")
    yield Click("undo a decision", lambda page: page.get_by_role("button", name="Undo").first.click())
    yield _page("Ask")
    yield _photo(photo)
    yield Click("name a match", _name_match)
    yield _undo()
    yield Click("a candidate", lambda page: _card(page, "Best matches in the gallery"))
    yield _page("Ask")
    yield _photo(photo)
    yield Click("keep as probe", lambda page: page.get_by_role("button", name="Keep as probe").click())
    yield Click("ignore its face", _ignore)
    yield _undo()
    yield _page("People")


def _page(name: str) -> Click:
    return Click(name, lambda page: page.get_by_role("navigation").get_by_role("link", name=name).click())


def _photo(photo: bytes) -> Click:
    file: FilePayload = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
    return Click("choose a photo", lambda page: page.locator("#photo").set_input_files(file))


def _undo() -> Click:
    return Click("undo", lambda page: page.get_by_role("status").get_by_role("button", name="Undo").click())


def _face(page: Page, number: int) -> None:
    page.get_by_role("list", name="Faces").get_by_role("link").nth(number - 1).click()


def _filter(page: Page, field: str, value: str) -> None:
    page.locator("summary", has_text="Filter").click()
    page.get_by_label(field, exact=True).fill(value)
    page.get_by_role("button", name="Filter").click()


def _find(page: Page) -> None:
    page.get_by_role("searchbox").fill("n")
    page.get_by_role("button", name="Find").click()


def _card(page: Page, cards: str) -> None:
    page.get_by_role("list", name=cards).get_by_role("link").first.click()


def _name_group(page: Page) -> None:
    page.get_by_label("Who is it?").first.fill("Guest")
    page.get_by_role("button", name="Name all").first.click()


def _name_match(page: Page) -> None:
    page.get_by_role("list", name="Best matches on other photos").get_by_role("checkbox").nth(1).check()
    page.get_by_label("Name of the selected").fill("Madonna Ciccone")
    page.get_by_role("button", name="Name", exact=True).click()


def _ignore(page: Page) -> None:
    page.get_by_role("button", name="Ignore", exact=True).click()
