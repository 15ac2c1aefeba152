"""Bad input and bad days: a sentence that a person understands, and nothing lost or done twice."""

from __future__ import annotations

import numpy as np
import pytest
import requests
from desk_pages import ask, boxes, loaded, names, open_photo, press, said, select, sign_in
from desk_server import running_desk
from desk_stock import ANN, BEN, fingerprint
from forwarder import Forwarder
from PIL import Image
from playwright.sync_api import expect
from tools import landscape, picture, side_by_side

NAME = "Name of the selected"


@pytest.mark.parametrize("kind", ["text", "empty picture", "too many pixels", "too many bytes"])
def test_what_is_no_photo_that_can_be_used_is_told_and_not_stored(visit, root, tmp_path, kind):
    page, before = visit(), fingerprint(root)
    data = {
        "text": b"not a photo at all\n" * 40,
        "empty picture": picture(landscape())[:300],
        "too many pixels": picture(Image.new("L", (10_000, 6_000)), quality=20),
        "too many bytes": picture(landscape()) + bytes(20_000_000),
    }[kind]
    file = tmp_path / "a.jpg"
    file.write_bytes(data)
    with page.expect_navigation() as sent:
        page.locator("#photo").set_input_files(file)
    assert sent.value.status == 422
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("link", name="Back to the desk")).to_have_count(1)
    assert fingerprint(root) == before


def test_a_file_of_40_mb_is_refused_before_it_is_sent_and_by_the_desk(visit, desk, secured):
    page, sent = visit(), []
    page.on("request", lambda request: sent.append(request.method))
    page.evaluate(
        """() => {
            const carried = new DataTransfer();
            carried.items.add(new File([new Uint8Array(4e7)], "large.jpg", {type: "image/jpeg"}));
            document.querySelector(".target").dispatchEvent(
                new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: carried}));
        }"""
    )
    expect(page.locator("[data-status].bad")).to_contain_text("40 MB")
    assert "POST" not in sent
    (cookie,) = page.context.cookies()
    answer = requests.post(
        f"{desk.url}/ask",
        files={"photo": ("large.jpg", bytes(40_000_000))},
        cookies={cookie["name"]: cookie["value"]},
        verify=str(secured.authority.certificate),
        timeout=60,
    )
    assert answer.status_code == 413


def test_text_that_is_dropped_is_told_at_once(visit):
    page = visit()
    page.evaluate(
        """() => {
            const carried = new DataTransfer();
            carried.setData("text/plain", "a word");
            document.querySelector(".target").dispatchEvent(
                new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: carried}));
        }"""
    )
    expect(page.locator("[data-status].bad")).to_have_count(1)


def test_a_photo_without_a_face_says_so_and_can_be_kept(visit, root):
    page = visit()
    ask(page, picture(landscape()))
    expect(page.get_by_role("heading", level=1)).to_have_text("No face")
    assert boxes(page) == []
    press(page, "Keep as probe")
    root.indices.refresh(index="face-probes")
    assert root.count(index="face-probes")["count"] == 5


