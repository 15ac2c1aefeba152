"""An Elasticsearch without the plugin: what the commands do there, with the inference service alone."""

from __future__ import annotations

import json

import pytest
from tools import line_with


def test_a_photo_is_searched_for_with_what_the_service_finds(there, album):
    code, out, err = there("search", album.files["ann-0"], "--json", "-k", 3)
    assert code == 0, err
    found = json.loads(out)
    best = found["matches"][0]
    assert (best["id"], best["similarity"]) == ("ann-0", pytest.approx(1, abs=1e-3))
    assert {match["id"] for match in found["matches"]} <= {"ann-0", "ann-1", "ann-2", "team"}
    assert found["face"]["of"] == 1


def test_of_several_faces_the_one_that_was_named(there, album):
    _, out, _ = there("search", album.files["team"], "--face", 1, "--json")
    best = json.loads(out)["matches"][0]
    assert (best["id"], best["face"]["position"]) == ("team", 1)
    status, _, err = there("search", album.files["team"], "--face", 3)
    assert (status, "face 3" in err) == (2, True)


def test_without_the_service_the_error_says_what_is_needed(there, album):
    code, _, err = there("search", album.files["ann-0"], FACES_URL="http://127.0.0.1:1")
    assert code == 1
    assert "FACES_URL" in err
    assert "plugin" in err


def test_naming_renaming_and_undo_leave_the_document_that_the_plugin_would(there, plain, album):
    assert there("label", album.files["team"], "--face", 1, "--name", "Ann")[0] == 0
    assert there("label", "ann-0", "--name", "Ann")[0] == 0
    assert there("rename", "Ann", "Anna")[0] == 0
    team = plain.get(index="faces", id="team")["_source"]
    assert [face.get("label", {}).get("name") for face in team["faces"]] == [None, "Anna", None]
    assert team["unnamed_faces"] == 2
    assert plain.count(index="faces", query={"term": {"people": "Anna"}})["count"] == 2
    assert there("undo")[0] == 0
    assert plain.count(index="faces", query={"term": {"people": "Ann"}})["count"] == 2


def test_enrol_identify_and_list(there, plain, album):
    assert there("enroll", album.files["ann-0"], "--name", "Ann", "--tag", "watch")[0] == 0
    (portrait,) = plain.search(index="face-gallery")["hits"]["hits"]
    assert (portrait["_source"]["person"]["name"], len(portrait["_source"]["vector"])) == ("Ann", 128)
    code, out, err = there("identify", album.files["ann-1"], "--json")
    assert code == 0, err
    (face,) = json.loads(out)["faces"]
    assert (face["candidates"][0]["name"], face["candidates"][0]["tags"]) == ("Ann", ["watch"])
    assert there("verify", album.files["ann-0"], album.files["ben-0"])[0] == 0
    code, out, _ = there("list", "people", "--json")
    assert code == 0
    assert [one["name"] for one in json.loads(out)] == ["Ann"]


def test_a_person_is_forgotten(there, plain, album):
    assert there("label", "ann-0", "--name", "Ann")[0] == 0
    assert there("label", "team", "--face", 1, "--name", "Ann")[0] == 0
    code, _, err = there("forget", "--person", "Ann", "--yes", "--no-expunge")
    assert code == 0, err
    assert not plain.exists(index="faces", id="ann-0")
    assert len(plain.get(index="faces", id="team")["_source"]["faces"]) == 2


def test_status_and_doctor_say_what_does_the_plugins_work(there):
    code, out, _ = there("status")
    assert code == 0
    assert "faces worker" in line_with("plugin:", out)
    code, out, _ = there("doctor")
    assert code == 0
    assert "faces worker" in out
