"""`faces label`, `unlabel`, `not-this-person`, `ignore`: somebody says who is on their photos."""

from __future__ import annotations

import json
import unicodedata

import pytest
from command_fixtures import counts
from tools import line_with

from faces.decisions import changing
from faces.decisions.changing import change
from faces.decisions.choosing import Chosen
from faces.decisions.journal import Journal
from faces.decisions.labelling import FaceEdits, label
from faces.searchable import searchable


def test_a_photo_of_one_face_is_named_by_its_file(es, unnamed, run, album, labels, whole):
    status, out, err = run("label", album.files["ann-0"], "--name", "Ann", "--json")
    assert (status, counts(out)["changed"]) == (0, ["ann-0"]), err
    assert labels("ann-0") == ["Ann"]
    document = whole("faces-000001", "ann-0")
    assert document["unnamed_faces"] == 0
    assert document["faces"][0]["vector"] == album.documents["ann-0"]["faces"][0]["vector"]
    found = es.search(index=unnamed, query={"term": {"people": "Ann"}})["hits"]["hits"]
    assert [hit["_id"] for hit in found] == ["ann-0"]
    status, out, _ = run("label", album.files["ann-0"], "--name", "Ann", "--json")
    assert (status, counts(out)) == (0, {"faces": 0, "changed": [], "unchanged": 1, "failed": 0})


def test_a_group_photo_is_never_named_as_a_whole(unnamed, run, album, labels, whole):
    status, _, err = run("label", album.files["team"], "--name", "Ann")
    assert status == 2
    boxes = [face["box"] for face in album.documents["team"]["faces"]]
    assert all(f"{box['width']} x {box['height']} pixels at {box['x']}" in err for box in boxes)
    assert labels("team") == [None, None, None]
    assert run("label", album.files["team"], "--face", 1, "--name", "Ben")[0] == 0
    assert labels("team") == [None, "Ben", None]
    document = whole("faces-000001", "team")
    assert document["unnamed_faces"] == 2
    assert "person" not in document
    assert [face["vector"] for face in document["faces"]] == [
        face["vector"] for face in album.documents["team"]["faces"]
    ]
    assert run("label", album.files["team"], "--face", 3, "--name", "Ben")[0] == 2
    assert run("label", "--similar-to", "team", "--face", 3, "--name", "Ben", "--yes")[0] == 2


def test_a_face_is_named_by_the_photos_id_path_or_name_or_by_its_own_id(unnamed, run, album, labels):
    of_team = album.documents["team"]["faces"][2]["id"]
    wanted = {"ann-0": "ann-0", "2026/ann-1.jpg": "ann-1", "ann-2.jpg": "ann-2", of_team: "team"}
    status, out, err = run("label", *wanted, "--name", "Ann", "--json")
    assert (status, counts(out)["faces"]) == (0, 4), err
    assert [labels(key) for key in wanted.values()] == [["Ann"]] * 3 + [[None, None, "Ann"]]


def test_who_is_unknown_or_meant_by_several_photos_changes_nothing(unnamed, run, album, store, labels):
    twin = album.documents["ben-0"] | {"file": album.documents["ann-0"]["file"]}
    store(
        unnamed, {"twin": twin | {"file": twin["file"] | {"hash": album.documents["ben-0"]["file"]["hash"]}}}
    )
    status, _, err = run("label", "ann-1.jpg", "ann-0.jpg", "--name", "Ann")
    assert status == 2
    assert "[ann-0]" in err
    assert "[twin]" in err
    status, _, err = run("label", "ann-1.jpg", "nobody.jpg", "--name", "Ann")
    assert status == 1
    assert "faces index" in err
    assert run("label", "ann-1.jpg")[0] == 2
    assert run("label", "--name", "Ann")[0] == 2
    assert run("label", "ann-1.jpg", "--name", " ")[0] == 2
    assert labels("ann-1") == [None]


@pytest.mark.parametrize("name", ["José", "李小龙", "नेहा", "محمد", 'O\'Neil, "Bob"', "=1+1"])
def test_names_are_in_any_script_and_in_one_form(unnamed, run, labels, name):
    assert run("label", "ann-0", "--name", f" {unicodedata.normalize('NFD', name)} ")[0] == 0
    assert labels("ann-0") == [name]
    status, out, _ = run("decisions", "--name", name, "--json")
    (entry,) = json.loads(out)["decisions"]
    assert (status, entry["after"]) == (0, {"label": name})


def test_a_photo_in_archive_and_probes_is_named_in_both(unnamed, probes, run, album, store, labels):
    store(probes, {"again": album.documents["ann-0"]})
    status, out, _ = run("label", album.files["ann-0"], "--name", "Ann", "--json")
    assert (status, counts(out)["changed"]) == (0, ["again", "ann-0"])
    assert labels("ann-0") == labels("again", "face-probes-000001") == ["Ann"]


