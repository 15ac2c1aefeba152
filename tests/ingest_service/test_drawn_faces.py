"""Boxes that a person drew: the faces in them are found, embedded and described like any other."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from tools import JSON, encoded, landscape, picture

from ingest_service.app import create_app
from ingest_service.drawn_boxes import MOST, SHORTEST_SIDE
from ingest_service.errors import CODES
from ingest_service.settings import Settings

GOOD = {"x": 10, "y": 10, "width": 60, "height": 80}


def found(service, photo, boxes=None, **options) -> dict:
    """The result of one photo."""
    drawn = {} if boxes is None else {"boxes": boxes}
    body = {"images": [{"image": encoded(photo), "options": drawn | options}]}
    response = service.post("/v1/faces", json=body)
    assert response.status_code == 200, response.json
    return response.json["results"][0]


def cosine(one: dict, other: dict) -> float:
    return float(np.dot(one["vector"], other["vector"]))


def moved(box: dict, x: int = 0, y: int = 0, more: int = 0) -> dict:
    """The box moved, and so many pixels larger on every side."""
    return {
        "x": box["x"] + x - more,
        "y": box["y"] + y - more,
        "width": box["width"] + 2 * more,
        "height": box["height"] + 2 * more,
    }


@pytest.fixture(scope="module")
def blind(cache):
    """A service whose detector finds no face: all are too small for it."""
    return create_app(Settings(cache=cache.root, min_face_px=1_000)).test_client()


@pytest.fixture(scope="module")
def small_face(portrait) -> tuple[bytes, dict, bytes]:
    """A photo with a face that is too small to be found in it, its box, and that part of the photo."""
    face = Image.open(portrait).convert("RGB")
    face = face.resize((38, round(face.height * 38 / face.width)), Image.Resampling.LANCZOS)
    photo = landscape(850, 640)
    photo.paste(face, (400, 300))
    part = photo.crop((400, 300, 400 + face.width, 300 + face.height))
    return picture(photo, "PNG"), {"x": 400, "y": 300}, picture(part, "PNG")


def test_a_missed_face_is_found_in_its_box_and_is_like_any_other(service, small_face):
    photo, corner, part = small_face
    assert found(service, photo)["faces"] == []
    (alone,) = found(service, part)["faces"]
    box = moved(alone["box"], **corner, more=2)
    (face,) = found(service, photo, [box])["faces"]
    assert set(face) == set(alone) | {"drawn"}
    assert (face["box"], face["drawn"]) == (box, True)
    assert face["confidence"] > 0.5
    assert cosine(face, alone) > 0.9
    assert np.linalg.norm(face["vector"]) == pytest.approx(1, abs=1e-5)
    for name, point in face["landmarks"].items():
        assert point["x"] == pytest.approx(alone["landmarks"][name]["x"] + corner["x"], abs=3)
        assert point["y"] == pytest.approx(alone["landmarks"][name]["y"] + corner["y"], abs=3)
    assert face["quality"]["interocular_distance"] == pytest.approx(
        alone["quality"]["interocular_distance"], rel=0.2
    )


def test_the_same_box_gives_the_same_face_again(service, small_face):
    photo, corner, part = small_face
    (alone,) = found(service, part)["faces"]
    first = found(service, photo, [moved(alone["box"], **corner, more=5)])["faces"]
    assert found(service, photo, [first[0]["box"]])["faces"] == first


def test_where_the_detector_finds_none_landmarks_are_where_faces_have_them(service, blind, people):
    """Half a dozen faces, boxes as the detector has them: the vectors are those of the detected faces."""
    alike = []
    for photos in people.values():
        (face, *_) = found(service, photos[0])["faces"]
        (drawn,) = found(blind, photos[0], [face["box"]])["faces"]
        assert (drawn["confidence"], drawn["box"]) == (0, face["box"])
        assert drawn["quality"]["score"] > 0
        alike.append(cosine(face, drawn))
    assert np.median(alike) > 0.9, alike
    assert min(alike) > 0.6, alike


def test_a_box_around_a_detected_face_is_that_face(service, group_photo):
    plain = found(service, group_photo)
    boxes = [moved(face["box"], x=4, y=-3, more=3) for face in plain["faces"]]
    assert found(service, group_photo, boxes) == plain


def test_two_boxes_around_one_face_are_one(service, small_face):
    photo, corner, part = small_face
    (alone,) = found(service, part)["faces"]
    boxes = [moved(alone["box"], **corner, more=more) for more in (1, 4, 2)]
    assert [face["box"] for face in found(service, photo, boxes)["faces"]] == boxes[:1]


def test_detected_faces_stay_as_they_are_and_come_first(service, group_photo):
    plain = found(service, group_photo)
    (*detected, drawn) = found(service, group_photo, [GOOD])["faces"]
    assert detected == plain["faces"]
    assert drawn["box"] == GOOD
    assert [face.get("drawn") for face in detected] == [None] * 3


def test_a_drawn_face_is_returned_whatever_drops_others(service, group_photo):
    for limit in ({"max_faces": 1}, {"min_confidence": 1.0}, {"min_quality": 1.0}):
        faces = found(service, group_photo, [GOOD], **limit)["faces"]
        assert [face["box"] for face in faces if face.get("drawn")] == [GOOD]
        assert len(faces) == (2 if "max_faces" in limit else 1)


def test_a_detected_face_that_a_limit_drops_can_be_drawn(service, group_photo):
    smallest = found(service, group_photo)["faces"][-1]
    (first, drawn) = found(service, group_photo, [smallest["box"]], max_faces=1)["faces"]
    assert "drawn" not in first
    assert drawn["drawn"]
    assert cosine(drawn, smallest) > 0.9


def test_boxes_are_of_the_upright_photo(service, small_face):
    photo, corner, part = small_face
    (alone,) = found(service, part)["faces"]
    box = moved(alone["box"], **corner, more=2)
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(io.BytesIO(photo)) as upright:
        stored = picture(upright.transpose(Image.Transpose.ROTATE_90), "PNG", exif=exif)
    assert found(service, stored, [box])["faces"] == found(service, photo, [box])["faces"]


def test_in_a_photo_that_is_decoded_smaller_a_box_is_of_all_its_pixels(service, large_photo):
    plain = found(service, large_photo)
    box = {"x": 7, "y": 11, "width": 131, "height": 157}
    (face, drawn) = found(service, large_photo, [box])["faces"]
    assert drawn["box"] == box
    assert cosine(face, plain["faces"][0]) > 0.98
    whole = plain["photo"]
    corner = {"x": whole["width"] - 200, "y": whole["height"] - 200, "width": 200, "height": 200}
    assert found(service, large_photo, [corner])["faces"][-1]["box"] == corner


BAD = {
    "no list": GOOD,
    "text": "10,10,60,80",
    "too many": [GOOD] * (MOST + 1),
    "thousands": [GOOD] * 3_000,
    "a null": [None],
    "numbers": [[10, 10, 60, 80]],
    "a side is missing": [{name: side for name, side in GOOD.items() if name != "x"}],
    "another side": [GOOD | {"depth": 3}],
    "a text for a side": [GOOD | {"x": "10"}],
    "true for a side": [GOOD | {"x": True}],
    "a null for a side": [GOOD | {"width": None}],
    "a list for a side": [GOOD | {"width": [[[]]]}],
    "negative": [GOOD | {"x": -1}],
    "negative width": [GOOD | {"width": -60}],
    "nothing": [GOOD | {"width": 0}],
    "too narrow": [GOOD | {"width": SHORTEST_SIDE - 1}],
    "too low": [GOOD | {"height": 0.5}],
    "beyond the right": [GOOD | {"x": 10_000}],
    "beyond the bottom": [GOOD | {"height": 10_000}],
    "huge": [GOOD | {"width": 1e300}],
    "a number of many digits": [GOOD | {"width": 10**100}],
    "one of two": [GOOD, GOOD | {"x": -5}],
}


@pytest.mark.parametrize("boxes", BAD.values(), ids=BAD)
def test_a_bad_box_is_its_photos_error_alone(service, portrait, boxes):
    images = [{"image": encoded(portrait), "options": {"boxes": boxes}}, {"image": encoded(portrait)}]
    bad, good = service.post("/v1/faces", json={"images": images}).json["results"]
    assert bad["error"]["code"] == "bad_box"
    assert bad["error"]["message"].endswith(CODES["bad_box"][1])
    assert len(bad["error"]["message"]) < 400
    assert len(good["faces"]) == 1


def with_width(service, portrait, number: str):
    """The answer to a box whose width is this JSON."""
    body = {"images": [{"image": encoded(portrait), "options": {"boxes": [GOOD | {"width": "?"}]}}]}
    return service.post("/v1/faces", data=json.dumps(body).replace('"?"', number), headers=JSON)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "9" * 9_000])
def test_what_is_no_number_of_json_is_a_bad_request(service, portrait, number):
    response = with_width(service, portrait, number)
    assert (response.status_code, response.json["error"]["code"]) == (400, "bad_request")


def test_an_infinite_side_is_a_bad_box(service, portrait):
    (result,) = with_width(service, portrait, "1e999").json["results"]
    assert result["error"]["code"] == "bad_box"


def test_as_many_boxes_as_a_photo_may_have_are_taken(service):
    photo = picture(landscape(640, 480), "PNG")
    boxes = [{"x": 30 * number, "y": 5, "width": 24, "height": 30.5} for number in range(MOST)]
    faces = found(service, photo, boxes)["faces"]
    assert [face["box"]["x"] for face in faces] == [box["x"] for box in boxes]
    assert found(service, photo, [])["faces"] == found(service, photo)["faces"] == []


def test_the_whole_photo_may_be_a_box(service):
    photo = picture(landscape(64, 48), "PNG")
    (face,) = found(service, photo, [{"x": 0, "y": 0, "width": 64, "height": 48}])["faces"]
    assert (face["box"]["width"], face["box"]["height"]) == (64, 48)


def test_the_model_is_the_one_without_boxes(service, portrait):
    body = {"images": [{"image": encoded(portrait), "options": {"boxes": [GOOD]}}]}
    assert service.post("/v1/faces", json=body).json["model"] == service.get("/readyz").json["model"]


@pytest.mark.parametrize("profile", ["sface", "facenet-sface", "stub-128"])
def test_every_profile_embeds_drawn_faces(cache, portrait, profile):
    served = create_app(Settings(cache=cache.root, profile=profile, min_face_px=1_000)).test_client()
    faces = found(served, portrait, [{"x": 60, "y": 40, "width": 90, "height": 120}])["faces"]
    (drawn,) = [face for face in faces if face.get("drawn")]
    assert len(drawn["vector"]) == served.get("/readyz").json["model"]["dims"]
