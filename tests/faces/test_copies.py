"""By what two photos are known to be one picture, on pictures that are made here."""

from __future__ import annotations

import base64
import hashlib
import json

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tools import picture

from faces.copies.evidence import evidence
from faces.copies.fingerprints import differing_bits, hexadecimal
from faces.copies.groups import Groups
from faces.copies.overlap import Miniature, overlap
from faces.copies.pictures import Picture, PlacedFace
from faces.copies.placement import Placement, fitted
from faces.decisions.documents import of_keys

FACE = np.array([[60.0, 40.0], [40.0, 40.0], [50.0, 52.0], [57.0, 62.0], [43.0, 62.0]])
"""Landmarks in a photo of 200 x 150 pixels."""
SIZE = (200, 150)
NOT_A_JPEG = base64.b64encode(b"no picture").decode()


def scenery(seed: int) -> Image.Image:
    """Soft spots, as large as those of a photo."""
    noise = np.random.default_rng(seed).integers(0, 256, (150, 200), dtype=np.uint8)
    blurred = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(6)), dtype=np.float64)
    return Image.fromarray(((blurred - blurred.min()) / np.ptp(blurred) * 255).astype(np.uint8))


def encoded(image: Image.Image) -> str:
    return base64.b64encode(picture(image, quality=80)).decode()


def vector(seed: int) -> np.ndarray:
    made = np.random.default_rng(seed).normal(size=128).astype(np.float32)
    return made / np.linalg.norm(made)


def photo(
    image: Image.Image,
    faces: tuple[PlacedFace, ...],
    fingerprint: str | None = "0" * 16,
    model: str = "m",
    thumbnail: str | None = None,
) -> Picture:
    sha256 = hashlib.sha256(image.tobytes()).hexdigest()
    return Picture(sha256, fingerprint, *image.size, model, faces, thumbnail or encoded(image))


def cut_to(image: Image.Image, left: int, top: int, right: int, bottom: int, size: float = 1) -> Image.Image:
    part = image.crop((left, top, right, bottom))
    return part.resize((round(part.width * size), round(part.height * size)), Image.Resampling.LANCZOS)


WHOLE = photo(scenery(1), (PlacedFace(vector(1), FACE),))
CUT = photo(
    cut_to(scenery(1), 20, 0, 200, 150, size=0.5),
    (PlacedFace(vector(1), (FACE - [20, 0]) / 2),),
    fingerprint="f" * 16,
)


def test_bits_that_differ_between_fingerprints():
    assert differing_bits("0000000000000000", "000000000000003f") == 6
    assert differing_bits("ffffffffffffffff", "0000000000000000") == 64
    # As Elasticsearch 9 returns them.
    assert hexadecimal([-1, 0, 127, -128, 0, 0, 0, 1]) == "ff007f8000000001"
    assert hexadecimal("00ff") == "00ff"
    assert hexadecimal(None) is None


def test_a_placement_is_scale_and_shift():
    moved = 0.5 * FACE + [7, -3]
    fit = fitted([FACE], [moved])
    assert (fit.placement.scale, fit.placement.right, fit.placement.down) == pytest.approx((0.5, 7, -3))
    assert fit.misfit == pytest.approx(0, abs=1e-9)
    assert np.allclose(fit.placement.of(FACE), moved)


@pytest.mark.parametrize(
    "others",
    [
        FACE[:, ::-1],
        [100, 100] - FACE,
        np.array([[60.0, 45.0], [40.0, 35.0], [56.0, 52.0], [57.0, 66.0], [47.0, 58.0]]),
    ],
    ids=["on its side", "upside down", "turned"],
)
def test_another_pose_does_not_fit(others):
    fit = fitted([FACE], [others])
    assert fit is None or fit.misfit > 0.2


def test_of_several_faces_the_one_that_fits_worst_counts():
    beside, below = np.array([100.0, 0.0]), np.array([0.0, 20.0])
    both = [FACE, FACE + beside]
    assert fitted(both, both).misfit == pytest.approx(0, abs=1e-9)
    assert fitted(both, [FACE, FACE + beside + below]).misfit > 0.2
    assert fitted([FACE * 0], [FACE]) is None


