"""How many multiplications and additions a machine does in a second: the products of two matrices in each of
several libraries, of which the fastest says what the machine can do.

One library isn't enough: numpy 1.26's OpenBLAS doesn't know CPUs with AMX, and is four times too slow there.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from evaluation.bench.rounds import seconds, worker_process
from ingest_service import networks
from ingest_service.networks import Network, Precision, Runtime

RUNTIMES = {"onnxruntime": "ONNX Runtime", "openvino": "OpenVINO"}
SIDE = 3072
"""Of the matrices that all cores multiply together."""
SMALLER = (512, 1024, 2048)
"""Of those that each core multiplies for itself, as the service embeds: which is the fastest depends on the
caches, and on who else uses them."""
CURRENT_NUMPY = Path(__file__).with_name("numpy.txt")

# A process that multiplies matrices by its numpy, once a round.
NUMPY = """
import sys
import numpy as np
side = int(sys.argv[1])
matrix = np.random.default_rng(0).standard_normal((side, side), dtype=np.float32)
def work():
    np.dot(matrix, matrix)
"""
ABOUT_NUMPY = """
import json
import numpy, threadpoolctl
blas = [one for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"]
print(json.dumps({"numpy": numpy.__version__, "blas": [
    {name: one.get(name) for name in ("internal_api", "version", "architecture")} for one in blas]}))
"""


@dataclass(frozen=True)
class MatrixContender:
    """``round`` does ``gflop`` billion multiplications and additions, and returns the seconds."""

    name: str
    precision: Precision
    gflop: float
    round: Callable[[], float]


@dataclass(frozen=True)
class NumpyHere:
    """A Python that has numpy. core: which CPU its BLAS takes this one for, as threadpoolctl says; None where
    it doesn't say."""

    python: str
    version: str
    blas: str
    core: str | None

    @classmethod
    def of(cls, python: str) -> NumpyHere:
        """
        Raises:
            CalledProcessError, OSError: it has no numpy, or doesn't run.
        """
        answer = subprocess.run([python, "-c", ABOUT_NUMPY], capture_output=True, text=True, check=True)
        about = json.loads(answer.stdout)
        blas: dict[str, str | None] = next(iter(about["blas"]), {})
        named = f"{blas.get('internal_api') or 'its own BLAS'} {blas.get('version') or ''}".strip()
        return cls(python, about["numpy"], named, blas.get("architecture"))

    def as_json(self) -> dict[str, Any]:
        return {"numpy": self.version, "blas": self.blas, "takes_the_cpu_for": self.core}


@contextmanager
def contenders(
    cores: int, runtimes: list[Runtime], numpys: list[NumpyHere], folder: Path
) -> Iterator[list[MatrixContender]]:
    """All of them, warmed up, on all cores.

    Args:
        folder: for files that runtimes read.
    """
    found = []
    with ExitStack() as running:
        callers = running.enter_context(ThreadPoolExecutor(cores))
        for runtime in runtimes:
            product = _product(SIDE, folder)
            together = partial(networks.load(product, cores, runtime).run, _matrix(SIDE))
            found.append(_contender(runtime, f"{SIDE} on all cores", gflop(SIDE), together))
            for side in SMALLER:
                times = max(1, round((SMALLER[-1] / side) ** 3))
                alone = networks.load(_product(side, folder), 1, runtime)
                each = partial(_on_each_core, callers, alone, [[_matrix(side)] * times] * cores)
                work = cores * times * gflop(side)
                found.append(_contender(runtime, f"{side} on each core", work, each))
        for numpy in numpys:
            worker = running.enter_context(worker_process(NUMPY, [str(SIDE)], python=numpy.python))
            found.append(MatrixContender(f"numpy {numpy.version}", "fp32", gflop(SIDE), worker.round))
        yield found


def gflop(side: int) -> float:
    """Multiplications and additions of a product, in billions."""
    return 2 * side**3 / 1e9


def _on_each_core(
    callers: ThreadPoolExecutor, network: Network, matrices: list[list[NDArray[np.float32]]]
) -> None:
    def multiply(own: list[NDArray[np.float32]]) -> None:
        for matrix in own:
            network.run(matrix)

    for _ in callers.map(multiply, matrices):
        pass


def _contender(runtime: Runtime, how: str, work: float, run: Callable[[], object]) -> MatrixContender:
    run()  # to warm up
    return MatrixContender(
        f"{RUNTIMES[runtime.name]} ({how})", runtime.precision, work, partial(seconds, run)
    )


def _matrix(side: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).standard_normal((side, side), dtype=np.float32)


def _product(side: int, folder: Path) -> Path:
    """An ONNX graph: a matrix times a constant one. Its output is one number, as a whole matrix would be
    copied."""
    path = folder / f"{side}.onnx"
    constant = np.random.default_rng(0).standard_normal((side, side), dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["matrix", "constant"], ["product"]),
            helper.make_node("ReduceMax", ["product"], ["most"], keepdims=0),
        ],
        "product",
        [helper.make_tensor_value_info("matrix", TensorProto.FLOAT, [side, side])],
        [helper.make_tensor_value_info("most", TensorProto.FLOAT, [])],
        [numpy_helper.from_array(constant, "constant")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return path


def numpy_here() -> NumpyHere:
    return NumpyHere.of(sys.executable)


def current_numpy(folder: Path, say: Callable[[str], None]) -> NumpyHere | None:
    """A numpy of today in an environment of its own, made once below ``folder``; None if pip can't."""
    digest = hashlib.sha256(CURRENT_NUMPY.read_bytes() + sys.version.encode()).hexdigest()[:12]
    place = folder / f"numpy-{digest}"
    python, stamp = place / "bin" / "python", place / "complete"
    try:
        if not stamp.exists():
            say("a current numpy, in an environment of its own: installing")
            venv = [sys.executable, "-m", "venv", "--clear", "--without-pip", str(place)]
            subprocess.run(venv, check=True)
            pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
            safely = ["--require-hashes", "--only-binary", ":all:", "--no-deps", "-r", str(CURRENT_NUMPY)]
            subprocess.run([*pip, "install", "-q", *safely], check=True)
            stamp.touch()
        return NumpyHere.of(str(python))
    except (OSError, subprocess.CalledProcessError) as problem:
        say(f"a current numpy isn't measured: it can't be installed ({type(problem).__name__})")
        return None
