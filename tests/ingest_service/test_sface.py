"""The profiles ``sface`` and ``facenet-sface``: SFace alone, and beside Facenet in one vector."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from tools import encoded, landscape, picture

from ingest_service import deepface_library, profiles
from ingest_service.app import create_app
from ingest_service.embedding import unit
from ingest_service.facenet_sface import SFACE_WEIGHT
from ingest_service.five_points import INSIGHTFACE, align_by_points
from ingest_service.settings import Settings

NAMES = ("facenet", "sface", "facenet-sface")


@pytest.fixture(scope="module")
def clients(cache, service):
    settings = Settings(cache=cache.root, deadline_s=300)
    others = {name: create_app(replace(settings, profile=name)).test_client() for name in NAMES[1:]}
    return {"facenet": service, **others}


@pytest.fixture(scope="module")
def loaded(cache):
    return {name: profiles.load(Settings(cache=cache.root, profile=name, workers=1)) for name in NAMES}


def answer(client, *photos) -> dict:
    return client.post("/v1/faces", json={"images": [{"image": encoded(photo)} for photo in photos]}).json


def vectors(client, *photos) -> np.ndarray:
    return np.array([result["faces"][0]["vector"] for result in answer(client, *photos)["results"]])


def pixels_of(path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB"))


@pytest.fixture(scope="module")
def found(clients, sample):
    """Each profile's vectors of fourteen photos."""
    return {name: vectors(client, *sample[::9]) for name, client in clients.items()}


def test_each_network_has_half_of_the_vector_and_points_where_it_does_alone(found):
    both = found["facenet-sface"]
    assert both.shape == (14, 256)
    assert np.allclose(np.linalg.norm(both, axis=1), 1, atol=1e-5)
    for name, half in (("facenet", both[:, :128]), ("sface", both[:, 128:])):
        assert (unit(half) * found[name]).sum(axis=1).min() > 0.99999


def test_a_similarity_is_the_weighted_mean_of_both_networks(found):
    facenet, sface, both = (found[name] @ found[name].T for name in NAMES)
    assert np.allclose(both, (1 - SFACE_WEIGHT) * facenet + SFACE_WEIGHT * sface, atol=1e-5)
    lengths = np.linalg.norm(found["facenet-sface"][:, :128], axis=1)
    assert np.allclose(lengths**2, 1 - SFACE_WEIGHT, atol=1e-5)


def test_the_answer_is_facenets_except_for_model_and_vector(clients, group_photo):
    answers = {name: answer(client, group_photo) for name, client in clients.items()}
    for name, dims in (("facenet", 128), ("sface", 128), ("facenet-sface", 256)):
        model = answers[name].pop("model")
        assert model["id"].startswith(f"{name}-")
        assert model["dims"] == dims
        faces = answers[name]["results"][0]["faces"]
        assert len(faces) == 3
        assert all(len(face.pop("vector")) == dims for face in faces)
    assert answers["sface"] == answers["facenet"] == answers["facenet-sface"]


@pytest.mark.parametrize("name", ["sface", "facenet-sface"])
def test_photos_with_no_face_one_and_three_share_batches(clients, name, group_photo, sample):
    """More faces than a batch holds, of photos with different numbers of them."""
    photos = [
        picture(landscape()),
        sample[0].read_bytes(),
        group_photo,
        *(path.read_bytes() for path in sample[1:9]),
    ]
    together = answer(clients[name], *photos)["results"]
    assert [len(result["faces"]) for result in together[:3]] == [0, 1, 3]
    for photo, result in zip(photos, together, strict=True):
        (alone,) = answer(clients[name], photo)["results"]
        for one, other in zip(alone["faces"], result["faces"], strict=True):
            assert np.allclose(one["vector"], other["vector"], atol=1e-4)


