"""What identification needs no server for: thresholds of galleries, and the fields of a face."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image
from tools import CALIBRATION

from faces.gallery.portrait_documents import thumbnail_of
from faces.identifying.identifier import Candidate, guesses
from faces.identifying.stored import renew
from faces.identifying.thresholds import FACENET_POSSIBLE, NO_MATCH, thresholds_of

MODEL = "facenet-99ac6764"
PAIR = {"model": MODEL, "thresholds": {"strong": 0.7, "possible": 0.5}}


def calibrated(similarity: float, **changes: object) -> dict:
    return {"model": MODEL, "calibration": CALIBRATION | {"model": MODEL, "similarity": similarity} | changes}


@pytest.mark.parametrize(
    ("recorded", "match", "candidate"),
    [
        ({}, FACENET_POSSIBLE, FACENET_POSSIBLE),
        ({"a": {}}, FACENET_POSSIBLE, FACENET_POSSIBLE),
        ({"a": PAIR}, 0.5, 0.5),
        ({"a": calibrated(0.673)}, 0.673, 0.4601),
        ({"a": calibrated(0.3)}, 0.3, 0.3),
        ({"a": calibrated(0.673), "b": calibrated(0.8)}, 0.8, 0.4601),
        ({"a": calibrated(0.3), "b": PAIR}, 0.5, 0.5),
        ({"a": calibrated(0.3), "b": {"model": "other-1", "thresholds": PAIR["thresholds"]}}, 0.3, 0.3),
        ({"a": calibrated(0.3, model="other-1")}, FACENET_POSSIBLE, FACENET_POSSIBLE),
        ({"a": calibrated(0.3, made="yesterday") | {"thresholds": PAIR["thresholds"]}}, 0.5, 0.5),
        ({"a": PAIR | {"thresholds": {"strong": 0.4, "possible": 0.5}}}, FACENET_POSSIBLE, FACENET_POSSIBLE),
    ],
)
def test_thresholds_are_the_strictest_of_those_that_count(recorded, match, candidate):
    found = thresholds_of(recorded, MODEL)
    assert (found.match, found.candidate) == (match, candidate)


def test_a_model_without_thresholds_matches_nobody():
    assert thresholds_of({"a": {"model": "Dlib-1"}}, "Dlib-1").match == NO_MATCH


def test_a_probability_is_that_of_the_index_of_the_portrait():
    found = thresholds_of({"a": calibrated(0.3), "b": PAIR}, MODEL)
    assert found.probability("a", 0.46) == pytest.approx(0.5, abs=0.01)
    assert found.probability("b", 0.46) is None


def candidate(similarity: float, is_match: bool, **more: object) -> Candidate:
    known = {"name": "Ann", "probability": None, "tags": ("watch",), "gallery_id": "p"}
    return Candidate(similarity=similarity, is_match=is_match, **known | more)


def test_a_face_gets_a_match_only_from_a_candidate_that_is_one():
    fields = {"name": "Ann", "similarity": 0.5, "gallery_id": "p", "tags": ["watch"]}
    assert guesses([]) == {}
    assert guesses([candidate(0.5, False)]) == {"candidates": [fields], "best_similarity": 0.5}
    assert guesses([candidate(0.5, True)])["match"] == fields
    nameless = guesses([candidate(0.5, True, name=None, tags=(), probability=0.25)])["match"]
    assert nameless == {"similarity": 0.5, "probability": 0.25, "gallery_id": "p"}


def test_guesses_that_are_the_same_stay_and_others_are_replaced_and_decisions_never():
    said = {"id": "f", "label": {"name": "Ben"}, "not": ["Cara"]}
    face = said | guesses([candidate(0.5, True)])
    before = dict(face)
    renew(face, [candidate(0.500001, True)])
    assert face == before
    renew(face, [candidate(0.6, True)])
    assert face == said | guesses([candidate(0.6, True)])
    renew(face, [candidate(0.6, True, tags=())])
    assert "tags" not in face["match"]
    renew(face, [])
    assert face == said


def test_the_picture_of_a_face_from_a_group_is_small():
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "JPEG", quality=95)
    made = base64.b64decode(thumbnail_of(base64.b64encode(buffer.getvalue()).decode()))
    assert len(made) <= 8_000
    assert max(Image.open(io.BytesIO(made)).size) <= 200
    assert thumbnail_of(None) is thumbnail_of("not base64") is thumbnail_of("AAAA") is None
