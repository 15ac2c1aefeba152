"""``POST /v1/verify``, and photos sent as a form."""

from __future__ import annotations

import io
from itertools import pairwise

import numpy as np
import pytest
from tools import encoded, landscape, picture


def verify(service, *photos):
    return service.post("/v1/verify", json={"images": [{"image": photo} for photo in photos]})


def form(service, path="/v1/faces", photos=(), **fields):
    files = [(io.BytesIO(photo), f"{number}.jpg") for number, photo in enumerate(photos)]
    return service.post(path, data={"image": files, **fields}, content_type="multipart/form-data")


def test_two_photos_of_one_person_are_a_strong_or_possible_match_of_four_in_five_people(service, people):
    pairs = [photos[:2] for photos in people.values()]
    verdicts = [verify(service, *map(encoded, pair)).json["verdict"] for pair in pairs]
    assert sum(verdict in ("strong", "possible") for verdict in verdicts) >= 0.8 * len(pairs), verdicts


def test_an_answer_names_the_faces_that_were_compared_and_that_its_verdict_is_uncalibrated(service, people):
    answer = verify(service, *map(encoded, people["madonna"][:2])).json
    assert answer["calibrated"] is False
    assert set(answer) == {"model", "similarity", "verdict", "thresholds", "calibrated", "faces"}
    assert answer["thresholds"] == service.get("/readyz").json["thresholds"]
    assert [set(face) for face in answer["faces"]] == [{"box", "confidence", "quality", "landmarks"}] * 2


def test_strangers_are_an_unlikely_match(service, people):
    names = sorted(people)
    for pair in pairwise(names):
        photos = [encoded(people[name][0]) for name in pair]
        assert verify(service, *photos).json["verdict"] == "unlikely"


def test_the_similarity_is_the_cosine_of_the_vectors_that_faces_returns(service, people):
    photos = [encoded(people[name][0]) for name in ("madonna", "elton_john")]
    images = [{"image": photo} for photo in photos]
    results = service.post("/v1/faces", json={"images": images}).json["results"]
    one, other = (result["faces"][0]["vector"] for result in results)
    assert verify(service, *photos).json["similarity"] == pytest.approx(np.dot(one, other), abs=1e-5)


def test_a_photo_is_the_same_person_as_itself(service, portrait):
    answer = verify(service, encoded(portrait), encoded(portrait)).json
    assert answer["similarity"] == pytest.approx(1, abs=1e-5)
    assert answer["verdict"] == "strong"


@pytest.mark.parametrize(
    ("photo", "code"),
    [
        ("§", "not_base64"),
        (None, "not_base64"),
        ("", "not_an_image"),
        (encoded(b"%PDF-1.7 ..."), "unsupported_format"),
        (encoded(picture(landscape())), "no_face"),
        (encoded(picture(landscape())[:-300]), "truncated"),
    ],
)
@pytest.mark.parametrize("place", ["first", "second"])
def test_a_photo_that_cannot_be_compared_is_refused_with_its_code_and_place(
    service, portrait, photo, code, place
):
    photos = [photo, encoded(portrait)] if place == "first" else [encoded(portrait), photo]
    response = verify(service, *photos)
    assert response.status_code == 400
    assert response.json["error"]["code"] == code
    assert place in response.json["error"]["message"]


@pytest.mark.parametrize("count", [0, 1, 3])
def test_it_takes_two_photos(service, portrait, count):
    as_json = verify(service, *[encoded(portrait)] * count)
    as_form = form(service, "/v1/verify", [portrait.read_bytes()] * count)
    for response in (as_json, as_form):
        assert response.status_code == 400
        assert response.json["error"]["code"] == "bad_request"
        assert "[images]" in response.json["error"]["message"]


def test_a_form_with_two_files_is_verified_as_json_is(service, people):
    photos = people["madonna"][:2]
    answer = form(service, "/v1/verify", [photo.read_bytes() for photo in photos])
    assert answer.json == verify(service, *map(encoded, photos)).json