def test_a_table_names_faces_and_reports_the_rows_that_it_cannot_use(unnamed, run, album, labels, tmp_path):
    rows = [
        "photo;face;name",
        f"{album.files['ann-0']};;Ann",
        "team;0;Ann",
        "team;1;Ben",
        "team;;Cara",
        "nobody.jpg;;Ann",
        "ann-1;;",
        "ann-2;first;Ann",
        "",
        "ben-0;0;Ben",
    ]
    file = tmp_path / "who.csv"
    file.write_text("\ufeff" + "\r\n".join(rows), encoding="utf-8")
    status, out, err = run("label", "--from", file, "--json")
    assert status == 1
    assert counts(out) == {"faces": 4, "changed": ["ann-0", "ben-0", "team"], "unchanged": 0, "failed": 4}
    assert [f"line {number}:" in err for number in (5, 6, 7, 8)] == [True] * 4
    assert "\\n" not in err
    assert all(f"face {position}:" in line_with("line 5:", err) for position in range(3))
    assert labels("team") == ["Ann", "Ben", None]
    assert (labels("ann-0"), labels("ben-0"), labels("ann-1")) == (["Ann"], ["Ben"], [None])


def test_a_table_that_contradicts_itself_is_told_and_its_first_word_stands(unnamed, run, album, labels):
    table = "\n".join(["id,face,name", "ann-0,,Ann", "ben-0,,Ben", "ann-0,0,Ben", "ben-0,,Ben"])
    status, out, err = run("label", "--from", "-", "--json", stdin=table)
    assert status == 1
    assert counts(out) == {"faces": 2, "changed": ["ann-0", "ben-0"], "unchanged": 0, "failed": 1}
    assert "line 4:" in err
    assert (labels("ann-0"), labels("ben-0")) == (["Ann"], ["Ben"])


def test_thirty_one_faces_of_which_ten_are_in_group_photos_take_one_command(
    unnamed, run, album, store, labels
):
    """Of the ten, three are in each group photo but the last."""
    groups = {f"group-{number}": album.documents["team"] for number in range(4)}
    alone = {f"alone-{number}": album.documents["ann-0"] for number in range(21)}
    store(unnamed, groups | alone)
    rows = [f"alone-{number},,Person {number}" for number in range(21)]
    rows += [f"group-{number // 3},{number % 3},Guest {number}" for number in range(10)]
    status, out, err = run("label", "--from", "-", "--json", stdin="\n".join(["id,face,name", *rows]))
    assert (status, counts(out)["faces"]) == (0, 31), err
    assert [labels(f"group-{number}") for number in (0, 3)] == [
        ["Guest 0", "Guest 1", "Guest 2"],
        ["Guest 9", None, None],
    ]
    assert labels("alone-20") == ["Person 20"]


def test_who_a_face_is_not_takes_such_a_label_back(unnamed, run, said, whole):
    assert run("label", "team", "--face", 0, "--name", "Ann")[0] == 0
    names = ("--name", "Ann", "--name", "Ben")
    assert run("not-this-person", "team", "--face", 0, *names)[0] == 0
    assert said("team")[0] == {"not": ["Ann", "Ben"]}
    assert run("label", "team", "--face", 0, "--name", "Ben")[0] == 0
    assert said("team") == [{"label": {"name": "Ben"}, "not": ["Ann"]}, {}, {}]
    assert run("unlabel", "team", "--face", 0)[0] == 0
    assert said("team")[0] == {"not": ["Ann"]}
    assert whole("faces-000001", "team")["unnamed_faces"] == 3


def test_a_face_that_nobody_wants_to_see_is_left_out_until_it_is_taken_back(unnamed, run, said, whole):
    assert run("ignore", "team", "--face", 1)[0] == 0
    assert said("team") == [{}, {"ignored": True}, {}]
    assert whole("faces-000001", "team")["unnamed_faces"] == 2
    assert run("unignore", "team", "--face", 1)[0] == 0
    assert said("team") == [{}, {}, {}]
    assert whole("faces-000001", "team")["unnamed_faces"] == 3


def test_a_dry_run_says_what_would_be_changed_and_changes_nothing(unnamed, run, snapshot, journal):
    before = snapshot("faces", journal)
    status, out, _ = run("label", "ann-0", "--name", "Ann", "--dry-run", "--json")
    assert (status, counts(out)["changed"]) == (0, ["ann-0"])
    assert snapshot("faces", journal) == before


def test_an_index_that_takes_no_changes_is_named_and_the_same_command_does_it_later(
    es, unnamed, run, labels, journal
):
    es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": True})
    try:
        status, _, err = run("label", "ann-0", "ben-0", "--name", "Ann")
    finally:
        es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": None})
    assert status == 1
    assert "faces-000001" in err
    assert json.loads(run("decisions", "--json")[1])["decisions"] == []
    assert run("label", "ann-0", "ben-0", "--name", "Ann")[0] == 0
    assert labels("ann-0") == labels("ben-0") == ["Ann"]