@pytest.mark.parametrize("name", ["sface", "facenet-sface"])
def test_a_batch_gives_the_vectors_of_its_faces_and_of_no_face_none(loaded, name, sample):
    profile = loaded[name]
    inputs = np.stack([profile.find(pixels_of(path))[0].network_input for path in sample[:5]])
    assert inputs.shape[1:] == profile.input_shape
    batch = profile.embed(inputs)
    assert batch.shape == (5, profile.model.dims)
    for number in range(5):
        for all_cores in (False, True):
            one = profile.embed(inputs[number : number + 1], all_cores)
            assert np.allclose(one[0], batch[number], atol=1e-5)
    assert profile.find(np.zeros((160, 160, 3), dtype=np.uint8)) == []


def test_sfaces_input_is_the_face_on_the_template_in_planes_of_rgb(loaded, portrait):
    profile, pixels = loaded["sface"], pixels_of(portrait)
    (face,) = profile.find(pixels)
    assert face.network_input.shape == (3, 112, 112)
    assert face.network_input.dtype == np.float32
    aligned = align_by_points(pixels, face.detection, INSIGHTFACE)
    assert np.array_equal(face.network_input.transpose(1, 2, 0), aligned)
    # A second look finds the landmarks where the template has them.
    (again,) = profile.detector.detect(aligned)
    assert np.abs(again.landmarks - np.array(INSIGHTFACE.points)).max() < 6


def test_deepfaces_own_path_gives_sfaces_vectors_of_the_same_aligned_faces(cache, loaded, sample):
    client = deepface_library.build("facial_recognition", "SFace", cache)
    profile = loaded["sface"]
    for path in sample[::12]:
        aligned = profile.find(pixels_of(path))[0].network_input
        bgr = aligned.transpose(1, 2, 0)[:, :, ::-1] / np.float32(255)
        theirs = np.array(client.forward(bgr), dtype=np.float32)
        assert unit(theirs) @ profile.embed(aligned[np.newaxis])[0] >= 0.999


def test_opencvs_own_recognizer_gives_the_same_vectors(cache, loaded, sample):
    """It reads the folded file, and does its own cutting of the chip's pixels."""
    import cv2

    from ingest_service.weights.cache import SFACE

    recognizer = cv2.FaceRecognizerSF_create(str(cache.deepface_weights / SFACE), "")
    profile = loaded["sface"]
    for path in sample[::12]:
        aligned = profile.find(pixels_of(path))[0].network_input
        bgr = np.ascontiguousarray(aligned.transpose(1, 2, 0)[:, :, ::-1], dtype=np.uint8)
        theirs = recognizer.feature(bgr)[0]
        assert unit(theirs) @ profile.embed(aligned[np.newaxis])[0] >= 0.999


def test_every_sample_photo_finds_its_person(clients, sample):
    photos = np.concatenate(
        [vectors(clients["facenet-sface"], *sample[start : start + 59]) for start in (0, 59)]
    )
    names = np.array([path.parent.name for path in sample])
    similar = photos @ photos.T
    np.fill_diagonal(similar, -1)
    assert (names[similar.argmax(axis=1)] == names).all()


@pytest.mark.parametrize("name", ["sface", "facenet-sface"])
def test_with_a_detector_of_two_eyes_alone_faces_are_still_told_apart(cache, name, people):
    """DeepFace's OpenCV finds eyes or nothing beside the box."""
    settings = Settings(cache=cache.root, profile=name, detector="opencv")
    client = create_app(settings).test_client()
    photos = [path for paths in people.values() for path in paths[:4]]
    results = answer(client, *photos)["results"]
    known = [number for number, result in enumerate(results) if result["faces"]]
    assert len(known) >= 16
    found = np.array([results[number]["faces"][0]["vector"] for number in known])
    assert np.isfinite(found).all()
    names = np.array([photos[number].parent.name for number in known])
    similar = found @ found.T
    np.fill_diagonal(similar, -1)
    assert (names[similar.argmax(axis=1)] == names).mean() >= 0.7


def test_none_serves_the_others_vectors(clients, portrait):
    ids = {name: client.get("/readyz").json["model"]["id"] for name, client in clients.items()}
    assert len(set(ids.values())) == 3
    for name, client in clients.items():
        for other in set(NAMES) - {name}:
            body = {"model": ids[other], "images": [{"image": encoded(portrait)}]}
            assert client.post("/v1/faces", json=body).status_code == 409
