"""Networks in ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray


def load(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """A network that runs on so many threads, including its caller's. Several callers may run it at once."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = threads
    # Threads that spin while they wait would take cores from other requests.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def run(network: onnxruntime.InferenceSession, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """All outputs for the one input."""
    outputs: list[NDArray[np.float32]] = network.run(None, {network.get_inputs()[0].name: inputs})
    return outputs