def test_a_photo_that_is_deleted_meanwhile_is_reported_and_the_others_are_named(
    es, unnamed, run, labels, monkeypatch
):
    read = changing.read

    def after_it_was_deleted(*arguments):
        es.options(ignore_status=404).delete(index="faces-000001", id="ann-0", refresh=True)
        return read(*arguments)

    monkeypatch.setattr(changing, "read", after_it_was_deleted)
    status, out, _ = run("label", "ann-0", "ann-1", "--name", "Ann", "--json")
    assert (status, counts(out)) == (1, {"faces": 1, "changed": ["ann-1"], "unchanged": 0, "failed": 1})
    assert labels("ann-1") == ["Ann"]


def test_a_command_that_was_killed_is_finished_by_the_same_command(unnamed, run, labels, snapshot, killed):
    """As one operation: a single undo takes back all of it."""
    before = snapshot("faces")
    keys = ("ann-0", "ann-1", "ann-2", "ben-0", "ben-1")
    with killed():
        assert run("label", *keys, "--name", "Ann")[0] == 130
    assert [labels(key) for key in keys] == [["Ann"]] * 2 + [[None]] * 3
    status, out, _ = run("label", *keys, "--name", "Ann", "--json")
    assert (status, len(counts(out)["changed"]), counts(out)["unchanged"]) == (0, 3, 2)
    assert [labels(key) for key in keys] == [["Ann"]] * 5
    assert run("undo")[0] == 0
    assert snapshot("faces") == before


def test_two_people_who_name_the_same_photo_at_once_both_keep_what_they_said(es, unnamed, labels):
    journal = Journal(es)
    where = searchable(es, unnamed)

    def edit_of(position: int, name: str) -> FaceEdits:
        (document,) = changing.read(es, where, [("faces-000001", "team")])
        edits = FaceEdits()
        edits.add([Chosen(document, position)], label(name))
        return edits

    ours, theirs, met = edit_of(0, "Ann"), edit_of(1, "Ben"), []

    def while_the_other_one_writes(document) -> None:
        if not met:
            met.append(1)
            done = change(es, journal, journal.begin("label"), where, theirs.keys, theirs.edit)
            assert [one.outcome for one in done] == ["changed"]
        ours.edit(document)

    (changed,) = change(es, journal, journal.begin("label"), where, ours.keys, while_the_other_one_writes)
    assert (changed.outcome, changed.faces) == ("changed", 1)
    assert labels("team") == ["Ann", "Ben", None]


EDITS = {
    "label": ("team", 1, lambda document, face: document.set_label(face, "Ben")),
    "not": ("team", 0, lambda document, face: document.set_not(face, ["Ann", "Ben"])),
    "ignored": ("team", 2, lambda document, face: document.set_ignored(face, True)),
    "label of the only face": ("ann-0", 0, lambda document, face: document.set_label(face, "Ann")),
    "name": ("ann-1", 0, lambda document, face: document.set_name("Ann")),
    "several names": ("ann-2", 0, lambda document, face: document.set_name(["Ann", "Ben"])),
    "correction by label": ("ben-0", 0, lambda document, face: document.set_label(face, "Ben")),
    "correction by name": ("ben-0", 0, lambda document, face: document.set_name("Ben")),
    "label taken back": ("ben-0", 0, lambda document, face: document.set_label(face, None)),
    "name taken back": ("ben-0", 0, lambda document, face: document.set_name(None)),
    "candidate": ("cara-0", 0, lambda document, face: document.set_not(face, ["Cara"])),
}


@pytest.mark.parametrize("what", EDITS)
def test_a_document_is_the_same_with_and_without_the_pipeline(
    es, unnamed, bare, album, store, whole, snapshot, what
):
    """In an index that no pipeline completes, in the archive, and by an update that leaves what follows to
    the pipeline."""
    documents = album.documents | {"ben-0": album.documents["ben-0"] | {"person": {"name": "Sent"}}}
    matched = {"best_similarity": 0.5, "candidates": [{"name": "Cara", "similarity": 0.5, "gallery_id": "c"}]}
    (face,) = documents["cara-0"]["faces"]
    documents["cara-0"] = documents["cara-0"] | {"faces": [face | matched], "best_similarity": 0.5}
    store(unnamed, documents)
    store(bare, {key: whole("faces-000001", key) for key in documents})
    key, position, own = EDITS[what]

    def edit(document) -> None:
        own(document, document.faces[position])

    journal = Journal(es)
    for index in ("faces", bare):
        where = searchable(es, index)
        (concrete,) = where.recorded
        (changed,) = change(es, journal, journal.begin("label"), where, [(concrete, key)], edit)
        assert changed.outcome == "changed"
    kept = snapshot("faces-000001", bare)
    assert kept["bare", key] == kept["faces-000001", key]

    es.delete(index="faces-000001", id=key, refresh=True)
    store(unnamed, {key: documents[key]})
    (document,) = changing.read(es, searchable(es, "faces"), [("faces-000001", key)])
    before = document.copy()
    edit(document)
    es.update(index="faces-000001", id=key, doc=document.changes_since(before), refresh=True)
    left_to_it = snapshot("faces-000001")["faces-000001", key]
    assert {**left_to_it, "event": None} == {**kept["bare", key], "event": None}
