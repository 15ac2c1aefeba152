"""DeepFace's models by name are fed as they were trained: shape, range, colours, and where the eyes are."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ingest_service import deepface_library, profiles
from ingest_service.alignment import align
from ingest_service.deepface_models import DeepFaceModelProfile, Feeding
from ingest_service.detection import Detection
from ingest_service.five_points import DLIB_CHIP, INSIGHTFACE
from ingest_service.registry import MODELS
from ingest_service.settings import Settings

INSIGHTFACES = {"ArcFace": (-1, 1), "GhostFaceNet": (-1, 1), "SFace": (0, 1.01), "Buffalo_L": (0, 1)}
DEEPFACES_WAY = ["VGG-Face", "OpenFace", "DeepFace", "DeepID"]
NAMES = [*INSIGHTFACES, *DEEPFACES_WAY, "Facenet512", "Dlib"]


@pytest.fixture(scope="module")
def face(cache, portrait) -> tuple[np.ndarray, Detection]:
    pixels = np.asarray(Image.open(portrait).convert("RGB"))
    return pixels, profiles.load(Settings(cache=cache.root, workers=1)).detector.detect(pixels)[0]


def feeding(name: str) -> Feeding:
    return MODELS[name].load.args[0]  # type: ignore[attr-defined]


def fed(name: str, pixels: np.ndarray, found: Detection) -> np.ndarray:
    return feeding(name).network_input(pixels, found, MODELS[name].size)


def as_photo(name: str, given: np.ndarray) -> np.ndarray:
    """Back to RGB of 0 to 255."""
    rgb = given if feeding(name).colour == "RGB" else given[:, :, ::-1]
    low, high = given.min(), given.max()
    scaled = rgb * 128 + 127.5 if low < 0 else rgb if high > 2 else rgb * 255
    return np.clip(scaled, 0, 255).astype(np.uint8)


def test_every_model_of_deepfaces_is_here():
    assert set(NAMES) == {name for name, entry in MODELS.items() if entry.needs.files}


@pytest.mark.parametrize("name", NAMES)
def test_the_shape_is_the_networks_and_the_face_is_as_a_photo_has_it(name, face):
    given = fed(name, *face)
    columns, rows = MODELS[name].size
    assert given.shape == (rows, columns, 3)
    assert given.dtype == np.float32
    photo = as_photo(name, given)
    skin = photo[rows * 2 // 5 : rows * 3 // 5, columns * 2 // 5 : columns * 3 // 5].mean(axis=(0, 1))
    assert skin[0] > skin[2] + 10  # skin has more red than blue
    assert 60 < photo.max() <= 255


@pytest.mark.parametrize("name", INSIGHTFACES)
def test_insightfaces_family_gets_the_five_points_on_its_template(name, face, cache):
    given = fed(name, *face)
    low, high = INSIGHTFACES[name]
    assert low <= given.min() < given.max() <= high
    detector = profiles.load(Settings(cache=cache.root, workers=1)).detector
    (again,) = detector.detect(as_photo(name, given))
    assert np.abs(again.landmarks - np.array(INSIGHTFACE.points)).max() < 6


def test_arcface_and_ghostfacenet_get_rgb_about_0_as_their_authors_train():
    pixels = np.zeros((300, 300, 3), dtype=np.uint8)
    pixels[...] = (255, 0, 127)
    landmarks = np.array(INSIGHTFACE.points, dtype=np.float32) + 60
    found = Detection((80, 80, 80, 100), 0.9, landmarks)
    for name in ("ArcFace", "GhostFaceNet"):
        middle = fed(name, pixels, found)[56, 56]
        assert middle == pytest.approx([127.5 / 128, -127.5 / 128, -0.5 / 128], abs=1e-5)
    # These clients turn to RGB, and to 0 to 255, themselves.
    assert fed("Buffalo_L", pixels, found)[56, 56] == pytest.approx([127 / 255, 0, 1])
    assert (fed("SFace", pixels, found)[56, 56] * 255).astype(np.uint8).tolist() == [127, 0, 255]


@pytest.mark.parametrize("value", [0, 1, 2, 100, 127, 254, 255])
def test_sfaces_client_gets_back_each_value_as_it_was(value):
    """It multiplies by 255 and rounds down, which would make some of them one less."""
    pixels = np.full((200, 200, 3), value, dtype=np.uint8)
    found = Detection((50, 50, 80, 100), 0.9, np.array(INSIGHTFACE.points, dtype=np.float32) + 40)
    assert ((fed("SFace", pixels, found) * 255).astype(np.uint8) == value).all()


def test_dlib_gets_its_own_chip_in_values_of_0_to_255(face, cache):
    given = fed("Dlib", *face)
    assert given.shape == (150, 150, 3)
    assert 100 < given.max() <= 255
    assert np.array_equal(given, np.rint(given))
    detector = profiles.load(Settings(cache=cache.root, workers=1)).detector
    (again,) = detector.detect(as_photo("Dlib", given))
    assert np.abs(again.landmarks - np.array(DLIB_CHIP.points)).max() < 8


def test_facenet512_gets_a_stretched_box_about_0(face):
    """As 20180402-114759, which DeepFace's Facenet512 is, was trained: fixed image standardization."""
    pixels, found = face
    stretched = align(pixels, found, (160, 160)).astype(np.float32)
    assert np.allclose(fed("Facenet512", *face), (stretched - 127.5) / 128)


