"""The methods from photos to vectors; a photo that a method fails on is never left out."""

from __future__ import annotations

import numpy as np
import pytest
from tools import landscape, picture

from evaluation.methods import METHODS, Method, closeness, side_by_side
from faces.error_rates.similarity import cosine
from ingest_service.registry import MODELS
from ingest_service.weights.cache import Cache
from ingest_service.weights.prepare import prepare_dlib, prepare_int8

NAMES = [method.name for method in METHODS]


@pytest.fixture(scope="module")
def photos(people, tmp_path_factory):
    """Two photos of each of five people, then one without a face, one that is no photo, and an absent one."""
    folder = tmp_path_factory.mktemp("photos")
    (folder / "meadow.jpg").write_bytes(picture(landscape()))
    (folder / "text.jpg").write_text("not a photo")
    faces = [path for paths in people.values() for path in paths[:2]]
    return [*faces, folder / "meadow.jpg", folder / "text.jpg", folder / "absent.jpg"]


@pytest.fixture(scope="module")
def told():
    return []


@pytest.fixture(scope="module")
def rows(cache, photos, told):
    prepare_dlib(cache, lambda _: None)
    prepare_int8(cache, lambda _: None)
    found = side_by_side(METHODS, cache, photos, lambda name, done: told.append((name, done)))
    return {row.method.name: row for row in found}


def test_the_methods_are_in_the_order_of_the_table(rows):
    assert list(rows) == NAMES
    assert NAMES[:5] == ["whole photo", "DeepFace default", "report", "deepface", "facenet"]
    assert NAMES[-1] == "dlib"
    assert {"facenet", "sface", "facenet-sface"} <= set(NAMES) & set(MODELS)
    assert all("\n" not in method.about and len(method.about) < 110 for method in METHODS)


@pytest.mark.parametrize("name", NAMES)
def test_vectors_have_length_1_but_the_reports_which_keep_theirs(rows, name):
    found = rows[name].embedded
    lengths = np.linalg.norm(found.vectors[~found.failed], axis=1)
    assert found.vectors.shape == (13, 256 if name == "facenet-sface" else 128)
    assert found.vectors.dtype == np.float32
    if name == "report":
        assert (lengths > 5).all()
    else:
        assert np.allclose(lengths, 1, atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_a_failure_is_a_row_of_nan_and_what_cannot_be_read_is_counted_apart(rows, name):
    found = rows[name].embedded
    # Without detection the meadow has a vector too.
    assert found.failed[10:].tolist() == [name != "whole photo", True, True]
    assert np.isnan(found.vectors[found.failed]).all()
    assert found.unreadable.tolist() == 11 * [False] + 2 * [True]
    assert found.seconds > 0


@pytest.mark.parametrize("name", NAMES)
def test_nearly_every_face_is_found(rows, name):
    failed = rows[name].embedded.failed[:10].sum()
    assert failed <= (2 if name in ("DeepFace default", "report") else 0)


def test_the_vectors_of_deepfaces_defaults_are_deepfaces_own(rows, photos):
    from deepface import DeepFace
    from deepface.modules.exceptions import FaceNotDetected

    for path, vector in zip(photos[:11], rows["report"].embedded.vectors[:11], strict=True):
        try:
            faces = DeepFace.represent(str(path), model_name="Facenet")
        except FaceNotDetected:
            assert np.isnan(vector).all()
        else:
            assert np.allclose(vector, faces[0]["embedding"], atol=1e-3)


def test_the_report_and_deepfaces_default_share_one_run_and_differ_in_the_score(rows):
    default, report = rows["DeepFace default"].embedded, rows["report"].embedded
    assert report.seconds == default.seconds
    lengths = np.linalg.norm(report.vectors, axis=1, keepdims=True)
    assert np.allclose(report.vectors / lengths, default.vectors, atol=1e-6, equal_nan=True)
    assert rows["report"].method.similarity is closeness
    assert all(row.method.similarity is cosine for name, row in rows.items() if name != "report")


@pytest.mark.parametrize("name", ["facenet", "deepface"])
def test_a_profiles_vectors_are_the_services(rows, photos, cache, name):
    from tools import encoded

    from ingest_service.app import create_app
    from ingest_service.settings import Settings

    client = create_app(Settings(cache=cache.root, profile=name)).test_client()
    images = [{"image": encoded(path)} for path in photos[:3]]
    answer = client.post("/v1/faces", json={"images": images, "return": ["vector"]}).json
    served = np.array([result["faces"][0]["vector"] for result in answer["results"]])
    assert np.allclose(served, rows[name].embedded.vectors[:3], atol=1e-4)


def test_order_is_kept_and_progress_is_reported(cache, photos, rows, told):
    (facenet,) = (method for method in METHODS if method.name == "facenet")
    backwards = facenet.load(cache)(photos[::-1], lambda done: None)
    assert np.allclose(backwards.vectors[::-1], rows["facenet"].embedded.vectors, atol=1e-5, equal_nan=True)
    assert [done for name, done in told if name == "facenet"] == list(range(1, 14))
    assert "report" not in {name for name, _ in told}


def test_an_unavailable_method_says_what_it_lacks_and_the_others_go_on(tmp_path, photos):
    def blind(cache):
        return lambda pixels: None

    last = Method("blind", "finds nothing", blind)
    *without, row = side_by_side([*METHODS, last], Cache(tmp_path), photos, lambda *_: None)
    for lacking in without:
        assert lacking.embedded is None
        assert str(tmp_path) in lacking.missing
    assert "dlib_face_recognition_resnet_model_v1.dat" in without[-1].missing
    assert row.embedded.failed.all()
    assert len(row.embedded.vectors) == 13


def test_cosine_and_the_reports_score_are_of_every_one_with_every_other():
    ones = np.array([[1, 0], [0.6, 0.8]], dtype=np.float32)
    others = np.array([[1, 0], [0, 1], [np.nan, np.nan]], dtype=np.float32)
    assert np.allclose(cosine(ones, others), [[1, 0, np.nan], [0.6, 0.8, np.nan]], equal_nan=True)
    distances = closeness(12 * ones, 12 * others)
    assert distances[0, 0] == 1
    assert distances[0, 1] == pytest.approx(1 / (1 + 12 * 2**0.5))
    assert np.isnan(distances[:, 2]).all()
