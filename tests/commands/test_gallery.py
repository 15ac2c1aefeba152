"""`faces enroll` and `faces gallery`: portraits that are stored once, people who are listed, tagged, removed;
with the plugin and without it."""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from tools import bracketed, encoded, landscape, line_with, mapping_of, picture

from es_setup.shipped_files import JOURNAL

NOWHERE = "http://127.0.0.1:1"
CAPITALS = "ANN"
VARYING = ("ingested", "duration", "lag")
"""Of ``event``, what differs from run to run."""


@pytest.fixture
def outcome(run, gallery, journal) -> Callable[..., dict]:
    """The JSON of `faces enroll`."""

    def enrol(*arguments: object, status: int = 0, **environment: str) -> dict:
        ended, out, err = run("enroll", *arguments, "--json", **environment)
        assert ended == status, err
        return json.loads(out)

    return enrol


@pytest.fixture
def without_pipeline(es, own_index) -> str:
    """A gallery that no pipeline completes, as where Elasticsearch lacks the plugin."""
    return own_index("plain-gallery", mappings=mapping_of(es, "face-gallery"))


@pytest.fixture
def folder(tmp_path, album) -> Path:
    """Two portraits of Ann and one of a boy from Ghana, each in a folder of their own."""
    root = tmp_path / "people"
    for name, keys in {"Ann": ("ann-0", "ann-1"), "Kwabena Ɔ": ("ben-0",)}.items():
        (root / name).mkdir(parents=True)
        for key in keys:
            shutil.copy(album.files[key], root / name)
    return root


def enrolled(es, index: str) -> dict[str, dict]:
    es.indices.refresh(index=index)
    hits = es.search(index=index, size=100, source={"includes": ["*"], "exclude_vectors": False})["hits"][
        "hits"
    ]
    return {hit["_id"]: hit["_source"] for hit in hits}


def lasting(document: dict) -> dict:
    """Without what differs from run to run."""
    event = {name: value for name, value in document["event"].items() if name not in VARYING}
    return {**document, "event": event, "@timestamp": None}


def test_a_portrait_is_enrolled_once_whoever_sends_it_again(es, outcome, gallery, album, journal, tmp_path):
    first = outcome(album.files["ann-0"], "--name", "Ann", "--tag", "watch")
    assert (first["enrolled"], first["unchanged"], first["failed"]) == (1, 0, 0)
    before = enrolled(es, gallery)
    ((key, document),) = before.items()
    assert (document["person"]["name"], document["tags"]) == ("Ann", ["watch"])
    assert document["face"]["id"] == f"{document['file']['hash']['sha256'][:16]}-0"
    assert key == document["file"]["hash"]["sha256"][:20]
    copy = shutil.copy(album.files["ann-0"], tmp_path / "other.jpg")
    for again in (album.files["ann-0"], copy):
        assert outcome(again, "--name", " Ann ")["unchanged"] == 1
    assert enrolled(es, gallery) == before
    assert outcome(album.files["ann-0"], "--name", "Ann", "--tag", "staff")["changed"] == 1
    assert enrolled(es, gallery)[key]["tags"] == ["watch", "staff"]
    es.indices.refresh(index=journal)
    entries = [hit["_source"] for hit in es.search(index=journal, size=10)["hits"]["hits"]]
    assert {entry["event"]["action"] for entry in entries} == {"enroll"}
    assert not any("vector" in json.dumps(entry) or "image" in json.dumps(entry) for entry in entries)


def test_another_name_for_the_same_portrait_is_refused(es, outcome, gallery, album):
    outcome(album.files["ann-0"], "--name", "Ann")
    refused = outcome(album.files["ann-0"], "--name", "Ben", status=1)
    assert {"Ann"} <= bracketed(refused["portraits"][0]["reason"])
    assert [one["person"]["name"] for one in enrolled(es, gallery).values()] == ["Ann"]


def test_a_folder_has_portraits_of_one_person_or_a_folder_for_each(es, outcome, gallery, folder, run):
    assert outcome(folder, "--labels", "folder", "--dry-run")["enrolled"] == 3
    assert enrolled(es, gallery) == {}
    counts = outcome(folder, "--labels", "folder")
    assert (counts["enrolled"], counts["failed"]) == (3, 0)
    assert sorted(one["person"]["name"] for one in enrolled(es, gallery).values()) == [
        "Ann",
        "Ann",
        "Kwabena Ɔ",
    ]
    assert outcome(folder, "--labels", "folder")["unchanged"] == 3
    assert outcome(folder / "Ann", "--name", "Ann")["unchanged"] == 2


