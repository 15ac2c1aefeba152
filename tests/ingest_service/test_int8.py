"""The profile ``facenet-int8``: made by NNCF, served in OpenVINO, and told apart from ``facenet``."""

from __future__ import annotations

import json
import shutil
import sys

import numpy as np
import pytest
from service_process import launched
from tools import encoded

from ingest_service import profiles
from ingest_service.app import create_app
from ingest_service.errors import SettingsError
from ingest_service.registry import MODELS
from ingest_service.settings import Settings
from ingest_service.weights import __main__ as command
from ingest_service.weights.cache import Cache, WeightsError, is_intact
from ingest_service.weights.prepare import prepare_int8

INT8 = "facenet-int8"
COMMAND = r"run `python -m ingest_service\.weights --model facenet-int8`"


@pytest.fixture(scope="module")
def prepared(cache) -> Cache:
    prepare_int8(cache, print)
    return cache


@pytest.fixture
def folder(cache, tmp_path) -> Cache:
    """A cache without it."""
    found = Cache(tmp_path / "cache")
    found.digests("facenet").parent.mkdir(parents=True)
    found.sample.symlink_to(cache.sample)
    found.deepface_home.symlink_to(cache.deepface_home)
    for name in ("facenet", "centerface"):
        found.digests(name).symlink_to(cache.digests(name))
    found.centerface.symlink_to(cache.centerface)
    return found


@pytest.fixture
def copied(prepared, folder) -> Cache:
    for file in (*prepared.files(INT8), prepared.digests(INT8)):
        shutil.copy(file, folder.digests(INT8).parent)
    return folder


@pytest.fixture(scope="module")
def client(prepared):
    return create_app(Settings(cache=prepared.root, profile=INT8)).test_client()


def test_the_same_faces_get_nearly_facenets_vectors_under_an_id_of_their_own(client, service, sample):
    request = {"images": [{"image": encoded(path)} for path in sample[::6]], "return": ["vector"]}
    ours, theirs = (each.post("/v1/faces", json=request).json for each in (client, service))
    cosines = []
    for mine, other in zip(ours["results"], theirs["results"], strict=True):
        assert [face["box"] for face in mine["faces"]] == [face["box"] for face in other["faces"]]
        cosines += [
            np.dot(one["vector"], two["vector"])
            for one, two in zip(mine["faces"], other["faces"], strict=True)
        ]
    assert 0.96 < min(cosines) < 0.999
    assert ours["model"]["id"].startswith("facenet-int8-")
    assert ours["model"]["digest"] != theirs["model"]["digest"]
    assert (ours["model"]["dims"], ours["model"]["precision"]) == (128, "int8")
    ready = client.get("/readyz").json
    assert (ready["runtime"], ready["model"]) == ("openvino", ours["model"])


def test_it_is_listed_with_or_without_its_network(client, service, folder):
    without = create_app(Settings(cache=folder.root)).test_client()
    for each, is_there, is_served in ((client, True, True), (service, True, False), (without, False, False)):
        models = {model["name"]: model for model in each.get("/v1/models").json["models"]}
        assert models[INT8]["weights_present"] is is_there
        assert models[INT8]["served"] is is_served
    assert models[INT8]["licence"] == "MIT"


def test_preparing_it_elsewhere_gives_the_same_id_and_the_same_vectors(prepared, folder):
    said: list[str] = []
    prepare_int8(folder, said.append)
    assert "calibrating" in said[-1]
    ours, theirs = (profiles.load(Settings(cache=each.root, profile=INT8)) for each in (prepared, folder))
    assert ours.model == theirs.model
    faces = np.random.default_rng(0).normal(size=(4, 160, 160, 3)).astype(np.float32)
    assert (ours.embed(faces) * theirs.embed(faces)).sum(axis=1).min() > 0.9999
    prepare_int8(folder, said.append)
    assert said[-1] == f"Facenet in int8: reusing {folder.facenet_int8}"


def test_another_recipe_is_another_model(copied, prepared):
    note = json.loads(copied.digests(INT8).read_text())
    copied.digests(INT8).write_text(json.dumps(note | {"recipe_sha256": 64 * "0"}))
    ours, other = (profiles.load(Settings(cache=each.root, profile=INT8)) for each in (prepared, copied))
    assert ours.model.id != other.model.id


@pytest.mark.parametrize("suffix", [".xml", ".bin", ".json"])
@pytest.mark.parametrize("harm", ["absent", "damaged"])
def test_without_one_of_its_files_the_message_has_the_command(suffix, harm, copied):
    assert is_intact(copied, INT8)
    file = copied.facenet_int8.with_suffix(suffix)
    if harm == "absent":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(WeightsError, match=COMMAND) as error:
        profiles.check(Settings(cache=copied.root, profile=INT8))
    assert str(file) in str(error.value)
    assert not is_intact(copied, INT8)
    # The content and the note are only read at the start.
    assert MODELS[INT8].needs.are_present(copied) is (harm == "damaged" or suffix == ".json")


def test_the_service_does_not_start_without_it(folder):
    with launched(folder, {"FACES_PROFILE": INT8, "FACES_RUNTIME": "auto"}) as (_, process):
        last = process.stderr.read().decode().splitlines()[-1]
    assert process.returncode == 1
    assert last.startswith("error: ")
    assert "--model facenet-int8" in last


def test_without_openvino_it_says_what_to_install(prepared, monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert not MODELS[INT8].needs.are_present(prepared)
    with pytest.raises(SettingsError, match=r"FACES_PROFILE \[facenet-int8\].*pip install openvino"):
        profiles.check(Settings(cache=prepared.root, profile=INT8))


def test_without_nncf_preparing_it_says_what_to_install(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "nncf", None)
    arguments = ["weights", "--model", INT8, "--cache", str(folder.root)]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit, match=r"error: .*needs nncf: pip install 'ingest-face\[int8\]'"):
        command.main()
    assert not folder.facenet_int8.exists()


def test_a_failed_preparation_leaves_nothing_half_done(folder, tmp_path, monkeypatch):
    """By an NNCF that fails."""
    packages = tmp_path / "packages"
    packages.mkdir()
    (packages / "nncf.py").write_text("raise SystemExit('out of memory')")
    monkeypatch.setenv("PYTHONPATH", str(packages))
    with pytest.raises(WeightsError, match=r"quantizing Facenet failed:\nout of memory"):
        prepare_int8(folder, lambda _: None)
    assert not [file for file in folder.digests(INT8).parent.iterdir() if "int8" in file.name]
