"""The whole service over a model without weights: the contract, in a second, with an empty cache."""

from __future__ import annotations

import base64
import io
import json

import numpy as np
import pytest
from PIL import Image
from tools import encoded, landscape, picture

from ingest_service.app import create_app
from ingest_service.errors import CODES, SettingsError
from ingest_service.registry import MODELS
from ingest_service.settings import Settings

STUBS = [name for name in MODELS if name.startswith("stub-")]


@pytest.fixture(scope="module")
def empty_cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def settings(cache, name: str) -> Settings:
    return Settings(cache=cache, profile=name, workers=1, max_bytes=1_000_000, max_pixels=1_000_000)


@pytest.fixture(scope="module")
def stubs(empty_cache):
    """A test client of each stub, by its dims."""
    return {MODELS[name].dims: create_app(settings(empty_cache, name)).test_client() for name in STUBS}


@pytest.fixture(scope="module")
def stub(stubs):
    return stubs[256]


def noise(seed: int, size: tuple[int, int] = (120, 90)) -> Image.Image:
    columns, rows = size
    pixels = np.random.default_rng(seed).integers(0, 255, (rows, columns, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


PHOTO = encoded(picture(noise(1), "PNG"))
OTHER = encoded(picture(noise(2), "PNG"))
ONE_COLOUR = encoded(picture(Image.new("RGB", (120, 90), "teal"), "PNG"))


def post(client, *images, **fields):
    return client.post("/v1/faces", json={"images": [{"image": image} for image in images], **fields})


def vector(client, image):
    (result,) = post(client, image, **{"return": ["vector"]}).json["results"]
    return np.array(result["faces"][0]["vector"])


@pytest.mark.parametrize("dims", [128, 256, 512])
def test_readyz_and_vectors_have_the_models_dims(stubs, dims):
    model = stubs[dims].get("/readyz").json["model"]
    assert model["dims"] == dims
    assert model["id"].startswith(f"stub-{dims}-")
    assert model["digest"].startswith(model["id"].rsplit("-", 1)[1])
    found = vector(stubs[dims], PHOTO)
    assert found.shape == (dims,)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-6)


def test_one_photo_always_has_one_vector_and_another_photo_another(stub, empty_cache):
    again = create_app(Settings(cache=empty_cache, profile="stub-256", workers=2)).test_client()
    first = vector(stub, PHOTO)
    assert (vector(again, PHOTO) == first).all()
    assert abs(first @ vector(stub, OTHER)) < 0.4


def test_a_photo_has_one_central_face_with_five_landmarks_and_all_that_a_document_needs(stub):
    (result,) = post(stub, PHOTO).json["results"]
    (face,) = result["faces"]
    assert face["box"] == {"x": 30, "y": 22, "width": 60, "height": 45}
    assert set(face["landmarks"]) == {"left_eye", "right_eye", "nose", "mouth_left", "mouth_right"}
    assert face["landmarks"]["left_eye"]["x"] > face["landmarks"]["right_eye"]["x"]
    assert 0 < face["quality"]["score"] <= 1
    assert (result["photo"]["width"], result["photo"]["height"]) == (120, 90)
    assert len(result["photo"]["fingerprint"]) == 16
    for small in (face["crop"], result["thumbnail"]):
        assert max(Image.open(io.BytesIO(base64.b64decode(small))).size) <= 256


def test_a_photo_of_a_single_colour_has_no_face(stub):
    (result,) = post(stub, ONE_COLOUR).json["results"]
    assert result["faces"] == []
    assert result["thumbnail"]


def test_the_answers_json_has_todays_keys_in_todays_order_and_no_nulls(stub):
    """Byte for byte: compact, without nulls, floats as Python writes them, vectors in 8 digits."""
    text = post(stub, PHOTO, "?", ONE_COLOUR).text
    answer = json.loads(text)
    assert text == json.dumps(answer, separators=(",", ":")) + "\n"
    assert "null" not in text
    assert list(answer) == ["model", "results"]
    assert list(answer["model"]) == ["id", "digest", "dims", "precision"]
    found, failed, none = answer["results"]
    assert list(failed) == ["error"]
    assert list(failed["error"]) == ["code", "message"]
    for result in (found, none):
        assert list(result) == ["faces", "photo", "file", "thumbnail"]
        assert list(result["photo"]) == ["width", "height", "fingerprint"]
        assert list(result["file"]) == ["size", "mime_type", "hash"]
        assert list(result["file"]["hash"]) == ["sha256"]
    (face,) = found["faces"]
    assert list(face) == ["box", "confidence", "quality", "landmarks", "crop", "vector"]
    assert list(face["box"]) == ["x", "y", "width", "height"]
    assert list(face["quality"]) == ["score", "interocular_distance", "sharpness", "frontality"]
    assert list(face["landmarks"]["nose"]) == ["x", "y"]
    assert face["vector"] == [float(f"{value:.8g}") for value in face["vector"]]
    assert max(len(f"{abs(value):.15g}".lstrip("0.")) for value in face["vector"]) == 8


@pytest.mark.parametrize(
    ("wanted", "keys", "of_face"),
    [
        ([], {"faces", "photo", "file"}, set()),
        (["vector"], {"faces", "photo", "file"}, {"vector"}),
        (["crop"], {"faces", "photo", "file"}, {"crop"}),
        (["thumbnail", "fingerprint"], {"faces", "photo", "file", "thumbnail"}, set()),
    ],
)
def test_only_what_return_names_is_sent(stub, wanted, keys, of_face):
    (result,) = post(stub, PHOTO, **{"return": wanted}).json["results"]
    assert set(result) == keys
    assert set(result["faces"][0]) - {"box", "confidence", "quality", "landmarks"} == of_face
    assert ("fingerprint" in result["photo"]) == ("fingerprint" in wanted)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("§", "not_base64"),
        (5, "not_base64"),
        (None, "not_base64"),
        ("http://127.0.0.1/photo.jpg", "not_base64"),
        ("", "not_an_image"),
        (encoded(b"just some text"), "not_an_image"),
        (encoded(b"%PDF-1.7 ..."), "unsupported_format"),
        (encoded(picture(noise(1))[:-300]), "truncated"),
        (encoded(picture(noise(1))[:30]), "damaged"),
        (encoded(picture(Image.new("1", (1_001, 1_000)), "PNG")), "too_many_pixels"),
        ("A" * 1_400_000, "too_large"),
    ],
)
def test_a_bad_photo_has_its_code_and_remedy_and_its_neighbour_a_face(stub, sent, code):
    bad, good = post(stub, sent, PHOTO, **{"return": []}).json["results"]
    assert bad["error"]["code"] == code
    assert bad["error"]["message"].endswith(CODES[code][1])
    assert len(good["faces"]) == 1


