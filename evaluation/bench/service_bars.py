"""What ``./run bench service`` promises, judged by its figures alone."""

from __future__ import annotations

from typing import Any

from evaluation.bench.bars import NO_BF16, Bar
from evaluation.bench.contenders import BASELINES, Row, Server
from evaluation.bench.race import FACENET, PROFILES, UNPROTECTED
from ingest_service.networks import ONNX_FP32, Runtime
from ingest_service.openvino_network import INSTALL

MTCNN = "DeepFace, TensorFlow, mtcnn"
FASTEST_BASELINE = "DeepFace, ONNX, opencv"
BF16 = Runtime("openvino", "bf16")
BOTH = PROFILES[-1]
NO_OPENVINO = f"this CPU has BF16 units, and OpenVINO isn't installed: {INSTALL}"

assert {MTCNN, FASTEST_BASELINE} <= BASELINES.keys()


def bars(figures: dict[str, Any]) -> list[Bar]:
    """Those of every CPU, on ONNX Runtime in fp32, which the service takes without BF16 units; and those of
    bf16."""
    fp32, one_by_one = _row(FACENET, ONNX_FP32), Server(FACENET).name
    (one_ms,) = (
        one["one_ms"]["median"]
        for one in figures["yardstick"]["embedding"]
        if one["network"] == FACENET and one["runtime"] == ONNX_FP32.name
    )
    peaks = [figures["peak_mb"].get(_row(FACENET, runtime), 0) for runtime in (ONNX_FP32, BF16)]
    return [
        Bar.at_least("12 times DeepFace on TensorFlow with mtcnn", _times(figures, fp32, MTCNN), 12),
        Bar.at_least("3 times DeepFace on ONNX", _times(figures, fp32, FASTEST_BASELINE), 3),
        Bar.below(f"{FACENET} below 700 MB in either precision", max(peaks), 700),
        Bar.at_least(
            "protections for at most 5 % of photos/s", _times(figures, fp32, UNPROTECTED.name), 0.95
        ),
        Bar(
            "one photo within 3 times one embedding",
            figures["one_by_one_ms"][one_by_one]["p50"] <= 3 * one_ms,
            f"{figures['one_by_one_ms'][one_by_one]['p50'] / one_ms:.3g}",
        ),
        Bar.below("ready sooner than TensorFlow is imported", figures["ready_beside_import"], 1),
        Bar.at_least(f"{BOTH} at .6 of {FACENET}'s rate in fp32", _beside(figures, ONNX_FP32), 0.6),
        *_bf16_bars(figures),
    ]


def _bf16_bars(figures: dict[str, Any]) -> list[Bar]:
    names = (
        "bf16 at 1.8 times the photos/s of fp32",
        "bf16 at 30 times DeepFace on TensorFlow with mtcnn",
        f"{BOTH} at .6 of {FACENET}'s rate in bf16",
    )
    if not figures["machine"]["has_bf16"]:
        return [Bar(name, None, NO_BF16) for name in names]
    if not figures["machine"]["has_openvino"]:
        return [Bar(name, False, NO_OPENVINO) for name in names]
    bf16 = _row(FACENET, BF16)
    found = (
        (_times(figures, bf16, _row(FACENET, ONNX_FP32)), 1.8),
        (_times(figures, bf16, MTCNN), 30),
        (_beside(figures, BF16), 0.6),
    )
    return [Bar.at_least(name, value, least) for name, (value, least) in zip(names, found, strict=True)]


def _row(profile: str, runtime: Runtime) -> str:
    return Row(Server(profile, runtime)).name


def _times(figures: dict[str, Any], ours: str, other: str) -> float:
    return float(figures["times_as_fast"][ours][other]["median"])


def _beside(figures: dict[str, Any], runtime: Runtime) -> float:
    return _times(figures, _row(BOTH, runtime), _row(FACENET, runtime))
