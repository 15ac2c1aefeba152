"""``./run bench service``: how fast the service is, compared with DeepFace on the same photos.

Machines are shared and noisy, so the contenders take turns in rounds, and the ratio of their speeds in one
round counts. The spread over the rounds is printed next to the median.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import requests
import urllib3
from prometheus_client.parser import text_string_to_metric_families
from rich.progress import track
from rich.table import Table

from evaluation.bench.rounds import JSON, deepface_environment, seconds, shown, spread, worker_process
from faces.cli.output import say
from faces.local_service import RunningService, running_service
from faces.shown.terminal import PlainConsole
from ingest_service.embedding import Facenet
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare

CLIENTS = 8
GFLOP_A_FACE = 2.83
"""Multiplications and additions of Facenet's network on one face: twice its 1.42 G multiply-accumulates."""

BASELINES = {
    "DeepFace, TensorFlow, mtcnn": ("tensorflow", "mtcnn"),
    "DeepFace, TensorFlow, opencv": ("tensorflow", "opencv"),
    "DeepFace, ONNX, opencv": ("onnx", "opencv"),
}
SERVICE = "this service, 8 clients"
BULK = "this service, 8 clients, 4 photos a request"
ALONE = "this service, one photo at a time"
THOROUGH = "the same with facenet-thorough"
UNPROTECTED = "the same without its protections"
PHOTOS_A_REQUEST = {SERVICE: 1, BULK: 4, THOROUGH: 4, UNPROTECTED: 4}
PROFILE_THOROUGH = {"FACES_PROFILE": "facenet-thorough"}

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


@dataclass(frozen=True)
class Contender:
    """``round`` works on all photos once and returns the seconds; ``pid`` is the process that does."""

    name: str
    photos: int
    round: Callable[[], float]
    pid: int

    def peak_mb(self) -> float:
        """The peak memory of its processes, MB (on Linux; elsewhere their current memory)."""
        processes = [psutil.Process(self.pid), *psutil.Process(self.pid).children(recursive=True)]
        return max(map(_peak_bytes, processes)) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench service", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--rounds", type=int, default=5, help="of each contender [5]")
    parser.add_argument(
        "--photos", type=int, default=24, help="photos of the sample that each gets in a round [24]"
    )
    arguments = parser.parse_args()
    cache = Cache(default_cache())
    prepare(cache, say)
    found = measure(cache, arguments.rounds, arguments.photos)
    report(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if found["passed"] else 1)


