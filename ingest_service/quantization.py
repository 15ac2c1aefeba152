"""Facenet to int8 by OpenVINO's NNCF, calibrated on the sample's faces: a process that
``python -m ingest_service.weights --model facenet-int8`` starts. Serving never imports it."""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest_service import profiles
from ingest_service.decoding import decode
from ingest_service.errors import UserError
from ingest_service.model import Profile
from ingest_service.openvino_network import open_core
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, WeightsError, sha256_of
from ingest_service.weights.new_file import new_file

QUANTIZATION = {"preset": "performance", "fast_bias_correction": True}
"""Symmetric, weights by channel. Named, since NNCF's defaults may change."""


def quantize_facenet(cache: Cache) -> None:
    """Writes the network and the note of its digests, which comes last: until then it isn't intact.

    Raises:
        WeightsError: the sample's faces aren't all there.
    """
    settings = Settings(cache=cache.root, runtime="onnxruntime", precision="auto")
    profile = profiles.load(settings)
    photos = sorted(cache.sample.glob("*/*/*.jpg"))
    faces = [_largest_face(profile, photo, settings) for photo in photos]
    recipe = {
        # Facenet's weights, and how faces are found and prepared.
        "faces": profile.model.digest,
        "calibrated_on": [[str(photo.relative_to(cache.sample)), sha256_of(photo)] for photo in photos],
        "nncf": version("nncf"),
        **QUANTIZATION,
    }
    digests = {"recipe_sha256": hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()}
    with tempfile.TemporaryDirectory() as folder:
        _save(_quantized(cache, faces), Path(folder) / cache.facenet_int8.name)
        for file in cache.files("facenet-int8"):
            with new_file(file) as target:
                shutil.copyfile(Path(folder) / file.name, target)
            digests[f"{file.suffix[1:]}_sha256"] = sha256_of(file)
    with new_file(cache.digests("facenet-int8")) as target:
        target.write_text(json.dumps(digests, indent=2) + "\n")


def _largest_face(profile: Profile, photo: Path, settings: Settings) -> NDArray[np.float32]:
    """(1, 160, 160, 3), as the service gives it to the network."""
    found = profile.find(decode(photo.read_bytes(), settings.max_bytes, settings.pixel_limit).pixels)
    if not found:
        raise WeightsError(
            f"{photo} has no face: delete {settings.cache / 'sample'} and run the command again"
        )
    return found[0].network_input[np.newaxis]


def _quantized(cache: Cache, faces: list[NDArray[np.float32]]) -> Any:
    # Before NNCF, which would import the telemetry that this leaves out.
    core = open_core()
    import nncf

    return nncf.quantize(
        core.read_model(str(cache.facenet)),
        nncf.Dataset(faces),
        preset=nncf.QuantizationPreset(QUANTIZATION["preset"]),
        fast_bias_correction=QUANTIZATION["fast_bias_correction"],
        subset_size=len(faces),
    )


def _save(network: Any, path: Path) -> None:
    import openvino

    openvino.save_model(network, str(path), compress_to_fp16=False)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m ingest_service.quantization", description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="the cache folder")
    try:
        quantize_facenet(Cache(parser.parse_args().cache))
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
