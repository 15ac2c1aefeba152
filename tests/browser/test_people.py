"""The review, groups that nobody has named, and people's pages."""

from __future__ import annotations

import csv

import pytest
from desk_pages import names, press, said
from playwright.sync_api import expect
from secured import PASSWORD
from typer.testing import CliRunner

from faces.cli import app


@pytest.fixture
def grouped(connected, stock):
    """`faces group` has run."""
    environment = connected | {"ES_USER": "faces_admin", "ES_PASSWORD": PASSWORD}
    result = CliRunner().invoke(app, ["group"], env=environment)
    assert result.exit_code == 0, result.output


def label_of(root, key: str, index: str, place: int = 0) -> str | None:
    return root.get(index=index, id=key)["_source"]["faces"][place].get("label", {}).get("name")


def probes(root) -> list[dict]:
    root.indices.refresh(index="face-probes")
    hits = root.search(index="face-probes", size=20, sort="file.path")["hits"]["hits"]
    return [hit["_source"]["faces"][0] for hit in hits]


def test_uncertain_faces_are_decided_about_by_keys(visit, root):
    page = visit()
    page.goto("/review")
    expect(page.get_by_text("4 faces left")).to_have_count(1)
    for key in ("1", "r", "i"):
        with page.expect_navigation():
            page.keyboard.press(key)
    found = probes(root)
    assert sum("label" in face for face in found) == 1
    assert sum("not" in face for face in found) == 1
    assert sum(face.get("ignored", False) for face in found) == 1
    expect(page.get_by_text("1 face left")).to_have_count(1)
    with page.expect_navigation():
        page.keyboard.press("u")
    assert not any(face.get("ignored") for face in probes(root))
    expect(page.get_by_text("2 faces left")).to_have_count(1)
    with page.expect_navigation():
        page.keyboard.press("s")
    page.get_by_label("Somebody else").fill("Cara")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert [face["label"]["name"] for face in probes(root) if "label" in face].count("Cara") == 1
    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing to review")
    with page.expect_navigation():
        page.keyboard.press("u")
    assert "Cara" not in [face["label"]["name"] for face in probes(root) if "label" in face]
    expect(page.get_by_role("button", name="None of them")).to_be_visible()


def test_a_face_is_decided_about_by_mouse(visit, root):
    page = visit()
    page.goto("/review")
    expect(page.locator(".card img").first).to_be_visible()
    with page.expect_navigation():
        page.get_by_role("button", name="Yes").first.click()
    assert [face["label"]["name"] for face in probes(root) if "label" in face] == ["Ann"]
    press(page, "None of them", exact=False)
    assert [face["not"] for face in probes(root) if "not" in face] == [["Ann"]]


def test_a_face_that_was_decided_meanwhile_keeps_that(visit, root):
    page, other = visit(), visit()
    for one in (page, other):
        one.goto("/review")
    for one, key in ((page, "i"), (other, "1")):
        with one.expect_navigation():
            one.keyboard.press(key)
    found = probes(root)
    assert [sum(bool(face.get(said)) for face in found) for said in ("ignored", "label")] == [1, 0]
    expect(other.locator(".flash.bad")).to_have_count(1)


def test_a_group_is_named_at_once(visit, root, grouped):
    page = visit()
    page.goto("/groups")
    group = page.locator(".group", has=page.get_by_label("Group of 3 faces"))
    expect(group).to_have_count(1)
    group.get_by_label("Who is it?").fill("Jerry")
    with page.expect_navigation():
        group.get_by_role("button", name="Name all").click()
    root.indices.refresh(index="faces,face-probes")
    assert root.count(index="faces,face-probes", query={"term": {"people": "Jerry"}})["count"] == 3
    expect(group).to_have_count(0)
    press(page, "Undo")
    root.indices.refresh(index="faces,face-probes")
    assert root.count(index="faces,face-probes", query={"term": {"people": "Jerry"}})["count"] == 0


def test_a_face_is_told_apart_from_its_group(visit, root, grouped):
    page = visit()
    page.goto("/groups")
    page.locator(".pile").first.click()
    ticks = page.get_by_role("checkbox", name="select")
    before = ticks.count()
    ticks.first.check()
    press(page, "The selected are somebody else")
    assert page.get_by_role("checkbox", name="select").count() == before - 1


