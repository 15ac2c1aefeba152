"""Facenet's Keras weights to ONNX: the one place that imports TensorFlow and DeepFace's architecture."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest_service.weights.cache import Cache, WeightsError, sha256_of
from ingest_service.weights.new_file import new_file


def convert_facenet(source: Path, cache: Cache) -> None:
    """Keras weights (a full model, or its weights only) -> DeepFace's architecture -> h5 and ONNX.

    Raises:
        WeightsError: the file doesn't hold Facenet's 128-d network.
    """
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
    with new_file(cache.deepface_weights / "facenet_weights.h5") as target:
        model.save_weights(str(target), save_format="h5")
    with new_file(cache.facenet) as target:
        spec = (tf.TensorSpec((None, 160, 160, 3), tf.float32, name="face"),)
        tf2onnx.convert.from_keras(model, input_signature=spec, opset=17, output_path=str(target))
    with new_file(cache.digests("facenet")) as target:
        digests = {"weights_sha256": digest.hexdigest(), "onnx_sha256": sha256_of(cache.facenet)}
        target.write_text(json.dumps(digests, indent=2) + "\n")


def _weights_in_order(source: Path) -> Iterator[Any]:
    """The arrays of a Keras h5 file in the order of its layers, as ``get_weights`` would give them.

    The file's own model can't be loaded, and shouldn't be: its Lambda layers hold Python 3.6 bytecode.
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
