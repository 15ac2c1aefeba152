"""Which models can be served, what their ids cover, and that dlib's runs for real."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from tools import encoded

from ingest_service import deepface_library, profiles
from ingest_service.app import create_app
from ingest_service.errors import SettingsError
from ingest_service.model import Model, Preparation
from ingest_service.registry import MODELS
from ingest_service.settings import Settings
from ingest_service.verdicts import Thresholds, of_profile
from ingest_service.weights.cache import DLIB_FIVE_POINTS, DLIB_RESNET, Cache, WeightsError
from ingest_service.weights.prepare import prepare_dlib

ROOT = Path(__file__).parents[2]
LISTED = [name for name, entry in MODELS.items() if entry.listed]
DEEPFACES = [name for name in LISTED if MODELS[name].needs.files]
FETCHABLE = [name for name in DEEPFACES if name != "Buffalo_L"]  # whose package needs a C++ compiler


@pytest.fixture(scope="module")
def dlib(cache):
    prepare_dlib(cache, lambda _: None)
    return create_app(Settings(cache=cache.root, profile="Dlib")).test_client()


def vectors(client, paths):
    images = [{"image": encoded(path)} for path in paths]
    answer = client.post("/v1/faces", json={"images": images, "return": ["vector"]}).json
    return np.array([result["faces"][0]["vector"] for result in answer["results"]])


def test_dlibs_network_tells_people_apart(dlib, people):
    photos = [(name, path) for name, paths in people.items() for path in paths[:6]]
    names = np.array([name for name, _ in photos])
    found = vectors(dlib, [path for _, path in photos])
    assert found.shape == (30, 128)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    similar = found @ found.T
    np.fill_diagonal(similar, -1)
    assert (names[similar.argmax(axis=1)] == names).mean() >= 0.95


def test_dlibs_chip_is_nearly_dlibs_own(cache, sample, dlib):
    """dlib's own landmarks and chip, all else the same: a wrong place, colour order or scale would show."""
    import dlib as library

    find = library.get_frontal_face_detector()
    landmarks = library.shape_predictor(str(cache.deepface_weights / DLIB_FIVE_POINTS))
    network = library.face_recognition_model_v1(str(cache.deepface_weights / DLIB_RESNET))
    cosines = []
    for path, ours in zip(sample[:8], vectors(dlib, sample[:8]), strict=True):
        pixels = np.asarray(Image.open(path).convert("RGB"))
        for largest in sorted(find(pixels, 1), key=lambda box: box.area())[-1:]:  # it misses some faces
            theirs = np.array(network.compute_face_descriptor(pixels, landmarks(pixels, largest)))
            cosines.append(float(ours @ theirs / np.linalg.norm(theirs)))
    assert len(cosines) >= 6
    assert np.median(cosines) > 0.98


def test_dlib_is_served_without_tensorflow(cache, dlib):
    code = (
        "import sys; from ingest_service.app import create_app; app = create_app();"
        "print(sorted({'tensorflow', 'keras', 'torch', 'dlib'} & set(sys.modules)))"
    )
    environment = os.environ | {
        "FACES_PROFILE": "Dlib",
        "FACES_CACHE": str(cache.root),
        "FACES_RUNTIME": "auto",
    }
    run = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip().splitlines()[-1] == "['dlib']"


def test_the_models_are_listed_with_their_terms_and_the_served_one_with_its_id(dlib, service):
    for client, served in ((service, "facenet"), (dlib, "Dlib")):
        models = {model["name"]: model for model in client.get("/v1/models").json["models"]}
        assert list(models) == LISTED
        assert [name for name, model in models.items() if model["served"]] == [served]
        assert models[served]["id"] == client.get("/readyz").json["model"]["id"]
        assert models[served]["thresholds"] == client.get("/readyz").json["thresholds"]
        assert models[served]["weights_present"]
        for name, model in models.items():
            assert Thresholds(**model["thresholds"]) == of_profile(name)
        assert all(model["licence"] and model["note"] and model["dims"] for model in models.values())
        assert models["Buffalo_L"]["licence"] == models["VGG-Face"]["licence"] == "non-commercial"


def test_the_names_are_deepfaces_own():
    from deepface.modules.modeling import AVAILABLE_MODELS

    # Its Facenet is served as our own profiles.
    assert set(DEEPFACES) == set(AVAILABLE_MODELS["facial_recognition"]) - {"Facenet"}
    assert LISTED[:5] == ["facenet", "facenet-sface", "sface", "deepface", "facenet-int8"]
    for name, entry in MODELS.items():
        assert entry.name == name
        assert Settings.from_environment({"FACES_PROFILE": name}).profile == name
    with pytest.raises(SettingsError, match=r"\[facenet-thorough\].*successor, \[facenet-sface\]"):
        Settings.from_environment({"FACES_PROFILE": "facenet-thorough"})
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({"FACES_PROFILE": "arcface"})
    assert "FACES_PROFILE is [arcface]" in str(error.value)
    assert str(LISTED) in str(error.value)


@pytest.mark.parametrize("name", FETCHABLE)
def test_the_files_that_are_asked_for_are_those_that_deepface_looks_for(name, tmp_path, cache):
    (file,) = MODELS[name].needs.files
    with pytest.raises(WeightsError) as ours:
        profiles.check(Settings(cache=tmp_path, profile=name))
    try:
        with pytest.raises(WeightsError) as deepfaces:
            deepface_library.build("facial_recognition", name, Cache(tmp_path))
    finally:
        deepface_library.open_library(cache)
    for error in (ours, deepfaces):
        assert str(tmp_path / "deepface" / ".deepface" / "weights" / file) in str(error.value)


