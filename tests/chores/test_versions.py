"""`faces versions`: the same picture elsewhere, resized, saved again or cropped, and no other one."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from copy_fixtures import compressed, cut, resized, sent, without_faces
from tools import bracketed, mapping_of, picture

NOBODY = "http://127.0.0.1:1"
"""Where no service is."""


@pytest.fixture
def saved(unnamed, bulk, album) -> str:
    """The album, and copies of two of its photos."""
    ann, team = album.files["ann-0"], album.files["team"]
    copies = {
        "half": sent(resized(ann, 0.5), "web/half.jpg"),
        "poor": sent(compressed(ann), "mail/poor.jpg", url={"original": "https://example.org/poor.jpg"}),
        "twice": sent(ann, "backup/ann.jpg"),
        "cut": sent(cut(ann), "web/cut.jpg"),
        "cut-team": sent(cut(team, 0.05), "web/team.jpg"),
    }
    assert all(item["status"] == 201 for item in bulk(copies).values())
    return unnamed


@pytest.fixture
def versions(run) -> Callable[..., dict]:
    def ask(*arguments: object, **environment: str) -> dict:
        status, out, err = run("versions", *arguments, "--json", **environment)
        assert status == 0, err
        return json.loads(out)

    return ask


def kinds(answer: dict) -> dict[str, str]:
    return {version["id"]: version["kind"] for version in answer["versions"]}


def test_a_files_versions_the_largest_and_earliest_first(saved, versions, run, album, es):
    es.update(index="faces-000001", id="ann-0", doc={"@timestamp": "2020-01-01T00:00:00Z"}, refresh=True)
    answer = versions(album.files["ann-0"])
    assert kinds(answer) == {
        "ann-0": "same bytes",
        "twice": "same bytes",
        "poor": "near-identical",
        "half": "near-identical",
        "cut": "cropped",
    }
    pixels = [version["width"] * version["height"] for version in answer["versions"]]
    assert pixels == sorted(pixels, reverse=True)
    first = answer["versions"][0]
    assert (first["id"], first["index"], first["path"]) == ("ann-0", "faces-000001", "2026/ann-0.jpg")
    assert (first["bytes"], first["date"][:10]) == (album.files["ann-0"].stat().st_size, "2020-01-01")
    (poor,) = (version for version in answer["versions"] if version["id"] == "poor")
    assert poor["url"] == "https://example.org/poor.jpg"
    assert 0 <= poor["differing_bits"] <= 6
    assert 0.75 < {one["id"]: one["shared"] for one in answer["versions"]}["cut"] < 0.87
    status, out, _ = run("versions", album.files["ann-0"])
    assert status == 0
    assert out.splitlines()[-1].startswith("5 versions ")


def test_an_indexed_photo_is_asked_about_without_the_service(saved, versions):
    answer = versions("cut", FACES_URL=NOBODY)
    assert set(kinds(answer)) == {"ann-0", "twice", "poor", "half"}
    assert versions("web/cut.jpg", FACES_URL=NOBODY)["versions"] == answer["versions"]
    assert kinds(versions("cut-team", FACES_URL=NOBODY)) == {"team": "cropped"}


def test_a_file_whose_content_is_indexed_needs_no_service_either(saved, versions, album):
    assert len(versions(album.files["ann-0"], FACES_URL=NOBODY)["versions"]) == 5


@pytest.mark.parametrize("service", [{}, {"FACES_URL": NOBODY}], ids=["the service", "the plugin"])
def test_a_file_that_is_not_indexed_is_looked_at(saved, versions, album, tmp_path, service):
    file = tmp_path / "found-somewhere.jpg"
    file.write_bytes(cut(album.files["ann-0"], 0.15))
    answer = versions(file, **service)
    assert {"ann-0", "twice"} <= set(kinds(answer)) <= {"ann-0", "twice", "poor", "half", "cut"}
    assert answer["photo"]["faces"] == 1


def test_another_photo_of_the_same_person_is_no_version(saved, versions):
    assert kinds(versions("ann-1")) == {}
    assert kinds(versions("ben-0")) == {}


def test_a_photo_without_a_face_is_compared_by_bytes_and_fingerprint_and_says_so(
    faces, versions, bulk, tmp_path
):
    photo = tmp_path / "hills.jpg"
    photo.write_bytes(picture(without_faces(), quality=95))
    bulk({"small": sent(resized(photo, 0.5), "small.jpg"), "cut": sent(cut(photo, 0.2), "cut.jpg")})
    answer = versions(photo)
    assert kinds(answer) == {"small": "near-identical"}
    assert [bracketed(note) for note in answer["notes"]] == [{str(photo)}]


def test_of_two_models_faces_are_not_compared_and_the_rest_is(saved, versions, whole, bare, store):
    documents = {key: whole("faces-000001", key) for key in ("ann-0", "half", "poor", "twice", "cut")}
    for key in ("poor", "twice", "cut"):
        documents[key]["model"]["id"] = "another"
    store(bare, documents)
    answer = versions("ann-0", "--index", bare)
    assert kinds(answer) == {"twice": "same bytes", "poor": "near-identical", "half": "near-identical"}
    (note,) = answer["notes"]
    assert answer["photo"]["model"] in bracketed(note)


def test_documents_without_a_fingerprint_are_known_by_bytes_and_faces(bare, store, versions, album):
    plain = {key: dict(album.documents["ann-0"]) for key in ("one", "two")}
    for document in plain.values():
        photo = document["photo"]
        document["photo"] = {name: value for name, value in photo.items() if name != "fingerprint"}
    store(bare, plain)
    answer = versions("one", "--index", bare)
    assert kinds(answer) == {"two": "same bytes"}
    assert len(answer["notes"]) == 1
    answer = versions(album.files["ann-0"], "--index", bare)
    assert kinds(answer) == {"one": "same bytes", "two": "same bytes"}


def test_several_indices_and_an_alias_of_them(saved, versions, es, own_index, store, album, run):
    other = own_index("faces-000002", aliases={"faces-copies": {}}, mappings=mapping_of(es, "faces"))
    es.indices.put_alias(index="faces-000001", name="faces-copies")
    document = {key: value for key, value in album.documents["ann-0"].items() if key != "@timestamp"}
    store(other, {"ann-0": document})
    try:
        answer = versions("half", "--index", "faces-copies")
        found = [(one["index"], one["id"]) for one in answer["versions"]]
        assert {("faces-000001", "ann-0"), (other, "ann-0"), ("faces-000001", "cut")} <= set(found)
        status, out, _ = run("versions", "half", "--index", "faces-copies")
        assert status == 0
        assert other in out
    finally:
        es.indices.delete_alias(index="faces-000001", name="faces-copies")


def test_an_empty_index_has_no_version(faces, versions, album, run):
    assert versions(album.files["ann-0"])["versions"] == []
    assert run("versions", album.files["ann-0"])[0] == 0


@pytest.mark.parametrize("name", ["text.jpg", "empty.jpg"])
def test_a_file_that_is_no_photo(faces, run, tmp_path, name):
    (tmp_path / name).write_text("" if name == "empty.jpg" else "no photo")
    status, out, err = run("versions", tmp_path / name)
    assert (status, out) == (1, "")
    assert bracketed(err) & {"not_an_image", "empty"}


def test_a_document_of_a_photo_that_could_not_be_read(faces, run, bulk):
    bulk({"bad": {"image": "bm8gcGhvdG8=", "file": {"path": "bad.jpg"}}})
    status, out, err = run("versions", "bad")
    assert (status, out) == (1, "")
    assert {"bad", "not_an_image"} <= bracketed(err)


def test_what_is_not_there(faces, run):
    status, _, err = run("versions", "gone.jpg")
    assert (status, {"gone.jpg", "faces"} <= bracketed(err)) == (1, True)
    assert run("versions", "gone.jpg", "--index", "nowhere")[0] == 1


def test_without_service_and_plugin_the_error_says_what_is_needed(there, tmp_path, album):
    file = tmp_path / "cut.jpg"
    file.write_bytes(cut(album.files["ann-0"]))
    status, out, err = there("versions", file, FACES_URL=NOBODY)
    assert (status, out) == (1, "")
    assert "FACES_URL" in err


def test_without_the_plugin_it_finds_the_same(there, plain, album, tmp_path):
    file = tmp_path / "cut.jpg"
    file.write_bytes(cut(album.files["ann-0"]))
    status, out, err = there("versions", file, "--json")
    assert status == 0, err
    assert kinds(json.loads(out)) == {"ann-0": "cropped"}
    status, out, _ = there("versions", album.files["ben-0"], "--json", FACES_URL=NOBODY)
    assert (status, kinds(json.loads(out))) == (0, {"ben-0": "same bytes"})


def test_no_name_becomes_an_escape_sequence(faces, run, bulk, album):
    bulk({"odd": sent(album.files["ann-0"], "a\u001b[31m\n.jpg")})
    status, out, _ = run("versions", album.files["ann-0"])
    assert status == 0
    assert "\u001b" not in out
