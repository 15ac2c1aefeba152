"""Asking: who is on a photo, and where else."""

from __future__ import annotations

import re

import pytest
from desk_pages import (
    Rectangle,
    ask,
    boxes,
    drop,
    gallery_matches,
    loaded,
    open_photo,
    photo_matches,
    press,
    said,
)
from desk_stock import ANN, BEN, CARA, fingerprint
from playwright.sync_api import expect
from tools import wait_until

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_photo_that_is_dropped_or_pasted_is_looked_at(visit, people, how):
    page = visit()
    drop(page, people[BEN][7].read_bytes(), how=how)
    page.wait_for_url("**/asked/**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ben")
    assert len(boxes(page)) == 1


def test_a_photo_can_be_taken(visit):
    page = visit()
    page.get_by_role("button", name="Take a photo").click()
    wait_until(lambda: page.locator("video").evaluate("(video) => video.videoWidth > 0"))
    page.get_by_role("button", name="Take it").click()
    page.wait_for_url("**/asked/**")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ben")


@pytest.mark.parametrize("size", [{}, PHONE], ids=["desktop", "phone"])
def test_each_face_has_its_box_where_it_is(visit, stock, size):
    page = visit(**size)
    ask(page, stock.team)
    loaded(page)
    expected = [Rectangle(**face["box"]) for face in stock.documents["faces"]["team"]["faces"]]
    found = boxes(page)
    assert len(found) == len(expected) == 3
    assert all(one.overlap(other) > 0.9 for one, other in zip(found, expected, strict=True))


def test_the_best_matches_have_names_similarities_and_verdicts(visit, people):
    page = visit()
    ask(page, people[ANN][7])
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
    assert gallery_matches(page)[0] == "Ann"
    card = page.get_by_role("list", name="Best matches in the gallery").locator("li").first
    expect(card).to_contain_text("strong")
    expect(card).to_contain_text("watch")
    assert 0.6 < float(re.search(r"\d\.\d\d", card.inner_text()).group()) <= 1
    matches = photo_matches(page)
    assert len(matches) == 5
    assert set(matches) <= {"Ann", "unknown"}
    assert page.locator(".cards img").count() == len(gallery_matches(page)) + len(matches)
    loaded(page, ".cards img")


def test_a_face_that_nobody_is_near_is_unknown(visit, people):
    page = visit()
    ask(page, people["elton_john"][0])
    expect(page.get_by_role("heading", level=1)).to_have_text("unknown")
    expect(page.locator(".verdict.strong")).to_have_count(0)


@pytest.mark.parametrize("by", ["mouse", "keyboard", "list"])
def test_a_face_is_chosen_by_its_box(visit, stock, by):
    page = visit()
    ask(page, stock.team)
    labels = [box.get_attribute("aria-label") for box in page.locator(".box").all()]
    answers = {label.split(": ")[1]: place for place, label in enumerate(labels)}
    assert set(answers) == {"Ann", "Ben", "unknown"}
    for name, place in answers.items():
        with page.expect_navigation():
            if by == "mouse":
                page.locator(".box rect").nth(place).click()
            elif by == "list":
                page.get_by_role("list", name="Faces").get_by_role("link").nth(place).click()
            else:
                page.locator(".box").nth(place).focus()
                page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text(name)
        assert page.locator(".box.chosen").count() == 1
        expect(page.locator(".box").nth(place)).to_have_attribute("aria-current", "true")


def open_filters(page) -> None:
    page.locator("details:has(.filters)").evaluate_all("(all) => all.forEach((one) => { one.open = true; })")


def test_matches_are_filtered_by_person_date_and_observer(visit, people):
    page = visit()
    ask(page, people[ANN][7])
    open_filters(page)
    page.get_by_label("Person", exact=True).fill("Ben")
    press(page, "Filter")
    assert photo_matches(page) == ["Ben"] * 3
    open_filters(page)
    page.get_by_label("From", exact=True).fill("2026-04-01")
    page.get_by_label("To", exact=True).fill("2026-04-30")
    press(page, "Filter")
    assert photo_matches(page) == ["Ben"]
    open_filters(page)
    page.get_by_label("Observer", exact=True).fill("gate 1")
    press(page, "Filter")
    assert photo_matches(page) == []
    open_filters(page)
    page.get_by_role("link", name="Clear").click()
    expect(page.get_by_role("list", name="Best matches on other photos").locator("li")).to_have_count(5)


def test_more_matches_come_on_demand(visit, people):
    page = visit()
    ask(page, people[ANN][7])
    page.get_by_role("link", name="More", exact=True).click()
    expect(page.get_by_role("list", name="Best matches on other photos").locator("li")).to_have_count(15)


def test_a_match_opens_its_photo_with_boxes_its_original_and_its_copies(visit, people, stock):
    page = visit()
    ask(page, people[ANN][0])
    page.get_by_role("list", name="Best matches on other photos").get_by_role("link").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ann-0.jpg")
    loaded(page)
    (face,) = stock.documents["faces"]["ann-0"]["faces"]
    assert boxes(page)[0].overlap(Rectangle(**face["box"])) > 0.9
    original = page.get_by_role("link", name="Original")
    expect(original).to_have_attribute("href", "https://photos.example/ann-0.jpg")
    page.get_by_role("link", name="Same picture elsewhere").click()
    assert page.locator("#versions li").all_inner_texts()[0].startswith("copies/ann.jpg")


def test_the_photo_is_stored_only_when_it_is_kept_as_probe(visit, root, people):
    page, before = visit(), fingerprint(root)
    ask(page, people[ANN][7], name="at the door.jpg")
    assert fingerprint(root) == before
    press(page, "Keep as probe")
    expect(page.get_by_role("heading", level=1)).to_have_text("at the door.jpg")
    kept = [{"term": {"file.name": "at the door.jpg"}}, {"term": {"matched_people": "Ann"}}]
    assert root.count(index="face-probes", query={"bool": {"filter": kept}})["count"] == 1
    assert "at the door.jpg" in said(page)
    assert "door" not in page.url


def test_a_photo_that_is_kept_twice_is_stored_once(visit, root, people):
    page = visit()
    for _ in range(2):
        ask(page, people[CARA][8])
        press(page, "Keep as probe")
    root.indices.refresh(index="face-probes")
    assert root.count(index="face-probes")["count"] == 5


def test_nothing_of_a_photo_is_in_an_address(visit, stock):
    page, seen = visit(), []
    page.on("request", lambda request: seen.append(request.url))
    ask(page, stock.team, name="secret name.jpg")
    page.locator(".box rect").nth(1).click()
    assert len(seen) > 3
    assert not [url for url in seen if "secret" in url or (len(url) > 200 and not url.startswith("data:"))]


def test_a_stored_photo_is_on_the_page_of_its_index(visit, stock):
    page = visit()
    open_photo(page, "faces-000001", "team")
    assert len(boxes(page)) == 3
    expect(page.locator(".facts")).to_contain_text("gate 9")