def measure(cache: Cache, rounds: int, photos: int) -> dict[str, Any]:
    """Every figure, and whether each bar is met."""
    sample = sorted(cache.sample.glob("*/*/*.jpg"))
    sample = sample[:: max(1, len(sample) // photos)][:photos]
    starts = [
        (ready_seconds(cache), import_seconds()) for _ in track(range(3), "starting up", transient=True)
    ]
    embedding = measure_embedding(cache, rounds)
    with tempfile.TemporaryDirectory() as folder:
        speeds, memory, latency, stages = race(cache, Path(folder), sample, rounds)
    ratios = {
        name: {
            ours: spread([mine / theirs for mine, theirs in zip(speeds[ours], speeds[name], strict=True)])
            for ours in ([BULK] if name in PHOTOS_A_REQUEST else [SERVICE, BULK])
        }
        for name in (THOROUGH, UNPROTECTED, *BASELINES)
    }
    figures = {
        "photos_per_second": {name: spread(values) for name, values in speeds.items()},
        "ratio_to": ratios,
        "peak_mb": memory,
        "latency_ms": latency,
        "stage_share": stages,
        "embedding": embedding,
        "ready_seconds": spread([ready for ready, _ in starts]),
        "import_tensorflow_seconds": spread([imported for _, imported in starts]),
    }
    bars = {
        "12 times DeepFace on TensorFlow with mtcnn": ratios["DeepFace, TensorFlow, mtcnn"][BULK]["median"]
        >= 12,
        "3 times DeepFace on ONNX": ratios["DeepFace, ONNX, opencv"][BULK]["median"] >= 3,
        "embedding at 85 % of what sgemm allows": embedding["share_of_sgemm"]["median"] >= 0.85,
        "below 700 MB": memory[SERVICE] < 700,
        "protections for at most 5 % of photos/s": ratios[UNPROTECTED][BULK]["median"] >= 0.95,
        "one photo within 3 times one embedding": latency[ALONE]["p50"] <= 3 * embedding["one_ms"]["median"],
        "ready sooner than TensorFlow is imported": statistics.median(r / i for r, i in starts) < 1,
    }
    return figures | {"bars": bars, "passed": all(bars.values()), "rounds": rounds, "cores": os.cpu_count()}


def race(
    cache: Cache, folder: Path, photos: list[Path], rounds: int
) -> tuple[dict[str, list[float]], dict[str, float], dict[str, Any], dict[str, float]]:
    """The contenders take turns. Returns photos/s by contender and round, peak MB, latencies, and the
    stages' shares of the time."""
    latencies: dict[str, list[float]] = {name: [] for name in (*PHOTOS_A_REQUEST, ALONE)}
    with (
        running_service(cache, folder) as service,
        running_service(cache, folder / "thorough", environment=PROFILE_THOROUGH) as thorough,
        running_service(cache, folder / "unprotected", module="evaluation.bench.unprotected") as unprotected,
        baselines(cache, photos) as others,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        # Each client keeps its connection, as the plugin does; urllib3, as clients share the service's cores.
        def poster(server: RunningService) -> Callable[[bytes], float]:
            connections = urllib3.connection_from_url(server.url, maxsize=CLIENTS, block=True)
            return partial(timed_post, connections)

        def crowd(name: str, server: RunningService) -> Contender:
            """15 times the photos, so that the start and end of a round, with idle clients, matter little."""
            post, at_once = poster(server), PHOTOS_A_REQUEST[name]
            bodies = [body_of(photos[start : start + at_once]) for start in range(0, len(photos), at_once)]

            def work() -> float:
                started = time.perf_counter()
                latencies[name] += clients.map(post, 15 * bodies)
                return time.perf_counter() - started

            return Contender(name, 15 * len(photos), work, server.pid)

        single, post_one = [body_of([path]) for path in photos], poster(service)
        crowds = [crowd(SERVICE, service), crowd(BULK, service), crowd(THOROUGH, thorough)]
        crowds.append(crowd(UNPROTECTED, unprotected))
        contenders = [*crowds, *others]
        for contender in crowds:
            contender.round()  # to warm up, not counted
            latencies[contender.name].clear()
        before = stage_seconds(service.url)
        speeds: dict[str, list[float]] = {contender.name: [] for contender in contenders}
        for _ in track(range(rounds), "rounds", transient=True):
            for contender in contenders:
                speeds[contender.name].append(contender.photos / contender.round())
            latencies[ALONE] += map(post_one, single)
        after = stage_seconds(service.url)
        memory = {contender.name: round(contender.peak_mb(), 1) for contender in contenders}
    spent = {stage: after[stage] - before[stage] for stage in after}
    shares = {stage: round(seconds / sum(spent.values()), 3) for stage, seconds in spent.items()}
    return speeds, memory, {name: percentiles(times) for name, times in latencies.items()}, shares


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


def measure_embedding(cache: Cache, rounds: int) -> dict[str, Any]:
    """The embedding stage alone, as the service runs it (a batch on each core, or one face on all),
    alternating with the matrix product that limits it."""
    cores = os.cpu_count() or 1
    network = Facenet.load(cache.facenet, cores)
    random = np.random.default_rng(0)
    batches = [random.standard_normal((8, 160, 160, 3), dtype=np.float32)] * cores
    matrix = random.standard_normal((3072, 3072), dtype=np.float32)
    gflops, speeds, ones = [], [], []
    with ThreadPoolExecutor(cores) as runners:
        list(runners.map(network.embed, batches))
        np.dot(matrix, matrix)
        for _ in range(3 * rounds):
            gflops.append(2 * 3072**3 / 1e9 / seconds(lambda: np.dot(matrix, matrix)))
            speeds.append(8 * cores / seconds(lambda: list(runners.map(network.embed, batches))))
            ones.append(1000 * seconds(lambda: network.embed(batches[0][:1], all_cores=True)))
    shares = [speed * GFLOP_A_FACE / rate for speed, rate in zip(speeds, gflops, strict=True)]
    return {
        "sgemm_gflops": spread(gflops),
        "faces_per_second": spread(speeds),
        "share_of_sgemm": spread(shares),
        "one_ms": spread(ones),
    }


def ready_seconds(cache: Cache) -> float:
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, running_service(cache, Path(folder)):
        return time.perf_counter() - started


def import_seconds() -> float:
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", "import tensorflow"]
    return seconds(lambda: subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=True))


def body_of(photos: list[Path]) -> bytes:
    images = [{"image": base64.b64encode(path.read_bytes()).decode()} for path in photos]
    return json.dumps({"images": images}).encode()


def timed_post(connections: urllib3.HTTPConnectionPool, body: bytes) -> float:
    """Milliseconds for a request with all that can be returned."""
    started = time.perf_counter()
    answer = connections.request("POST", "/v1/faces", body=body, headers=JSON, timeout=60)
    elapsed = time.perf_counter() - started
    if answer.status != 200 or b'"vector"' not in answer.data:
        raise RuntimeError("a sample photo got no vector")
    return elapsed * 1000


def stage_seconds(url: str) -> dict[str, float]:
    """Seconds in each stage since the service started."""
    text = requests.get(f"{url}/metrics", timeout=10).text
    return {
        sample.labels["stage"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "faces_stage_seconds_sum"
    }


def percentiles(values: list[float]) -> dict[str, float]:
    return {
        "p50": round(float(np.percentile(values, 50)), 1),
        "p99": round(float(np.percentile(values, 99)), 1),
    }


def _peak_bytes(process: psutil.Process) -> float:
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        lines = status.read_text().splitlines()
        return float(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    return float(process.memory_info().rss)


def report(found: dict[str, Any]) -> None:
    out = PlainConsole(stderr=False, width=140)
    table = Table("", "photos/s (min, max)", "this is … times as fast", "4 a request", "peak MB", box=None)
    for name, speed in found["photos_per_second"].items():
        ratios = found["ratio_to"].get(name, {})
        beside = [shown(ratios[ours]) if ours in ratios else "" for ours in (SERVICE, BULK)]
        table.add_row(name, shown(speed), *beside, str(found["peak_mb"][name]))
    out.print(table)
    for name, times in found["latency_ms"].items():
        out.print(f"{name}: p50 {times['p50']} ms, p99 {times['p99']} ms a request")
    out.print(
        "time in stages: "
        + ", ".join(f"{stage} {share:.0%}" for stage, share in found["stage_share"].items())
    )
    embedding = found["embedding"]
    out.print(
        f"embedding alone: {shown(embedding['faces_per_second'])} faces/s,"
        f" one face {shown(embedding['one_ms'])} ms;"
        f" sgemm {shown(embedding['sgemm_gflops'])} GFLOP/s; share {shown(embedding['share_of_sgemm'])}"
    )
    out.print(
        f"ready in {shown(found['ready_seconds'])} s;"
        f" import tensorflow {shown(found['import_tensorflow_seconds'])} s"
    )
    for bar, met in found["bars"].items():
        out.print(f"{'met   ' if met else 'MISSED'} {bar}")


if __name__ == "__main__":
    main()
