"""`faces search`: over several indices, which face it takes and which matched, and its options."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest
from tools import bracketed, encoded, landscape, line_with, picture
from typer.testing import CliRunner

from faces.cli import app


@pytest.fixture
def found(run):
    """The JSON of a search."""

    def search(*arguments: object, **environment: str) -> dict:
        status, out, err = run("search", *arguments, "--json", **environment)
        assert status == 0, err
        return json.loads(out)

    return search


@pytest.fixture
def group_file(tmp_path, group_photo) -> Path:
    file = tmp_path / "group.jpg"
    file.write_bytes(group_photo)
    return file


@pytest.fixture
def portraits(gallery, bulk, photos):
    """A portrait of Ann, Ben and Cara each."""
    bulk(
        {
            name.lower(): {"image": encoded(photos[name][3]), "person": {"name": name}}
            for name in ("Ann", "Ben", "Cara")
        },
        index=gallery,
    )
    return gallery


@pytest.mark.parametrize(
    "pattern", ["faces,face-gallery", "face*", "*", "_all", "unrelated,face-gallery,faces"]
)
def test_several_indices_are_searched_and_those_that_cannot_be_are_named(
    es, archive, portraits, own_index, found, run, photos, pattern
):
    own_index("unrelated", mappings={"properties": {"vector": {"type": "keyword"}}})
    es.index(index="unrelated", document={"model": {"id": "T 800"}}, refresh=True)
    answer = found(photos["Ann"][4], "--index", pattern, "-k", 5)
    matches = {(match["index"], match["id"]) for match in answer["matches"]}
    assert {("face-gallery-000001", "ann"), ("faces-000001", "ann-0"), ("faces-000001", "team")} <= matches
    assert [match["similarity"] for match in answer["matches"]] == sorted(
        (match["similarity"] for match in answer["matches"]), reverse=True
    )
    assert {"faces-000001", "face-gallery-000001"} <= set(answer["searched"])
    cannot = {"unrelated"} & set(answer["not_searched"])
    assert cannot == (set() if "face" in pattern and "unrelated" not in pattern else {"unrelated"})
    said = run("search", photos["Ann"][4], "--index", pattern)[1]
    assert ("unrelated" in said) == bool(cannot)


def test_one_knn_over_archive_and_gallery_finds_the_archives_photos(es, archive, portraits, photos):
    knn = {
        "field": "faces.vector",
        "k": 5,
        "num_candidates": 100,
        "query_vector_builder": {"face": {"image": encoded(photos["Ann"][4])}},
    }
    alone = [hit["_id"] for hit in es.search(index="faces", knn=knn)["hits"]["hits"]]
    for pattern in ("faces,face-gallery", "face*"):
        assert [hit["_id"] for hit in es.search(index=pattern, knn=knn)["hits"]["hits"]] == alone


def test_a_gallery_is_searched_by_its_one_vector(portraits, found, photos):
    answer = found(photos["Ann"][4], "--index", "face-gallery")
    first = answer["matches"][0]
    assert (first["id"], first["name"], first["face"]["position"], first["face"]["of"]) == (
        "ann",
        "Ann",
        0,
        1,
    )
    assert first["face"]["box"]["width"] > 0
    assert len(answer["matches"]) == 3


def test_an_attached_index_is_searched_below_its_target_field(es, own_index, attach, found, photos):
    own_index("own")
    attach("own", "--field", "picture", "--target-field", "a.portrait")
    es.index(index="own", id="1", document={"picture": encoded(photos["Ann"][0])}, refresh=True)
    (match,) = found(photos["Ann"][4], "--index", "own")["matches"]
    assert (match["id"], match["path"], match["name"], match["face"]["of"]) == ("1", "1", None, 1)


def test_what_cannot_be_searched_is_one_sentence(es, own_index, run, photos):
    own_index("unrelated", mappings={"properties": {"vector": {"type": "keyword"}}})
    own_index("shut")
    es.indices.close(index="shut")
    for pattern, named in (
        ("unrelated", "unrelated"),
        ("nowhere", "nowhere"),
        ("faces,nowhere", "nowhere"),
        ("nowhere*", "nowhere*"),
        ("shut", "shut"),
        ("faces,shut", "shut"),
    ):
        status, _, err = run("search", photos["Ann"][0], "--index", pattern)
        assert (status, len(err.splitlines())) == (1, 1), pattern
        assert named in bracketed(err)
    assert run("search", photos["Ann"][0], "--index", "")[0] == 1


def test_it_says_which_face_of_a_group_it_took_and_which_of_each_hit_matched(
    es, faces, bulk, people, group_photo, group_file, found, run
):
    names = ("jerry_seinfeld", "mindy_kaling", "elton_john")
    bulk({name: {"image": encoded(people[name][1]), "person": {"name": name}} for name in names})
    bulk({"group": {"image": encoded(group_photo)}})
    stored = es.get(index=faces, id="group")["_source"]["faces"]
    for position, face in enumerate(stored):
        answer = found(group_file, "--face", position)
        assert answer["face"] == {"position": position, "of": 3, "box": face["box"]}
        itself, person = answer["matches"][:2]
        assert itself["id"] == "group"
        assert itself["face"] == {"position": position, "of": 3, "id": face["id"], "box": face["box"]}
        assert person["name"] in names
        assert (person["face"]["position"], person["face"]["of"]) == (0, 1)
    assert found(group_file)["face"] == found(group_file, "--face", 0)["face"]
    _, out, _ = run("search", group_file, "--face", 1)
    box = stored[1]["box"]
    assert f"{box['width']} x {box['height']}" in line_with("query:", out)
    assert "1 of 3" in line_with("query:", out)
    status, _, err = run("search", group_file, "--face", 3)
    assert (status, "3" in bracketed(err)) == (2, True)
    assert run("search", group_file, "--face", -1)[0] == 2


def test_without_the_service_it_says_that_the_face_is_not_known(archive, found, photos):
    answer = found(photos["Ann"][4], FACES_URL="http://127.0.0.1:1")
    assert answer["face"] is None
    assert any("http://127.0.0.1:1" in note for note in answer["notes"])
    assert answer["matches"][0]["name"] == "Ann"


def test_matches_below_a_similarity_or_without_a_person_are_left_out(archive, found, run, photos):
    similar = found(photos["Ann"][4], "-k", 20, "--min-similarity", 0.46)["matches"]
    assert {match["id"] for match in similar} == {"ann-0", "ann-1", "ann-2", "team"}
    named = found(photos["Ann"][4], "-k", 20, "--name", "Ben")["matches"]
    assert {match["id"] for match in named} == {"ben-0", "ben-1", "ben-2"}
    status, out, _ = run("search", photos["Ann"][4], "--name", "Nobody")
    assert status == 0
    assert "Nobody" in bracketed(out)
    assert "faces index" not in out
    assert run("search", photos["Ann"][4], "--min-similarity", 1.5)[0] == 2


def test_a_photo_may_come_through_a_pipe_with_a_name_and_not_be_a_folder(archive, run, photos, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_bytes(photos["Ann"][4].read_bytes()))
    writer.start()
    assert "Ann" in run("search", pipe)[1]
    writer.join()
    status, _, err = run("search", tmp_path)
    assert (status, bracketed(err)) == (2, {str(tmp_path)})


def test_a_name_is_found_in_either_spelling(es, faces, bulk, found, photos):
    composed, decomposed = "Zo\u00eb", "Zoe\u0308"
    bulk({"zoe": {"image": encoded(photos["Ann"][0]), "person": {"name": decomposed}}})
    for name in (composed, decomposed):
        (match,) = found(photos["Ann"][4], "--name", name)["matches"]
        assert match["name"] == composed


def test_a_photo_comes_from_standard_input(archive, running, photos):
    connection = running.connection
    variables = {"ES_URL": connection.es_url, "FACES_URL": connection.faces_url}
    for data, status in ((photos["Ann"][4].read_bytes(), 0), (b"", 1), (b"no photo", 1)):
        result = CliRunner().invoke(app, ["search", "-", "--json"], input=data, env=variables)
        assert result.exit_code == status
        if status == 0:
            assert json.loads(result.stdout)["matches"][0]["name"] == "Ann"


def test_the_name_of_a_photo_with_several_faces_is_not_given_to_one_of_them(
    faces, bulk, found, run, group_photo, group_file
):
    bulk({"group": {"image": encoded(group_photo), "person": {"name": "Jerry"}}})
    (match,) = found(group_file)["matches"]
    assert (match["name"], match["people"]) == (None, ["Jerry"])
    assert "photo: Jerry" in run("search", group_file)[1]


def test_nor_to_the_face_that_is_left_when_a_person_has_removed_the_others(
    es, faces, bulk, found, whole, group_photo, group_file
):
    bulk({"group": {"image": encoded(group_photo), "person": {"name": "Jerry"}}})
    es.update(index=faces, id="group", doc={"faces": whole(faces, "group")["faces"][:1]}, refresh=True)
    (match,) = found(group_file)["matches"]
    assert (match["name"], match["people"], match["face"]["of"]) == (None, ["Jerry"], 1)


def test_a_guess_is_marked_as_one(gallery, probes, bulk, found, run, photos):
    bulk({"ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}}}, index=gallery)
    bulk({"gate": {"image": encoded(photos["Ann"][1])}}, index=probes)
    (match,) = found(photos["Ann"][4], "--index", "face-probes")["matches"]
    assert (match["name"], match["guess"]) == (None, "Ann")
    assert "guess: Ann" in run("search", photos["Ann"][4], "--index", "face-probes")[1]


NAMES = [
    "Ann [wife]",
    "x [/close] y",
    "[bold]B[/bold]",
    "a\nb: 2 photos indexed",
    "a \x1b[31mred",
    "a \u202egnirts",
]


@pytest.mark.parametrize("name", NAMES)
def test_any_name_and_path_is_printed_as_it_is_on_one_line(faces, bulk, run, found, photos, tmp_path, name):
    document = {"image": encoded(photos["Ann"][0]), "person": {"name": name}, "file": {"path": f"{name}.jpg"}}
    bulk({"one": document})
    status, out, err = run("search", photos["Ann"][4], "--plot", tmp_path / "found.png")
    assert status == 0, err
    (line,) = [line for line in out.splitlines() if line.lstrip().startswith("1 ")]
    shown = name if name.isprintable() else name.encode("unicode_escape").decode()
    assert line.count(shown) == 2
    assert "\x1b" not in out
    assert found(photos["Ann"][4])["matches"][0]["name"] == name


def test_an_empty_archive_is_said_to_be_empty_and_a_photo_without_a_face_is_refused(
    faces, run, tmp_path, photos
):
    _, out, _ = run("search", photos["Ann"][4])
    assert "faces" in bracketed(line_with("note:", out))
    (tmp_path / "meadow.png").write_bytes(picture(landscape(), "PNG"))
    assert run("search", tmp_path / "meadow.png", "--index", "face-gallery")[0] == 1
