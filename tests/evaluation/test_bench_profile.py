"""The rows of `./run bench profile` are what they say: the profiles', but for one choice."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.bench.profile import Choice, FaceView, choices, vector
from evaluation.methods import read
from ingest_service import profiles
from ingest_service.embedding import unit
from ingest_service.facenet_sface import FacenetSFaceProfile
from ingest_service.settings import Settings


@pytest.fixture(scope="module")
def both(cache) -> FacenetSFaceProfile:
    return profiles.load(Settings(profile="facenet-sface", cache=cache.root, workers=1))


def of_choice(both: FacenetSFaceProfile, choice: Choice, pixels: np.ndarray) -> np.ndarray:
    ones = {view: unit(vector(both.facenet, both.sface, view, pixels)[np.newaxis]) for view in choice.views}
    return choice.vectors(ones)[0]


@pytest.mark.parametrize("name", ["facenet", "sface", "facenet-sface"])
def test_the_rows_of_the_profiles_have_their_vectors(name, cache, both, sample):
    profile = profiles.load(Settings(cache=cache.root, profile=name, workers=1))
    for path in sample[::30]:
        pixels = read(path)
        face = profile.find(pixels)[0]
        served = profile.embed(face.network_input[np.newaxis])[0]
        assert np.allclose(of_choice(both, choices(both.detector)[name], pixels), served, atol=1e-4)


def test_no_two_rows_are_the_same(both, sample):
    """On a photo that is larger than the copies that are searched, and on a small one."""
    large = max(map(read, sample[:10]), key=lambda pixels: max(pixels.shape))
    small = read(sample[0])[::3, ::3].copy()
    assert max(large.shape) > 320
    assert max(small.shape) < 256
    seen: dict[FaceView, bytes] = {}
    rows = {}
    for name, choice in choices(both.detector).items():
        for view in choice.views:
            if view not in seen:
                seen[view] = b"".join(view.of(pixels).tobytes() for pixels in (large, small))
        weight = choice.sface_weight if len({view.for_sface for view in choice.views}) > 1 else None
        rows[name] = (weight, *(seen[view] for view in choice.views))
    assert len(set(rows.values())) == len(rows)
