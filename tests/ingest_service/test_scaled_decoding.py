"""Large JPEGs are decoded at a part of their size, and answered as if they weren't."""

from __future__ import annotations

import base64
from dataclasses import replace

import numpy as np
import pytest
from PIL import ExifTags, Image
from tools import encoded, landscape, picture

from ingest_service import costs
from ingest_service.app import create_app
from ingest_service.decoding import decode
from ingest_service.registry import MODELS
from ingest_service.resolution import Resolution
from ingest_service.settings import Settings

KINDS = ("plain", "progressive", "grey", "CMYK", "turned by EXIF", "several", "4:4:4")
TURNED = 6
"""EXIF's orientation of a camera that was held upright."""


def large(path, size=(4000, 3000), face_at=None):
    """The photo on a plain one of this size, at a place and a width; by default as high as that."""
    photo = Image.open(path).convert("RGB")
    left, top, width = face_at or (0, 0, size[1] * photo.width // photo.height)
    canvas = Image.new("RGB", size, (120, 130, 140))
    canvas.paste(photo.resize((width, round(width * photo.height / photo.width))), (left, top))
    return canvas


def read(data, enough):
    return decode(data, 10**9, 10**9, enough)


@pytest.fixture(scope="module")
def whole_size(cache):
    """A service that decodes every pixel."""
    settings = Settings(cache=cache.root)
    whole = replace(Resolution.of(settings), first=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Resolution, "of", lambda _: whole)
        return create_app(settings).test_client()


def answer(client, *photos):
    images = [{"image": encoded(photo)} for photo in photos]
    return client.post("/v1/faces", json={"images": images, "priority": "search"}).json["results"]


@pytest.mark.parametrize("size", [(4000, 3000), (2501, 1777)], ids=lambda size: f"{size[0]}")
@pytest.mark.parametrize(
    "kind", ["plain", "progressive", "grey", "CMYK", "turned by EXIF", "several", "4:4:4"]
)
def test_a_part_of_the_pixels_shows_the_same_picture(kind, size, portrait):
    photo = large(portrait, size)
    options: dict = {"quality": 90}
    if kind == "progressive":
        options["progressive"] = True
    elif kind in ("grey", "CMYK"):
        photo = photo.convert("L" if kind == "grey" else kind)
    elif kind == "4:4:4":
        options["subsampling"] = 0
    elif kind == "turned by EXIF":
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = TURNED
        options["exif"] = exif
    elif kind == "several":
        options |= {"save_all": True, "append_images": [photo.resize((64, 48))]}
    data = picture(photo, "MPO" if kind == "several" else "JPEG", **options)
    whole = read(data, None)
    assert (whole.shrink, whole.pixels.shape[:2]) == (1, (whole.height, whole.width))
    for shrink in (2, 4, 8):
        part = read(data, -(-max(size) // shrink))
        if part.shrink == 1:
            assert kind == "turned by EXIF"  # whose sides are odd
            assert size[0] % 2
            continue
        assert part.shrink == shrink
        assert (part.width, part.height, part.sha256) == (whole.width, whole.height, whole.sha256)
        # Each of its pixels is the mean of a square of the whole picture's.
        rows, columns = whole.height // shrink, whole.width // shrink
        squares = whole.pixels[: rows * shrink, : columns * shrink].reshape(rows, shrink, columns, shrink, 3)
        away = np.abs(squares.mean(axis=(1, 3)) - part.pixels[:rows, :columns])
        assert away.mean() < 1.5, shrink


def test_only_a_large_jpeg_is_decoded_at_a_part_of_its_size(portrait):
    photo = large(portrait, (2400, 1600))
    assert photo.width * photo.height < costs.LARGE
    assert read(picture(photo), 768).shrink == 1
    photo = large(portrait)
    assert read(picture(photo, "PNG", compress_level=1), 768).shrink == 1
    assert read(picture(photo), 768).shrink == 4
    assert read(picture(photo), 3000).shrink == 1


def test_a_large_jpeg_without_its_last_marker_is_read_and_a_cut_one_is_not(service, portrait):
    data = picture(large(portrait))
    (without, cut) = answer(service, data[:-2], data[: len(data) // 2])
    assert len(without["faces"]) == 1
    assert cut["error"]["code"] == "truncated"


@pytest.mark.parametrize(
    "face_at", [None, (300, 900, 1400)], ids=["a face that fills it", "a face of a third"]
)
def test_box_size_and_vector_are_those_of_the_whole_photo(face_at, service, whole_size, sample):
    cosines = []
    for path in sample[::20]:
        data = picture(large(path, face_at=face_at), quality=88)
        (ours,), (expected,) = answer(service, data), answer(whole_size, data)
        assert (ours["photo"]["width"], ours["photo"]["height"]) == (4000, 3000)
        assert len(ours["faces"]) == len(expected["faces"])
        one, other = ours["faces"][0], expected["faces"][0]
        away = [abs(one["box"][name] - other["box"][name]) for name in other["box"]]
        assert max(away) < 0.06 * other["box"]["height"]
        for name in ("interocular_distance", "frontality", "sharpness"):
            assert one["quality"][name] == pytest.approx(other["quality"][name], rel=0.12), name
        bits = int(ours["photo"]["fingerprint"], 16) ^ int(expected["photo"]["fingerprint"], 16)
        assert bits.bit_count() <= 4
        cosines.append(np.dot(one["vector"], other["vector"]))
    assert np.median(cosines) > 0.998
    assert min(cosines) > 0.93


def test_small_faces_have_all_of_their_pixels(service, whole_size, sample):
    photo = large(sample[0], face_at=(200, 300, 500))
    photo.paste(Image.open(sample[40]).convert("RGB").resize((450, 450)), (2500, 1800))
    data = picture(photo, quality=90)
    (ours,), (expected,) = answer(service, data), answer(whole_size, data)
    assert len(ours["faces"]) == 2
    assert ours == expected


def test_a_crop_of_a_reduced_photo_has_the_face_again(service, portrait):
    (result,) = answer(service, picture(large(portrait)))
    (face,) = result["faces"]
    ((again,),) = ([*one["faces"]] for one in answer(service, base64.b64decode(face["crop"])))
    assert np.dot(face["vector"], again["vector"]) > 0.95


def test_photos_without_a_face_are_searched_in_all_of_their_pixels(service, whole_size):
    data = picture(landscape(4000, 3000))
    (ours,), (expected,) = answer(service, data), answer(whole_size, data)
    assert ours == expected
    assert ours["faces"] == []


def test_a_profile_with_a_detector_of_its_own_gets_every_pixel():
    for name, model in MODELS.items():
        assert (Resolution.of(Settings(profile=name)).first is None) == model.own_detector


def test_a_limit_on_small_faces_is_in_pixels_of_the_whole_photo(cache):
    assert Resolution.of(Settings(cache=cache.root)).first
    assert Resolution.of(Settings(cache=cache.root, min_face_px=100)).first is None
