"""A picture of each page of the desk, as it looks on a desk, in the dark and on a phone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, FilePayload, Page

from desk_preview.stock import Stock


@dataclass(frozen=True)
class Look:
    """width, height: of the window, in CSS pixels; density: of its screen."""

    name: str
    width: int
    height: int
    scheme: Literal["light", "dark"] = "light"
    density: int = 1


LOOKS = (
    Look("light", 1280, 800),
    Look("dark", 1280, 800, "dark"),
    Look("phone", 390, 844, density=2),
)


@dataclass(frozen=True)
class Shot:
    """``open`` leads to the page."""

    name: str
    open: Callable[[Page], object]


def shots(stock: Stock) -> list[Shot]:
    return [
        Shot("ask", lambda page: page.goto("/")),
        Shot("asked", lambda page: _ask(page, stock.single)),
        Shot("asked-party", lambda page: _ask(page, stock.party)),
        Shot("asked-unknown", lambda page: _ask(page, stock.unknown)),
        Shot("asked-nobody", lambda page: _ask(page, stock.nobody)),
        Shot("review", lambda page: page.goto("/review")),
        Shot("groups", lambda page: page.goto("/groups")),
        Shot("group", lambda page: _first(page, "/groups", "a.pile")),
        Shot("people", lambda page: page.goto("/people")),
        Shot("person", lambda page: page.goto("/person?name=Madonna")),
        Shot("forget", lambda page: page.goto("/person/forget?name=Madonna")),
        Shot("photo", lambda page: _first(page, "/person?name=Madonna", "[aria-labelledby=photos] a")),
        Shot("versions", _versions),
        Shot("decisions", lambda page: page.goto("/decisions")),
        Shot("problem", lambda page: page.goto("/photo?index=faces&id=gone")),
    ]


def take(browser: Browser, desk: str, stock: Stock, folder: Path) -> Iterator[Path]:
    """Writes ``LOOK-PAGE.png`` of each page, whole, and yields its path. One group is named for it."""
    _decide(browser, desk)
    for look in LOOKS:
        context = browser.new_context(
            base_url=desk,
            viewport={"width": look.width, "height": look.height},
            color_scheme=look.scheme,
            device_scale_factor=look.density,
            reduced_motion="reduce",
        )
        page = context.new_page()
        for shot in shots(stock):
            shot.open(page)
            page.wait_for_load_state("load")
            file = folder / f"{look.name}-{shot.name}.png"
            page.screenshot(path=file, full_page=True)
            yield file
        context.close()


def _decide(browser: Browser, desk: str) -> None:
    """So that the page of decisions has one."""
    context = browser.new_context(base_url=desk)
    page = context.new_page()
    page.goto("/groups")
    page.get_by_label("Who is it?").last.fill("Guest")
    page.get_by_role("button", name="Name all").last.click()
    page.get_by_role("status").wait_for()
    context.close()


def _ask(page: Page, photo: bytes) -> None:
    file: FilePayload = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
    page.goto("/")
    page.locator("#photo").set_input_files(file)
    page.wait_for_url("**/asked/*")


def _first(page: Page, address: str, link: str) -> None:
    page.goto(address)
    target = page.locator(link).first.get_attribute("href")
    page.goto(str(target))


def _versions(page: Page) -> None:
    _first(page, "/person?name=Madonna", "[aria-labelledby=photos] a")
    target = page.get_by_role("link", name="Same picture elsewhere").get_attribute("href")
    page.goto(str(target))
