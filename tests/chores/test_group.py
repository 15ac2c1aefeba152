"""`faces group`: faces that nobody has named become groups, which keep their ids and respect decisions."""

from __future__ import annotations

import copy
import json

import pytest
from group_fixtures import ALL, documents

from faces.grouping.run import grouping, write
from faces.searchable import searchable


def with_faces_of(album, key: str, *others: str) -> dict:
    """A document like ``key`` with the first face of each of the others beside its own."""
    document = copy.deepcopy(album.documents[key])
    for number, other in enumerate(others, start=1):
        face = copy.deepcopy(album.documents[other]["faces"][0])
        document["faces"].append(face | {"id": f"{document['faces'][0]['id'][:-2]}-{number}"})
    document["face_count"] = len(document["faces"])
    document["photo"]["faces_found"] = len(document["faces"])
    return document


def test_each_persons_faces_are_a_group_and_a_second_run_changes_nothing(es, unnamed, run, groups, snapshot):
    status, out, err = run("group", "--dry-run", "--json")
    assert status == 0, err
    would = json.loads(out)
    assert (would["unnamed"], [one["faces"] for one in would["groups"]]) == (12, [4, 4, 3])
    assert groups() == {}
    status, out, err = run("group", "--json")
    assert status == 0, err
    done = json.loads(out)
    assert (done["changed"], done["changed_faces"], done["failed"]) == (9, 11, [])
    found = groups()
    assert documents(found) == ALL
    assert {one["id"] for one in done["groups"]} == {one["id"] for one in would["groups"]} == set(found)
    # Boards and simple queries have the flat copy.
    assert es.count(index="faces", query={"term": {"face_groups": next(iter(found))}})["count"] == 4
    before = snapshot("faces")
    status, out, _ = run("group", "--json")
    assert (status, json.loads(out)["changed"]) == (0, 0)
    assert snapshot("faces") == before


def test_a_group_keeps_its_id_as_photos_arrive(faces, journal, album, store, run, groups):
    early = ("ann-0", "ann-1", "ben-0", "ben-1")
    store(faces, {key: album.documents[key] for key in early})
    assert run("group")[0] == 0
    first = groups()
    assert documents(first) == [["ann-0", "ann-1"], ["ben-0", "ben-1"]]
    store(faces, {key: document for key, document in album.documents.items() if key not in early})
    assert run("group")[0] == 0
    later = groups()
    assert documents(later) == ALL
    assert all(members < later[group] for group, members in first.items())


def test_two_faces_of_one_photo_are_never_in_one_group(faces, journal, album, store, run, groups):
    """Though they are as alike as can be: a mirror, or twins."""
    twins = {f"twins-{key}": with_faces_of(album, key, key) for key in ("ann-0", "ann-1")}
    store(faces, twins | {"ann-2": album.documents["ann-2"]})
    assert run("group")[0] == 0
    found = groups()
    for members in found.values():
        assert len({key for key, _ in members}) == len(members)
    assert sum(map(len, found.values())) >= 4


def test_named_and_ignored_faces_are_in_no_group_and_leave_the_one_they_were_in(unnamed, run, groups, said):
    assert run("label", "ann-0", "--name", "Ann")[0] == 0
    assert run("ignore", "ben-0")[0] == 0
    assert run("group")[0] == 0
    found = groups()
    assert documents(found) == [["ann-1", "ann-2", "team"], ["ben-1", "team"], ALL[2]]
    assert run("label", "cara-0", "--name", "Cara")[0] == 0
    assert run("ignore", "cara-1")[0] == 0
    assert documents(groups())[2] == ["cara-2", "team"]
    assert (said("cara-0"), said("ben-0")) == ([{"label": {"name": "Cara"}}], [{"ignored": True}])


def test_a_name_given_by_a_client_takes_a_face_from_its_group_too(es, unnamed, run, groups):
    assert run("group")[0] == 0
    es.update(index="faces", id="ann-0", doc={"person": {"name": "Ann"}}, refresh=True)
    assert documents(groups())[0] == ["ann-1", "ann-2", "team"]


def test_faces_that_people_told_apart_join_no_group(faces, journal, album, store, run, groups):
    """Copies of two photos of Ann, of which somebody said that one is her, and the other Anna."""
    copies = {f"copy-{number}": album.documents[f"ann-{number}"] for number in range(2)}
    store(faces, copies | {key: album.documents[key] for key in ("ann-0", "ann-1")})
    assert run("group", "--min-size", 3)[0] == 0
    assert len(groups()) == 1
    assert run("label", "ann-0", "--name", "Ann")[0] == 0
    assert run("label", "ann-1", "--name", "Anna")[0] == 0
    assert run("group")[0] == 0
    assert groups() == {}
    # One of whom it was said that she isn't Ann is no more with those who are.
    assert run("label", "ann-1", "--name", "Ann")[0] == 0
    assert run("group")[0] == 0
    assert documents(groups()) == [["copy-0", "copy-1"]]
    assert run("not-this-person", "copy-1", "--name", "Ann")[0] == 0
    assert run("group")[0] == 0
    assert groups() == {}


