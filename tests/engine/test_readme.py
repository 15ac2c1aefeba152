"""Every request and recipe of the README and of the first pages that it leads to, run as it stands there."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from pathlib import Path

import pytest
from dev_tools import console
from tools import encoded, python, scene, shell

from faces.cli.servers import print_addresses

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
FIRST_STEPS = (ROOT / "docs" / "first-steps.md").read_text()
SEND_PHOTOS = (ROOT / "docs" / "send-photos.md").read_text()
DEV_TOOLS = re.compile(r"(GET|PUT|POST) ")


@pytest.fixture
def folder(tmp_path, large_photo):
    """A folder with a photo of 5 MB, as `photo.jpg` and below `photos/`."""
    (tmp_path / "photos").mkdir()
    for name in ("photo.jpg", "photos/beach.jpg"):
        (tmp_path / name).write_bytes(large_photo)
    assert (tmp_path / "photo.jpg").stat().st_size > 4_500_000
    return tmp_path


def test_every_scene_of_the_pages_is_run_here():
    tests = Path(__file__).read_text()
    for page in (README, FIRST_STEPS, SEND_PHOTOS):
        scenes = re.findall(r"<!-- scene: (.*?) -->", page)
        assert scenes
        assert [name for name in scenes if f'"{name}"' not in tests] == []


def test_each_request_has_an_answer_when_pasted_in_the_pages_order(
    es, faces, gallery, probes, portrait, run, tmp_path
):
    """After `faces index FOLDER`, as the README says."""
    shutil.copy(portrait, tmp_path)
    assert run("index", tmp_path)[0] == 0
    for page in (README, FIRST_STEPS):
        pasted = [text for text in re.findall(r"```\n(.*?)```", page, re.DOTALL) if DEV_TOOLS.match(text)]
        assert pasted
        for answer in (answer for text in pasted for answer in console(es, text, photo=encoded(portrait))):
            assert answer.get("result") == "created" or answer.get("found") or answer["hits"]["hits"], page


def test_the_stack_prints_only_searches_that_find_something(es, faces, portrait, running, capsys):
    """With an index that is empty, as after the first `./run up`, it prints how to fill it."""
    print_addresses(running.connection, "http://127.0.0.1:8502", None)
    empty = capsys.readouterr().out
    console(es, scene(FIRST_STEPS, "drop"), photo=encoded(portrait))
    print_addresses(running.connection, "http://127.0.0.1:8502", portrait)
    filled = capsys.readouterr().out
    assert "faces index FOLDER" in empty
    assert "_search" not in empty
    (answer,) = console(es, re.search(r"^GET .*?^}$", filled, re.DOTALL | re.MULTILINE)[0])
    assert answer["hits"]["hits"][0]["_id"] == "ann-at-the-beach"


def test_the_readmes_request_finds_the_photo(es, faces, portrait):
    photo = encoded(portrait)
    console(es, scene(FIRST_STEPS, "drop"), photo=photo)
    (answer,) = console(es, scene(README, "search by photo"), photo=photo)
    (hit,) = answer["hits"]["hits"]
    assert hit["_id"] == "ann-at-the-beach"
    assert hit["inner_hits"]["faces"]["hits"]["total"]["value"] == 1


def test_dropping_and_querying_in_dev_tools(es, faces, portrait):
    photo = encoded(portrait)
    created, shown = console(es, scene(FIRST_STEPS, "drop"), photo=photo)
    assert created["result"] == "created"
    assert shown["_source"]["face_count"] == 1
    for name in ("search by photo", "search by document"):
        (answer,) = console(es, scene(FIRST_STEPS, name), photo=photo)
        hit = answer["hits"]["hits"][0]
        assert hit["_id"] == "ann-at-the-beach"
        assert hit["_score"] == pytest.approx(1, abs=1e-4)
        assert hit["fields"] == {"people": ["Ann"]}
    (answer,) = console(es, scene(FIRST_STEPS, "search with a filter"), photo=photo)
    assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["ann-at-the-beach"]


def test_what_is_shown_of_a_dropped_photo_is_what_it_has(es, faces, portrait, whole):
    console(es, scene(FIRST_STEPS, "drop"), photo=encoded(portrait))
    pasted = json.loads(re.search(r"```json\n(.*?)```", FIRST_STEPS, re.DOTALL)[1])
    left_out = {".faces.vector", ".faces.crop", ".thumbnail"}
    assert fields(pasted) == fields(whole(faces, "ann-at-the-beach")) - left_out


def fields(value: object, path: str = "") -> set[str]:
    """The paths of all leaves, such as `.faces.box.x`."""
    if isinstance(value, dict):
        return set().union(*(fields(inner, f"{path}.{key}") for key, inner in value.items()))
    if isinstance(value, list):
        return set().union(*(fields(inner, path) for inner in value))
    return {path}


def test_who_is_this_in_dev_tools(es, gallery, probes, portrait):
    photo = encoded(portrait)
    (enrolled,) = console(es, scene(FIRST_STEPS, "enrol"), photo=photo)
    probed, shown = console(es, scene(FIRST_STEPS, "probe"), photo=photo)
    (found,) = console(es, scene(FIRST_STEPS, "watch list"))
    assert enrolled["result"] == probed["result"] == "created"
    assert shown["_source"]["faces"][0]["match"]["name"] == "Ann"
    (hit,) = found["hits"]["hits"]
    assert hit["_id"] == "gate-3-0001"
    assert hit["fields"]["matched_people"] == ["Ann"]
    assert hit["fields"]["best_similarity"] == [pytest.approx(1, abs=1e-4)]


def test_curl_sends_a_photo_of_5_mb_and_searches_with_it(es, faces, running, folder):
    shell(running.connection.es_url, scene(SEND_PHOTOS, "curl"), folder)
    assert es.get(index=faces, id="photo-1")["_source"]["face_count"] == 1
    answer = json.loads(shell(running.connection.es_url, scene(SEND_PHOTOS, "curl search"), folder))
    assert answer["hits"]["hits"][0]["_id"] == "photo-1"


def test_the_python_recipe_sends_a_photo_of_5_mb(es, faces, running, folder):
    assert python(running.connection.es_url, scene(SEND_PHOTOS, "python"), folder=folder) == ""
    digest = hashlib.sha256((folder / "photos" / "beach.jpg").read_bytes()).hexdigest()
    assert es.get(index=faces, id=digest[:20])["_source"]["face_count"] == 1


def test_logstashs_bulk_request_sends_a_photo_of_5_mb(es, faces, running, folder):
    assert json.loads(shell(running.connection.es_url, scene(SEND_PHOTOS, "logstash"), folder)) == {
        "errors": False
    }
    assert es.get(index=faces, id="photo-2")["_source"]["face_count"] == 1
