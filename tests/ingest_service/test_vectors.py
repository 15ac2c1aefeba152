"""Are the vectors right?"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tools import encoded

from es_setup.shipped_files import requests as installed
from ingest_service.app import create_app
from ingest_service.settings import Settings
from ingest_service.verdicts import UNCALIBRATED
from ingest_service.weights.cache import Cache, WeightsError, require_intact

ROOT = Path(__file__).parents[2]


def embed(client, path: Path):
    images = [{"image": encoded(path)}]
    (result,) = client.post("/v1/faces", json={"images": images, "return": ["vector"]}).json["results"]
    return result["faces"]


@pytest.fixture(scope="module")
def sample_vectors(service, sample):
    """(path, faces) of every sample photo."""
    return [(path, embed(service, path)) for path in sample]


def test_a_face_is_found_on_every_sample_photo(sample_vectors):
    assert len(sample_vectors) == 118
    assert [path.name for path, faces in sample_vectors if not faces] == []


def test_the_same_person_is_more_similar_than_any_stranger_and_strangers_stay_below_possible(sample_vectors):
    names = np.array([path.parent.name for path, _ in sample_vectors])
    vectors = np.array([faces[0]["vector"] for _, faces in sample_vectors])
    similar = vectors @ vectors.T
    same = names[:, None] == names[None]
    strangers = similar[~same]
    np.fill_diagonal(similar, -1)
    own = similar[same & ~np.eye(len(names), dtype=bool)]
    assert strangers.max() < UNCALIBRATED.possible
    assert np.median(own) > 0.6
    nearest = names[similar.argmax(axis=1)]
    assert (nearest == names).mean() == 1


def test_embedding_a_faces_crop_again_gives_nearly_the_same_vector(service, sample):
    cosines = []
    for path in sample:
        images = [{"image": encoded(path)}]
        (first,) = service.post("/v1/faces", json={"images": images}).json["results"]
        crop = base64.b64decode(first["faces"][0]["crop"])
        again = service.post("/v1/faces", json={"images": [{"image": encoded(crop)}]}).json["results"][0][
            "faces"
        ]
        cosines.append(np.dot(first["faces"][0]["vector"], again[0]["vector"]) if again else 0)
    assert np.median(cosines) >= 0.98


DEEPFACE_REFERENCE = """
import json, sys
from deepface import DeepFace
for path in sys.argv[1:]:
    faces = DeepFace.represent(
        path,
        model_name="Facenet",
        detector_backend="centerface",
        normalization="Facenet",
        enforce_detection=False,
    )
    largest = max(faces, key=lambda face: face["facial_area"]["w"] * face["facial_area"]["h"])
    print("REFERENCE", json.dumps(largest["embedding"]))
"""


def test_the_deepface_profile_gives_deepfaces_own_vectors(cache, sample):
    """DeepFace runs as itself, on TensorFlow; our profile serves without it. Of a third of the sample, as
    DeepFace takes most of a second for each photo."""
    photos = sample[::3]
    environment = os.environ | {
        "DEEPFACE_HOME": str(cache.deepface_home),
        "DEEPFACE_BACKEND_ENGINE": "tensorflow",
        "TF_USE_LEGACY_KERAS": "1",
    }
    environment.pop("CENTERFACE_THRESHOLD", None)
    command = [sys.executable, "-c", DEEPFACE_REFERENCE, *map(str, photos)]
    said = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=900
    ).stdout
    lines = [line.split(" ", 1)[1] for line in said.splitlines() if line.startswith("REFERENCE ")]
    assert len(lines) == len(photos) == 40
    ours = create_app(Settings(cache=cache.root, profile="deepface")).test_client()
    worst = 1.0
    for path, line in zip(photos, lines, strict=True):
        reference = np.array(json.loads(line))
        faces = embed(ours, path)
        assert faces, path.name
        worst = min(worst, float(np.dot(faces[0]["vector"], reference) / np.linalg.norm(reference)))
    assert worst >= 0.9999


def test_serving_imports_neither_tensorflow_nor_the_preparation_nor_in_the_default_profile_deepface(cache):
    code = (
        "import sys; from ingest_service.app import create_app; from ingest_service.settings import Settings;"
        "create_app(Settings.from_environment());"
        "unwanted = {'tensorflow', 'keras', 'tf_keras', 'torch', 'deepface', 'onnx'};"
        "unwanted |= {f'ingest_service.weights.{name}' for name in ('prepare', 'convert', 'download')};"
        "print(sorted(unwanted & set(sys.modules)))"
    )
    for profile, expected in (("facenet", "[]"), ("deepface", "['deepface']")):
        environment = os.environ | {"FACES_PROFILE": profile, "FACES_CACHE": str(cache.root)}
        run = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert run.stdout.strip().splitlines()[-1] == expected


def test_nothing_calls_home(cache, tmp_path):
    """ONNX Runtime's telemetry would leave a device id and a queue of events in the home folder."""
    code = "from ingest_service.app import create_app; create_app(); print('loaded')"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "FACES_CACHE": str(cache.root)}
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert "loaded" in run.stdout
    assert list(tmp_path.rglob("*")) == []


def test_the_pipelines_are_pinned_to_the_model_that_is_served_by_default(service):
    served = service.get("/readyz").json["model"]["id"]
    processors = [each for request in installed() for each in request.body.get("processors", [])]
    assert {each["face"]["model"] for each in processors if "face" in each} == {served}


def test_the_detectors_bound_and_the_profile_are_part_of_the_model_id(cache, service):
    ids = {service.get("/readyz").json["model"]["id"]}
    for settings in (
        Settings(cache=cache.root, detector_max_side=640),
        Settings(cache=cache.root, profile="deepface"),
    ):
        ids.add(create_app(settings).test_client().get("/readyz").json["model"]["id"])
    assert len(ids) == 3


def test_missing_and_damaged_weights_are_refused_with_what_to_do(cache, tmp_path):
    with pytest.raises(WeightsError, match=r"python -m ingest_service\.weights"):
        create_app(Settings(cache=tmp_path))
    damaged = Cache(tmp_path)
    damaged.centerface.parent.mkdir(parents=True, exist_ok=True)
    damaged.centerface.write_bytes(cache.centerface.read_bytes()[:-1])
    damaged.digests("centerface").write_bytes(cache.digests("centerface").read_bytes())
    with pytest.raises(WeightsError) as error:
        require_intact(damaged, "centerface")
    assert str(damaged.centerface) in str(error.value)
    damaged.facenet.parent.mkdir(parents=True)
    damaged.digests("facenet").parent.mkdir(parents=True, exist_ok=True)
    damaged.facenet.write_bytes(b"half a file")
    damaged.digests("facenet").write_bytes(cache.digests("facenet").read_bytes())
    with pytest.raises(WeightsError) as error:
        require_intact(damaged, "facenet")
    assert str(damaged.facenet) in str(error.value)
    assert "python -m ingest_service.weights" in str(error.value)
