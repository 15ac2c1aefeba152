"""Deciding: who is on a stored photo, by mouse and by keyboard, and taking it back."""

from __future__ import annotations

import pytest
from desk_pages import open_photo, press, said, select
from desk_stock import ANN, fingerprint
from playwright.sync_api import expect

NAME = "Name of the selected"


@pytest.fixture
def faces_of(root):
    """What people said of each face of a document: label, rejected names, ignored."""

    def read(key: str, index: str = "faces-000001") -> list[tuple]:
        faces = root.get(index=index, id=key)["_source"]["faces"]
        return [(face.get("label", {}).get("name"), face.get("not"), face.get("ignored")) for face in faces]

    return read


@pytest.fixture
def operations(root):
    """The actions of the journal's operations, oldest first."""

    def read() -> list[str]:
        root.indices.refresh(index="face-decisions")
        hits = root.search(index="face-decisions", size=100, sort="@timestamp")["hits"]["hits"]
        entries = [hit["_source"] for hit in hits]
        return list({one["operation"]["id"]: one["event"]["action"] for one in entries}.values())

    return read


def test_a_face_is_named_and_that_is_taken_back(visit, faces_of, operations):
    page = visit()
    open_photo(page, "faces-000001", "team")
    select(page, 0)
    page.get_by_label(NAME).fill("Zoë")
    press(page, "Name")
    assert faces_of("team")[0][0] == "Zoë"
    expect(page.locator("#face-0")).to_contain_text("Zoë")
    assert "Zoë" in said(page)
    press(page, "Undo")
    assert faces_of("team")[0][0] is None
    assert operations() == ["label", "undo"]


def test_a_row_of_faces_is_named_at_once_from_the_answers(visit, people, faces_of):
    page = visit()
    page.goto("/")
    page.locator("#photo").set_input_files(str(people["jerry_seinfeld"][5]))
    page.wait_for_url("**/asked/**")
    cards = page.get_by_role("list", name="Best matches on other photos").locator("li")
    for place in range(3):
        cards.nth(place).get_by_role("checkbox").check()
    page.get_by_label(NAME).fill("Jerry")
    page.get_by_label(NAME).press("Enter")
    page.wait_for_selector(".flash")
    assert [faces_of(f"jerry-{number}")[0][0] for number in range(3)] == ["Jerry"] * 3
    expect(
        page.get_by_role("list", name="Best matches on other photos").locator("strong").first
    ).to_have_text("Jerry")


def test_a_guess_is_confirmed_or_rejected(visit, root, people, faces_of):
    page = visit()
    page.goto("/")
    page.locator("#photo").set_input_files(str(people[ANN][7]))
    page.wait_for_url("**/asked/**")
    press(page, "Keep as probe")
    expect(page.locator("#face-0")).to_contain_text("looks like Ann")
    (kept,) = root.search(index="face-probes", query={"term": {"matched_people": "Ann"}})["hits"]["hits"]
    page.get_by_label(NAME).fill("Ann")
    press(page, "Not this person")
    assert faces_of(kept["_id"], kept["_index"]) == [(None, ["Ann"], None)]
    expect(page.locator("#face-0")).to_contain_text("not Ann")
    page.get_by_label(NAME).fill("Ann")
    press(page, "Name")
    assert faces_of(kept["_id"], kept["_index"])[0][0] == "Ann"
    press(page, "Take name off")
    assert faces_of(kept["_id"], kept["_index"])[0][0] is None


def test_faces_are_ignored_and_no_longer(visit, faces_of):
    page = visit()
    open_photo(page, "faces-000001", "team")
    select(page, 0, 2)
    press(page, "Ignore")
    assert [one[2] for one in faces_of("team")] == [True, None, True]
    expect(page.locator("#face-2")).to_contain_text("ignored")
    select(page, 0, 2)
    press(page, "Don't ignore")
    assert not any(one[2] for one in faces_of("team"))


def test_a_face_is_selected_by_its_box_and_decided_about_by_keyboard(visit, faces_of):
    page = visit()
    open_photo(page, "faces-000001", "team")
    page.locator(".box").nth(1).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#face-1").get_by_role("checkbox")).to_be_checked()
    page.get_by_label(NAME).focus()
    page.keyboard.type("Mia")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert [one[0] for one in faces_of("team")] == [None, "Mia", None]


def test_a_missed_face_is_drawn_by_mouse(visit, root, stock):
    page = visit()
    document = root.get(index="faces-000001", id="team")["_source"]
    missed = document["faces"][0]["box"]
    left = {**document, "faces": document["faces"][1:]}
    root.index(index="faces-000001", id="team", document=left, pipeline="_none", refresh=True)
    open_photo(page, "faces-000001", "team")
    page.get_by_text("A face was missed").click()
    page.locator(".photo").scroll_into_view_if_needed()
    shown = page.locator(".boxes").bounding_box()
    scale = shown["width"] / document["photo"]["width"]
    corner = shown["x"] + missed["x"] * scale, shown["y"] + missed["y"] * scale
    page.mouse.move(*corner)
    page.mouse.down()
    page.mouse.move(corner[0] + 9, corner[1] + 9)
    page.mouse.move(corner[0] + missed["width"] * scale, corner[1] + missed["height"] * scale)
    page.mouse.up()
    values = {side: int(page.locator(f"#box-{side}").input_value()) for side in missed}
    assert all(abs(values[side] - missed[side]) <= 3 for side in missed)
    page.get_by_label("Who it is, if you know").fill("Mia")
    page.get_by_label("The photo's file").set_input_files(
        {"name": "team.jpg", "mimeType": "image/jpeg", "buffer": stock.team}
    )
    press(page, "Add this face")
    added = [
        face for face in root.get(index="faces-000001", id="team")["_source"]["faces"] if "drawn" in face
    ]
    assert [face["label"]["name"] for face in added] == ["Mia"]
    assert all(abs(added[0]["box"][side] - missed[side]) <= 3 for side in missed)
    expect(page.locator(".faces li")).to_have_count(3)


def test_a_missed_face_is_given_in_numbers_by_keyboard_and_drawn_on_the_photo(visit):
    page = visit()
    open_photo(page, "faces-000001", "team")
    page.get_by_text("A face was missed").focus()
    page.keyboard.press("Enter")
    for value in ("20", "30", "50", "60"):
        page.keyboard.press("Tab")
        page.keyboard.type(value)
    drawn = page.locator(".drawn")
    for side, value in (("x", "20"), ("y", "30"), ("width", "50"), ("height", "60")):
        expect(drawn).to_have_attribute(side, value)


def test_the_page_of_decisions_undoes_an_older_one(visit, faces_of, operations):
    page = visit()
    for place, name in enumerate(("Ida", "Mia")):
        open_photo(page, "faces-000001", "team")
        select(page, place)
        page.get_by_label(NAME).fill(name)
        press(page, "Name")
    page.goto("/decisions")
    rows = page.locator("tbody tr, table > tr")
    expect(rows).to_have_count(2)
    with page.expect_navigation():
        rows.last.get_by_role("button", name="Undo").click()
    assert [one[0] for one in faces_of("team")] == [None, "Mia", None]
    assert operations() == ["label", "label", "undo"]


def test_a_decision_about_no_face_changes_nothing(visit, root):
    page, before = visit(), fingerprint(root)
    open_photo(page, "faces-000001", "team")
    page.get_by_label(NAME).fill("Mia")
    press(page, "Name")
    expect(page.locator(".flash.bad")).to_have_count(1)
    assert fingerprint(root) == before
