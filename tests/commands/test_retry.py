"""`faces retry`: which documents are tried again, what becomes of them, and what is said."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from indexed import documents
from tools import encoded, landscape, numbers, picture

from faces.indexing import sending, trying_again


@pytest.fixture
def failed(es, faces, portrait):
    """Documents as they are kept after a bad night: ids say what is in them."""
    photos = {
        "face": encoded(portrait),
        "meadow": encoded(picture(landscape())),
        "broken": encoded(b"no photo"),
        "mine": encoded(b"no photo either"),
        "slow": encoded(picture(landscape(200))),
    }
    codes = {
        "face": "unavailable",
        "meadow": "internal",
        "broken": "overloaded",
        "mine": "not_an_image",
        "slow": "too_slow",
    }
    for key, photo in photos.items():
        document = {
            "image": photo,
            "file": {"path": f"{key}.jpg"},
            "album": "Tour",
            "error": {"code": codes[key], "message": "as it was"},
            "event": {"outcome": "failure"},
            **({"person": {"name": "Ann"}, "tags": ["kept"]} if key == "face" else {}),
        }
        es.index(index=faces, id=key, document=document, pipeline="_none")
    es.index(index=faces, id="good", document={"image": encoded(portrait)}, refresh=True)
    return faces


def code_of(source: dict) -> str | None:
    return source.get("error", {}).get("code")


def test_what_may_be_gone_is_tried_again_and_what_people_said_stays(run, es, failed):
    before = documents(es)["good"]
    status, out, err = run("retry", "--json")
    assert status == 1
    found = json.loads(out)
    assert (found["tried"], found["mended"], found["still"]) == (4, 3, 1)
    assert found["still_by_code"] == {"not_an_image": 1}
    assert found["not_tried"] == {"not_an_image": 1}
    assert "broken.jpg" in err
    after = documents(es)
    assert {key: code_of(source) for key, source in after.items()} == {
        "face": None,
        "meadow": None,
        "broken": "not_an_image",
        "mine": "not_an_image",
        "slow": None,
        "good": None,
    }
    assert (after["face"]["face_count"], after["face"]["album"]) == (1, "Tour")
    assert after["face"]["faces"][0]["label"]["name"] == after["face"]["person"]["name"] == "Ann"
    assert after["face"]["tags"] == ["kept"]
    assert after["good"] == before
    assert "image" not in after["face"]
    status, out, _ = run("retry", "--json")
    assert (status, json.loads(out)["tried"]) == (0, 0), "run again, only the rest is tried"


def test_a_dry_run_counts_by_error_and_tries_nothing(run, es, failed):
    before = documents(es)
    status, out, _ = run("retry", "--dry-run", "--json")
    assert status == 0
    assert json.loads(out)["by_code"] == {"unavailable": 1, "internal": 1, "overloaded": 1, "too_slow": 1}
    status, out, _ = run("retry", "--all", "--dry-run")
    assert status == 0
    assert numbers(out.splitlines()[-1]) == [5]
    assert documents(es) == before


def test_a_code_or_all_choose_what_is_tried(run, es, failed):
    status, out, _ = run("retry", "--code", "internal", "--code", "too_slow", "--json")
    assert (status, json.loads(out)["mended"]) == (0, 2)
    status, out, _ = run("retry", "--all")
    assert status == 1
    assert numbers(out.splitlines()[-1]) == [1, 2, 0, 0]
    assert run("retry", "--all", "--code", "internal")[0] == 2


def test_documents_that_change_or_go_meanwhile_are_left_as_they_are(run, es, failed, monkeypatch):
    update = trying_again._update

    def change_first(client, waiting):
        es.delete(index="faces-000001", id="face", refresh=True)
        said = documents(es)["meadow"] | {"album": "mine"}
        es.index(index="faces-000001", id="meadow", document=said, pipeline="_none", refresh=True)
        return update(client, waiting)

    monkeypatch.setattr(trying_again, "_update", change_first)
    status, out, _ = run("retry", "--json")
    assert status == 1
    found = json.loads(out)
    assert (found["gone"], found["changed"], found["mended"]) == (1, 1, 1)
    monkeypatch.undo()
    assert documents(es)["meadow"]["album"] == "mine"
    assert json.loads(run("retry", "--json")[1])["mended"] == 1


def test_an_index_that_takes_no_changes_is_told_at_once(run, es, failed, monkeypatch):
    def wait(_: float) -> None:
        pytest.fail("it waits for a disk to become empty")

    monkeypatch.setattr(sending, "time", SimpleNamespace(sleep=wait))
    block = "index.blocks.read_only_allow_delete"
    es.indices.put_settings(index=failed, settings={block: True})
    try:
        status, _, err = run("retry")
    finally:
        es.indices.put_settings(index=failed, settings={block: None})
    assert status == 1
    assert "disk" in err
    assert json.loads(run("retry", "--json")[1])["mended"] == 3


def test_portraits_are_tried_too(run, es, gallery, portrait):
    error = {"code": "unavailable", "message": "as it was"}
    document = {"image": encoded(portrait), "person": {"name": "Ann"}, "error": error}
    es.index(index=gallery, id="ann", document=document, pipeline="_none", refresh=True)
    status, out, _ = run("retry", "--index", gallery, "--json")
    assert (status, json.loads(out)["mended"]) == (0, 1)
    assert "face" in documents(es, gallery)["ann"]


def test_a_document_without_its_photo_cannot_be_tried(run, es, faces):
    error = {"code": "unavailable", "message": "as it was"}
    es.index(index=faces, id="lost", document={"error": error}, pipeline="_none", refresh=True)
    status, out, err = run("retry", "--json")
    assert (status, json.loads(out)["still_by_code"]) == (1, {"refused": 1})
    assert "[image]" in err