def test_forty_faces_have_forty_boxes(visit, people):
    row = [own[number] for number in (3, 4) for own in list(people.values())[:4]]
    image = side_by_side(row, height=200)
    crowd = Image.new("RGB", (image.width, 5 * image.height))
    for number in range(5):
        crowd.paste(image, (0, number * image.height))
    page = visit()
    ask(page, picture(crowd, quality=92))
    loaded(page)
    # In each photo of the crowd; one has a picture in its background, too.
    ends = np.cumsum([one.width * 200 / one.height for one in map(Image.open, row)])
    middles = [(box.x + box.width / 2, box.y + box.height / 2) for box in boxes(page)]
    assert len({(np.searchsorted(ends, x), y // 200) for x, y in middles}) == 40
    with page.expect_navigation():
        page.locator(".box rect").nth(39).click()
    assert page.locator(".box.chosen").count() == 1


def test_a_match_that_was_deleted_meanwhile(visit, root, people):
    page = visit()
    ask(page, people[BEN][0])
    first = page.get_by_role("list", name="Best matches on other photos").get_by_role("link").first
    key = first.get_attribute("href").split("id=")[1].split("&")[0]
    root.delete(index="faces-000001", id=key, refresh=True)
    first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Not here")


def test_a_face_of_a_photo_that_was_deleted_meanwhile(visit, root):
    page = visit()
    open_photo(page, "faces-000001", "team")
    root.delete(index="faces-000001", id="team", refresh=True)
    select(page, 0)
    page.get_by_label(NAME).fill("Mia")
    press(page, "Name")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not here")
    expect(page.locator(".flash.bad")).to_have_count(1)
    root.indices.refresh(index="faces,face-decisions")
    assert root.count(index="faces,face-decisions", query={"term": {"people": "Mia"}})["count"] == 0


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=window.hacked=1>",
        '"O\'Brien" </title><script>window.hacked=1</script>',
        "50%/½ & ../../etc/passwd?x=1#y",
        "زينب \N{GRINNING FACE} 'Zoë' {{7*7}}",
    ],
)
def test_a_name_is_only_ever_text(visit, name):
    page = visit()
    open_photo(page, "faces-000001", "team")
    select(page, 0)
    page.get_by_label(NAME).fill(name)
    press(page, "Name")
    assert name in said(page)
    expect(page.locator("#face-0 strong")).to_have_text(name)
    page.goto("/people")
    assert name in names(page.locator("ul.cards"))
    page.get_by_role("link", name=name, exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.get_by_role("link", name="Forget this person").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)
    page.go_back()
    page.get_by_text("Rename", exact=True).first.click()
    page.get_by_label("New name").fill(f"{name}2")
    press(page, "Rename")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{name}2")
    page.goto("/decisions")
    assert page.evaluate("window.hacked") is None
    expect(page.locator("img[src=x]")).to_have_count(0)


def test_a_form_of_an_earlier_sign_in_changes_nothing(visit, root):
    page, before = visit(), fingerprint(root)
    open_photo(page, "faces-000001", "team")
    other = page.context.new_page()
    other.goto("/")
    other.get_by_role("button", name="Sign out").click()
    other.get_by_label("User").fill("faces_admin")
    other.get_by_label("Password").fill("not secret")
    other.get_by_role("button", name="Sign in").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Who is this?")
    select(page, 0)
    page.get_by_label(NAME).fill("Mia")
    press(page, "Name")
    expect(page.locator(".problem")).to_have_count(1)
    assert fingerprint(root) == before


def test_a_form_that_is_sent_again_is_done_once(visit, root, stock):
    page = visit()
    open_photo(page, "faces-000001", "team")
    form = {
        "csrf": page.locator("input[name=csrf]").first.input_value(),
        "once": "once",
        "action": "label",
        "name": "Mia",
        "face": page.get_by_role("checkbox", name="select").first.get_attribute("value"),
    }
    for name in ("Mia", "Ida"):
        assert page.context.request.post("/decide", form=form | {"name": name}).ok
    faces = root.get(index="faces-000001", id="team")["_source"]["faces"]
    assert faces[0]["label"]["name"] == "Mia"


PATHS = (
    "/photo?index=../../etc/passwd&id=x",
    "/photo?index=faces-000001&id=../../etc/passwd",
    "/photo/picture?index=faces-000001/_search&id=..%2F..%2Fetc%2Fpasswd",
    "/photo?index=*&id=team",
    "/photo?index=.security-7&id=user-elastic",
    "/portrait?id=../../../etc/passwd",
    "/asked/..%2f..%2f..%2fetc%2fpasswd",
    "/asked/..%2f..%2fetc%2fpasswd/picture",
    "/static/..%2fapp.py",
    "/static/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "/person?name=../../etc/passwd",
    "/groups/..%2f..%2fetc%2fpasswd",
)


def test_an_id_that_looks_like_a_path_leads_nowhere(visit):
    get = visit().context.request.get
    for path in PATHS:
        answer = get(path)
        assert answer.status in (400, 404), path
        assert "root:" not in answer.text(), path
        assert "create_app" not in answer.text(), path


@pytest.mark.parametrize(
    "changes",
    [
        {"face": "nonsense"},
        {"face": "../../etc/passwd/x y"},
        {"face": ".security-7/x user-elastic"},
        {"action": "delete"},
        {"name": ""},
        {"name": "x" * 5000},
    ],
)
def test_a_form_with_nonsense_changes_nothing(visit, root, changes):
    page, before = visit(), fingerprint(root)
    open_photo(page, "faces-000001", "team")
    form = {
        "csrf": page.locator("input[name=csrf]").first.input_value(),
        "once": "once",
        "action": "label",
        "name": "Mia",
        "face": page.get_by_role("checkbox", name="select").first.get_attribute("value"),
    }
    answer = page.context.request.post("/decide", form=form | changes)
    assert answer.status in (200, 400, 404)
    if answer.status == 200:
        assert "flash bad" in answer.text()
    assert fingerprint(root) == before


def test_the_service_is_down(secured, connected, browse, stock, root, tmp_path, people):
    """Also for the plugin, through which a photo could be looked at, too."""
    nowhere = "http://127.0.0.1:9"
    setting = "face.endpoint.default.urls"
    with running_desk(tmp_path, connected | {"FACES_URL": nowhere}) as desk:
        page = browse(desk.url)
        sign_in(page, "faces_admin")
        root.cluster.put_settings(persistent={setting: [nowhere]})
        try:
            with page.expect_navigation() as sent:
                page.locator("#photo").set_input_files(str(people[ANN][7]))
        finally:
            root.cluster.put_settings(persistent={setting: None})
        assert sent.value.status in (429, 503)
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        # What is stored is there all the same.
        page.goto("/people")
        assert "Ann" in names(page.locator("ul.cards"))


def test_elasticsearch_is_down_for_a_while(secured, connected, browse, stock, root, tmp_path, people):
    with Forwarder(secured.node.url) as between:
        environment = connected | {"ES_URL": between.url}
        with running_desk(tmp_path, environment) as desk:
            page = browse(desk.url)
            sign_in(page, "faces_admin")
            open_photo(page, "faces-000001", "team")
            select(page, 0)
            page.get_by_label(NAME).fill("Mia")
            between.cut()
            with page.expect_navigation() as sent:
                page.get_by_role("button", name="Name", exact=True).click()
            assert sent.value.status == 503
            expect(page.get_by_role("heading", level=1)).to_have_count(1)
            between.mend()
            open_photo(page, "faces-000001", "team")
            select(page, 0)
            page.get_by_label(NAME).fill("Mia")
            press(page, "Name")
            expect(page.locator("#face-0 strong")).to_have_text("Mia")
