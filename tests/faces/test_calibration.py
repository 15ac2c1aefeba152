"""A calibration: from a folder's vectors to what is stored, and back."""

from __future__ import annotations

import json
import math
from datetime import date

import pytest
from synthetic_photos import photographed
from tools import folder_of

from faces.calibration.measure import measure, require_enough
from faces.calibration.record import Calibration
from faces.error_rates.errors import CalibrationError
from faces.error_rates.logistic import logistic_map
from faces.error_rates.search_threshold import search_threshold
from faces.labelled_photos import read
from faces.photo_vectors import PhotoVector
from ingest_service.verdicts import Thresholds

MADE = date(2025, 3, 1)


def calibration() -> Calibration:
    photos = photographed(60, 3, seed=1)
    return Calibration.of("facenet-99ac6764", search_threshold(*photos, 0.1, 30), logistic_map(*photos), MADE)


def test_a_calibration_is_read_as_it_was_stored():
    made = calibration()
    meta = json.loads(json.dumps(made.as_meta()))
    assert Calibration.from_meta(meta | {"by": "a later version"}, "facenet-99ac6764") == made
    assert list(meta) == [
        "model", "similarity", "fpir", "gallery_size", "fnir", "logistic", "data", "made",
    ]  # fmt: skip
    assert meta["data"] == {"people": 60, "photos": 180}
    assert meta["made"] == "2025-03-01"


def test_strong_is_the_stated_rate_and_possible_an_even_chance_but_never_above_it():
    stored = calibration().as_meta()
    above, below = {"slope": 20.0, "offset": -9.0}, {"slope": 20.0, "offset": -13.0}
    thresholds = [
        Calibration.from_meta(stored | {"similarity": 0.6, "logistic": logistic}, stored["model"]).thresholds
        for logistic in (above, below)
    ]
    assert thresholds == [
        Thresholds(strong=0.6, possible=pytest.approx(0.45)),
        Thresholds(strong=0.6, possible=0.6),
    ]
    assert Calibration.from_meta(stored | {"logistic": above}, stored["model"]).probability(
        0.45
    ) == pytest.approx(0.5)


def test_photos_of_which_none_has_a_face_say_how_many_people_are_needed(tmp_path):
    names = [f"{person}/{number}.jpg" for person in "abcdef" for number in range(9)]
    folder = read(folder_of(tmp_path, *names))
    require_enough(folder, 0.3, 4)
    with pytest.raises(CalibrationError, match="a face on a photo: 0 of 6; at least 5 are needed"):
        measure(folder, [PhotoVector()] * len(names), "m", 0.3, 4)
    with pytest.raises(CalibrationError, match=r"1\.9 false hits; 10 are needed"):
        require_enough(folder, 0.03, 4)


def test_a_calibration_of_another_model_is_refused():
    with pytest.raises(CalibrationError, match=r"is of model \[facenet-99ac6764\], not of \[dlib-1\]"):
        Calibration.from_meta(calibration().as_meta(), "dlib-1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": None}, r"\[model\] is \[None\], not text"),
        ({"similarity": "high"}, r"\[similarity\] is \[high\], not a number"),
        ({"similarity": 1.5}, r"\[similarity\] is \[1.5\], not from -1 to 1"),
        ({"logistic": {"slope": 10**400, "offset": 0}}, r"\[logistic.slope\] is \[10+\], not a number"),
        ({"similarity": math.nan}, r"\[similarity\] is \[nan\], not a number"),
        ({"fpir": True}, r"\[fpir\] is \[True\], not a number"),
        ({"fnir": -0.1}, r"\[fnir\] is \[-0.1\], not from 0 to 1"),
        ({"gallery_size": 10.5}, r"\[gallery_size\] is \[10.5\], not a whole number of 1 or more"),
        ({"logistic": {"slope": -3, "offset": 0}}, r"\[logistic.slope\] is \[-3\]"),
        ({"logistic": {"slope": 3}}, r"\[logistic.offset\] is \[None\], not a number"),
        ({"data": []}, r"\[data.people\] is \[None\], not a whole number"),
        ({"made": "yesterday"}, r"\[made\] is \[yesterday\], not a day such as"),
    ],
)
def test_a_stored_value_that_cannot_be_is_named(change, message):
    with pytest.raises(CalibrationError, match=message):
        Calibration.from_meta(calibration().as_meta() | change, "facenet-99ac6764")


@pytest.mark.parametrize("meta", [None, {}, "0.6", [1]])
def test_what_is_no_calibration_is_refused(meta):
    with pytest.raises(CalibrationError, match="calibrate again"):
        Calibration.from_meta(meta, "facenet-99ac6764")
