"""`faces rename` and `faces merge`: one name for another, wherever it stands, and only there."""

from __future__ import annotations

import json

import pytest
from tools import encoded, mapping_of


@pytest.fixture
def two_names(es, unnamed, gallery, probes, run, album, store) -> str:
    """Ann is called Mindy, too: by labels, a portrait, somebody's `not`, what waits for a face, and by
    guesses."""
    for name, key in (("Mindy", "ann-0"), ("Ben", "ben-0")):
        portrait = {"image": encoded(album.files[key]), "person": {"name": name}}
        es.index(index=gallery, id=name.lower(), document=portrait, refresh=True)
    waiting = [{"id": "gone-0", "label": {"name": "Mindy"}, "not": ["Ben"]}]
    store(unnamed, {"cara-0": album.documents["cara-0"] | {"unplaced": waiting}})
    es.index(index=probes, id="probe", document={"image": encoded(album.files["team"])}, refresh=True)
    table = ["id,face,name", "ann-0,,Mindy", "ann-1,,Ann", "team,0,Mindy", "team,1,Ann", "ben-0,,Ben"]
    assert run("label", "--from", "-", stdin="\n".join(table))[0] == 0
    assert run("not-this-person", "ben-0", "--name", "Mindy")[0] == 0
    assert run("not-this-person", "team", "--face", 0, "--name", "Ann")[0] == 0
    return unnamed


EVERYWHERE = ("faces", "face-probes", "face-gallery")


def guesses(document: dict) -> list[str]:
    faces = document["faces"]
    names = [candidate["name"] for face in faces for candidate in face.get("candidates", [])]
    return names + [face["match"]["name"] for face in faces if "match" in face]


def said_by(documents: dict) -> str:
    """All that is stored but the name that a portrait was sent with."""
    plain = json.loads(json.dumps(list(documents.values())))
    for document in plain:
        document.get("person", {}).pop("sent_name", None)
    return json.dumps(plain)


def test_all_of_one_person_becomes_another_and_an_undo_brings_it_back(two_names, run, said, snapshot, whole):
    before = snapshot(*EVERYWHERE)
    assert "Mindy" in guesses(whole("face-probes-000001", "probe"))
    status, out, err = run("merge", "Mindy", "Ann", "--json")
    assert status == 0, err
    assert sorted(one["id"] for one in json.loads(out)["changed"]) == sorted(
        ["ann-0", "ben-0", "cara-0", "mindy", "probe", "team"]
    )
    after = snapshot(*EVERYWHERE)
    assert "Mindy" not in said_by(after)
    assert after["face-gallery-000001", "mindy"]["person"] == {"name": "Ann", "sent_name": "Mindy"}
    assert after["faces-000001", "cara-0"]["unplaced"] == [
        {"id": "gone-0", "label": {"name": "Ann"}, "not": ["Ben"]}
    ]
    assert said("ben-0") == [{"label": {"name": "Ben"}, "not": ["Ann"]}]
    guessed = guesses(whole("face-probes-000001", "probe"))
    assert "Ann" in guessed
    assert "Mindy" not in guessed
    untouched = {key for key in before if before[key] == after[key]}
    assert {id for _, id in untouched} >= {"ann-1", "ann-2", "ben", "ben-1", "cara-1"}
    assert run("undo")[0] == 0
    assert snapshot(*EVERYWHERE) == before


def test_a_face_that_is_one_of_both_and_was_said_not_to_be_the_other_keeps_its_label(two_names, run, said):
    status, out, err = run("merge", "Mindy", "Ann", "--json")
    assert status == 0
    (note,) = json.loads(out)["notes"]
    assert "team.jpg" in note
    assert "team.jpg" in err
    assert said("team") == [{"label": {"name": "Ann"}}, {"label": {"name": "Ann"}}, {}]


def test_a_portrait_that_changes_its_name_is_a_reason_to_identify_anew(two_names, run):
    assert "identify --all" in run("merge", "Mindy", "Ann")[2]
    assert "identify --all" not in run("label", "cara-1", "--name", "Cara")[2]


def test_a_merge_that_was_killed_is_finished_by_the_same_command(two_names, run, snapshot, killed):
    before = snapshot(*EVERYWHERE)
    assert run("merge", "Mindy", "Ann")[0] == 0
    wanted = snapshot(*EVERYWHERE)
    assert run("undo")[0] == 0
    with killed():
        assert run("merge", "Mindy", "Ann")[0] == 130
    assert snapshot(*EVERYWHERE) not in (before, wanted)
    assert run("merge", "Mindy", "Ann")[0] == 0
    assert snapshot(*EVERYWHERE) == wanted
    assert run("undo")[0] == 0
    assert snapshot(*EVERYWHERE) == before


def test_a_new_name_is_free_and_an_old_one_is_known(two_names, run, snapshot):
    before = snapshot(*EVERYWHERE)
    assert run("rename", "Mindy", "Ann")[0] == 1
    assert run("rename", "Nobody", "Somebody")[0] == 1
    assert run("merge", "Mindy", "Somebody")[0] == 1
    assert run("merge", "Mindy", "Mindy ")[0] == 2
    assert snapshot(*EVERYWHERE) == before
    assert run("rename", "Mindy", "مندي", "--dry-run")[0] == 0
    assert snapshot(*EVERYWHERE) == before
    status, out, _ = run("rename", "Mindy", "مندي", "--json")
    assert (status, len(json.loads(out)["changed"])) == (0, 6)
    assert "Mindy" not in said_by(snapshot(*EVERYWHERE))


def test_names_change_alike_where_no_pipeline_runs(es, two_names, bare, run, store, whole, snapshot):
    keys = ("ann-0", "ben-0", "cara-0", "team")
    store(bare, {key: whole("faces-000001", key) for key in keys})
    assert run("merge", "Mindy", "Ann")[0] == 0
    assert run("merge", "Mindy", "Ann", "--index", bare)[0] == 0
    found = snapshot("faces-000001", bare)
    assert [found[bare, key] for key in keys] == [found["faces-000001", key] for key in keys]


@pytest.mark.parametrize("command", [("merge", "Mindy", "Ann"), ("rename", "Mindy", "Mindy Miller")])
def test_an_index_that_takes_no_changes_is_refused_before_another_is_changed(
    es, two_names, run, snapshot, command
):
    before = snapshot(*EVERYWHERE)
    es.indices.add_block(index="faces-000001", block="write")
    try:
        status, _, err = run(*command)
        assert (status, "faces-000001" in err) == (1, True)
        assert snapshot(*EVERYWHERE) == before
        assert run(*command, "--dry-run")[0] == 0
    finally:
        es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": None})
    assert run(*command)[0] == 0
    es.indices.add_block(index="faces-000001", block="write")
    try:
        assert run("undo")[0] == 1
    finally:
        es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": None})
    assert run("undo")[0] == 0
    assert snapshot(*EVERYWHERE) == before


def test_an_index_without_either_name_may_be_read_only(es, two_names, run, own_index):
    own_index("other-photos", mappings=mapping_of(es, "faces"))
    es.indices.add_block(index="other-photos", block="write")
    everywhere = "faces,face-probes,face-gallery,other-photos"
    assert run("merge", "Mindy", "Ann", "--index", everywhere)[0] == 0
