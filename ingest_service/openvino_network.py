"""A network in OpenVINO, fp32 or bf16."""

from __future__ import annotations

import ctypes
import functools
import sys
from collections import deque
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ingest_service.errors import SettingsError

TELEMETRY = ("openvino.tools.ovc", "openvino_telemetry")
"""Importing OpenVINO imports the first, which unasked writes an id to ``~/intel``, forks, and reports to
Google Analytics by the second. OpenVINO does without either."""
KEPT_KERNELS = 500
"""Compiled kernels, for the shapes that its input has had, that a network keeps beside 1,024 that all share:
enough for a dozen. OpenVINO's default of 5,000 took 1.5 GB after 400 shapes of CenterFace's."""
INSTALL = "pip install 'ingest-face[openvino]'"


@dataclass(frozen=True)
class OpenVinoNetwork:
    """Runs are handed to threads of OpenVINO's own, so it doesn't matter how many callers there are.

    idle: requests that nobody runs; one at a time has its caller's input and output.
    """

    compiled: Any
    idle: deque[Any] = field(default_factory=deque)

    @classmethod
    def load(cls, path: Path, threads: int, at_once: int, bf16: bool) -> OpenVinoNetwork:
        return cls.compile(str(path), threads, at_once, bf16)

    @classmethod
    def compile(cls, network: Any, threads: int, at_once: int, bf16: bool) -> OpenVinoNetwork:
        """
        Args:
            network: a path, or a model of OpenVINO's.
            threads: of one run.
            at_once: runs that may go on at the same time; more wait.
        """
        options = {
            "INFERENCE_PRECISION_HINT": "bf16" if bf16 else "f32",
            "NUM_STREAMS": at_once,
            "INFERENCE_NUM_THREADS": at_once * threads,
            # Other processes, such as the decoders, use the cores, too.
            "ENABLE_CPU_PINNING": False,
            "CPU_RUNTIME_CACHE_CAPACITY": KEPT_KERNELS,
        }
        compiled = open_core().compile_model(network, "CPU", options)
        _give_memory_back()
        return cls(compiled)

    def run(self, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        try:
            request = self.idle.pop()
        except IndexError:
            request = self.compiled.create_infer_request()
        given = np.ascontiguousarray(inputs)
        request.set_input_tensor(_openvino().Tensor(given, shared_memory=True))
        request.start_async()
        request.wait()
        # Copies, as the next run overwrites the request's own.
        outputs = [np.array(tensor.data, dtype=np.float32) for tensor in request.output_tensors]
        self.idle.append(request)
        return outputs


def is_installed() -> bool:
    return find_spec("openvino") is not None


def has_bf16() -> bool:
    """Whether this CPU has units for bf16: AMX, or AVX-512 BF16.

    Raises:
        SettingsError: OpenVINO can't be loaded.
    """
    return "BF16" in open_core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def _give_memory_back() -> None:
    """What compiling took: up to 90 MB that glibc would keep for us."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim:
        trim(0)


@functools.cache
def _openvino() -> Any:
    for name in TELEMETRY:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # as if absent
    import openvino

    return openvino


@functools.cache
def open_core() -> Any:
    """It starts no threads before it compiles a network, so gunicorn may fork after this.

    Raises:
        SettingsError: OpenVINO can't be loaded.
    """
    try:
        return _openvino().Core()
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        raise SettingsError(
            f"OpenVINO is installed, but can't be loaded ({type(error).__name__}: "
            f"{str(error).strip()[:300]}): install it again ({INSTALL} --force-reinstall), or set "
            "FACES_RUNTIME=onnxruntime"
        ) from None
