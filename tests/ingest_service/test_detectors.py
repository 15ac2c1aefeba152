"""Which detectors can be chosen, what they find, and that none is fetched while serving."""

from __future__ import annotations

from dataclasses import fields, replace

import gdown
import numpy as np
import pytest
from PIL import Image
from tools import encoded

from ingest_service import deepface_library, needs
from ingest_service.app import create_app
from ingest_service.decoding import decode
from ingest_service.detection import CenterFace, resized
from ingest_service.detection.turned import Doubts
from ingest_service.errors import SettingsError
from ingest_service.needs import Needs
from ingest_service.networks import ONNX_FP32
from ingest_service.profiles import load, load_detector
from ingest_service.registry import DETECTORS
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, WeightsError
from ingest_service.weights.prepare import prepare_dlib


def pixels_of(path):
    return decode(path.read_bytes(), 10**9, 10**9).pixels


@pytest.fixture(scope="module")
def centerface(cache) -> CenterFace:
    return load(Settings(cache=cache.root)).detector


@pytest.fixture(scope="module")
def crowd(sample, centerface):
    """A photo of 2000 x 1500 pixels with 40 faces, each 30 pixels high; and the faces' centres."""
    canvas = Image.new("RGB", (2000, 1500), (90, 110, 100))
    centres = []
    for number, path in enumerate(sample[::2][:40]):
        pixels = pixels_of(path)
        x, y, width, height = centerface.detect(pixels)[0].box
        around = [
            round(x - width * 0.6),
            round(y - height * 0.6),
            round(x + width * 1.6),
            round(y + height * 1.6),
        ]
        head = Image.fromarray(pixels).crop(around)
        scale = 30 / height
        head = head.resize((round(head.width * scale), round(head.height * scale)), Image.Resampling.LANCZOS)
        centre = (250 * (number % 8) + 125, 300 * (number // 8) + 150)
        canvas.paste(head, (centre[0] - head.width // 2, centre[1] - head.height // 2))
        centres.append(centre)
    return np.asarray(canvas), np.array(centres)


def test_with_a_larger_bound_no_face_of_a_crowd_is_lost(crowd, centerface):
    pixels, centres = crowd
    faces = replace(centerface, max_side=2000).detect(pixels)
    found = np.array([[box[0] + box[2] / 2, box[1] + box[3] / 2] for box in (face.box for face in faces)])
    distances = np.linalg.norm(found[None] - centres[:, None], axis=2)
    assert len(faces) == 40
    assert distances.min(axis=1).max() < 10
    assert 25 < np.median([face.box[3] for face in faces]) < 35


def test_the_second_look_decides_where_the_first_is_unsure(sample, centerface):
    """Faces of a twentieth of the photo's longer side: one look alone finds few at the same bound."""
    centerface = replace(centerface, tiles=False, doubts=None)
    unsure = replace(centerface, candidate=centerface.threshold)
    found, sure = 0, 0
    for path in sample[::4]:
        photo = Image.open(path).convert("RGB")
        face = centerface.detect(np.asarray(photo))[0]
        scale = 50 / face.box[3]
        photo = photo.resize((round(photo.width * scale), round(photo.height * scale)))
        canvas = Image.new("RGB", (1000, 750), "grey")
        canvas.paste(photo, (400, 300))
        middle = np.array([400, 300]) + (np.array(face.box[:2]) + np.array(face.box[2:]) / 2) * scale
        for detector in (centerface, unsure):
            boxes = np.array([face.box for face in detector.detect(np.asarray(canvas))]).reshape(-1, 4)
            seen = bool((np.abs(boxes[:, :2] + boxes[:, 2:] / 2 - middle) < 15).all(axis=1).any())
            found, sure = found + (seen and detector is centerface), sure + (seen and detector is unsure)
    assert found >= 20
    assert sure <= 12


def test_a_small_photo_is_enlarged_where_nothing_is_found(sample, centerface):
    """Photos of 48 pixels; a detector whose bound is their size doesn't enlarge them."""
    enlarging = replace(centerface, min_face=8)
    not_enlarging = replace(enlarging, max_side=48)
    more = 0
    for path in sample:
        pixels = pixels_of(path)
        scale = 48 / max(pixels.shape[:2])
        small, _ = resized(pixels, (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale)))
        faces, without = enlarging.detect(small), not_enlarging.detect(small)
        if without:
            assert [face.box for face in faces] == [face.box for face in without]
        elif faces:
            more += 1
            away = [np.abs(face.centre * scale - faces[0].centre).max() for face in enlarging.detect(pixels)]
            assert min(away) < 3
    assert more >= 5


def test_faces_smaller_than_the_least_are_dropped(crowd, centerface):
    pixels, _ = crowd
    assert replace(centerface, max_side=2000, min_face=45).detect(pixels) == []


def test_a_large_photos_face_is_found_where_it_is_in_the_small_one(portrait, centerface):
    small = pixels_of(portrait)
    large = np.asarray(Image.fromarray(small).resize((4000, 3000), Image.Resampling.BICUBIC))
    scale = np.array([4000 / small.shape[1], 3000 / small.shape[0]])
    (one, other) = (centerface.detect(pixels)[0] for pixels in (small, large))
    assert np.abs(one.landmarks * scale - other.landmarks).max() < 0.05 * other.shorter_side


@pytest.mark.parametrize("size", [(320, 256), (333, 77), (1000, 750)])
def test_shrinking_in_steps_is_as_good_as_in_one(size):
    gradient = np.add.outer(np.arange(1501), np.arange(2003))[:, :, None].repeat(3, 2) * 255 / 3502
    small, (across, down) = resized(gradient.astype(np.uint8), size)
    assert small.shape == (size[1], size[0], 3)
    middle = np.array([size[1] // 2, size[0] // 2])
    expected = ((middle + 0.5) / (down, across)).sum() * 255 / 3502
    assert abs(float(small[tuple(middle)][0]) - expected) < 2


@pytest.mark.parametrize("name", ["opencv", "dlib", "deepface-centerface"])
def test_a_deepface_detector_is_chosen_by_name(name, cache, portrait, service):
    prepare_dlib(cache, lambda _: None)
    chosen = create_app(Settings(cache=cache.root, detector=name)).test_client()
    ask = {"images": [{"image": encoded(portrait)}], "return": ["vector"]}
    ours, theirs = (client.post("/v1/faces", json=ask).json for client in (service, chosen))
    assert theirs["model"]["id"] != ours["model"]["id"]
    one, other = ours["results"][0]["faces"][0], theirs["results"][0]["faces"][0]
    assert np.dot(one["vector"], other["vector"]) > 0.7
    assert {"left_eye", "right_eye"} <= set(other["landmarks"])
    assert other["landmarks"]["left_eye"]["x"] > other["landmarks"]["right_eye"]["x"]


def test_a_deepface_detector_also_bounds_the_photo_and_drops_small_faces(cache, portrait):
    pixels = pixels_of(portrait)
    settings = Settings(cache=cache.root, detector="opencv")
    (face, *_) = load_detector(settings).detect(pixels)
    assert face.box[0] + face.box[2] <= pixels.shape[1]
    assert load_detector(replace(settings, min_face_px=2000)).detect(pixels) == []


def test_the_names_are_deepfaces_own_and_centerface_is_ours():
    from deepface.modules.modeling import AVAILABLE_MODELS

    deepfaces = {name.removeprefix("deepface-"): name for name in DETECTORS if name != "centerface"}
    assert set(deepfaces) == set(AVAILABLE_MODELS["face_detector"])
    assert {ours for its, ours in deepfaces.items() if ours != its} == {"deepface-centerface"}
    assert Settings.from_environment({}).detector == "centerface"
    assert all(entry.name == name for name, entry in DETECTORS.items())
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"FACES_DETECTOR": "haar"})
    assert "FACES_DETECTOR is [haar]" in str(error.value)
    assert str(list(DETECTORS)) in str(error.value)
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"FACES_DETECTOR": "opencv", "FACES_PROFILE": "deepface"})
    assert "FACES_DETECTOR is [opencv]" in str(error.value)
    assert "FACES_PROFILE [deepface]" in str(error.value)


@pytest.mark.parametrize("name", ["yunet", "ssd", "dlib", "yolov8n", "retinaface"])
def test_absent_weights_are_an_error_that_names_the_file_and_its_place(name, tmp_path, monkeypatch):
    monkeypatch.setattr(needs, "find_spec", lambda module: module)
    with pytest.raises(WeightsError) as error:
        load_detector(Settings(cache=tmp_path, detector=name))
    wanted = Cache(tmp_path).deepface_weights / DETECTORS[name].needs.files[0]
    assert f"FACES_DETECTOR [{name}]" in str(error.value)
    assert str(wanted) in str(error.value)


def test_an_absent_package_is_an_error_that_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(needs, "find_spec", lambda module: None)
    with pytest.raises(SettingsError, match=r"FACES_DETECTOR \[fastmtcnn\].*pip install facenet-pytorch"):
        load_detector(Settings(cache=tmp_path, detector="fastmtcnn"))


@pytest.mark.parametrize("name", ["yunet", "ssd", "dlib"])
def test_deepface_cant_download_while_serving(name, tmp_path, cache):
    try:
        with pytest.raises(WeightsError, match=DETECTORS[name].needs.files[0]):
            deepface_library.build("face_detector", name, Cache(tmp_path))
        with pytest.raises(WeightsError, match=r"https://example\.org/weights"):
            gdown.download("https://example.org/weights")
        assert list(tmp_path.rglob("*")) == []
    finally:
        deepface_library.open_library(cache)


SHAPE_NO_VECTOR = ("network", "min_face", "tiles", "doubts")


@pytest.mark.parametrize("name", [f.name for f in fields(CenterFace) if f.name not in SHAPE_NO_VECTOR])
def test_every_parameter_of_centerface_is_part_of_what_the_id_covers(name, centerface):
    changed = replace(centerface, **{name: getattr(centerface, name) * 2})
    assert changed.parts() != centerface.parts()


@pytest.mark.parametrize("name", [f.name for f in fields(Doubts)])
def test_so_is_what_makes_a_face_doubtful(name, centerface):
    doubts = replace(centerface.doubts, **{name: getattr(centerface.doubts, name) * 2})
    assert replace(centerface, doubts=doubts).parts() != centerface.parts()
    assert replace(centerface, doubts=None).parts() != centerface.parts()


@pytest.mark.parametrize("what", ["name", "max_side", "variable", "weights", "package"])
def test_every_parameter_of_a_deepface_detector_is_part_of_what_the_id_covers(
    what, cache, tmp_path, monkeypatch
):
    name, side, folder = "deepface-centerface", 1024, cache
    before = DETECTORS[name].load(folder, side, 16, ONNX_FP32, False).parts()
    if what == "name":
        name = "opencv"
    elif what == "max_side":
        side = 640
    elif what == "variable":
        monkeypatch.setenv("CENTERFACE_THRESHOLD", "0.5")
    elif what == "weights":
        folder = Cache(tmp_path)
        folder.deepface_weights.mkdir(parents=True)
        (folder.deepface_weights / "centerface.onnx").write_bytes(b"other weights")
    else:
        monkeypatch.setattr(deepface_library.metadata, "version", lambda _: "0.0.0")
    try:
        assert DETECTORS[name].load(folder, side, 16, ONNX_FP32, False).parts() != before
    finally:
        deepface_library.open_library(cache)


def test_a_detector_without_files_needs_its_package_only(cache):
    assert Needs("cv2", "opencv").are_present(cache)
    assert not Needs("cv2", "opencv", ("no such file",)).are_present(cache)
