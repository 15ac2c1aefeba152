"""The profile ``facenet-thorough``: each face averaged with its mirror image, cut a little wider."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from tools import encoded, picture

from ingest_service import profiles
from ingest_service.app import create_app
from ingest_service.embedding import Facenet
from ingest_service.facenet import WIDER
from ingest_service.settings import Settings
from ingest_service.verdicts import POSSIBLE


@pytest.fixture(scope="module")
def thorough(cache):
    return create_app(Settings(cache=cache.root, profile="facenet-thorough", deadline_s=300)).test_client()


@pytest.fixture(scope="module")
def profile(cache):
    return profiles.load(Settings(cache=cache.root, profile="facenet-thorough", workers=1))


@pytest.fixture(scope="module")
def inputs(profile, sample):
    """A face of each of ten photos, as the network wants it."""
    photos = [np.asarray(Image.open(path).convert("RGB")) for path in sample[::12]]
    return np.stack([profile.find(photo)[0].network_input for photo in photos])


def answer(client, *photos) -> dict:
    return client.post("/v1/faces", json={"images": [{"image": encoded(photo)} for photo in photos]}).json


def vectors(client, photos) -> np.ndarray:
    return np.array([result["faces"][0]["vector"] for result in answer(client, *photos)["results"]])


def test_a_mirrored_photo_is_closer_to_the_photo_than_in_facenet(service, thorough, sample):
    photos = [path.read_bytes() for path in sample[::5]]
    mirrored = [picture(ImageOps.mirror(Image.open(path).convert("RGB")), quality=95) for path in sample[::5]]
    nearness = {
        client: np.sum(vectors(client, photos) * vectors(client, mirrored), axis=1)
        for client in (service, thorough)
    }
    assert (nearness[thorough] > nearness[service]).mean() > 0.9
    assert np.median(nearness[thorough]) > 0.98


def test_the_vector_lies_half_way_between_its_two_views_and_has_length_1(profile, inputs):
    plain = replace(profile, second_view=False)
    half_way = sum(plain.embed(np.ascontiguousarray(inputs[:, view])) for view in range(2))
    half_way /= np.linalg.norm(half_way, axis=1, keepdims=True)
    found = profile.embed(inputs)
    assert found.shape == (10, 128)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)
    assert np.allclose(found, half_way, atol=1e-5)


def test_the_second_view_is_the_face_mirrored_with_a_little_more_around_it(profile, inputs):
    """Its middle, as much smaller as its box is larger, is the mirrored first view."""
    network = profile.network.size
    edge = round(network * (1 - 1 / WIDER) / 2)
    for face, wider in inputs:
        middle = cv2.resize(wider[edge:-edge, edge:-edge], (network, network))
        likeness = [np.corrcoef(middle.ravel(), view.ravel())[0, 1] for view in (face[:, ::-1], face)]
        assert likeness[0] > 0.98 > likeness[1]
    assert all(np.corrcoef(wider.ravel(), face[:, ::-1].ravel())[0, 1] < 0.98 for face, wider in inputs)


def test_a_full_batch_takes_no_more_memory_than_in_facenet(profile, inputs):
    rows = []

    class Watched(Facenet):
        def embed(self, faces, all_cores=False):
            rows.append(len(faces))
            return super().embed(faces, all_cores)

    network = Watched(profile.network.one_core, profile.network.all_cores)
    replace(profile, network=network).embed(inputs[:8])
    assert rows == [8, 8]


def test_the_answer_is_facenets_but_for_model_and_vector(service, thorough, group_photo):
    ours, facenets = answer(thorough, group_photo), answer(service, group_photo)
    assert len(ours["results"][0]["faces"]) == 3
    assert ours["model"]["id"].startswith("facenet-thorough-")
    assert ours["model"]["dims"] == facenets["model"]["dims"]
    for found in (ours, facenets):
        del found["model"]
        for face in found["results"][0]["faces"]:
            assert len(face.pop("vector")) == 128
    assert ours == facenets


def test_neither_serves_the_others_vectors(service, thorough, portrait):
    ids = [client.get("/readyz").json["model"]["id"] for client in (service, thorough)]
    assert ids[0] != ids[1]
    images = [{"image": encoded(portrait)}]
    for client, other in ((service, ids[1]), (thorough, ids[0])):
        assert client.post("/v1/faces", json={"model": other, "images": images}).status_code == 409


def test_every_sample_photo_finds_its_person_and_strangers_stay_below_possible(thorough, sample):
    found = np.concatenate([vectors(thorough, sample[start : start + 59]) for start in (0, 59)])
    names = np.array([path.parent.name for path in sample])
    similar = found @ found.T
    assert similar[names[:, None] != names[None]].max() < POSSIBLE
    np.fill_diagonal(similar, -1)
    assert (names[similar.argmax(axis=1)] == names).all()


def test_two_photos_are_verified_by_the_thorough_vectors(thorough, people):
    photos = [people[name][0] for name in ("madonna", "elton_john")]
    verified = thorough.post(
        "/v1/verify", json={"images": [{"image": encoded(path)} for path in photos]}
    ).json
    assert verified["model"]["id"] == thorough.get("/readyz").json["model"]["id"]
    assert verified["verdict"] == "unlikely"
    assert verified["similarity"] == pytest.approx(np.dot(*vectors(thorough, photos)), abs=1e-5)
