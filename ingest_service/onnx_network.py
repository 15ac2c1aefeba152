"""A network in ONNX Runtime, fp32."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray


@dataclass(frozen=True)
class OnnxNetwork:
    session: onnxruntime.InferenceSession

    @classmethod
    def load(cls, path: Path, threads: int) -> OnnxNetwork:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = threads
        # Threads that spin while they wait would take cores from other requests.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return cls(onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"]))

    def run(self, inputs: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        outputs: list[NDArray[np.float32]] = self.session.run(
            None, {self.session.get_inputs()[0].name: inputs}
        )
        return outputs
