"""What an index, a search, `faces status` and the demo make of a calibration."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator

import pytest
from calibrations import FIRST, calibration, remove_all, store_calibration, stored, stored_anywhere
from elasticsearch import Elasticsearch

from es_setup import models
from faces.calibration.indices import Shared, judgement_of
from faces.calibration.record import Calibration
from faces.cli.servers import run_demo
from faces.demo import plan_folder


@pytest.fixture(autouse=True)
def uncalibrated(es: Elasticsearch, running) -> Iterator[None]:
    yield
    remove_all(es, running.model)


@pytest.fixture
def own_model(running) -> str:
    return running.model


@pytest.fixture
def calibrated(es: Elasticsearch, own_model: str) -> Callable[..., Calibration]:
    """Stores a calibration in all indices of the model, or in those behind one name."""

    def put(index: str | None = None, **values: object) -> Calibration:
        made = calibration(own_model, **values)
        store_calibration(es, made, index)
        return made

    return put


def test_every_open_index_of_the_model_is_calibrated_and_no_other(es, own_index, own_model, calibrated):
    for name, model in {"my.own": own_model, "closed": own_model, "another": "facenet-00000000"}.items():
        own_index(name, mappings={"_meta": {models.OURS: {"model": model}}})
    es.indices.close(index="closed")
    made = calibrated()
    assert stored(es, "my.own") == made.as_meta()
    assert stored(es, "closed") is None
    assert stored(es, "another") is None


@pytest.mark.parametrize("ours", ["0.6", ["x"], None])
def test_other_values_in_our_place_of_meta_do_no_harm(es, own_index, calibrated, ours):
    own_index("theirs", mappings={"_meta": {models.OURS: ours}})
    made = calibrated()
    assert judgement_of(es, "faces") == Shared(made)
    assert judgement_of(es, "theirs") == Shared()
    assert models.model_of(es, "theirs") is None


def test_a_new_index_is_calibrated_and_installing_again_keeps_it(run, es, calibrated):
    made = calibrated()
    assert run("install")[0] == 0
    assert judgement_of(es, "faces") == Shared(made)
    es.indices.rollover(alias="faces")
    try:
        assert stored(es, "faces-000002") == made.as_meta()
        assert judgement_of(es, "faces") == Shared(made)
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_another_model_has_no_calibration_yet(run, es, calibrated, own_model):
    made = calibrated()
    assert run("install", "--model", "facenet-00000000")[0] == 0
    assert not stored_anywhere(es)
    assert judgement_of(es, "faces") == Shared()
    assert run("install", "--model", own_model)[0] == 0
    assert not stored_anywhere(es)
    assert made.model == own_model


def test_without_a_calibration_verdicts_have_no_probability(run, archive, people):
    status, out, _ = run("search", people["madonna"][4])
    assert status == 0
    assert re.search(r"verdicts: strong from 0\.60, possible from 0\.46\b.*not calibrated", out)
    assert "probability" not in out
    found = json.loads(run("search", people["madonna"][4], "--json")[1])
    assert found["calibrated"] is False
    assert "calibration" not in found
    assert all("probability" not in match for match in found["matches"])


def test_with_a_calibration_a_search_says_what_its_verdicts_mean(run, archive, people, calibrated, tmp_path):
    before = json.loads(run("search", people["madonna"][4], "-k", 13, "--json")[1])["matches"]
    made = calibrated(similarity=0.673)
    status, out, _ = run("search", people["madonna"][4], "--plot", tmp_path / "found.png")
    assert status == 0
    assert "probability" in out.splitlines()[1]
    verdicts = r"verdicts: strong from 0\.673.* 1 % .* 746 faces.* possible from 0\.400"
    assert re.search(rf"{verdicts}.*2026-11-25.* 3,811 photos.*2,086 people", out)
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


def test_more_faces_than_it_was_made_for_give_a_note(run, archive, people, calibrated):
    calibrated(gallery_size=13)
    _, out, _ = run("search", people["madonna"][4])
    assert re.search(r"note: \[faces\] .*14 faces", out)
    assert "`faces calibrate FOLDER --gallery-size 14`" in out
    calibrated(gallery_size=14)
    assert "note:" not in run("search", people["madonna"][4])[1]


def test_indices_that_differ_have_no_calibration_in_common(run, es, archive, people, calibrated):
    es.indices.rollover(alias="faces")
    try:
        made = calibrated("faces-000001")
        _, out, _ = run("search", people["madonna"][4])
        assert re.search(r"not calibrated\b.*\[faces-000001\].*\[faces-000002\].*`faces calibrate`", out)
        assert "probability" not in out
        found = json.loads(run("search", people["madonna"][4], "--json")[1])
        assert found["calibrated"] is False
        assert len(found["notes"]) == 1
        status = json.loads(run("status", "--json")[1])["elasticsearch"]
        assert status["calibrated"] == dict.fromkeys(FIRST, False) | {
            "faces-000001": True,
            "faces-000002": False,
        }
        assert judgement_of(es, "faces-000001") == Shared(made)
        calibrated("faces-000002", similarity=0.5)
        _, out, _ = run("search", people["madonna"][4])
        assert re.search(r"not calibrated\b.*\[faces-000001\], \[faces-000002\] differ", out)
        calibrated("faces")
        assert judgement_of(es, "faces") == Shared(made)
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_a_broken_calibration_is_named_and_searches_go_on(run, es, archive, people, own_model):
    broken = calibration(own_model).as_meta() | {"similarity": "high"}
    models.record(es, "faces-000001", calibration=broken)
    status, out, _ = run("search", people["madonna"][4])
    assert status == 0
    assert re.search(r"not calibrated\b.*\[faces-000001\].*\[similarity\] is \[high\]", out)
    assert "not calibrated\n" in out
    status = json.loads(run("status", "--json")[1])["elasticsearch"]
    assert status["calibrated"]["faces-000001"] is False


def test_a_search_over_no_faces_says_so(run, faces, people):
    status, out, _ = run("search", people["madonna"][0])
    assert status == 0
    assert "no match" in out
    assert "note: [faces]" in out


def test_status_says_which_indices_are_calibrated(run, calibrated, own_index, own_model):
    def said() -> dict[str, bool]:
        return json.loads(run("status", "--json")[1])["elasticsearch"]["calibrated"]

    assert said() == dict.fromkeys(FIRST, False)
    calibrated()
    own_index("attached", mappings={"_meta": {models.OURS: {"model": own_model}}})
    assert said() == dict.fromkeys(FIRST, True) | {"attached": False}


def test_status_is_1_where_the_service_has_another_model_than_an_index(run, es, own_model):
    status, out, err = run("status")
    assert status == 0, out + err
    pair = {"strong": 0.6, "possible": 0.46}
    models.record(es, "face-gallery-000001", model="facenet-00000000", thresholds=pair)
    status, out, _ = run("status")
    assert status == 1
    assert re.search(rf"\[{own_model}\].*\[face-gallery\].*\[facenet-00000000\]", out)


def test_the_demo_uses_the_calibration_too(running, faces, calibrated, people, tmp_path, capsys):
    for name in ("madonna", "elton_john"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for photo in people[name][:3]:
            shutil.copy(photo, tmp_path / "photos" / name)
    made = calibrated()
    plan = plan_folder(tmp_path / "photos", labelled=True, query=None)
    run_demo(running, plan, tmp_path / "demo.json", tmp_path / "demo.png")
    found = json.loads((tmp_path / "demo.json").read_text())
    assert found["calibrated"] is True
    assert found["calibration"] == made.as_meta()
    assert all("probability" in match for one in found["results"] for match in one["matches"])
    assert re.search(r"strong from 0\.673, possible from 0\.400\b.*calibrated", capsys.readouterr().out)