@pytest.mark.parametrize("name", DEEPFACES_WAY)
def test_where_deepface_is_the_reference_the_face_is_letterboxed_bgr_and_0_to_1(name, face, cache):
    from deepface.modules import preprocessing

    deepface_library.open_library(cache)
    given = fed(name, *face)
    pixels, found = face
    columns, rows = MODELS[name].size
    factor = min(columns / found.box[2], rows / found.box[3])
    fitting = (round(found.box[2] * factor), round(found.box[3] * factor))
    bgr = align(pixels, found, fitting)[:, :, ::-1]
    theirs = preprocessing.normalize_input(preprocessing.resize_image(bgr, (rows, columns)), "base")[0]
    assert np.allclose(given, theirs, atol=1e-6)


def test_how_a_face_is_fed_is_part_of_the_models_id(cache):
    """Of the models that can be served here."""
    profile = profiles.load(Settings(cache=cache.root, profile="SFace", workers=1))
    assert isinstance(profile, DeepFaceModelProfile)
    about = profile.feeding.preparation(MODELS["SFace"].size)
    assert "insightface" in about.alignment
    assert {feeding(name).preparation(MODELS[name].size) for name in NAMES} > {about}


def test_sface_by_name_gives_our_profiles_vectors(cache, sample):
    ours, theirs = (
        profiles.load(Settings(cache=cache.root, profile=name, workers=1)) for name in ("sface", "SFace")
    )
    for path in sample[::20]:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        one, other = (
            profile.embed(profile.find(pixels)[0].network_input[np.newaxis])[0] for profile in (ours, theirs)
        )
        assert one @ other >= 0.9999


def test_yunet_by_name_finds_what_deepfaces_own_client_finds(cache, sample):
    detector = profiles.load_detector(Settings(cache=cache.root, detector="yunet"))
    client = deepface_library.build("face_detector", "yunet", cache)
    found = 0
    for path in sample[::8]:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        theirs = client.detect_faces(np.ascontiguousarray(pixels[:, :, ::-1]))
        ours = detector.detect(pixels)
        assert len(ours) == len(theirs)
        found += len(ours) > 0
        for one in ours:
            assert any(np.allclose(one.box, (area.x, area.y, area.w, area.h), atol=1) for area in theirs)
            assert np.isfinite(one.landmarks[:2]).all()
    assert found >= 12
