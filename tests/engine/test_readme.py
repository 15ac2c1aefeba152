"""Every request and recipe of the README, run as it stands there."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tools import console, encoded, python, scene

README = (Path(__file__).parents[2] / "README.md").read_text()


def shell(es_url: str, folder: Path, text: str) -> str:
    text = text.replace("export ES_URL=http://127.0.0.1:9200\n", "")
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=folder,
        env=os.environ | {"ES_URL": es_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


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
    created, shown = console(es, scene(README, "drop"), photo)
    assert created["result"] == "created"
    assert shown["_source"]["face_count"] == 1
    for name in ("search by photo", "search by document"):
        (answer,) = console(es, scene(README, name), photo)
        hit = answer["hits"]["hits"][0]
        assert hit["_id"] == "ann-at-the-beach"
        assert hit["_score"] == pytest.approx(1, abs=1e-4)
        assert hit["fields"] == {"people": ["Ann"]}
    es.update(index=faces, id="ann-at-the-beach", doc={"observer": {"name": "gate 3"}}, refresh=True)
    (answer,) = console(es, scene(README, "search with a filter"), photo)
    assert [hit["_id"] for hit in answer["hits"]["hits"]] == ["ann-at-the-beach"]


def test_who_is_this_in_dev_tools(es, gallery, probes, portrait):
    enrolled, probed, found = console(es, scene(README, "who is this"), encoded(portrait))
    assert enrolled["result"] == probed["result"] == "created"
    (hit,) = found["hits"]["hits"]
    assert hit["_id"] == "gate-3-0001"
    assert hit["fields"]["matched_people"] == ["Ann"]
    assert hit["fields"]["best_similarity"] == [pytest.approx(1, abs=1e-4)]


def test_curl_sends_a_photo_of_5_mb_and_searches_with_it(es, faces, running, folder):
    shell(running.connection.es_url, folder, scene(README, "curl"))
    assert es.get(index=faces, id="photo-1")["_source"]["face_count"] == 1
    answer = json.loads(shell(running.connection.es_url, folder, scene(README, "curl search")))
    assert answer["hits"]["hits"][0]["_id"] == "photo-1"


def test_the_python_recipe_sends_a_photo_of_5_mb(es, faces, running, folder):
    assert python(running.connection.es_url, scene(README, "python"), folder=folder) == ""
    assert es.get(index=faces, id="beach")["_source"]["face_count"] == 1


def test_logstashs_bulk_request_sends_a_photo_of_5_mb(es, faces, running, folder):
    assert json.loads(shell(running.connection.es_url, folder, scene(README, "logstash"))) == {
        "errors": False
    }
    assert es.get(index=faces, id="photo-2")["_source"]["face_count"] == 1
