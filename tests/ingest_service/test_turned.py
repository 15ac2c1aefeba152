"""Faces that stand sideways or upside down, in photos whose EXIF says nothing of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tools import encoded, landscape, picture

from ingest_service import profiles
from ingest_service.alignment import align
from ingest_service.decoding import decode
from ingest_service.detection import CenterFace, Detection, Pixels
from ingest_service.embedding import unit, whiten
from ingest_service.errors import SettingsError
from ingest_service.settings import Settings

QUARTERS = (1, 2, 3)


def pixels_of(path) -> Pixels:
    return decode(path.read_bytes(), 10**9, 10**9).pixels


@pytest.fixture(scope="module")
def facenet(cache):
    return profiles.load(Settings(cache=cache.root))


@pytest.fixture(scope="module")
def centerface(facenet) -> CenterFace:
    return facenet.detector


@pytest.fixture(scope="module")
def upright_only(centerface) -> CenterFace:
    return replace(centerface, doubts=None)


def vector(facenet, pixels: Pixels, face: Detection):
    return unit(facenet.network.embed(whiten(align(pixels, face, (160, 160)))[None]))[0]


@pytest.mark.parametrize("quarters", QUARTERS)
def test_turned_photos_have_their_faces_with_the_upright_ones_vectors(quarters, sample, facenet, centerface):
    found, alike = 0, 0
    photos = sample[::3]
    for path in photos:
        pixels = pixels_of(path)
        turned = np.ascontiguousarray(np.rot90(pixels, quarters))
        upright = vector(facenet, pixels, centerface.detect(pixels)[0])
        cosines = [vector(facenet, turned, face) @ upright for face in centerface.detect(turned)]
        found += bool(cosines)
        alike += max(cosines, default=0) > 0.9
    assert len(photos) == 40
    assert found == 40
    assert alike >= 38


def test_box_landmarks_and_quality_are_the_upright_photos_turned(sample, centerface, service):
    boxes, right = [], 0
    for quarters in QUARTERS:
        for path in sample[:12]:
            pixels = pixels_of(path)
            height, width = pixels.shape[:2]
            upright = centerface.detect(pixels)[0]
            faces = centerface.detect(np.ascontiguousarray(np.rot90(pixels, quarters)))
            expected = upright.turned(quarters, width, height)
            away = [np.abs(face.landmarks - expected.landmarks).max() for face in faces]
            nearest = faces[int(np.argmin(away))]
            boxes.append(np.abs(np.array(nearest.box) - expected.box).max() / upright.longer_side)
            right += min(away) < 0.08 * upright.longer_side and nearest.quarter_turns == -quarters % 4
    assert np.median(boxes) < 0.04
    assert right >= 34  # of 36

    upright, sideways = (
        service.post("/v1/faces", json={"images": [{"image": encoded(picture(photo))}]}).json["results"][0]
        for photo in (Image.open(sample[5]), Image.open(sample[5]).transpose(Image.Transpose.ROTATE_90))
    )
    one, other = upright["faces"][0]["quality"], sideways["faces"][0]["quality"]
    for name in ("interocular_distance", "frontality", "sharpness"):
        assert other[name] == pytest.approx(one[name], rel=0.2), name


def test_a_sideways_faces_crop_has_the_face_again(sample, service):
    for path in sample[:8]:
        photo = picture(Image.open(path).convert("RGB").transpose(Image.Transpose.ROTATE_270))
        face = service.post("/v1/faces", json={"images": [{"image": encoded(photo)}]}).json["results"][0][
            "faces"
        ][0]
        again = service.post("/v1/faces", json={"images": [{"image": face["crop"]}]}).json["results"][0]
        assert max(np.dot(other["vector"], face["vector"]) for other in again["faces"]) > 0.9, path.name


def test_upright_photos_are_as_they_were(sample, centerface, upright_only):
    for path in sample[::4]:
        pixels = pixels_of(path)
        one, other = centerface.detect(pixels), upright_only.detect(pixels)
        assert [(face.box, face.confidence) for face in one] == [
            (face.box, face.confidence) for face in other
        ]


def test_upright_and_sideways_faces_of_one_photo_are_found_once_each(people, centerface):
    photo = Image.new("RGB", (900, 300), "grey")
    turns = (None, Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_270)
    for number, (name, turn) in enumerate(zip(("mindy_kaling", "madonna", "elton_john"), turns, strict=True)):
        one = Image.open(people[name][0]).convert("RGB").resize((280, 280))
        photo.paste(one.transpose(turn) if turn is not None else one, (300 * number, 10))
    faces = sorted(centerface.detect(np.asarray(photo)), key=lambda face: face.box[0])
    assert [int(face.centre[0] / 300) for face in faces] == [0, 1, 2]
    assert [face.quarter_turns for face in faces] == [0, 3, 1]


def test_photos_without_a_face_have_none_in_any_direction(sample, centerface):
    """Sample photos whose faces are painted over, a landscape, and noise of several grains."""
    photos = [np.asarray(landscape())]
    for path in sample[::6]:
        pixels = pixels_of(path).copy()
        height, width = pixels.shape[:2]
        for face in centerface.detect(pixels):
            left, top, across, down = (round(side) for side in face.widened(1.6).clipped(width, height).box)
            pixels[top : top + down, left : left + across] = pixels.mean(axis=(0, 1))
        photos.append(pixels)
    random = np.random.default_rng(0)
    for grain in (1, 4, 16):
        noise = random.normal(128, 60, (512 // grain, 640 // grain, 3)).clip(0, 255).astype(np.uint8)
        photos.append(np.asarray(Image.fromarray(noise).resize((640, 512), Image.Resampling.BICUBIC)))
    assert [len(centerface.detect(pixels)) for pixels in photos] == [0] * len(photos)


def test_a_setting_leaves_it_off_and_vectors_then_have_the_id_of_before(cache):
    assert Settings.from_environment({}).turned_faces
    off = Settings.from_environment({"FACES_TURNED_FACES": "off", "FACES_CACHE": str(cache.root)})
    profile = profiles.load(off)
    assert profile.detector.doubts is None
    assert profile.model.id == "facenet-fb6176c8"
    with pytest.raises(SettingsError, match=r"FACES_TURNED_FACES is \[no\], valid values are"):
        Settings.from_environment({"FACES_TURNED_FACES": "no"})
