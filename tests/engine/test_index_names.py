"""`faces index --labels folder`: whose name a photo gets, and what it never overwrites."""

from __future__ import annotations

import json
import shutil
import unicodedata

from indexed import documents, say
from tools import line_with


def test_a_photo_in_two_peoples_folders_is_given_to_neither(run, counted, es, faces, week, people, tmp_path):
    folder = tmp_path / "people"
    for name, photo in (("Ann", "IMG_1.jpg"), ("Ben", "IMG_1.jpg"), ("Ben", "IMG_2.jpg")):
        (folder / name).mkdir(parents=True, exist_ok=True)
        shutil.copy(week / photo, folder / name / photo)
    for outcomes in ({"new": 2, "copies": 1}, {"unchanged": 3}):
        assert counted(folder, "--labels", "folder", status=1) == outcomes
        assert sorted(str(source.get("person")) for source in documents(es).values()) == [
            "None",
            "{'name': 'Ben'}",
        ]
    status, _, err = run("index", folder, "--labels", "folder")
    assert status == 1
    for name in ("Ann", "Ben"):
        assert f"[{name}]" in line_with(f"{name}/IMG_1.jpg: ", err)


def test_a_name_that_stands_is_kept_and_another_folders_name_is_reported(run, es, faces, week, tmp_path):
    for name in ("Ann", "Ben"):
        (tmp_path / name / name).mkdir(parents=True)
        shutil.copy(week / "IMG_1.jpg", tmp_path / name / name / "1.jpg")
    assert run("index", tmp_path / "Ann", "--labels", "folder")[0] == 0
    status, _, err = run("index", tmp_path / "Ben", "--labels", "folder")
    assert status == 1
    assert "[Ann]" in err
    assert "[Ben]" in err
    (found,) = documents(es).values()
    assert found["person"]["name"] == "Ann"


def test_a_folders_name_is_given_later_and_labels_the_lone_face(run, es, faces, week, tmp_path):
    folder = tmp_path / "people"
    (folder / "Ann_Lee").mkdir(parents=True)
    shutil.copy(week / "IMG_1.jpg", folder / "Ann_Lee" / "1.jpg")
    run("index", folder)
    (found,) = documents(es).values()
    assert found["unnamed_faces"] == 1
    run("index", folder, "--labels", "folder")
    (found,) = documents(es).values()
    assert found["person"]["name"] == "Ann Lee"
    assert found["faces"][0]["label"]["name"] == "Ann Lee"
    assert found["unnamed_faces"] == 0


def test_a_face_that_somebody_named_or_ruled_out_is_not_named_by_a_folder(
    run, es, faces, week, tmp_path, whole
):
    folder = tmp_path / "people"
    (folder / "Ann").mkdir(parents=True)
    for photo in ("IMG_1.jpg", "IMG_2.jpg"):
        shutil.copy(week / photo, folder / "Ann" / photo)
    run("index", folder)
    decisions = ({"label": {"name": "Zoe"}}, {"not": ["Ann"]})
    for key, said in zip(documents(es), decisions, strict=True):
        say(es, whole, key, **said)
    status, out, _ = run("index", folder, "--labels", "folder", "--json")
    assert status == 1
    assert json.loads(out)["not_named"] == 2
    assert not any("person" in source for source in documents(es).values())


def test_two_spellings_of_a_persons_folder_give_one_name(run, es, faces, week, tmp_path):
    for form, photo in (("NFC", "IMG_1.jpg"), ("NFD", "IMG_2.jpg")):
        folder = tmp_path / "people" / unicodedata.normalize(form, "Zoë")
        folder.mkdir(parents=True)
        shutil.copy(week / photo, folder / "1.jpg")
    status, out, _ = run("index", tmp_path / "people", "--labels", "folder", "--json")
    assert (status, json.loads(out)["new"]) == (0, 2)
    assert {source["person"]["name"] for source in documents(es).values()} == {
        unicodedata.normalize("NFC", "Zoë")
    }
    status, out, _ = run("index", tmp_path / "people", "--labels", "folder", "--replace", "--json")
    assert (status, json.loads(out)["unchanged"]) == (0, 2)


def test_a_folders_name_that_somebody_corrected_says_nothing_new(run, es, faces, week, tmp_path):
    folder = tmp_path / "people"
    (folder / "Ann").mkdir(parents=True)
    shutil.copy(week / "IMG_1.jpg", folder / "Ann" / "1.jpg")
    run("index", folder, "--labels", "folder")
    (key,) = documents(es)
    es.update(index=faces, id=key, doc={"person": {"name": "Zoe"}})
    status, out, _ = run("index", folder, "--labels", "folder", "--json")
    assert (status, json.loads(out)["unchanged"]) == (0, 1)
    assert documents(es)[key]["person"]["name"] == "Zoe"
