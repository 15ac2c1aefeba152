"""The command `faces`: index, search and status, as a person or a script runs them."""

from __future__ import annotations

import json
import shutil

import pytest
from PIL import Image
from tools import bracketed, landscape, line_with, numbers, picture

from es_setup.embedded.local_node import free_port


@pytest.fixture
def folder(tmp_path, people, portrait):
    """Two people's photos in LFW's layout, a landscape, a broken photo, and files that aren't sent."""
    for name in ("madonna", "elton_john"):
        (tmp_path / name).mkdir()
        for path in people[name][:2]:
            shutil.copy(path, tmp_path / name)
    (tmp_path / "meadow.png").write_bytes(picture(landscape(), "PNG"))
    (tmp_path / "broken.jpg").write_bytes(b"not a photo")
    (tmp_path / "notes.txt").write_text("not a photo either")
    (tmp_path / ".hidden").mkdir()
    shutil.copy(portrait, tmp_path / ".hidden")
    return tmp_path


def test_installing_twice_is_harmless_and_lists_the_requests(run, es):
    for _ in range(2):
        status, out, _ = run("install")
        assert status == 0
        assert "PUT /_ingest/pipeline/faces: ok" in out
        assert "PUT /faces-000001: exists" in out
    assert list(es.indices.get_alias(name="faces")) == ["faces-000001"]


def test_indexing_a_folder_twice_adds_nothing_and_labels_only_when_asked(run, es, faces, folder):
    status, out, err = run("index", folder)
    assert status == 0
    assert numbers(out.splitlines()[0]) == [6, 4, 4, 1]
    assert "[not_an_image]" in line_with("broken.jpg", err)
    es.indices.refresh(index=faces)
    assert es.count(index=faces, query={"exists": {"field": "people"}})["count"] == 0
    status, out, _ = run("index", folder, "--labels", "folder", "--json")
    counted = {"photos": 6, "with_faces": 4, "faces": 4, "unreadable": 1, "not_stored": 0}
    assert counted.items() <= json.loads(out).items()
    assert es.count(index=faces)["count"] == 6
    found = es.search(index=faces, size=0, aggs={"people": {"terms": {"field": "people"}}})["aggregations"]
    assert {(bucket["key"], bucket["doc_count"]) for bucket in found["people"]["buckets"]} == {
        ("elton john", 2),
        ("madonna", 2),
    }


def test_searching_prints_matches_as_a_table_as_json_and_as_a_picture(run, faces, folder, people, tmp_path):
    run("index", folder, "--labels", "folder")
    photo, file = people["madonna"][4], tmp_path / "matches.png"
    status, out, _ = run("search", photo, "--plot", file)
    assert status == 0
    assert "madonna" in out.splitlines()[2]
    assert str(file) in out
    with Image.open(file) as image:
        assert image.width > 500
    status, out, _ = run("search", photo, "-k", 2, "--json")
    first, second = json.loads(out)["matches"]
    assert first["name"] == "madonna"
    assert first["similarity"] >= second["similarity"]
    assert first["verdict"] in ("strong", "possible", "unlikely")
    assert "%" not in out


def test_a_search_without_a_face_a_file_or_a_field_fails_with_what_is_missing(run, tmp_path):
    (tmp_path / "meadow.png").write_bytes(picture(landscape(), "PNG"))
    status, _, err = run("search", tmp_path / "meadow.png")
    assert status == 1
    assert "image" in bracketed(err)
    assert run("search", tmp_path / "absent.jpg")[0] == 2
    status, _, err = run("search", tmp_path / "meadow.png", "--index", "face-gallery")
    assert status == 1
    assert "image" in bracketed(err)


def test_a_document_that_does_not_fit_names_the_field(run, es, folder):
    es.indices.create(
        index="own",
        settings={"default_pipeline": "faces"},
        mappings={"properties": {"file": {"type": "keyword"}}},
    )
    try:
        status, _, err = run("index", folder, "--index", "own")
    finally:
        es.indices.delete(index="own")
    assert status == 1
    assert {"file", "keyword"} <= bracketed(err)


def test_an_empty_folder_and_an_absent_server_are_errors_without_a_traceback(run, tmp_path, folder):
    (tmp_path / "empty").mkdir()
    status, _, err = run("index", tmp_path / "empty")
    assert status == 1
    assert str(tmp_path / "empty") in err
    status, _, err = run("index", folder, ES_URL=f"http://127.0.0.1:{free_port()}")
    assert status == 1
    assert "ES_URL" in err
    assert "Traceback" not in err


def test_a_file_that_cannot_be_read_is_named_and_the_others_are_indexed(run, faces, folder):
    (folder / "gone.jpg").symlink_to("/proc/self/mem")
    status, out, err = run("index", folder)
    assert status == 1
    assert numbers(out.splitlines()[0]) == [6, 4, 4, 1, 1]
    assert line_with("gone.jpg", err)


def test_indexing_without_a_pipeline_is_refused_and_stores_nothing(run, es, folder):
    status, _, err = run("index", folder, "--index", "other")
    assert status == 1
    assert "other" in bracketed(err)
    assert "`faces install`" in err
    assert not es.indices.exists(index="other")


def test_an_alias_with_several_indices_reports_every_photo(run, es, faces, folder):
    es.indices.rollover(alias="faces")
    try:
        _, out, _ = run("index", folder, "--json")
        assert json.loads(out)["faces"] == 4
        assert json.loads(out)["unreadable"] == 1
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_an_index_with_two_models_is_not_searched(run, running, es, faces, folder, people):
    run("index", folder)
    finished = es.search(index=faces, query={"exists": {"field": "face_count"}}, size=1)["hits"]["hits"][0]
    other = finished["_source"] | {"model": {"id": "facenet-00000000"}}
    es.index(index=faces, id="other", document=other, pipeline="_none", refresh=True)
    status, _, err = run("search", people["madonna"][0])
    assert status == 1
    assert {"faces", f"'facenet-00000000', '{running.model}'"} <= bracketed(err)


@pytest.mark.parametrize("url", ["localhost:9200", "ftp://localhost", "http://localhost:port", "http://"])
def test_an_invalid_address_is_an_error_without_a_traceback(run, folder, url):
    for command in (("index", folder), ("status",), ("install",)):
        status, out, err = run(*command, ES_URL=url)
        assert status == 1
        assert "ES_URL" in out + err


# Unquoted, some characters of a password end the host: then the user's name is taken for it.
@pytest.mark.parametrize("password", ["s3cret", "9#s3cret", "9/s3cret"])
def test_a_password_in_an_address_is_never_shown(run, password):
    nowhere = f"http://localhost:{password}@127.0.0.1:{free_port()}"
    for command in (("status",), ("status", "--json"), ("install",)):
        status, out, err = run(*command, ES_URL=nowhere, FACES_URL=nowhere)
        assert status == 1
        assert "s3cret" not in out + err


def test_an_index_with_the_aliass_name_is_refused_with_both_names(run, es):
    es.indices.delete(index="faces-000001")
    es.indices.create(index="faces")
    try:
        status, _, err = run("install")
        assert status == 1
        assert bracketed(err) == {"faces", "faces-000001"}
    finally:
        es.indices.delete(index="faces")
        run("install")
