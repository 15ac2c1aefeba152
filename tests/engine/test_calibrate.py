"""`faces calibrate`: what it measures, where it stores it, and what it refuses."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from calibrations import FIRST, calibration, remove_all, store_calibration, stored, stored_anywhere
from elasticsearch import Elasticsearch
from fake_service import MODEL, FakeService
from tools import encoded, folder_of, landscape, picture, wait_until

from es_setup import models
from es_setup.embedded.local_node import free_port
from es_setup.install import install
from faces.calibration.indices import places
from faces.searchable import searchable
from faces.searching import FaceQuery, search

SUPPORTED = ("--fpir", "0.1", "--gallery-size", "4")
"""What the 118 photos of five people support."""


@pytest.fixture(autouse=True)
def uncalibrated(es: Elasticsearch, running) -> Iterator[None]:
    yield
    remove_all(es, running.model)


@pytest.fixture
def own_model(running) -> str:
    return running.model


def test_the_sample_gives_verdicts_and_probabilities_to_every_index_of_its_model(run, es, cache, own_model):
    status, out, err = run("calibrate", cache.sample, *SUPPORTED)
    assert status == 0, err
    made = stored(es, "faces-000001")
    assert (made["model"], made["fpir"], made["gallery_size"]) == (own_model, 0.1, 4)
    assert made["data"] == {"people": 5, "photos": 118}
    assert 0 < made["similarity"] < 0.46
    assert made["fnir"] < 0.02
    assert [stored(es, index) for index in FIRST] == [made] * 3
    assert models.recorded_in_template(es)["calibration"] == made
    for fact in (
        rf"similarity +{made['similarity']:.3f} ",
        r"FPIR +0\.1 .*\b4 faces",
        r"FNIR +0",
        r"probability at 0\.7 +> 0\.99",
        rf"strong from {made['similarity']:.3f}.* 10 % .* 4 faces",
        r"118 photos of 5 people, 0 failed;",
        r"PUT /faces-000001/_mapping: ",
        r"PUT /_component_template/faces-photo: ",
        rf"probes .*{made['similarity']:.3f}",
    ):
        assert re.search(fact, out), fact


def test_for_a_script_there_are_intervals_and_where_it_is_stored(run, es, cache):
    status, out, err = run("calibrate", cache.sample, *SUPPORTED, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert found["calibration"] == stored(es, "faces")
    low, high = found["intervals"]["similarity"]
    assert low < found["calibration"]["similarity"] < high
    assert found["intervals"]["fpir"][0] < 0.1 < found["intervals"]["fpir"][1]
    assert (
        found["thresholds"]["strong"] == found["calibration"]["similarity"] >= found["thresholds"]["possible"]
    )
    assert sorted(found["probability"].values()) == list(found["probability"].values())
    paths = {f"/{index}/_mapping" for index in FIRST} | {"/_component_template/faces-photo"}
    assert set(found["stored"]) == paths
    assert found["not_stored"] == {}


def test_a_dry_run_stores_nothing(run, es, cache):
    status, out, _ = run("calibrate", cache.sample, *SUPPORTED, "--dry-run")
    assert status == 0
    assert re.search(r"--dry-run\b.*PUT /face-gallery-000001/_mapping", out)
    assert not stored_anywhere(es)


def test_the_calibration_that_it_replaces_is_named(run, es, cache, own_model):
    store_calibration(es, calibration(own_model))
    status, out, _ = run("calibrate", cache.sample, *SUPPORTED, "--index", "faces")
    assert status == 0
    assert re.search(r"PUT /faces-000001/_mapping: .*2026-11-25\W+3,811 photos .*2,086 people", out)
    assert "note: at 0.1" in out, "at that similarity two photos more likely show different people"


def test_people_who_are_not_enrolled_hit_no_more_often_than_stated(run, es, faces, cache, people, bulk):
    """Each person is unenrolled once, in five galleries with one photo of each of the other four."""
    found = json.loads(run("calibrate", cache.sample, *SUPPORTED, "--json")[1])
    hits = []
    for gallery in range(5):
        bulk(
            {name: {"image": encoded(own[gallery]), "person": {"name": name}} for name, own in people.items()}
        )
        for unenrolled, own in people.items():
            matches = [
                search(es, FaceQuery(photo.read_bytes(), k=2), searchable(es, "faces")) for photo in own[-3:]
            ]
            others = [next(match for match in pair if match.name != unenrolled) for pair in matches]
            hits += [other.verdict == "strong" for other in others]
    assert len(hits) == 75
    assert 0 < sum(hits) / len(hits) <= found["intervals"]["fpir"][1]


def test_photos_that_fail_are_counted_by_reason(run, cache, tmp_path):
    shutil.copytree(cache.sample, tmp_path / "people")
    one = next((tmp_path / "people" / "train").iterdir())
    (one / "meadow.png").write_bytes(picture(landscape(), "PNG"))
    for number in range(2):
        (one / f"broken-{number}.jpg").write_bytes(b"not a photo")
    (one / "gone.jpg").symlink_to("/proc/self/mem")
    status, out, _ = run("calibrate", tmp_path / "people", *SUPPORTED, "--dry-run")
    assert status == 0
    assert "122 photos of 5 people, 4 failed (no face 1, not_an_image 2, unreadable_file 1)" in out
    assert "broken" not in out
    found = json.loads(run("calibrate", tmp_path / "people", *SUPPORTED, "--dry-run", "--json")[1])
    assert (found["failed"], found["no_face"]) == (4, 1)
    assert found["unreadable"] == {"not_an_image": 2, "unreadable_file": 1}
    assert found["calibration"]["fnir"] > 0.03


def test_what_the_photos_do_not_support_is_refused_with_how_much_more_is_needed(run, es, cache):
    status, out, err = run("calibrate", cache.sample, "--fpir", 0.01, "--gallery-size", 4)
    assert status == 1
    assert all(fact in err for fact in ("1.2 false hits", "10 are needed", "10 people"))
    assert "finding faces" not in err
    assert out == ""
    assert not stored_anywhere(es)


def copied(folder: Path, *photos: Path) -> None:
    folder.mkdir(parents=True)
    for photo in photos:
        shutil.copy(photo, folder)


def test_a_folder_that_supports_nothing_is_refused(run, es, people, tmp_path):
    copied(tmp_path / "one" / "madonna", *people["madonna"])
    for name, own in people.items():
        copied(tmp_path / "each" / name, own[0])
        copied(tmp_path / "few" / name, *own[: 2 if name == "madonna" else 1])
    folder_of(tmp_path / "broken", *(f"p{one}/{number}.jpg" for one in range(6) for number in range(9)))
    (tmp_path / "empty").mkdir()
    for name, why in {
        "one": "one person, [madonna]",
        "each": "one photo of each of 5 people",
        "few": "two photos or more: 1 of 5; at least 5 are needed, 4 more",
        "broken": "none of the 54 photos in [",
        "empty": "no photos in [",
    }.items():
        status, out, err = run("calibrate", tmp_path / name, "--fpir", 0.3, "--gallery-size", 4)
        assert (status, out) == (1, "")
        assert why in err
    assert not stored_anywhere(es)


def test_a_wrong_call_is_status_2(run, cache, tmp_path):
    for fpir in ("0", "1", "-0.1", "nan"):
        status, _, err = run("calibrate", cache.sample, "--fpir", fpir, "--gallery-size", 4)
        assert status == 2
        assert f"--fpir is [{float(fpir):g}]" in err
    assert run("calibrate", tmp_path / "absent", *SUPPORTED)[0] == 2
    assert run("calibrate", cache.sample, "--gallery-size", 0)[0] == 2


def test_without_a_size_it_is_as_many_faces_as_there_are(run, es, archive, gallery, cache, people):
    status, _, err = run("calibrate", cache.sample)
    assert status == 1
    assert "over 14 faces" in err
    es.index(index=gallery, id="a", document={"image": encoded(people["madonna"][0])}, refresh=True)
    status, _, err = run("calibrate", cache.sample, "--index", "face-gallery")
    assert "over 1 face:" in err


def test_an_empty_index_has_no_size(run, es, cache):
    status, _, err = run("calibrate", cache.sample)
    assert status == 2
    assert "[faces], [face-gallery]" in err
    assert "--gallery-size" in err
    status, _, err = run("calibrate", cache.sample, "--index", "faces-000001")
    assert status == 2
    assert "[faces-000001]" in err
    assert "--gallery-size" in err
    assert "--gallery-size" in err


def test_an_index_without_vectors_of_the_model_is_refused(run, es, own_index, cache, people):
    of_faces = {"properties": {"vector": {"type": "dense_vector", "dims": 128}}}
    other = {"_meta": {models.OURS: {"model": "facenet-00000000"}}} | of_faces
    own_index("another", mappings=other)
    own_index("without", mappings={"properties": {"title": {"type": "text"}}})
    for index, why in {
        "another": "[another] has vectors of model [facenet-00000000]",
        "without": "[without]",
        "absent": "[absent]",
    }.items():
        status, out, err = run("calibrate", cache.sample, *SUPPORTED, "--index", index)
        assert (status, out) == (1, "")
        assert why in err
    assert not stored_anywhere(es)


@pytest.mark.parametrize("target_field", [None, "portrait"])
def test_an_index_with_two_models_is_refused(run, es, own_index, attach, cache, people, target_field):
    own_index("own")
    assert attach("own", "--field", "p", *(["--target-field", target_field] if target_field else []))[0] == 0
    for number, model in enumerate(("facenet-00000000", "facenet-11111111")):
        body = {"model": {"id": model}}
        document = {target_field: body} if target_field else body
        es.index(index="own", id=str(number), document=document, pipeline="_none", refresh=True)
    status, _, err = run("calibrate", cache.sample, *SUPPORTED, "--index", "own")
    assert status == 1
    assert "[own] holds vectors of several models" in err


def test_with_an_index_no_other_is_calibrated(run, es, own_index, attach, cache, people):
    own_index("own", mappings={"_meta": {"mine": 7}})
    assert attach("own", "--field", "p", "--target-field", "portrait")[0] == 0
    es.index(index="own", id="a", document={"p": encoded(people["madonna"][0])}, refresh=True)
    assert "over 1 face:" in run("calibrate", cache.sample, "--index", "own")[2]
    assert run("calibrate", cache.sample, *SUPPORTED, "--index", "own")[0] == 0
    made = stored(es, "own")
    assert made["gallery_size"] == 4
    assert [stored(es, index) for index in FIRST] == [None] * 3
    assert "calibration" not in models.recorded_in_template(es)
    facts = es.indices.get_mapping(index="own")["own"]["mappings"]["_meta"]
    assert facts["mine"] == 7
    assert {"field": "p", "target_field": "portrait"}.items() <= facts[models.OURS].items()

    assert attach("own", "--field", "p", "--target-field", "portrait")[0] == 0
    assert stored(es, "own") == made


def test_where_it_cannot_be_stored_is_named_and_the_rest_is_stored(run, es, cache):
    es.indices.put_settings(index="face-probes-000001", settings={"index.blocks.read_only": True})
    try:
        status, out, err = run("calibrate", cache.sample, *SUPPORTED)
    finally:
        es.indices.put_settings(index="face-probes-000001", settings={"index.blocks.read_only": None})
    assert status == 1
    assert "error: PUT /face-probes-000001/_mapping: index [face-probes-000001] blocked by" in err
    assert "PUT /faces-000001/_mapping: " in out
    assert "PUT /_component_template/faces-photo: " in out
    assert "face-probes" not in out
    assert stored(es, "face-probes") is None
    assert stored(es, "faces")


def test_a_service_that_is_away_is_named(run, es, cache):
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, _, err = run("calibrate", cache.sample, *SUPPORTED, FACES_URL=nowhere)
    assert status == 1
    assert nowhere in err
    assert "FACES_URL" in err


def test_without_an_index_of_the_model_the_remedy_is_named(es, own_model):
    with pytest.raises(
        Exception, match=rf"\[facenet-1{{8}}\].*\[{own_model}\].*`faces install --new-indices`"
    ):
        places(es, "facenet-11111111")


def test_ctrl_c_stores_nothing(es, running, cache):
    fake = FakeService()
    try:
        fake.behaviour = "busy"
        addresses = {"ES_URL": running.connection.es_url, "FACES_URL": fake.url}
        for _ in install(es, MODEL["id"]):
            pass
        command = [sys.executable, "-m", "faces", "calibrate", str(cache.sample), *SUPPORTED]
        root = Path(__file__).parents[2]
        process = subprocess.Popen(command, cwd=root, env=os.environ | addresses, stderr=subprocess.PIPE)
        wait_until(lambda: fake.batches)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    finally:
        fake.stop()
    assert process.returncode == 130
    assert b"stopped" in err
    assert b"Traceback" not in err
    assert not stored_anywhere(es)