def test_photos_without_a_face_or_with_several_are_named_and_not_kept(
    es, outcome, gallery, album, tmp_path, run
):
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    shutil.copy(album.files["team"], mixed)
    shutil.copy(album.files["ann-0"], mixed)
    (mixed / "meadow.jpg").write_bytes(picture(landscape()))
    (mixed / "empty.jpg").touch()
    (mixed / "text.jpg").write_text("no photo")
    counts = outcome(mixed, "--name", "Ann", status=1)
    assert (counts["enrolled"], counts["failed"]) == (1, 4)
    reasons = {one["source"]: one["reason"] for one in counts["portraits"]}
    assert "several_faces" in bracketed(reasons["team.jpg"])
    assert "no_face" in bracketed(reasons["meadow.jpg"])
    assert len(enrolled(es, gallery)) == 1
    status, _, err = run("enroll", mixed, "--name", "Ann")
    assert (status, "team.jpg" in err) == (1, True)
    assert run("enroll", album.files["team"], "--name", "Ann")[0] == 2, "it must be said which face"
    assert run("enroll", album.files["team"], "--name", "Ann", "--face", 7)[0] == 2


def test_one_face_of_several_is_enrolled_by_its_position(es, outcome, gallery, album, run):
    counts = outcome(album.files["team"], "--name", "Ann", "--face", 1)
    (portrait,) = enrolled(es, gallery).values()
    face = album.documents["team"]["faces"][1]
    assert portrait["vector"] == pytest.approx(face["vector"], abs=1e-3)
    assert portrait["face"]["id"] == face["id"] == counts["portraits"][0]["id"]
    assert portrait["thumbnail"] != album.documents["team"]["thumbnail"]
    assert outcome(album.files["team"], "--name", "Ann", "--face", 1)["unchanged"] == 1
    status, _, err = run("enroll", album.files["team"], "--name", "Ann", "--face", 7)
    assert (status, "face 1" in err) == (2, True)


def test_a_labelled_face_becomes_a_portrait_without_its_file(es, unnamed, outcome, gallery, album, run):
    assert run("label", "team", "--face", 1, "--name", "Ben")[0] == 0
    assert outcome("--from", "team", "--face", 1, FACES_URL=NOWHERE)["enrolled"] == 1
    (portrait,) = enrolled(es, gallery).values()
    face = album.documents["team"]["faces"][1]
    assert (portrait["person"]["name"], portrait["face"]["id"]) == ("Ben", face["id"])
    assert portrait["vector"] == pytest.approx(face["vector"], abs=1e-6)
    assert portrait["file"]["path"] == "2026/team.jpg"
    assert outcome("--from", face["id"])["unchanged"] == 1
    assert outcome(album.files["team"], "--name", "Ben", "--face", 1)["unchanged"] == 1
    status, _, err = run("enroll", "--from", "team", "--face", 1, "--name", "Ann")
    assert (status, "Ben" in bracketed(err)) == (1, True)
    assert run("enroll", "--from", "team", "--face", 0)[0] == 1
    assert run("enroll", "--from", "team")[0] == 2
    assert outcome("--from", "ann-0", "--from", "ann-1", "--name", "Ann")["enrolled"] == 2


def test_without_the_plugin_the_service_is_asked_and_the_document_is_the_same(
    es, outcome, gallery, without_pipeline, album, tmp_path, run
):
    for index in (gallery, without_pipeline):
        assert (
            outcome(album.files["ann-0"], "--name", "Ann", "--tag", "watch", "--gallery", index)["enrolled"]
            == 1
        )
    ((ours, mine),) = enrolled(es, without_pipeline).items()
    ((theirs, plugins),) = enrolled(es, gallery).items()
    vector = mine.pop("vector")
    assert vector == pytest.approx(plugins.pop("vector"), abs=1e-3)
    assert ours == theirs
    assert lasting(mine) == lasting(plugins)
    shutil.copy(album.files["team"], tmp_path)
    (tmp_path / "meadow.jpg").write_bytes(picture(landscape()))
    refused = outcome(tmp_path, "--name", "Ann", "--gallery", without_pipeline, status=1)
    assert refused["failed"] == 2
    assert outcome(album.files["ann-0"], "--name", "Ann", "--gallery", without_pipeline)["unchanged"] == 1
    nowhere = ("enroll", album.files["ann-1"], "--name", "Ann", "--gallery", without_pipeline)
    status, out, err = run(*nowhere, FACES_URL=NOWHERE)
    assert (status, out, "FACES_URL" in err) == (1, "", True)