def test_what_somebody_says_meanwhile_stays(es, unnamed, run, groups, labels):
    """Between the reading and the writing one is named, one is deleted, and one comes."""
    where = searchable(es, "faces")
    found = grouping(es, where)
    assert run("label", "ann-0", "--name", "Ann")[0] == 0
    es.delete(index="faces", id="ben-0", refresh=True)
    outcomes = {one.id: one.outcome for one in write(es, where, found)}
    assert outcomes["ann-0"] == "unchanged"
    assert labels("ann-0") == ["Ann"]
    assert documents(groups()) == [["ann-1", "ann-2", "team"], ["ben-1", "team"], ALL[2]]


def test_a_killed_run_is_made_good_by_the_next(unnamed, run, groups, killed):
    with killed():
        assert run("group")[0] == 130
    part = groups()
    assert 0 < sum(map(len, part.values())) < 11
    assert run("group")[0] == 0
    found = groups()
    assert documents(found) == ALL
    assert all(members <= found[group] for group, members in part.items())


def test_faces_of_another_model_are_left_out_and_counted(es, bare, album, store, run, groups, running):
    es.indices.put_mapping(index=bare, meta={"ingest_face": {"model": running.model}})
    others = {
        f"other-{key}": document | {"model": {"id": "facenet-0ther123"}}
        for key, document in album.documents.items()
        if key.startswith("ann")
    }
    store(bare, album.documents | others)
    status, out, err = run("group", "--index", bare, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert (found["faces"], found["of_other_models"]) == (12, {"facenet-0ther123": 3})
    assert documents(groups(bare)) == ALL
    assert "facenet-0ther123" in run("group", "--index", bare)[1]


def test_an_empty_index_is_no_failure_and_one_that_is_closed_to_writing_stays(es, faces, album, store, run):
    status, out, _ = run("group", "--json")
    assert (status, json.loads(out)["groups"]) == (0, [])
    assert run("group")[0] == 0
    assert run("group", "list")[0] == 0
    store(faces, {key: album.documents[key] for key in ("ann-0", "ann-1")})
    es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": True})
    try:
        status, _, err = run("group")
        assert status == 1
        assert "[faces-000001]" in err
        assert run("group", "--dry-run")[0] == 0
    finally:
        es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": None})


def test_a_gallery_and_a_missing_index_are_told(run, gallery):
    assert run("group", "--index", gallery)[0] == 1
    status, _, err = run("group", "--index", "nowhere")
    assert status == 1
    assert "[nowhere]" in err


@pytest.mark.parametrize(("least", "sizes"), [(0.99, []), (0.46, [4, 4, 3]), (0.25, [4, 4, 4])])
def test_the_least_similarity_can_be_said(unnamed, run, least, sizes):
    status, out, _ = run("group", "--min-similarity", least, "--dry-run", "--json")
    assert status == 0
    found = json.loads(out)
    assert (found["min_similarity"], [one["faces"] for one in found["groups"]]) == (least, sizes)


def test_a_photo_that_is_sent_again_is_in_its_group_after_the_next_run(unnamed, run, album, groups):
    """Its faces are found anew: what people said stays, and a guess is made again."""
    assert run("group")[0] == 0
    before = groups()
    assert run("index", album.files["ann-0"].parent, "--replace", "--json")[0] == 0
    assert run("group")[0] == 0
    assert set(groups()) == set(before)


def test_a_cluster_without_the_plugin_has_the_same_groups(there, plain, groups, said):
    status, _, err = there("group", "--json")
    assert status == 0, err
    found = groups("faces", plain)
    assert documents(found) == ALL
    (team,) = (group for group, members in found.items() if ("ann-0", 0) in members)
    assert plain.count(index="faces", query={"term": {"face_groups": team}})["count"] == 4
    assert there("group", "split", team, "ann-2")[0] == 0
    assert there("group", "name", team, "--name", "Ann", "--yes")[0] == 0
    assert plain.count(index="faces", query={"term": {"people": "Ann"}})["count"] == 3
    assert there("group")[0] == 0
    assert team not in groups("faces", plain)
