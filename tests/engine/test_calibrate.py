"""`faces calibrate`, and what a search says before and after."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from fake_service import MODEL, FakeService
from tools import encoded, folder_of, landscape, picture, wait_until

from es_setup import models
from es_setup.embedded.local_node import free_port
from es_setup.install import install
from faces.calibration.indices import Shared, calibration_of, places, store
from faces.calibration.record import Calibration
from faces.cli.servers import run_demo
from faces.demo import plan_folder
from faces.error_rates.logistic import Logistic
from faces.searching import search

FIRST = ("faces-000001", "face-gallery-000001", "face-probes-000001")
SUPPORTED = ("--fpir", "0.1", "--gallery-size", "4")
"""What the 118 photos of five people support."""


@pytest.fixture(autouse=True)
def uncalibrated(es: Elasticsearch, running) -> Iterator[None]:
    """No index is calibrated before and after, and all are of the model that is served."""
    yield
    for _ in install(es, running.model):
        pass
    for index in es.indices.get_mapping(index="*"):
        models.record(es, index, calibration=None)
    models.record_in_template(es, calibration=None)


@pytest.fixture
def own_model(running) -> str:
    return running.model


def calibration(model: str, **values: object) -> Calibration:
    """Strong from 0.673, possible from 0.4."""
    known = {
        "model": model,
        "similarity": 0.673,
        "fpir": 0.01,
        "gallery_size": 746,
        "fnir": 0.187,
        "logistic": Logistic(slope=25.0, offset=-10.0),
        "people": 2086,
        "photos": 3811,
        "made": date(2026, 11, 25),
    }
    return Calibration(**known | values)


@pytest.fixture
def calibrated(es: Elasticsearch, own_model: str) -> Callable[..., Calibration]:
    """Stores a calibration in all indices of the model, or in those behind one name."""

    def put(index: str | None = None, **values: object) -> Calibration:
        made = calibration(own_model, **values)
        outcomes = dict(store(es, made, places(es, own_model, index)))
        assert not any(outcomes.values())
        return made

    return put


def stored(es: Elasticsearch, index: str) -> dict | None:
    """What an index, or an alias of one, has in its `_meta`."""
    (found,) = es.indices.get_mapping(index=index).values()
    return models.recorded(found["mappings"]).get("calibration")


def stored_anywhere(es: Elasticsearch) -> bool:
    indices = es.indices.get_mapping(index="*")
    return any(stored(es, index) for index in indices) or "calibration" in models.recorded_in_template(es)


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
    for line in (
        f"similarity          {made['similarity']:.3f}",
        "FPIR                0.1 ",
        "over 4 faces",
        "probability at 0.7  > 0.99",
        f"strong from {made['similarity']:.3f}: at most 10 % of searches for a stranger over 4 faces",
        "118 photos of 5 people, 0 failed;",
        "PUT /faces-000001/_mapping: calibration stored",
        "PUT /_component_template/faces-photo: calibration stored",
        f"probes are matched from {made['similarity']:.3f} on",
    ):
        assert line in out


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
    assert "nothing stored; without --dry-run: PUT /face-gallery-000001/_mapping" in out
    assert not stored_anywhere(es)


def test_what_it_takes_the_place_of_is_said(run, es, cache, calibrated):
    calibrated()
    status, out, _ = run("calibrate", cache.sample, *SUPPORTED, "--index", "faces")
    assert status == 0
    instead = "instead of that of 2026-11-25 on 3,811 photos of 2,086 people"
    assert f"PUT /faces-000001/_mapping: calibration stored, {instead}" in out
    assert "note: at 0.1" in out, "strong from where two photos rather are of two people"


def test_people_who_are_not_enrolled_hit_no_more_often_than_stated(run, es, faces, cache, people, bulk):
    """Each person is the stranger once, in five galleries of one photo of each of the other four."""
    found = json.loads(run("calibrate", cache.sample, *SUPPORTED, "--json")[1])
    made = calibration_of(es, faces).calibration
    hits = []
    for gallery in range(5):
        bulk(
            {name: {"image": encoded(own[gallery]), "person": {"name": name}} for name, own in people.items()}
        )
        for stranger, own in people.items():
            matches = [search(es, photo.read_bytes(), k=2, calibration=made) for photo in own[-3:]]
            others = [next(match for match in pair if match.name != stranger) for pair in matches]
            hits += [other.verdict == "strong" for other in others]
    assert len(hits) == 75
    assert 0 < sum(hits) / len(hits) <= found["intervals"]["fpir"][1]


def test_photos_that_fail_count_and_are_named_by_their_number(run, cache, tmp_path):
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
    assert "would show 1.2 false hits, and 10 are needed. Bring about 10 people more" in err
    assert "finding faces" not in err
    assert out == ""
    assert not stored_anywhere(es)


def copied(folder: Path, *photos: Path) -> None:
    folder.mkdir(parents=True)
    for photo in photos:
        shutil.copy(photo, folder)


def test_a_folder_that_says_nothing_is_refused(run, es, people, tmp_path):
    copied(tmp_path / "one" / "madonna", *people["madonna"])
    for name, own in people.items():
        copied(tmp_path / "each" / name, own[0])
        copied(tmp_path / "few" / name, *own[: 2 if name == "madonna" else 1])
    folder_of(tmp_path / "broken", *(f"p{one}/{number}.jpg" for one in range(6) for number in range(9)))
    (tmp_path / "empty").mkdir()
    for name, why in {
        "one": "photos of one person, [madonna]",
        "each": "one photo of each of 5 people: somebody has to have two or more",
        "few": "people with a face on two photos or more: 1 of 5; at least 5 are needed, 4 more",
        "broken": "none of the 54 photos in [",
        "empty": "there is no photo in [",
    }.items():
        status, out, err = run("calibrate", tmp_path / name, "--fpir", 0.3, "--gallery-size", 4)
        assert (status, out) == (1, "")
        assert why in err
    assert not stored_anywhere(es)


def test_a_wrong_call_is_told_so(run, cache, tmp_path):
    for fpir in ("0", "1", "-0.1", "nan"):
        status, _, err = run("calibrate", cache.sample, "--fpir", fpir, "--gallery-size", 4)
        assert status == 2
        assert "must be above 0 and below 1" in err
    assert run("calibrate", tmp_path / "absent", *SUPPORTED)[0] == 2
    assert run("calibrate", cache.sample, "--gallery-size", 0)[0] == 2


def test_without_a_size_it_is_as_many_faces_as_there_are(run, es, archive, gallery, cache, people):
    status, _, err = run("calibrate", cache.sample)
    assert status == 1
    assert "in a search over 14 faces" in err
    es.index(index=gallery, id="a", document={"image": encoded(people["madonna"][0])}, refresh=True)
    status, _, err = run("calibrate", cache.sample, "--index", "face-gallery")
    assert "in a search over 1 face:" in err


def test_an_empty_index_has_no_size(run, es, cache):
    status, _, err = run("calibrate", cache.sample)
    assert status == 2
    assert "[faces], [face-gallery] holds no face yet: say over how many searches will be" in err
    status, _, err = run("calibrate", cache.sample, "--index", "faces-000001")
    assert status == 2
    assert "[faces-000001] holds no face yet" in err


def test_an_index_that_it_says_nothing_about_is_refused(run, es, own_index, cache, people):
    of_faces = {"properties": {"vector": {"type": "dense_vector", "dims": 128}}}
    other = {"_meta": {models.OURS: {"model": "facenet-00000000"}}} | of_faces
    own_index("another", mappings=other)
    own_index("without", mappings={"properties": {"title": {"type": "text"}}})
    for index, why in {
        "another": "[another] is of model [facenet-00000000], and the service serves [",
        "without": "[without] has no field for vectors of faces",
        "absent": "no such index [absent]",
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
    assert "in a search over 1 face:" in run("calibrate", cache.sample, "--index", "own")[2]
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


def test_every_open_index_of_the_model_is_calibrated_and_no_other(es, own_index, own_model, calibrated):
    for name, model in {"my.own": own_model, "closed": own_model, "another": "facenet-00000000"}.items():
        own_index(name, mappings={"_meta": {models.OURS: {"model": model}}})
    es.indices.close(index="closed")
    made = calibrated()
    assert stored(es, "my.own") == made.as_meta()
    assert stored(es, "closed") is None
    assert stored(es, "another") is None


@pytest.mark.parametrize("ours", ["0.6", ["x"], None])
def test_what_others_keep_in_our_place_stops_nothing(es, own_index, calibrated, ours):
    own_index("theirs", mappings={"_meta": {models.OURS: ours}})
    made = calibrated()
    assert calibration_of(es, "faces") == Shared(made)
    assert calibration_of(es, "theirs") == Shared()
    assert models.model_of(es, "theirs") is None


def test_the_next_index_is_born_calibrated_and_installing_again_keeps_it(run, es, calibrated):
    made = calibrated()
    assert run("install")[0] == 0
    assert calibration_of(es, "faces") == Shared(made)
    es.indices.rollover(alias="faces")
    try:
        assert stored(es, "faces-000002") == made.as_meta()
        assert calibration_of(es, "faces") == Shared(made)
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_another_model_has_no_calibration_yet(run, es, calibrated, own_model):
    made = calibrated()
    assert run("install", "--model", "facenet-00000000")[0] == 0
    assert not stored_anywhere(es)
    assert calibration_of(es, "faces") == Shared()
    assert run("install", "--model", own_model)[0] == 0
    assert not stored_anywhere(es)
    assert made.model == own_model


def test_where_it_cannot_be_stored_is_said_and_the_rest_is(run, es, cache):
    es.indices.put_settings(index="face-probes-000001", settings={"index.blocks.read_only": True})
    try:
        status, out, err = run("calibrate", cache.sample, *SUPPORTED)
    finally:
        es.indices.put_settings(index="face-probes-000001", settings={"index.blocks.read_only": None})
    assert status == 1
    assert "error: PUT /face-probes-000001/_mapping: index [face-probes-000001] blocked by" in err
    assert "PUT /faces-000001/_mapping: calibration stored" in out
    assert "PUT /_component_template/faces-photo: calibration stored" in out
    assert stored(es, "face-probes") is None
    assert stored(es, "faces")


def test_a_service_that_is_away_is_said(run, es, cache):
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, _, err = run("calibrate", cache.sample, *SUPPORTED, FACES_URL=nowhere)
    assert status == 1
    assert "no inference service at" in err


def test_an_elasticsearch_where_nothing_is_installed_is_said(es, own_model):
    with pytest.raises(Exception, match=r"no index of model \[facenet-11111111\]: run `faces install`"):
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


def test_before_it_verdicts_are_words_only_and_not_calibrated(run, archive, people):
    status, out, _ = run("search", people["madonna"][4])
    assert status == 0
    assert "verdicts: strong from 0.60, possible from 0.46, unlikely below; not calibrated" in out
    assert "probability" not in out
    found = json.loads(run("search", people["madonna"][4], "--json")[1])
    assert found["calibrated"] is False
    assert "calibration" not in found
    assert all("probability" not in match for match in found["matches"])


def test_after_it_a_search_says_what_its_verdicts_mean(run, archive, people, calibrated, tmp_path):
    before = json.loads(run("search", people["madonna"][4], "-k", 13, "--json")[1])["matches"]
    made = calibrated(similarity=0.673)
    status, out, _ = run("search", people["madonna"][4], "--plot", tmp_path / "found.png")
    assert status == 0
    assert "probability" in out.splitlines()[0]
    assert (
        "verdicts: strong from 0.673: at most 1 % of searches for a stranger over 746 faces; possible from "
        "0.400: of one person as likely as not; unlikely below; calibrated 2026-11-25 on 3,811 photos of "
        "2,086 people"
    ) in out
    assert "note:" not in out
    assert (tmp_path / "found.png").is_file()

    found = json.loads(run("search", people["madonna"][4], "-k", 13, "--json")[1])
    assert found["calibrated"] is True
    assert found["calibration"] == made.as_meta()
    assert [match["similarity"] for match in found["matches"]] == [match["similarity"] for match in before]
    assert {match["verdict"] for match in found["matches"]} >= {"strong", "unlikely"}
    for match in found["matches"]:
        similarity = match["similarity"]
        strong, possible = similarity >= 0.673, similarity >= 0.4
        assert match["verdict"] == ("strong" if strong else "possible" if possible else "unlikely")
        assert match["probability"] == pytest.approx(made.probability(similarity), abs=1e-3)
    assert any(0.6 <= match["similarity"] < 0.673 for match in before) or any(
        0.4 <= match["similarity"] < 0.46 for match in before
    )


def test_more_faces_than_it_was_made_for_is_said(run, archive, people, calibrated):
    calibrated(gallery_size=13)
    _, out, _ = run("search", people["madonna"][4])
    assert "note: [faces] holds 14 faces, more than it was calibrated for" in out
    assert "`faces calibrate FOLDER --gallery-size 14`" in out
    calibrated(gallery_size=14)
    assert "note:" not in run("search", people["madonna"][4])[1]


def test_indices_that_differ_have_no_calibration_together_and_it_is_said(
    run, es, archive, people, calibrated
):
    es.indices.rollover(alias="faces")
    try:
        made = calibrated("faces-000001")
        _, out, _ = run("search", people["madonna"][4])
        assert "not calibrated, [faces-000001] calibrated, [faces-000002] not: run `faces calibrate`" in out
        assert "probability" not in out
        found = json.loads(run("search", people["madonna"][4], "--json")[1])
        assert found["calibrated"] is False
        assert len(found["notes"]) == 1
        status = json.loads(run("status", "--json")[1])["elasticsearch"]
        assert status["calibrated"] == dict.fromkeys(FIRST, False) | {
            "faces-000001": True,
            "faces-000002": False,
        }
        assert calibration_of(es, "faces-000001") == Shared(made)
        calibrated("faces-000002", similarity=0.5)
        _, out, _ = run("search", people["madonna"][4])
        assert "not calibrated, the calibrations of [faces-000001], [faces-000002] differ" in out
        calibrated("faces")
        assert calibration_of(es, "faces") == Shared(made)
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_a_calibration_that_somebody_broke_is_named_and_searches_go_on(run, es, archive, people, own_model):
    broken = calibration(own_model).as_meta() | {"similarity": "high"}
    models.record(es, "faces-000001", calibration=broken)
    status, out, _ = run("search", people["madonna"][4])
    assert status == 0
    assert "not calibrated, [faces-000001]: calibration: [similarity] is [high], not a number" in out
    assert "not calibrated\n" in out
    status = json.loads(run("status", "--json")[1])["elasticsearch"]
    assert status["calibrated"]["faces-000001"] is False


def test_a_search_over_no_faces_says_so(run, faces, people):
    status, out, _ = run("search", people["madonna"][0])
    assert status == 0
    assert "no match" in out
    assert "note: [faces] holds no face yet" in out


def test_status_says_which_indices_are_calibrated(run, calibrated, own_index, own_model):
    def said() -> dict[str, bool]:
        return json.loads(run("status", "--json")[1])["elasticsearch"]["calibrated"]

    assert said() == dict.fromkeys(FIRST, False)
    calibrated()
    own_index("attached", mappings={"_meta": {models.OURS: {"model": own_model}}})
    assert said() == dict.fromkeys(FIRST, True) | {"attached": False}


def test_status_says_that_the_service_has_another_model_than_the_indices(run, es, own_model):
    assert run("status")[0] == 0
    models.record(es, "face-gallery-000001", model="facenet-00000000")
    status, out, _ = run("status")
    assert status == 1
    assert f"it serves [{own_model}], and [face-gallery] is of [facenet-00000000]" in out


def test_the_demo_goes_by_the_calibration_too(running, faces, calibrated, people, tmp_path, capsys):
    for name in ("madonna", "elton_john"):
        copied(tmp_path / "photos" / name, *people[name][:3])
    made = calibrated()
    plan = plan_folder(tmp_path / "photos", labelled=True, query=None)
    run_demo(running, plan, tmp_path / "demo.json", tmp_path / "demo.png")
    found = json.loads((tmp_path / "demo.json").read_text())
    assert found["calibrated"] is True
    assert found["calibration"] == made.as_meta()
    assert all("probability" in match for one in found["results"] for match in one["matches"])
    assert "strong from 0.673, possible from 0.400, unlikely below; calibrated" in capsys.readouterr().out