@pytest.mark.parametrize(
    ("body", "status", "code", "fact"),
    [
        ({"images": []}, 400, "bad_request", "[images]"),
        ({"images": [{"photo": PHOTO}]}, 400, "bad_request", "[images][0][photo]"),
        ({"images": [{"image": PHOTO}] * 65}, 400, "bad_request", "64"),
        ({"images": [{"image": PHOTO}], "return": ["vectors"]}, 400, "bad_request", "[return]"),
        ({"images": [{"image": PHOTO}], "model": "facenet-0"}, 409, "model_mismatch", "[facenet-0]"),
    ],
)
def test_a_bad_request_has_its_status_code_and_field(stub, body, status, code, fact):
    response = stub.post("/v1/faces", json=body)
    assert response.status_code == status
    assert response.json["error"]["code"] == code
    assert fact in response.json["error"]["message"]


def test_options_drop_faces(stub):
    for options in ({"min_confidence": 1}, {"min_quality": 1}):
        item = {"image": PHOTO, "options": options}
        assert stub.post("/v1/faces", json={"images": [item]}).json["results"][0]["faces"] == []


def test_photos_are_embedded_together_and_answered_in_order(stub):
    photos = [encoded(picture(noise(seed, (40, 40)), "PNG")) for seed in range(20)]
    results = post(stub, *photos, **{"return": ["vector"]}).json["results"]
    found = np.array([result["faces"][0]["vector"] for result in results])
    for photo, own in zip(photos[::7], found[::7], strict=True):
        assert (vector(stub, photo) == own).all()
    assert np.abs(np.triu(found @ found.T, 1)).max() < 0.4


def test_verify_compares_two_photos(stub):
    def verify(*images):
        return stub.post("/v1/verify", json={"images": [{"image": image} for image in images]})

    same, different = verify(PHOTO, PHOTO).json, verify(PHOTO, OTHER).json
    assert list(same) == ["model", "similarity", "verdict", "thresholds", "calibrated", "faces"]
    assert (same["similarity"], same["verdict"]) == (pytest.approx(1, abs=1e-6), "strong")
    assert different["verdict"] == "unlikely"
    assert different["similarity"] == pytest.approx(vector(stub, PHOTO) @ vector(stub, OTHER), abs=1e-6)
    assert [set(face) for face in same["faces"]] == [{"box", "confidence", "quality", "landmarks"}] * 2
    for images, code in (((PHOTO, ONE_COLOUR), "no_face"), (("§", PHOTO), "not_base64")):
        refused = verify(*images)
        assert (refused.status_code, refused.json["error"]["code"]) == (400, code)


def test_forms_health_metrics_and_the_document_are_the_services(stub):
    files = {"image": [(io.BytesIO(picture(landscape())), "a.jpg")], "return": "vector"}
    answer = stub.post("/v1/faces", data=files, content_type="multipart/form-data").json
    assert len(answer["results"][0]["faces"][0]["vector"]) == 256
    assert stub.get("/healthz").json == {"status": "ok"}
    assert "faces_photos_total" in stub.get("/metrics").text
    assert set(stub.get("/openapi.json").json["paths"]) >= {"/v1/faces", "/v1/verify", "/v1/models"}


def test_a_stub_is_offered_nowhere(stub):
    models = stub.get("/v1/models").json["models"]
    assert not {model["name"] for model in models} & set(STUBS)
    assert not any(model["served"] for model in models)
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"FACES_PROFILE": "nothing"})
    assert "FACES_PROFILE is [nothing]" in str(error.value)
    assert "facenet" in str(error.value)
    assert not [name for name in STUBS if name in str(error.value)]
    assert all("test" in MODELS[name].note for name in STUBS)


def test_a_stub_is_served_by_its_name_and_keeps_its_own_detector():
    assert Settings.from_environment({"FACES_PROFILE": "stub-256"}).profile == "stub-256"
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"FACES_PROFILE": "stub-256", "FACES_DETECTOR": "opencv"})
    assert "FACES_DETECTOR is [opencv]" in str(error.value)
    assert "FACES_PROFILE [stub-256]" in str(error.value)
