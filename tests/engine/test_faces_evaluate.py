"""`faces evaluate`: how good the vectors of the running service are on labelled photos."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest
from tools import landscape, picture

from es_setup.embedded.local_node import free_port


@pytest.fixture
def labelled(tmp_path: Path, people) -> Path:
    """Four photos of each of two people, named as in LFW."""
    for name in ("madonna", "elton_john"):
        (tmp_path / name).mkdir()
        for number, photo in enumerate(people[name][:4], start=1):
            shutil.copy(photo, tmp_path / name / f"{name}_{number:04}.jpg")
    return tmp_path


@pytest.fixture
def pairs(labelled) -> Path:
    """Two folds of two pairs, in the folder as its own list."""
    file = labelled / "pairs.txt"
    lines = ["2\t1"]
    for number in (1, 3):
        lines += [f"madonna\t{number}\t{number + 1}", f"madonna\t{number}\telton_john\t{number}"]
    file.write_text("\n".join(lines))
    return file


def test_the_sample_gives_the_numbers_of_the_evaluation_with_intervals(run, cache, running):
    status, out, err = run("evaluate", cache.sample)
    assert status == 0, err
    assert f"model {running.model}; 118 photos of 5 people" in out
    assert "6,903 pairs (all), 1,354 of one person" in out
    for name, low, high in (("AUC", 0.998, 1), ("EER %", 0.3, 2), ("rank 1", 1, 1), ("mAP", 0.98, 1)):
        value, *ends = map(float, re.search(rf"{name} +([\d.]+) +([\d.]+) to ([\d.]+)", out).groups())
        assert low <= value <= high
        assert ends[0] <= value <= ends[1]
    # Each of the five has several photos, so nobody is unenrolled.
    assert re.search(r"FNIR at FPIR 0\.1 +- .*\b100\b.*\b0\b", out)
    assert re.search(r"FNIR at FPIR 0\.01 +- .*1,000", out)
    assert "accuracy" not in out


def test_a_list_of_pairs_is_used_and_gives_an_accuracy(run, labelled, pairs, tmp_path_factory):
    status, out, err = run("evaluate", labelled)
    assert status == 0, err
    assert "4 pairs (listed), 2 of one person" in out
    assert re.search(r"accuracy % +100\.00 ± 0\.00", out)
    other = tmp_path_factory.mktemp("other") / "pairs.txt"
    other.write_text("madonna\t1\t2\nmadonna\t1\telton_john\t1\nmadonna\t1\telton_john\t2\n")
    assert "3 pairs (listed), 1 of one person" in run("evaluate", labelled, "--pairs", other)[1]


def test_for_scripts_it_is_json_with_photos_without_a_face_counted_as_errors(run, labelled, running):
    (labelled / "madonna" / "meadow.png").write_bytes(picture(landscape(), "PNG"))
    (labelled / "madonna" / "broken.jpg").write_bytes(b"not a photo")
    status, out, err = run("evaluate", labelled, "--json")
    assert status == 0, err
    found = json.loads(out)
    assert (found["model"], found["photos"], found["people"], found["pairs"]) == (running.model, 10, 2, 45)
    assert (found["no_face"], found["unreadable"]) == (1, {"not_an_image": 1})
    verification = found["verification"]
    assert (verification["same"], verification["failed_same"]) == (21, 9)
    assert (verification["different"], verification["failed_different"]) == (24, 8)
    assert found["retrieval"]["rank1"]["value"] == pytest.approx(0.8)
    assert found["identification"]["misses"][0]["unenrolled_needed"] == 100
    assert len(found["intervals"]["eer_draws"]) > 50


def test_nothing_is_stored(run, es, labelled):
    before = es.indices.stats(metric="indexing")["_all"]["total"]["indexing"]["index_total"]
    assert run("evaluate", labelled)[0] == 0
    assert es.indices.stats(metric="indexing")["_all"]["total"]["indexing"]["index_total"] == before


def test_a_folder_without_a_face_is_status_1(run, labelled):
    for photo in labelled.glob("*/*.jpg"):
        photo.write_bytes(picture(landscape()))
    status, out, err = run("evaluate", labelled)
    assert (status, out) == (1, "")
    assert "8 photos of 2 people (no face 8)" in err


def test_what_cannot_be_measured_is_status_1(run, labelled, pairs):
    pairs.write_text("madonna\t1\t2\n")
    status, out, err = run("evaluate", labelled)
    assert (status, out) == (1, "")
    assert "pairs.txt] has no pair of two people" in err
    for photo in labelled.glob("*/*.jpg"):
        photo.write_bytes(b"not a photo")
    pairs.unlink()
    status, _, err = run("evaluate", labelled)
    assert status == 1
    assert "none of the 8 photos in [" in err
    assert "not_an_image 8" in err
    shutil.rmtree(labelled / "madonna")
    status, _, err = run("evaluate", labelled)
    assert status == 1
    assert "one person, [elton_john]" in err


def test_a_service_that_is_away_is_status_1(run, labelled):
    nowhere = f"http://127.0.0.1:{free_port()}"
    status, _, err = run("evaluate", labelled, FACES_URL=nowhere)
    assert status == 1
    assert nowhere in err


def test_a_wrong_call_is_status_2(run, labelled):
    assert run("evaluate", labelled / "absent")[0] == 2
    assert run("evaluate", labelled, "--pairs", labelled / "absent.txt")[0] == 2
    assert run("evaluate")[0] == 2
