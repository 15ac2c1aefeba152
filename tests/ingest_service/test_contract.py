"""``POST /v1/faces`` as its callers see it."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pillow_heif
import pytest
from PIL import Image
from tools import encoded, landscape, picture

from ingest_service.app import create_app
from ingest_service.errors import CODES, SettingsError
from ingest_service.settings import Settings

pillow_heif.register_heif_opener()  # for writing it


def post(service, *images, **fields):
    return service.post("/v1/faces", json={"images": [{"image": image} for image in images], **fields})


def only(response):
    assert response.status_code == 200, response.json
    (result,) = response.json["results"]
    return result


def test_a_portrait_comes_back_as_one_face_with_everything_that_the_document_needs(service, portrait):
    result = only(post(service, encoded(portrait)))
    (face,) = result["faces"]
    assert set(face) == {"box", "confidence", "quality", "landmarks", "vector", "crop"}
    assert set(face["landmarks"]) == {"left_eye", "right_eye", "nose", "mouth_left", "mouth_right"}
    assert np.isclose(np.linalg.norm(face["vector"]), 1, atol=1e-5)
    assert len(face["vector"]) == 128
    with Image.open(portrait) as image:
        assert (result["photo"]["width"], result["photo"]["height"]) == image.size
    assert result["file"]["size"] == portrait.stat().st_size
    assert result["file"]["mime_type"] == "image/jpeg"
    assert len(result["photo"]["fingerprint"]) == 16
    thumbnail = base64.b64decode(result["thumbnail"])
    assert len(thumbnail) <= 8_000
    assert max(Image.open(io.BytesIO(thumbnail)).size) <= 200


def test_the_eyes_lie_in_the_box_and_the_persons_left_eye_on_the_pictures_right(service, portrait):
    (face,) = only(post(service, encoded(portrait)))["faces"]
    box, left, right = face["box"], face["landmarks"]["left_eye"], face["landmarks"]["right_eye"]
    for eye in (left, right):
        assert box["x"] < eye["x"] < box["x"] + box["width"]
        assert box["y"] < eye["y"] < box["y"] + box["height"]
    assert left["x"] > right["x"]


def test_only_what_return_names_is_sent(service, portrait):
    result = only(post(service, encoded(portrait), **{"return": ["vector"]}))
    assert "thumbnail" not in result
    assert "fingerprint" not in result["photo"]
    assert "crop" not in result["faces"][0]
    assert "vector" in result["faces"][0]


def test_a_bad_photo_fails_alone_and_its_neighbours_are_as_without_it(service, portrait, group_photo):
    alone = only(post(service, encoded(portrait)))
    answer = post(
        service, encoded(portrait), "§§", encoded(group_photo), encoded(b"hello"), encoded(portrait)
    ).json
    first, not_base64, group, not_image, last = answer["results"]
    assert first == alone == last
    assert len(group["faces"]) == 3
    assert not_base64["error"]["code"] == "not_base64"
    assert not_image["error"]["code"] == "not_an_image"


def test_an_item_without_its_photo_is_an_error_in_its_place_alone(service, portrait):
    answer = service.post("/v1/faces", json={"images": [{}, {"image": encoded(portrait)}, {"image": None}]})
    first, portrayed, last = answer.json["results"]
    assert first["error"]["code"] == last["error"]["code"] == "not_base64"
    assert len(portrayed["faces"]) == 1


def test_a_data_uri_and_wrapped_base64_are_the_same_photo(service, portrait):
    plain = only(post(service, encoded(portrait)))
    wrapped = base64.encodebytes(portrait.read_bytes()).decode()
    assert only(post(service, "data:image/png;base64," + encoded(portrait))) == plain
    assert only(post(service, wrapped)) == plain


def test_a_photo_without_a_face_is_no_error(service):
    result = only(post(service, encoded(picture(landscape()))))
    assert result["faces"] == []
    assert result["thumbnail"]


def test_faces_come_largest_first_and_options_drop_the_rest(service, group_photo):
    item = {"image": encoded(group_photo), "options": {"max_faces": 1}}
    whole = only(post(service, encoded(group_photo)))["faces"]
    areas = [face["box"]["width"] * face["box"]["height"] for face in whole]
    assert areas == sorted(areas, reverse=True)
    assert only(service.post("/v1/faces", json={"images": [item]}))["faces"] == whole[:1]
    item["options"] = {"min_confidence": 1}
    assert only(service.post("/v1/faces", json={"images": [item]}))["faces"] == []


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "BMP", "TIFF", "GIF", "HEIF"])
def test_every_allowed_format_is_read_by_its_content(service, portrait, kind):
    data = picture(Image.open(portrait).convert("RGB"), kind)
    result = only(post(service, "data:image/jpeg;base64," + encoded(data)))
    assert len(result["faces"]) == 1
    assert result["file"]["mime_type"] == f"image/{kind.lower()}".replace("heif", "heic")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_turns_the_photo_upright_and_boxes_are_of_the_upright_photo(service, portrait, orientation):
    upright = Image.open(portrait).convert("RGB")
    back = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    stored = upright
    for step in back.get(orientation, []):
        stored = stored.transpose(step)
    exif = Image.Exif()
    exif[0x0112] = orientation
    result = only(post(service, encoded(picture(stored, "PNG", exif=exif))))
    plain = only(post(service, encoded(picture(upright, "PNG"))))
    assert result["photo"] == plain["photo"]
    assert result["faces"] == plain["faces"]


def test_the_date_taken_is_read_from_exif_and_nothing_of_exif_is_sent_on(service, portrait):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2004:05:01 12:30:00"
    exif[0x010E] = "a secret remark"
    data = picture(Image.open(portrait).convert("RGB"), exif=exif)
    result = only(post(service, encoded(data)))
    assert result["photo"]["taken"] == "2004-05-01T12:30:00"
    for sent in (result["thumbnail"], result["faces"][0]["crop"]):
        assert not Image.open(io.BytesIO(base64.b64decode(sent))).getexif()


def test_broken_exif_and_transparency_and_sixteen_bits_are_still_photos(service, portrait):
    image = Image.open(portrait)
    transparent = image.convert("RGBA")
    transparent.putalpha(200)
    grey16 = Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257)
    broken = picture(image.convert("RGB"), exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    for data in (picture(transparent, "PNG"), picture(grey16, "PNG"), broken):
        assert len(only(post(service, encoded(data)))["faces"]) == 1


def truncated(portrait):
    return portrait.read_bytes()[:-2000]


def bomb():
    """A PNG that says it has 400 megapixels, in a few kB."""
    return picture(Image.new("1", (20_000, 20_000)), "PNG")


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda _: "not base64!", "not_base64"),
        (lambda _: 5, "not_base64"),
        (lambda _: None, "not_base64"),
        (lambda portrait: [encoded(portrait)], "not_base64"),
        (lambda _: "http://127.0.0.1/photo.jpg", "not_base64"),
        (lambda _: "../photo.jpg", "not_base64"),
        # Base64 by its letters: with no padding, and of whole groups.
        (lambda _: "/etc/passwd", "not_an_image"),
        (lambda _: "/etc/hosts/x", "not_an_image"),
        (lambda _: "", "not_an_image"),
        (lambda _: encoded(b"just some text"), "not_an_image"),
        (lambda _: encoded(b"%PDF-1.7 ..."), "unsupported_format"),
        (lambda _: encoded(b"\0\0\0\x18ftypisom\0\0\0\0"), "unsupported_format"),
        (lambda portrait: encoded(truncated(portrait)), "truncated"),
        (lambda portrait: encoded(portrait.read_bytes()[:100]), "damaged"),
        (lambda _: encoded(bomb()), "too_many_pixels"),
        (lambda _: encoded(picture(Image.new("L", (8000, 6500)), "PNG")), "too_many_pixels"),
        (lambda _: "A" * 20_100_000, "too_large"),
    ],
)
def test_each_bad_photo_has_its_code_and_a_remedy(service, portrait, make, code):
    error = only(post(service, make(portrait)))["error"]
    assert error["code"] == code
    assert error["message"].endswith(CODES[code][1])


def test_an_unexpected_failure_is_its_photos_alone_and_shows_no_traceback(
    service, portrait, monkeypatch, caplog
):
    secret = encoded(portrait)

    def explode(*_):
        raise RuntimeError(secret)

    monkeypatch.setattr("ingest_service.renditions.thumbnail", explode)
    response = post(service, secret)
    assert only(response)["error"]["code"] == "internal"
    assert secret[:64] not in caplog.text
    assert "RuntimeError" in caplog.text
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("body", "fact"),
    [
        (None, "body"),
        ([], "body"),
        ({"images": []}, "[images]"),
        ({"images": [{"image": "x"}] * 65}, "64"),
        ({"images": ["x"]}, "[images][0]"),
        ({"images": [{"photo": "x"}]}, "[images][0][photo]"),
        ({"images": [{"image": "x"}], "return": ["vectors"]}, "[return]"),
        ({"images": [{"image": "x"}], "priority": "now"}, "[priority]"),
        ({"images": [{"image": "x", "options": {"max_faces": 0}}]}, "[max_faces]"),
        ({"images": [{"image": "x", "options": {"min_quality": "high"}}]}, "[min_quality]"),
    ],
)
def test_a_wrong_request_is_refused_with_the_field_that_is_wrong(service, body, fact):
    response = service.post("/v1/faces", data=json.dumps(body), content_type="application/json")
    assert response.status_code == 400
    assert response.json["error"]["code"] == "bad_request"
    assert fact in response.json["error"]["message"]


def test_another_model_is_refused_and_the_served_one_is_named(service, portrait):
    served = service.get("/readyz").json["model"]["id"]
    assert post(service, encoded(portrait), model=served).status_code == 200
    response = post(service, encoded(portrait), model="facenet-00000000")
    assert response.status_code == 409
    assert served in response.json["error"]["message"]


def test_unknown_paths_and_methods_answer_in_the_same_shape(service):
    assert service.get("/v1/nothing").json["error"]["code"] == "not_found"
    assert service.get("/v1/faces").json["error"]["code"] == "method_not_allowed"
    assert service.get("/healthz").json == {"status": "ok"}


def test_with_a_key_only_its_holder_gets_in(cache, portrait):
    guarded = create_app(
        Settings(cache=cache.root, api_keys=("other", "s3cret"), max_body_bytes=1_000_000)
    ).test_client()
    body = {"images": [{"image": encoded(portrait)}]}
    assert guarded.post("/v1/faces", json=body).json["error"]["code"] == "unauthorized"
    wrong = {"Authorization": "Bearer wrong"}
    assert guarded.post("/v1/faces", json=body, headers=wrong).status_code == 401
    assert guarded.post("/v1/faces", json=body, headers={"Authorization": "Bearer s3cret"}).status_code == 200
    assert guarded.get("/readyz").status_code == 200
    too_large = guarded.post("/v1/faces", data=b"x" * 1_000_001, headers={"Authorization": "Bearer s3cret"})
    assert too_large.status_code == 413
    assert too_large.json["error"]["code"] == "body_too_large"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FACES_PORT", "http"),
        ("FACES_PORT", "99999"),
        ("FACES_PORT", "²"),
        ("FACES_MAX_BYTES", "0"),
        ("FACES_PROFILE", "vgg"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name, value):
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({name: value})
    assert name in str(error.value)
    assert f"[{value}]" in str(error.value)
