"""Who takes part in ``./run bench service``: the service by profile and runtime, and DeepFace."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import psutil
import urllib3

from evaluation.bench.matrix_rates import RUNTIMES
from evaluation.bench.rounds import JSON, deepface_environment, worker_process
from faces.local_service import RunningService, running_service
from ingest_service.networks import ONNX_FP32, Runtime
from ingest_service.weights.cache import Cache

CLIENTS = 8
TIMES = 7
"""How often a round sends the photos, so that its start and end, with idle clients, matter little."""

BASELINES = {
    "DeepFace, TensorFlow, mtcnn": ("tensorflow", "mtcnn"),
    "DeepFace, TensorFlow, opencv": ("tensorflow", "opencv"),
    "DeepFace, ONNX, opencv": ("onnx", "opencv"),
}
# A process that embeds the photos of its arguments one by one, once a round.
BASELINE = """
import sys
from deepface import DeepFace
detector, photos = sys.argv[1], sys.argv[2:]
def work():
    for path in photos:
        DeepFace.represent(path, model_name="Facenet", detector_backend=detector, normalization="Facenet",
                           enforce_detection=False)
"""
SINGLE, BULK = 1, 4
"""Photos a request. Rows are compared, and bars judged, with several: so bulk ingest sends them."""

Module = Literal["ingest_service", "evaluation.bench.unprotected"]


@dataclass(frozen=True)
class Server:
    """A service as it is started."""

    profile: str
    runtime: Runtime = ONNX_FP32
    module: Module = "ingest_service"

    @property
    def name(self) -> str:
        name = f"{self.profile}, {RUNTIMES[self.runtime.name]} {self.runtime.precision}"
        return name if self.module == "ingest_service" else f"{name}, unprotected"

    @property
    def environment(self) -> dict[str, str]:
        return {
            "FACES_PROFILE": self.profile,
            "FACES_RUNTIME": self.runtime.name,
            "FACES_PRECISION": self.runtime.precision,
        }


@dataclass(frozen=True)
class Row:
    """A service with 8 clients that send so many photos a request."""

    server: Server
    photos_a_request: int = BULK

    @property
    def name(self) -> str:
        return f"{self.server.name}, one a request" if self.photos_a_request == SINGLE else self.server.name


@dataclass(frozen=True)
class Contender:
    """``round`` works on ``photos`` photos and returns the seconds; ``pid`` is the process that does.

    latencies: milliseconds of the requests; empty if there are none.
    """

    name: str
    photos: int
    round: Callable[[], float]
    pid: int
    latencies: list[float] = field(default_factory=list)

    def peak_mb(self) -> float:
        """The peak memory of its processes, MB (on Linux; elsewhere their current memory)."""
        return max(map(_peak_bytes, processes(self.pid))) / 1e6


def processes(pid: int) -> list[psutil.Process]:
    return [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]


def cpu_seconds(pid: int) -> float:
    """That a process and those below it have taken so far, those that have ended included."""
    times = [process.cpu_times() for process in processes(pid)]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


@contextmanager
def servers(cache: Cache, folder: Path, wanted: list[Server]) -> Iterator[dict[Server, RunningService]]:
    """All of them, running until the end of the block."""
    with ExitStack() as running:
        yield {
            server: running.enter_context(
                running_service(
                    cache, folder / str(number), environment=server.environment, module=server.module
                )
            )
            for number, server in enumerate(wanted)
        }


@contextmanager
def baselines(cache: Cache, photos: list[Path]) -> Iterator[list[Contender]]:
    """DeepFace in its own processes, each warmed up."""
    with ExitStack() as running:
        contenders = []
        for name, (backend, detector) in BASELINES.items():
            arguments = [detector, *map(str, photos)]
            environment = deepface_environment(cache) | {"DEEPFACE_BACKEND_ENGINE": backend}
            worker = running.enter_context(worker_process(BASELINE, arguments, environment))
            contenders.append(Contender(name, len(photos), worker.round, worker.pid))
        yield contenders


def crowds(
    rows: list[Row],
    running: Mapping[Server, RunningService],
    photos: list[bytes],
    clients: ThreadPoolExecutor,
    times: int = TIMES,
) -> list[Contender]:
    """A contender for each row, whose clients send all photos ``times`` times a round."""

    def crowd(row: Row) -> Contender:
        service, at_once = running[row.server], row.photos_a_request
        post = poster(service)
        bodies = [body_of(photos[start : start + at_once]) for start in range(0, len(photos), at_once)]
        latencies: list[float] = []

        def work() -> float:
            started = time.perf_counter()
            latencies.extend(clients.map(post, times * bodies))
            return time.perf_counter() - started

        return Contender(row.name, times * len(photos), work, service.pid, latencies)

    return [crowd(row) for row in rows]


def poster(service: RunningService) -> Callable[[bytes], float]:
    """Sends a request. Each client keeps its connection, as the plugin does; urllib3, as clients share the
    service's cores."""
    return partial(timed_post, urllib3.connection_from_url(service.url, maxsize=CLIENTS, block=True))


def body_of(photos: list[bytes]) -> bytes:
    images = [{"image": base64.b64encode(photo).decode()} for photo in photos]
    return json.dumps({"images": images}).encode()


def timed_post(connections: urllib3.HTTPConnectionPool, body: bytes) -> float:
    """Milliseconds for a request with all that can be returned."""
    started = time.perf_counter()
    answer = connections.request("POST", "/v1/faces", body=body, headers=JSON, timeout=60)
    elapsed = time.perf_counter() - started
    if answer.status != 200 or b'"vector"' not in answer.data:
        raise RuntimeError("a sample photo got no vector")
    return elapsed * 1000


def _peak_bytes(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return float(process.memory_info().rss)
