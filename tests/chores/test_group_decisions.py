"""`faces group list`, `name` and `split`: what people say about groups."""

from __future__ import annotations

import json

import pytest
from group_fixtures import ALL, documents


@pytest.fixture
def ann(unnamed, run, groups) -> str:
    """The group of Ann; those of Ben and Cara are there, too."""
    assert run("group")[0] == 0
    (found,) = (group for group, members in groups().items() if ("ann-0", 0) in members)
    return found


def members(groups, group: str) -> list[str]:
    return sorted(key for key, _ in groups().get(group, ()))


def test_groups_are_listed_the_largest_first_with_photos(ann, run):
    assert run("label", "ben-0", "--name", "Ben")[0] == 0
    status, out, _ = run("group", "list", "--json")
    assert status == 0
    found = json.loads(out)
    assert (found["total"], found["faces"]) == (3, 10)
    assert [one["faces"] for one in found["groups"]] == [4, 4, 2]
    (own,) = (one for one in found["groups"] if one["id"] == ann)
    assert len(own["photos"]) == 3
    assert {one["id"] for one in own["photos"]} < set(ALL[0])
    status, out, _ = run("group", "list", "--limit", 1)
    assert status == 0
    assert len(out.splitlines()) == 3
    status, out, _ = run("group", "list", ann, "--json")
    assert [one["id"] for one in json.loads(out)] == ALL[0]
    assert run("group", "list", ann)[1].count("2026/") == 4


def test_a_group_that_is_not_there_is_status_1(ann, run):
    for words in (("list",), ("name", "--name", "Ann", "--yes"), ("split", "ann-0")):
        status, _, err = run("group", words[0], "g000000", *words[1:])
        assert status == 1
        assert "[g000000]" in err


def test_naming_a_group_labels_its_faces_and_one_undo_brings_the_group_back(ann, run, groups, labels):
    status, out, err = run("group", "name", ann, "--name", "Ann", stdin="n\n")
    assert status == 1
    assert members(groups, ann) == ALL[0]
    assert run("group", "name", ann, "--name", "Ann", "--json")[0] == 2
    status, out, _ = run("group", "name", ann, "--name", "Ann", "--dry-run", "--json")
    assert (status, json.loads(out)["faces"]) == (0, 4)
    status, out, err = run("group", "name", ann, "--name", " Ann ", stdin="y\n")
    assert status == 0, err
    assert [labels(key)[0] for key in ALL[0][:3]] == ["Ann"] * 3
    assert sorted(labels("team"), key=str) == ["Ann", None, None]
    assert documents(groups()) == ALL[1:]
    assert run("undo")[0] == 0
    assert [labels(key)[0] for key in ALL[0][:3]] == [None] * 3
    assert members(groups, ann) == ALL[0]


def test_a_face_that_people_said_is_somebody_else_is_not_named_with_its_group(ann, run, labels, said):
    assert run("not-this-person", "ann-1", "--name", "Ann")[0] == 0
    status, out, err = run("group", "name", ann, "--name", "Ann", "--yes", "--json")
    assert status == 0, err
    found = json.loads(out)
    assert (found["faces"], len(found["notes"])) == (3, 1)
    assert said("ann-1") == [{"not": ["Ann"]}]


def test_nobody_is_named_twice_on_one_photo(ann, run, groups, labels):
    (own,) = (position for key, position in groups()[ann] if key == "team")
    assert run("label", "team", "--face", (own + 1) % 3, "--name", "Ann")[0] == 0
    status, out, _ = run("group", "name", ann, "--name", "Ann", "--yes", "--json")
    assert (status, json.loads(out)["faces"]) == (0, 3)
    assert labels("team").count("Ann") == 1


def test_a_killed_naming_is_finished_by_the_same_command_and_undone_as_one(ann, run, groups, labels, killed):
    with killed():
        assert run("group", "name", ann, "--name", "Ann", "--yes")[0] == 130
    assert 0 < len(members(groups, ann)) < 4
    assert run("group", "name", ann, "--name", "Ann", "--yes")[0] == 0
    assert members(groups, ann) == []
    assert run("undo")[0] == 0
    assert members(groups, ann) == ALL[0]


def test_a_face_that_was_split_off_stays_out_of_its_group_whatever_becomes_of_that(ann, run, groups, whole):
    assert run("group", "split", ann, "ann-2")[0] == 0
    assert members(groups, ann) == ["ann-0", "ann-1", "team"]
    assert run("group")[0] == 0
    assert members(groups, ann) == ["ann-0", "ann-1", "team"]
    assert run("group", "name", ann, "--name", "Ann", "--yes")[0] == 0
    assert run("unlabel", "ann-0")[0] == 0
    assert run("unlabel", "ann-1")[0] == 0
    assert run("group", "--min-similarity", 0.2)[0] == 0
    found = [members for members in groups().values() if ("ann-2", 0) in members]
    assert not [one for one in found if {("ann-0", 0), ("ann-1", 0)} & one]
    (face,) = whole("faces-000001", "ann-2")["faces"]
    assert len(face["apart"]) == 1


def test_splitting_can_be_undone_and_said_by_faces_ids(ann, run, groups, whole):
    own = dict(groups()[ann])
    face = whole("faces-000001", "team")["faces"][own["team"]]["id"]
    assert run("group", "split", ann, face, "--dry-run")[0] == 0
    assert members(groups, ann) == ALL[0]
    assert run("group", "split", ann, face, "2026/ann-2.jpg")[0] == 0
    assert members(groups, ann) == ["ann-0", "ann-1"]
    assert run("group", "split", ann, "ann-0", "ann-1")[0] == 2, "all of it"
    assert run("undo")[0] == 0
    assert members(groups, ann) == ALL[0]
    assert run("group")[0] == 0
    assert members(groups, ann) == ALL[0]


def test_a_killed_split_is_finished_by_the_same_command(ann, run, groups, killed, whole):
    with killed():
        assert run("group", "split", ann, "ann-2")[0] == 130
    assert run("group", "split", ann, "ann-2")[0] == 0
    apart = {key: whole("faces-000001", key)["faces"] for key in ALL[0]}
    sides = {key: [face["apart"] for face in faces if "apart" in face] for key, faces in apart.items()}
    assert [len(one) for one in sides.values()] == [1, 1, 1, 1]
    assert sides["ann-0"] == sides["ann-1"] == sides["team"] != sides["ann-2"]
    assert run("undo")[0] == 0
    assert members(groups, ann) == ALL[0]


def test_a_split_outlives_its_photo_being_sent_again(ann, run, groups, album):
    assert run("group", "split", ann, "ann-2")[0] == 0
    assert run("index", album.files["ann-2"].parent, "--replace")[0] == 0
    assert run("group")[0] == 0
    assert not [one for one in groups().values() if {("ann-2", 0), ("ann-0", 0)} <= one]


def test_a_drawn_face_that_got_a_group_since_can_be_taken_back(ann, run, album, store, whole):
    assert run("add-face", album.files["team"], "--box", "1,1,60,60")[0] == 0
    drawn = whole("faces-000001", "team")["faces"][3]
    like_it = album.documents["ann-0"] | {"faces": [drawn | {"id": f"{'0' * 16}-0"}]}
    store("faces", {"like-it": like_it})
    assert run("group")[0] == 0
    assert whole("faces-000001", "team")["faces"][3]["group"]
    assert run("undo")[0] == 0
    assert len(whole("faces-000001", "team")["faces"]) == 3