def test_a_gallery_of_another_model_gets_no_portrait(es, outcome, own_index, album, run, running):
    mapping = mapping_of(es, "face-gallery") | {"_meta": {"ingest_face": {"model": "sface-00000000"}}}
    own_index("old-gallery", mappings=mapping)
    status, _, err = run("enroll", album.files["ann-0"], "--name", "Ann", "--gallery", "old-gallery")
    assert status == 1
    assert {"sface-00000000", running.model} <= bracketed(err)
    assert enrolled(es, "old-gallery") == {}


def test_a_gallery_that_is_closed_to_writing_and_one_that_is_not_there(es, outcome, gallery, album, run):
    es.indices.put_settings(index=gallery, settings={"index.blocks.write": True})
    try:
        refused = outcome(album.files["ann-0"], "--name", "Ann", status=1)
    finally:
        es.indices.put_settings(index=gallery, settings={"index.blocks.write": None})
    assert "blocked" in refused["portraits"][0]["reason"]
    es.indices.refresh(index=JOURNAL)
    assert es.count(index=JOURNAL)["count"] == 0
    for index in ("nowhere", "faces"):
        assert run("enroll", album.files["ann-0"], "--name", "Ann", "--gallery", index)[0] == 1


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["PHOTO"],
        ["PHOTO", "--name", "Ann", "--labels", "folder"],
        ["PHOTO", "--labels", "folder"],
        ["PHOTO", "--from", "team", "--name", "Ann"],
        ["FOLDER", "--name", "Ann", "--face", "1"],
    ],
)
def test_arguments_that_make_no_sense_are_status_2(run, album, folder, arguments):
    given = {"PHOTO": album.files["ann-0"], "FOLDER": folder}
    assert run("enroll", *(given.get(one, one) for one in arguments))[0] == 2


def test_an_empty_name_is_refused(run, album, gallery):
    status, _, err = run("enroll", album.files["ann-0"], "--name", " \u200b ")
    assert (status, "name" in err) == (2, True)


@pytest.fixture
def three(es, unnamed, store, gallery, album, running) -> str:
    """Two portraits of Ann and, by mistake, one of Cara as hers; and two people in other scripts."""
    documents = {}
    for key, name in {
        "ann-0": "Ann",
        "ann-1": "Ann",
        "cara-0": "Ann",
        "ben-0": "李雷",
        "ben-1": unicodedata.normalize("NFD", "Zoë"),
    }.items():
        face = album.documents[key]["faces"][0]
        documents[f"p-{key}"] = {
            "vector": face["vector"],
            "face": {name: value for name, value in face.items() if name != "vector"},
            "model": {"id": running.model},
            "person": {"name": name},
            "file": {"path": f"{key}.jpg"},
            "@timestamp": f"2026-0{len(documents) + 1}-01T00:00:00Z",
        }
    store(gallery, documents)
    return gallery


def test_people_are_listed_with_their_portraits(three, run, es):
    status, out, _ = run("gallery", "list", "--json")
    assert status == 0
    people = {person["name"]: person for person in json.loads(out)["people"]}
    assert {name: person["portraits"] for name, person in people.items()} == {"Ann": 3, "李雷": 1, "Zoë": 1}
    assert people["Ann"]["newest"].startswith("2026-03-01")
    status, out, _ = run("gallery", "list")
    assert (status, "李雷" in out) == (0, True)


def test_a_portrait_that_is_unlike_the_others_is_pointed_out(three, run):
    status, out, _ = run("gallery", "show", "Ann", "--json")
    assert status == 0
    portraits = {one["id"]: one for one in json.loads(out)["portraits"]}
    assert min(portraits, key=lambda key: portraits[key]["similarity"]) == "p-cara-0"
    assert portraits["p-cara-0"]["verdict"] == "unlikely"
    assert "p-cara-0" in line_with("note:", run("gallery", "show", "Ann")[1])
    assert json.loads(run("gallery", "show", "Zoe\u0308", "--json")[1])["portraits"][0]["similarity"] is None


@pytest.mark.parametrize("verb", [["show"], ["tag"], ["untag"], ["remove"]])
def test_of_an_unknown_name_near_ones_are_named(three, run, verb):
    tags = ["watch"] if verb[0] in ("tag", "untag") else []
    status, out, err = run("gallery", *verb, CAPITALS, *tags)
    assert (status, out) == (1, "")
    assert "Ann" in bracketed(err)


