"""The thresholds of an index that isn't calibrated: each profile has its own, by one rule."""

from __future__ import annotations

import numpy as np
import pytest
from tools import encoded

from evaluation.thresholds import thresholds
from ingest_service import verdicts
from ingest_service.app import create_app
from ingest_service.model import Model
from ingest_service.registry import MODELS
from ingest_service.settings import Settings
from ingest_service.weights.prepare import prepare_dlib, prepare_int8

LISTED = [name for name, entry in MODELS.items() if entry.listed]
MEASURED = ["facenet", "facenet-sface", "sface", "deepface", "SFace", "Dlib", "facenet-int8"]


def vectors(client, paths) -> np.ndarray:
    found = []
    for start in range(0, len(paths), 30):
        images = [{"image": encoded(path)} for path in paths[start : start + 30]]
        answer = client.post("/v1/faces", json={"images": images, "return": ["vector"]}).json
        found += [result["faces"][0]["vector"] for result in answer["results"]]
    return np.array(found, dtype=np.float32)


@pytest.mark.parametrize("name", MEASURED)
def test_the_pair_of_each_measured_profile_is_what_the_rule_gives_on_the_sample(name, cache, sample):
    prepare_dlib(cache, lambda _: None)
    prepare_int8(cache, lambda _: None)
    client = create_app(Settings(cache=cache.root, profile=name, deadline_s=300)).test_client()
    names = np.array([path.parent.name for path in sample])
    people = np.unique(names, return_inverse=True)[1]
    found = vectors(client, sample)
    assert thresholds(found, people) == verdicts.of_profile(name)
    similar = found @ found.T
    different = people[:, np.newaxis] != people
    assert similar[different].max() < verdicts.of_profile(name).possible
    same = np.triu(~different, 1)
    assert (similar[same] >= verdicts.of_profile(name).strong).mean() > 0.1


def test_every_model_that_is_offered_has_a_pair_of_its_own():
    assert set(LISTED) == set(verdicts.BY_PROFILE)
    for pair in verdicts.BY_PROFILE.values():
        assert 0 < pair.possible < pair.strong < 1
    assert verdicts.of_profile("facenet") == verdicts.UNCALIBRATED


def test_a_model_that_cannot_be_measured_is_possible_from_deepfaces_own_threshold_on():
    from deepface.modules.verification import find_threshold

    for name in set(LISTED) - set(MEASURED):
        assert verdicts.of_profile(name).possible == pytest.approx(
            1 - find_threshold(name, "cosine"), abs=1e-6
        )


def test_a_models_id_leads_to_its_profiles_pair():
    for name in LISTED:
        model = Model(name, "0123456789abcdef", 128)
        assert verdicts.of_model(model.id) == verdicts.of_profile(name)