def test_what_two_photos_share():
    assert Placement(0.5, 0, 0).shared((200, 100), (100, 50)) == pytest.approx((1, 1))
    # A tenth is cut off at the left.
    assert Placement(1, -20, 0).shared((200, 100), (180, 100)) == pytest.approx((0.9, 1))
    assert Placement(1, 500, 0).shared((200, 100), (180, 100)) == (0, 0)


def test_pictures_are_laid_on_each_other_where_they_agree():
    whole = Miniature.of(WHOLE.thumbnail, *SIZE)
    part = Miniature.of(CUT.thumbnail, CUT.width, CUT.height)
    found = overlap(whole, part, Placement(0.53, -7, 3))
    assert found.correlation > 0.99
    assert (found.placement.scale, found.placement.right) == pytest.approx((0.5, -10), abs=1)
    other = Miniature.of(encoded(scenery(2)), *SIZE)
    assert overlap(whole, other, Placement(1, 0, 0)).correlation < 0.5


def test_what_is_no_picture_is_not_compared():
    assert Miniature.of(NOT_A_JPEG, *SIZE) is None
    assert Miniature.of("!", *SIZE) is None
    assert Miniature.of(None, *SIZE) is None
    assert Miniature.of(encoded(Image.new("L", (2000, 10))), 2000, 10) is None
    blank = Miniature.of(encoded(Image.new("L", SIZE)), *SIZE)
    assert overlap(blank, blank, Placement(1, 0, 0)).correlation == 0


def test_the_same_bytes_come_before_a_fingerprint_and_that_before_faces():
    assert evidence(WHOLE, WHOLE).kind == "same bytes"
    near = photo(scenery(2), (), fingerprint="0" * 15 + "7")
    assert (evidence(WHOLE, near).kind, evidence(WHOLE, near).bits) == ("near-identical", 3)
    found = evidence(WHOLE, CUT)
    assert (found.kind, found.faces, found.bits) == ("cropped", 1, 64)
    assert found.shared == pytest.approx(0.9, abs=0.02)
    assert json.dumps(found.as_json())


def test_either_photo_may_be_the_cropped_one():
    assert evidence(CUT, WHOLE).kind == "cropped"


@pytest.mark.parametrize(
    "other",
    [
        photo(scenery(2), WHOLE.faces, fingerprint="f" * 16),
        photo(scenery(1).rotate(90, expand=True), WHOLE.faces, fingerprint="f" * 16),
        photo(cut_to(scenery(1), 0, 0, 100, 75), (PlacedFace(vector(1), FACE),), fingerprint="f" * 16),
        photo(scenery(1).point(lambda v: 255 - v), (PlacedFace(vector(2), FACE),), fingerprint="f" * 16),
        photo(scenery(1).point(lambda v: v // 2), WHOLE.faces, fingerprint="f" * 16, model="another"),
        photo(scenery(1).point(lambda v: v // 2), WHOLE.faces, fingerprint="f" * 16, thumbnail=NOT_A_JPEG),
        photo(scenery(1).point(lambda v: v // 2), (), fingerprint="f" * 16),
    ],
    ids=["pixels", "turned", "a quarter of it", "another face", "another model", "no thumbnail", "no face"],
)
def test_no_copy_where_one_of_both_is_missing(other):
    assert evidence(WHOLE, other) is None


def test_without_a_fingerprint_bytes_and_faces_are_compared():
    whole = photo(scenery(1), WHOLE.faces, fingerprint=None)
    assert evidence(whole, CUT).kind == "cropped"
    assert evidence(whole, photo(scenery(1), ())).kind == "same bytes"
    assert evidence(whole, photo(scenery(2), ())) is None


def test_no_keys_are_no_documents():
    assert of_keys([]) == {"match_none": {}}


def test_groups_of_what_was_joined():
    groups: Groups[str] = Groups()
    groups.join(["a", "b"])
    groups.join(["c", "d"])
    groups.join(["e"])
    groups.join(["d", "a"])
    assert sorted(map(sorted, groups.all())) == [["a", "b", "c", "d"], ["e"]]
    chain: Groups[int] = Groups()
    for number in range(5_000):
        chain.join([number + 1, number])
    assert [len(group) for group in chain.all()] == [5_001]
