"""Documents that were sent with a routing of their own are changed and deleted like others."""

from __future__ import annotations

import json

import pytest
from forget_fixtures import nothing_remembered  # noqa: F401
from indexed import documents
from tools import encoded, mapping_of

SHARDS = {"index.number_of_shards": 5, "index.default_pipeline": "_none", "index.final_pipeline": "_none"}


@pytest.fixture
def routed(es, own_index, album, journal) -> str:
    """An index of five shards, with three photos on the shard of `paris`."""
    index = own_index("routed", mappings=mapping_of(es, "faces"), settings=SHARDS)
    for key in ("ann-0", "ann-1", "team"):
        es.index(index=index, id=key, document=album.documents[key], routing="paris", refresh=True)
    return index


def test_they_are_labelled_and_renamed_and_that_is_undone(run, es, routed):
    for words in (("label", "ann-0", "--name", "Ann"), ("rename", "Ann", "Anna"), ("undo",)):
        status, _, err = run(*words, *(() if words[0] == "undo" else ("--index", routed)))
        assert status == 0, err
    assert documents(es, routed)["ann-0"]["faces"][0]["label"]["name"] == "Ann"
    assert es.get(index=routed, id="ann-0", routing="paris")["found"]
    assert len(documents(es, routed)) == 3, "none got a second document on another shard"


@pytest.mark.usefixtures("nothing_remembered")
def test_they_are_discarded_and_forgotten(run, es, routed):
    error = {"error": {"code": "not_an_image", "message": "x"}, "file": {"path": "x.jpg"}}
    es.index(index=routed, id="failed", document=error, routing="paris", refresh=True)
    status, out, _ = run("discard", "--index", routed, "--yes", "--json")
    assert (status, json.loads(out)["discarded"]) == (0, 1)
    assert "failed" not in documents(es, routed)
    assert run("label", "ann-0", "--name", "Ann", "--index", routed)[0] == 0
    words = ("--yes", "--no-expunge", "--allow-again")
    status, _, err = run("forget", "--person", "Ann", "--index", routed, *words)
    assert status == 0, err
    assert set(documents(es, routed)) == {"ann-1", "team"}


def test_a_known_photo_is_changed_where_it_is(run, es, own_index, faces, album, tmp_path):
    index = own_index("faces-routed", settings={"index.number_of_shards": 5})
    photo = album.files["ann-0"]
    es.index(index=index, id="mine", document={"image": encoded(photo)}, routing="paris", refresh=True)
    (tmp_path / "ann.jpg").write_bytes(photo.read_bytes())
    status, out, err = run("index", tmp_path, "--index", index, "--json")
    assert (status, json.loads(out)["failed"]) == (0, 0), err
    (found,) = es.search(index=index, source_includes=["file"])["hits"]["hits"]
    assert (found["_id"], found["_routing"]) == ("mine", "paris")
    assert found["_source"]["file"]["path"] == ["ann.jpg"]
