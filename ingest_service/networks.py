"""Networks in a runtime that is chosen at start."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args

import numpy as np
from numpy.typing import NDArray

from ingest_service import openvino_network
from ingest_service.errors import SettingsError
from ingest_service.onnx_network import OnnxNetwork
from ingest_service.openvino_network import INSTALL, OpenVinoNetwork

RuntimeName = Literal["onnxruntime", "openvino", "dlib"]
"""Networks of dlib's own run in dlib, so it can't be chosen."""
Precision = Literal["fp32", "bf16", "int8"]
AUTO = "auto"


@dataclass(frozen=True)
class Runtime:
    """What runs the networks, and in which precision.

    at_once: how many runs of one network may go on at the same time.
    """

    name: RuntimeName = "onnxruntime"
    precision: Precision = "fp32"
    at_once: int = field(default_factory=lambda: os.cpu_count() or 1)

    def __str__(self) -> str:
        return f"{self.name} in {self.precision}"


ONNX_FP32 = Runtime()
"""Everywhere: needs no unit of the CPU and no further package."""
INT8 = Runtime("openvino", "int8")
DLIB_FP32 = Runtime("dlib", "fp32")


class Network(Protocol):
    """A loaded network. Several callers may run it at once."""

    def run(self, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        """All outputs for the one input, float32 whatever the precision. They are the caller's own."""


def load(path: Path, threads: int, runtime: Runtime = ONNX_FP32) -> Network:
    """A network that runs on so many threads. With one, ``runtime.at_once`` callers have a core each."""
    if runtime.name == "onnxruntime":
        return OnnxNetwork.load(path, threads)
    at_once = runtime.at_once if threads == 1 else 1
    return OpenVinoNetwork.load(path, threads, at_once, runtime.precision == "bf16")


def check_known(name: str, precision: str) -> None:
    """
    Args:
        name: FACES_RUNTIME.
        precision: FACES_PRECISION.

    Raises:
        SettingsError: unknown values.
    """
    for variable, value, known in (
        ("FACES_RUNTIME", name, ("onnxruntime", "openvino")),
        ("FACES_PRECISION", precision, get_args(Precision)),
    ):
        valid = [AUTO, *known]
        if value not in valid:
            raise SettingsError(f"{variable} is [{value}], valid values are {valid}")


def check(name: str, precision: str) -> None:
    """For a network in fp32, which also runs in bf16.

    Raises:
        SettingsError: unknown values, or ones that exclude each other or the network.
    """
    check_known(name, precision)
    if precision == "int8":
        raise SettingsError(
            "FACES_PRECISION is [int8], which only FACES_PROFILE [facenet-int8] has: a network in int8 is "
            "one of its own"
        )
    if name == "onnxruntime" and precision == "bf16":
        raise SettingsError(
            "FACES_PRECISION is [bf16], but FACES_RUNTIME [onnxruntime] computes in fp32: set only one of "
            "the two"
        )


def choose(name: str, precision: str, at_once: int) -> Runtime:
    """What is asked for; ``auto`` is OpenVINO in bf16 where it is installed and the CPU has units for bf16,
    else ONNX Runtime in fp32, which takes less memory there and is about as fast.

    Raises:
        SettingsError: it can't be had here; or as ``check`` says.
    """
    check(name, precision)
    onnx_fp32, openvino_fp32 = Runtime("onnxruntime", "fp32", at_once), Runtime("openvino", "fp32", at_once)
    if name == "onnxruntime" or (name == AUTO and precision == "fp32"):
        return onnx_fp32
    if not openvino_network.is_installed():
        if name == precision == AUTO:
            return onnx_fp32
        wanted = f"FACES_RUNTIME [{name}]" if name != AUTO else f"FACES_PRECISION [{precision}]"
        raise SettingsError(f"{wanted} needs OpenVINO: {INSTALL}")
    if precision == "fp32":
        return openvino_fp32
    if openvino_network.has_bf16():
        return Runtime("openvino", "bf16", at_once)
    if precision == AUTO:
        return onnx_fp32 if name == AUTO else openvino_fp32
    raise SettingsError(
        "FACES_PRECISION is [bf16], but this CPU has no units for it (AMX or AVX-512 BF16), and would be "
        "slower than in fp32: leave it at auto, which takes bf16 where there are units"
    )