def test_a_form_of_photos_is_answered_as_json_is_in_order(service, people):
    photos = [people[name][0] for name in ("madonna", "elton_john")]
    as_form = form(service, photos=[photo.read_bytes() for photo in photos])
    assert as_form.status_code == 200
    as_json = service.post("/v1/faces", json={"images": [{"image": encoded(photo)} for photo in photos]})
    assert as_form.json == as_json.json


def test_a_forms_fields_are_those_of_json(service, portrait):
    model = service.get("/readyz").json["model"]["id"]
    photos = [portrait.read_bytes()]
    answer = form(service, photos=photos, **{"return": "vector", "model": model, "priority": "search"}).json
    assert set(answer["results"][0]["faces"][0]) == {"box", "confidence", "quality", "landmarks", "vector"}
    assert "thumbnail" not in answer["results"][0]
    answer = form(service, photos=photos, **{"return": ["crop", "thumbnail"]}).json
    assert "crop" in answer["results"][0]["faces"][0]
    assert "thumbnail" in answer["results"][0]
    assert form(service, photos=photos, model="facenet-00000000").status_code == 409


@pytest.mark.parametrize(
    ("fields", "fact"),
    [
        ({}, "[images]"),
        ({"image": "me.jpg"}, "[image]"),
        ({"images": "me.jpg"}, "[images]"),
        ({"photo": (io.BytesIO(b"x"), "me.jpg")}, "[photo]"),
        ({"image": (io.BytesIO(b"x"), "me.jpg"), "priority": "now"}, "[priority]"),
        ({"image": (io.BytesIO(b"x"), "me.jpg"), "return": "vectors"}, "[return]"),
        ({"image": (io.BytesIO(b"x"), "me.jpg"), "max_faces": "1"}, "[max_faces]"),
    ],
)
def test_a_wrong_form_is_refused_with_the_field_that_is_wrong(service, fields, fact):
    response = service.post("/v1/faces", data=fields, content_type="multipart/form-data")
    assert response.status_code == 400
    assert response.json["error"]["code"] == "bad_request"
    assert fact in response.json["error"]["message"]


def test_verify_has_no_fields_but_its_photos(service, portrait):
    response = form(service, "/v1/verify", [portrait.read_bytes()] * 2, **{"return": "vector"})
    assert response.status_code == 400
    assert "[return]" in response.json["error"]["message"]


def test_an_empty_file_fails_alone(service, portrait):
    empty, full = form(service, photos=[b"", portrait.read_bytes()]).json["results"]
    assert empty["error"]["code"] == "not_an_image"
    assert len(full["faces"]) == 1


def test_a_huge_field_and_a_thousand_fields_are_refused(service, portrait):
    photos = [portrait.read_bytes()]
    huge = form(service, photos=photos, model="x" * 2_000_000)
    many = form(service, photos=photos, **{f"f{number}": "x" for number in range(2_000)})
    for response in (huge, many):
        assert response.status_code == 413
        assert response.json["error"]["code"] == "body_too_large"


def test_a_forms_photos_are_never_written_to_a_disk(service, large_photo, monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a temporary file")

    for name in ("TemporaryFile", "SpooledTemporaryFile", "NamedTemporaryFile"):
        monkeypatch.setattr(f"tempfile.{name}", refuse)
        monkeypatch.setattr(f"werkzeug.formparser.{name}", refuse, raising=False)
    assert len(form(service, photos=[large_photo], **{"return": "vector"}).json["results"][0]["faces"]) == 1


def test_a_damaged_form_is_a_bad_request(service):
    for body in (b"", b"--x", b"--x\r\nContent-Disposition: form-data; name=image; filename=a\r\n\r\nabc"):
        response = service.post("/v1/faces", data=body, content_type="multipart/form-data; boundary=x")
        assert (response.status_code, response.json["error"]["code"]) == (400, "bad_request")
    response = service.post("/v1/faces", data=b"x", content_type="multipart/form-data")
    assert (response.status_code, response.json["error"]["code"]) == (400, "bad_request")
