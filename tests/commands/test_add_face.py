"""`faces add-face`: a face that the detector missed, by a box around it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image
from tools import encoded, landscape, picture

from faces.decisions.journal import Journal

pytestmark = pytest.mark.usefixtures("journal")
CORNER = (400, 300)
BOX = "405,306,27,32"
"""Around the small face, brow to chin, as a person draws it."""


@pytest.fixture(scope="session")
def missed(portrait, tmp_path_factory) -> Path:
    """A photo of somebody so far away that the detector misses the face."""
    face = Image.open(portrait).convert("RGB")
    face = face.resize((38, round(face.height * 38 / face.width)), Image.Resampling.LANCZOS)
    photo = landscape(850, 640)
    photo.paste(face, CORNER)
    file = tmp_path_factory.mktemp("missed") / "far.png"
    file.write_bytes(picture(photo, "PNG"))
    return file


@pytest.fixture
def far(es, faces, missed) -> str:
    """Its document, without a face."""
    body = {"image": encoded(missed), "file": {"path": str(missed)}, "observer": {"name": "gate 3"}}
    es.index(index=faces, id="far", document=body, refresh=True)
    assert es.get(index=faces, id="far")["_source"]["tags"] == ["no_face"]
    return "far"


def test_a_missed_face_is_added_named_and_found(es, faces, run, whole, missed, far, portrait):
    status, out, err = run("add-face", missed, "--box", BOX, "--name", " Ben ")
    assert status == 0, err
    after = whole(faces, far)
    (face,) = after["faces"]
    assert (face["drawn"], face["label"]) == (True, {"name": "Ben"})
    assert face["box"] == dict(zip(("x", "y", "width", "height"), map(int, BOX.split(",")), strict=True))
    assert face["id"] == f"{after['file']['hash']['sha256'][:16]}-0"
    assert {"vector", "crop", "quality", "landmarks", "confidence"} <= set(face)
    assert (after["face_count"], after["unnamed_faces"], after["photo"]["faces_found"]) == (1, 0, 0)
    assert not after.get("tags")
    assert after["best_quality"] == face["quality"]["score"]
    status, out, _ = run("search", portrait, "--json")
    assert [(match["id"], match["name"]) for match in json.loads(out)["matches"]] == [(far, "Ben")]


def test_it_is_in_the_journal_without_a_vector_and_undo_removes_it(es, faces, run, whole, missed, far):
    assert run("add-face", missed, "--box", BOX, "--name", "Ben")[0] == 0
    journal = Journal(es)
    (last,) = journal.operations(1)
    assert last.operation.action == "add-face"
    (decision,) = [one for one in journal.decisions(last.operation.id) if one.face is not None]
    assert (decision.document, decision.before) == (far, {})
    assert decision.after == {"label": "Ben", "drawn": True}
    assert run("undo", last.operation.id)[0] == 0
    after = whole(faces, far)
    assert (after["faces"], after["face_count"], after["tags"]) == ([], 0, ["no_face"])
    assert run("add-face", missed, "--box", BOX)[0] == 0
    assert whole(faces, far)["face_count"] == 1


def test_a_dry_run_changes_nothing(es, faces, run, whole, missed, far):
    before = whole(faces, far)
    status, out, _ = run("add-face", missed, "--box", BOX, "--dry-run", "--json")
    found = json.loads(out)
    assert (status, found["dry_run"], found["changed"]) == (0, True, 1)
    assert found["confidence"] > 0.5
    assert "vector" not in out
    assert whole(faces, far) == before


def test_a_face_that_is_there_is_not_added_again(es, faces, run, whole, missed, far, group_photo, tmp_path):
    assert run("add-face", missed, "--box", BOX)[0] == 0
    stored = whole(faces, far)
    for box in (BOX, "403,304,31,37"):
        status, _, err = run("add-face", missed, "--box", box)
        assert (status, "face 0" in err) == (1, True)
    assert whole(faces, far) == stored
    group = tmp_path / "group.jpg"
    group.write_bytes(group_photo)
    es.index(index=faces, id="group", document={"image": encoded(group)}, refresh=True)
    box = whole(faces, "group")["faces"][1]["box"]
    status, _, err = run("add-face", group, "--box", ",".join(str(side) for side in box.values()))
    assert (status, "face 1" in err) == (1, True)
    assert whole(faces, "group")["face_count"] == 3


def test_a_second_face_has_the_next_id_and_the_others_stay(es, faces, run, whole, group_photo, tmp_path):
    group = tmp_path / "group.jpg"
    group.write_bytes(group_photo)
    es.index(index=faces, id="group", document={"image": encoded(group)}, refresh=True)
    before = whole(faces, "group")["faces"]
    for number, box in enumerate(("20,30,70,90", "5,200,60,70")):
        assert run("add-face", group, "--box", box, "--name", f"Zoe {number}")[0] == 0
    after = whole(faces, "group")["faces"]
    assert after[:3] == before
    prefix = before[0]["id"][:-1]
    assert [face["id"] for face in after[3:]] == [f"{prefix}3", f"{prefix}4"]
    assert [face["label"]["name"] for face in after[3:]] == ["Zoe 0", "Zoe 1"]


@pytest.mark.parametrize(
    "box",
    [
        "",
        "1,2,3",
        "1,2,3,4,5",
        "a,b,c,d",
        "1.5,2,30,40",
        "-1,2,30,40",
        "\u0661,\u0662,\u0663\u0660,\u0664\u0660",
    ],
)
def test_what_is_no_box_is_wrong_usage(run, missed, box):
    assert run("add-face", missed, f"--box={box}")[0] == 2


def test_a_blank_name_is_wrong_usage(run, missed):
    assert run("add-face", missed, "--box", BOX, "--name", "  ")[0] == 2


@pytest.mark.parametrize("box", ["840,300,40,50", "10,10,3,3", "0,0,999999999,10"])
def test_a_box_outside_the_photo_changes_nothing(faces, run, whole, missed, far, box):
    before = whole(faces, far)
    assert run("add-face", missed, "--box", box)[0] == 1
    assert whole(faces, far) == before


def test_the_file_must_be_the_photo_and_a_path_in_a_document_is_never_read(
    faces, run, whole, missed, far, portrait
):
    before = whole(faces, far)
    for photo in (portrait, "far", "no such photo"):
        status, _, err = run("add-face", photo, "--box", BOX)
        assert (status, "Traceback" in err) == (1, False)
    assert whole(faces, far) == before


def test_a_photo_that_the_index_keeps_is_named_by_its_id(es, own_index, attach, run, whole, missed):
    own_index("own")
    assert attach("own", "--field", "picture", "--target-field", "found")[0] == 0
    es.index(index="own", id="far", document={"picture": encoded(missed)}, refresh=True)
    status, _, err = run("add-face", "far", "--box", BOX, "--name", "Ben", "--index", "own")
    assert status == 0, err
    stored = whole("own", "far")
    (face,) = stored["found"]["faces"]
    assert (face["drawn"], face["label"], stored["found"]["face_count"]) == (True, {"name": "Ben"}, 1)
    assert stored["picture"] == encoded(missed)


def test_a_portrait_gets_no_second_face(es, gallery, run, portrait):
    document = {"image": encoded(portrait), "person": {"name": "Ben"}}
    es.index(index=gallery, id="ben", document=document, refresh=True)
    assert run("add-face", portrait, "--box", "1,2,30,40", "--index", gallery)[0] == 1


def test_a_forgotten_face_is_not_added_again(
    es, faces, run, whole, forget, group_photo, tmp_path, nothing_remembered
):
    group = tmp_path / "group.jpg"
    group.write_bytes(group_photo)
    es.index(index=faces, id="group", document={"image": encoded(group)}, refresh=True)
    gone = whole(faces, "group")["faces"][1]
    forget("--id", gone["id"])
    before = whole(faces, "group")
    drawn = ("add-face", group, "--box", ",".join(str(side) for side in gone["box"].values()))
    status, _, err = run(*drawn, "--name", "Ann")
    assert (status, "--lift" in err) == (1, True)
    assert run(*drawn, "--dry-run")[0] == 1
    assert whole(faces, "group") == before
    assert run("add-face", group, "--box", "20,30,70,90")[0] == 0, "only that face was forgotten"
    assert run("forget", "--lift", group)[0] == 0
    assert run(*drawn)[0] == 0
    assert whole(faces, "group")["face_count"] == 4