def test_people_are_found_by_their_names(visit):
    page = visit()
    page.goto("/people")
    assert names(page.locator("ul.cards")) == ["Ann", "Ben"]
    expect(page.locator(".card").first).to_contain_text("3 photos, 2 portraits")
    page.get_by_label("Find").fill("be")
    press(page, "Find")
    assert names(page.locator("ul.cards")) == ["Ben"]
    page.get_by_label("Find").fill("Bem")
    press(page, "Find")
    expect(page.locator("main")).to_contain_text("Ben")


def test_a_persons_page_has_portraits_photos_companions_and_times(visit):
    page = visit()
    page.goto("/photo?index=faces-000001&id=team")
    for place, name in enumerate(("Ann", "Ben")):
        page.get_by_role("checkbox", name="select").nth(place).check()
        page.get_by_label("Name of the selected").fill(name)
        press(page, "Name")
    page.goto("/people")
    page.get_by_role("link", name="Ann").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
    expect(page.get_by_role("region", name="Portraits").locator("li")).to_have_count(2)
    expect(page.get_by_role("region", name="Photos").locator("li")).to_have_count(4)
    expect(page.get_by_role("region", name="Seen with")).to_contain_text("Ben 1 photo")
    assert page.get_by_role("region", name="When").locator("th").all_inner_texts() == [
        "2026-03",
        "2026-04",
        "2026-05",
    ]


def test_a_person_is_renamed_everywhere(visit, root):
    page = visit()
    page.goto("/person?name=Ben")
    page.get_by_text("Rename", exact=True).first.click()
    page.get_by_label("New name").fill("Benjamin")
    press(page, "Rename")
    expect(page.get_by_role("heading", level=1)).to_have_text("Benjamin")
    assert named(root, "Benjamin") == 4
    assert named(root, "Ben") == 0
    press(page, "Undo")
    assert named(root, "Ben") == 4


def test_two_people_are_merged_once(visit, root):
    page = visit()
    page.goto("/person?name=Ben")
    page.get_by_text("Merge with somebody").click()
    page.get_by_label("Ben is the same person as").fill("Ann")
    with page.expect_navigation():
        page.get_by_role("button", name="Merge").dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
    assert named(root, "Ann") == 9
    root.indices.refresh(index="face-decisions")
    entries = [hit["_source"] for hit in root.search(index="face-decisions", size=50)["hits"]["hits"]]
    assert {one["event"]["action"] for one in entries} == {"merge"}
    assert len({one["operation"]["id"] for one in entries}) == 1


def named(root, name: str) -> int:
    root.indices.refresh(index="faces,face-gallery")
    query = {"bool": {"should": [{"term": {"people": name}}, {"term": {"person.name": name}}]}}
    return root.count(index="faces,face-gallery", query=query)["count"]


def test_what_is_known_of_a_person_is_exported(visit):
    page = visit()
    page.goto("/person?name=Ann")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export CSV").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert sorted(row["path"] for row in rows) == [f"2026/ann-{number}.jpg" for number in range(3)]
    assert "Ann" not in download.value.suggested_filename


def test_a_person_is_forgotten_after_the_name_is_typed(visit, root):
    page = visit()
    page.goto("/person?name=Ben")
    page.get_by_role("link", name="Forget this person").click()
    expect(page.locator("form .list").first.locator("li")).to_have_count(4)
    page.get_by_label("Type Ben to confirm").fill("Bem")
    press(page, "Forget")
    assert named(root, "Ben") == 4
    page.go_back()
    page.get_by_label("Type Ben to confirm").fill("Ben")
    press(page, "Forget")
    expect(page.get_by_role("heading", level=1)).to_have_text("Forgotten")
    assert named(root, "Ben") == 0
    assert page.goto("/person?name=Ben").status == 404


def test_a_sentence_says_what_was_done(visit):
    page = visit()
    page.goto("/person?name=Ben")
    page.get_by_text("Rename", exact=True).first.click()
    page.get_by_label("New name").fill("Benjamin")
    press(page, "Rename")
    assert {"Ben", "Benjamin"} <= set(said(page).split())
    page.reload()
    expect(page.locator(".flash")).to_have_count(0)