def test_an_empty_gallery_lists_nobody(gallery, run):
    status, out, _ = run("gallery", "list", "--json")
    assert (status, json.loads(out)) == (0, {"people": [], "without_name": 0})
    assert run("gallery", "list")[0] == 0


def test_tags_reach_the_portraits_and_the_probes_that_matched_and_nobody_else(
    es, outcome, probes, bulk, album, run, whole, gallery, journal
):
    outcome(album.files["ann-0"], "--name", "Ann")
    outcome(album.files["ann-1"], "--name", "Ann")
    outcome(album.files["ben-0"], "--name", "Ben")
    bulk({key: {"image": encoded(album.files[key])} for key in ("ann-2", "ben-1", "team")}, index=probes)

    def tags(key: str) -> set[str]:
        faces = whole(probes, key)["faces"]
        guesses = [guess for face in faces for guess in (face.get("match", {}), *face.get("candidates", []))]
        return {f"{guess['name']}: {tag}" for guess in guesses for tag in guess.get("tags", [])}

    dry = json.loads(run("gallery", "tag", "Ann", "watch", "--dry-run", "--json")[1])
    assert (len(dry["changed"]), dry["probes"], tags("team")) == (2, 2, set())
    status, out, err = run("gallery", "tag", "Ann", "watch", "--json")
    assert status == 0, err
    assert (len(json.loads(out)["changed"]), json.loads(out)["probes"]) == (2, 2)
    assert [one.get("tags") for one in enrolled(es, gallery).values()].count(["watch"]) == 2
    assert tags("team") == tags("ann-2") == {"Ann: watch"}
    assert tags("ben-1") == set()
    hits = es.search(index=probes, query={"term": {"matched_tags": "watch"}})["hits"]
    assert {hit["_id"] for hit in hits["hits"]} == {"ann-2", "team"}
    again = json.loads(run("gallery", "tag", "Ann", "watch", "--json")[1])
    assert (len(again["changed"]), again["unchanged"], again["probes"]) == (0, 2, 0)
    assert run("gallery", "untag", "Ann", "watch")[0] == 0
    assert tags("team") == set()
    assert not any(one.get("tags") for one in enrolled(es, gallery).values())
    es.indices.refresh(index=journal)
    query = {"exists": {"field": "document.id"}}
    entries = es.search(index=journal, size=20, query=query)["hits"]["hits"]
    actions = [entry["_source"]["event"]["action"] for entry in entries]
    assert (actions.count("tag"), actions.count("untag")) == (2, 2)
    assert {entry["_source"]["document"]["index"] for entry in entries} == {"face-gallery-000001"}


def test_probes_that_are_closed_to_writing_are_said_before_the_gallery_is_tagged(
    es, outcome, gallery, probes, bulk, album, run, whole
):
    outcome(album.files["ann-0"], "--name", "Ann")
    bulk({"ann-2": {"image": encoded(album.files["ann-2"])}}, index=probes)
    es.indices.put_settings(index=probes, settings={"index.blocks.write": True})
    try:
        assert run("gallery", "tag", "Ann", "watch")[0] == 1
        assert not any(one.get("tags") for one in enrolled(es, gallery).values())
    finally:
        es.indices.put_settings(index=probes, settings={"index.blocks.write": None})
    assert json.loads(run("gallery", "tag", "Ann", "watch", "--json")[1])["probes"] == 1
    assert whole(probes, "ann-2")["faces"][0]["match"]["tags"] == ["watch"]


def test_removing_needs_to_be_meant_and_takes_one_portrait_or_all(es, three, run, journal):
    status, _, err = run("gallery", "remove", "Ann")
    assert (status, len(enrolled(es, three))) == (2, 5)
    assert "Ann" in bracketed(err)
    assert run("gallery", "remove", "p-cara-0", "--yes")[0] == 0
    assert set(enrolled(es, three)) == {"p-ann-0", "p-ann-1", "p-ben-0", "p-ben-1"}
    assert run("gallery", "remove", "Ann", "--dry-run")[0] == 0
    assert len(enrolled(es, three)) == 4
    status, out, _ = run("gallery", "remove", "Ann", "--yes", "--json")
    assert (status, len(json.loads(out)["changed"])) == (0, 2)
    assert set(enrolled(es, three)) == {"p-ben-0", "p-ben-1"}
    es.indices.refresh(index=journal)
    names = [hit["_source"]["names"] for hit in es.search(index=journal, size=10)["hits"]["hits"]]
    assert names == [["Ann"]] * 3
    assert run("gallery", "remove", "p-cara-0", "--yes")[0] == 1
