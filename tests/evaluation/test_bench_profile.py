"""The rows of `./run bench profile` are what they say: the profiles', but for one choice."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.bench.profile import FIVE_POINTS, by_five_points, choices
from evaluation.methods import read
from ingest_service import profiles
from ingest_service.embedding import unit, whiten
from ingest_service.facenet import WIDER, FacenetProfile
from ingest_service.settings import Settings


@pytest.fixture(scope="module")
def facenet(cache) -> FacenetProfile:
    return profiles.load(Settings(cache=cache.root))


@pytest.mark.parametrize(
    ("row", "name"),
    [("facenet", "facenet"), (f"and mirrored, {WIDER} as wide", "facenet-thorough")],
)
def test_the_rows_of_the_profiles_have_their_vectors(row, name, cache, facenet, sample):
    profile = profiles.load(Settings(cache=cache.root, profile=name))
    for path in sample[::30]:
        pixels = read(path)
        views = [whiten(view.of(pixels, 160)) for view in choices(facenet.detector)[row]]
        vector = unit(sum(unit(facenet.network.embed(view[np.newaxis])) for view in views))
        face = profile.find(pixels)[0]
        assert np.allclose(vector, profile.embed(face.network_input[np.newaxis]), atol=1e-4)


def test_no_two_rows_are_the_same(facenet, sample):
    """On a photo that is larger than the copies that are searched, and on a small one."""
    large = max(map(read, sample[:10]), key=lambda pixels: max(pixels.shape))
    small = read(sample[0])[::3, ::3].copy()
    assert max(large.shape) > 320
    assert max(small.shape) < 256
    faces = {
        row: b"".join(view.of(pixels, 160).tobytes() for pixels in (large, small) for view in views)
        for row, views in choices(facenet.detector).items()
    }
    assert len(set(faces.values())) == len(faces)


def test_five_points_come_to_lie_on_the_template(facenet, sample):
    """A second look at the aligned face finds the landmarks where the template has them."""
    away = []
    for path in sample[::12]:
        pixels = read(path)
        aligned = by_five_points(pixels, facenet.detector.detect(pixels)[0], 160)
        away.append(np.abs(facenet.detector.detect(aligned)[0].landmarks - FIVE_POINTS * 160 / 112).max())
    assert np.median(away) < 8
