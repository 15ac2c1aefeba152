"""Every request and recipe of the README, run as it stands there."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from dev_tools import console
from tools import encoded, python, scene, shell

README = (Path(__file__).parents[2] / "README.md").read_text()


@pytest.fixture
def folder(tmp_path, large_photo):
    """A folder with a photo of 5 MB, as `photo.jpg` and below `photos/`."""
    (tmp_path / "photos").mkdir()
    for name in ("photo.jpg", "photos/beach.jpg"):
        (tmp_path / name).write_bytes(large_photo)
    assert (tmp_path / "photo.jpg").stat().st_size > 4_500_000
    return tmp_path


def test_dropping_and_querying_in_dev_tools(es, faces, portrait):
    photo = encoded(portrait)
    created, shown = console(es, scene(README, "drop"), photo=photo)
    assert created["result"] == "created"
    assert shown["_source"]["face_count"] == 1
    for name in ("search by photo", "search by document"):
        (answer,) = console(es, scene(README, name), photo=photo)
        hit = answer["hits"]["hits"][0]
        assert hit["_id"] == "ann-at-the-beach"
        assert hit["_score"] == pytest.approx(1, abs=1e-4)
        assert hit["fields"] == {"people": ["Ann"]}
    es.update(index=faces, id="ann-at-the-beach", doc={"observer": {"name": "gate 3"}}, refresh=True)
    (answer,) = console(es, scene(README, "search with a filter"), photo=photo)
    assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["ann-at-the-beach"]


def test_what_is_shown_of_a_dropped_photo_is_what_it_has(es, faces, portrait):
    _, shown = console(es, scene(README, "drop"), photo=encoded(portrait))
    pasted = json.loads(re.search(r"```json\n(.*?)```", README, re.DOTALL)[1])
    assert fields(pasted) == fields(shown["_source"])


def fields(value: object, path: str = "") -> set[str]:
    """The paths of all leaves, such as `.faces.box.x`."""
    if isinstance(value, dict):
        return set().union(*(fields(inner, f"{path}.{key}") for key, inner in value.items()))
    if isinstance(value, list):
        return set().union(*(fields(inner, path) for inner in value))
    return {path}


def test_who_is_this_in_dev_tools(es, gallery, probes, portrait):
    photo = encoded(portrait)
    (enrolled,) = console(es, scene(README, "enrol"), photo=photo)
    probed, shown = console(es, scene(README, "probe"), photo=photo)
    (found,) = console(es, scene(README, "watch list"))
    assert enrolled["result"] == probed["result"] == "created"
    assert shown["_source"]["faces"][0]["match"]["name"] == "Ann"
    (hit,) = found["hits"]["hits"]
    assert hit["_id"] == "gate-3-0001"
    assert hit["fields"]["matched_people"] == ["Ann"]
    assert hit["fields"]["best_similarity"] == [pytest.approx(1, abs=1e-4)]


def test_curl_sends_a_photo_of_5_mb_and_searches_with_it(es, faces, running, folder):
    shell(running.connection.es_url, scene(README, "curl"), folder)
    assert es.get(index=faces, id="photo-1")["_source"]["face_count"] == 1
    answer = json.loads(shell(running.connection.es_url, scene(README, "curl search"), folder))
    assert answer["hits"]["hits"][0]["_id"] == "photo-1"


def test_the_python_recipe_sends_a_photo_of_5_mb(es, faces, running, folder):
    assert python(running.connection.es_url, scene(README, "python"), folder=folder) == ""
    assert es.get(index=faces, id="beach")["_source"]["face_count"] == 1


def test_logstashs_bulk_request_sends_a_photo_of_5_mb(es, faces, running, folder):
    assert json.loads(shell(running.connection.es_url, scene(README, "logstash"), folder)) == {
        "errors": False
    }
    assert es.get(index=faces, id="photo-2")["_source"]["face_count"] == 1