@pytest.mark.parametrize("name", FETCHABLE)
def test_size_and_dims_are_deepfaces_own(name, tmp_path, cache, monkeypatch):
    import dlib

    monkeypatch.setattr(onnxruntime, "InferenceSession", lambda *_, **__: None)
    monkeypatch.setattr(dlib, "face_recognition_model_v1", lambda _: None)
    folder = Cache(tmp_path)
    (file,) = MODELS[name].needs.files
    folder.deepface_weights.mkdir(parents=True)
    (folder.deepface_weights / file).touch()
    try:
        client = deepface_library.build("facial_recognition", name, folder)
    finally:
        deepface_library.open_library(cache)
    assert client.output_shape == MODELS[name].dims
    assert client.input_shape == MODELS[name].size


@pytest.fixture
def with_small_networks(cache, tmp_path) -> Cache:
    """A cache with networks of ArcFace's and DeepID's names and shapes that give a face's mean colour, put
    through a fixed matrix: their own weights can't be had without the internet."""
    folder = Cache(tmp_path)
    folder.deepface_weights.mkdir(parents=True)
    folder.centerface.parent.mkdir(parents=True)
    folder.centerface.symlink_to(cache.centerface)
    folder.digests("centerface").symlink_to(cache.digests("centerface"))
    for name in ("ArcFace", "DeepID"):
        model = MODELS[name]
        matrix = np.random.default_rng(1).normal(size=(3, model.dims)).astype(np.float32)
        columns, rows = model.size
        graph = helper.make_graph(
            [
                helper.make_node("ReduceMean", ["face", "axes"], ["mean"], keepdims=0),
                helper.make_node("MatMul", ["mean", "matrix"], ["vector"]),
            ],
            "small",
            [helper.make_tensor_value_info("face", TensorProto.FLOAT, ["n", rows, columns, 3])],
            [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", model.dims])],
            [
                numpy_helper.from_array(np.array([1, 2], dtype=np.int64), "axes"),
                numpy_helper.from_array(matrix, "matrix"),
            ],
        )
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8)
        onnx.save(made, str(folder.deepface_weights / model.needs.files[0]))
    return folder


@pytest.mark.parametrize(("name", "dims"), [("ArcFace", 512), ("DeepID", 160)])
def test_any_model_whose_weights_are_there_is_served(name, dims, with_small_networks, people, cache):
    """DeepID's input isn't square."""
    try:
        client = create_app(Settings(cache=with_small_networks.root, profile=name)).test_client()
        assert client.get("/readyz").json["model"]["dims"] == dims
        paths = people["elton_john"][:3]
        together = vectors(client, paths)
        assert together.shape == (3, dims)
        assert np.allclose(together[1], vectors(client, paths[1:2])[0], atol=1e-5)
    finally:
        deepface_library.open_library(cache)


PREPARATION = Preparation("eyes and box", "RGB", "stretched", "Facenet")
PARTS = {"dims": 128, "weights": "ab", "detector": {"name": "centerface"}, "preparation": PREPARATION}
OTHERS = [
    ("dims", 256),
    ("weights", "cd"),
    ("detector", {"name": "opencv"}),
    *[
        ("preparation", replace(PREPARATION, **{field.name: "another"}))
        for field in dataclasses.fields(Preparation)
    ],
]


@pytest.mark.parametrize(("part", "other"), OTHERS)
def test_another_of_any_part_is_another_id(part, other):
    one, changed = Model.of("facenet", **PARTS), Model.of("facenet", **PARTS | {part: other})
    assert one == Model.of("facenet", **dict(reversed(PARTS.items())))
    assert changed.id != one.id
    assert changed.digest != one.digest


def test_each_profile_has_its_own_id_and_no_part_can_be_left_out():
    digests = {Model.of(profile, **PARTS).digest for profile in MODELS}
    assert len(digests) == len(MODELS)
    for part in PARTS:
        with pytest.raises(TypeError, match=part):
            Model.of("facenet", **{name: value for name, value in PARTS.items() if name != part})


def test_the_ids_of_stored_vectors_have_not_changed(cache):
    """An index keeps the id of its vectors: the same vectors under another id would be refused."""
    ids = [
        {
            profiles.load(Settings(cache=cache.root, profile=name, turned_faces=turned_faces)).model.id
            for name in ("facenet", "sface", "facenet-sface", "deepface")
        }
        for turned_faces in (True, False)
    ]
    assert ids == [
        {"facenet-99ac6764", "sface-27d18fcd", "facenet-sface-f4bd10c1", "deepface-b8c5a638"},
        {"facenet-fb6176c8", "sface-0e31cb39", "facenet-sface-514b4ece", "deepface-b8c5a638"},
    ]


def test_profile_detector_and_bound_change_the_id_but_what_only_bounds_the_work_does_not(cache, dlib):
    base = Settings(cache=cache.root)
    changed = [
        replace(base, profile="deepface"),
        replace(base, profile="facenet-sface"),
        replace(base, profile="sface"),
        replace(base, profile="Dlib"),
        replace(base, detector="opencv"),
        replace(base, detector="dlib"),
        replace(base, detector_max_side=640),
        replace(base, turned_faces=False),
        replace(base, profile="Dlib", detector="opencv"),
    ]
    served = profiles.load(base).model.id
    ids = {profiles.load(settings).model.id for settings in changed}
    assert len(ids | {served}) == len(changed) + 1
    for harmless in ({"workers": 1}, {"max_batch": 4}, {"min_face_px": 40}, {"detector_max_side": 256}):
        assert profiles.load(replace(base, **harmless)).model.id == served
