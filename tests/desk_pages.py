"""What a person does on the desk's pages, and reads there."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page
from secured import PASSWORD
from tools import wait_until

DROP = """([target, name, encoded, type]) => {
    const bytes = Uint8Array.from(atob(encoded), (one) => one.charCodeAt(0));
    const carried = new DataTransfer();
    carried.items.add(new File([bytes], name, {type}));
    const how = {bubbles: true, cancelable: true};
    const event = target === "paste"
        ? new ClipboardEvent("paste", {...how, clipboardData: carried})
        : new DragEvent("drop", {...how, dataTransfer: carried});
    document.querySelector("[data-drop] .target").dispatchEvent(event);
}"""


@dataclass(frozen=True)
class Rectangle:
    x: float
    y: float
    width: float
    height: float

    def overlap(self, other: Rectangle) -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        common = max(width, 0) * max(height, 0)
        return common / (self.width * self.height + other.width * other.height - common)


def sign_in(page: Page, user: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("User").fill(user)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")


def drop(
    page: Page, photo: bytes, name: str = "photo.jpg", kind: str = "image/jpeg", how: str = "drop"
) -> None:
    """Without a mouse, as a test has none that holds a file. how: drop, or paste."""
    page.evaluate(DROP, [how, name, base64.b64encode(photo).decode(), "image/jpeg"])


def ask(page: Page, photo: bytes | Path, name: str = "photo.jpg") -> None:
    """Chooses a file, and waits for the answers."""
    page.goto("/")
    data = photo.read_bytes() if isinstance(photo, Path) else photo
    page.locator("#photo").set_input_files({"name": name, "mimeType": "image/jpeg", "buffer": data})
    page.wait_for_url("**/asked/**")


def loaded(page: Page, selector: str = ".photo > img") -> None:
    """Waits until a picture is there; not by Playwright's `wait_for_function`, which the policy forbids."""
    image = page.locator(selector).first
    wait_until(lambda: image.evaluate("(one) => one.complete && one.naturalWidth > 0"))


def gallery_matches(page: Page) -> list[str]:
    return names(page.get_by_role("list", name="Best matches in the gallery"))


def photo_matches(page: Page) -> list[str]:
    return names(page.get_by_role("list", name="Best matches on other photos"))


def names(cards: Locator) -> list[str]:
    return cards.locator("strong").all_inner_texts() if cards.count() else []


def boxes(page: Page) -> list[Rectangle]:
    """Where the boxes are drawn over the photo, in the photo's pixels."""
    return [
        Rectangle(**found)
        for found in page.evaluate(
            """() => {
                const image = document.querySelector(".photo > img"), photo = image.getBoundingClientRect();
                const [width, height] = ["width", "height"].map((side) => Number(image.getAttribute(side)));
                return [...document.querySelectorAll(".box rect")].map((rect) => {
                    const box = rect.getBoundingClientRect();
                    return {
                        x: (box.x - photo.x) * width / photo.width,
                        y: (box.y - photo.y) * height / photo.height,
                        width: box.width * width / photo.width,
                        height: box.height * height / photo.height,
                    };
                });
            }"""
        )
    ]


def open_photo(page: Page, index: str, key: str) -> None:
    page.goto(f"/photo?index={index}&id={key}")


def select(page: Page, *places: int) -> None:
    """Ticks faces of a list, by their places in it."""
    ticks = page.get_by_role("checkbox", name="select")
    for place in places:
        ticks.nth(place).check()


def press(page: Page, button: str, exact: bool = True) -> None:
    """Sends a form, and waits for the page that comes."""
    with page.expect_navigation():
        page.get_by_role("button", name=button, exact=exact).click()


def said(page: Page) -> str:
    """The sentence about what was done."""
    return page.locator(".flash").inner_text()
