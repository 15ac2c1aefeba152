"""``./run bench service``: how fast the service is, compared with DeepFace on the same photos.

Machines are shared and noisy, so the contenders take turns in rounds, and the ratio of their speeds in one
round counts. The spread over the rounds is printed next to the median.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.progress import track

from evaluation.bench import race, service_bars, service_report, yardstick
from evaluation.bench.bars import judged
from evaluation.bench.contenders import BASELINES, Row, Server
from evaluation.bench.machine import Machine
from evaluation.bench.rounds import seconds, spread
from faces.cli.output import say
from faces.local_service import running_service
from ingest_service import openvino_network
from ingest_service.networks import INT8, ONNX_FP32, Runtime
from ingest_service.registry import MODELS
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare


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
    service_report.show(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if found["passed"] else 1)


def measure(cache: Cache, rounds: int, photos: int) -> dict[str, Any]:
    """Every figure, and whether each bar is met."""
    machine = Machine.here()
    runtimes = runtimes_of(machine)
    sample = sorted(cache.sample.glob("*/*/*.jpg"))
    sample = sample[:: max(1, len(sample) // photos)][:photos]
    starts = [
        (ready_seconds(cache), import_seconds()) for _ in track(range(3), "starting up", transient=True)
    ]
    measured = yardstick.measure(cache, machine.cores, runtimes, rounds, say)
    with tempfile.TemporaryDirectory() as folder:
        rows = [*race.rows_of(runtimes), *int8_rows(cache)]
        raced = race.run(cache, Path(folder), rows, sample, rounds)
    figures: dict[str, Any] = {
        "machine": _machine(machine),
        "photos_per_second": _spreads(raced.speeds),
        "times_as_fast": times_as_fast(raced.speeds),
        "large_photos_per_second": _spreads(raced.large_speeds),
        "large_cpu_ms": _spreads(raced.large_cpu_ms),
        "peak_mb": raced.peak_mb,
        "latency_ms": raced.latency_ms,
        "one_by_one_ms": raced.alone_ms,
        "stage_share": raced.stage_share,
        "yardstick": measured,
        "ready_seconds": spread([ready for ready, _ in starts]),
        "import_tensorflow_seconds": spread([imported for _, imported in starts]),
        "ready_beside_import": round(statistics.median(ready / imported for ready, imported in starts), 3),
    }
    bars = [*service_bars.bars(figures), *yardstick.bars(measured)]
    return figures | judged(bars) | {"rounds": rounds, "cores": machine.cores}


def runtimes_of(machine: Machine) -> list[Runtime]:
    """That this machine has, the one that is everywhere first."""
    if not openvino_network.is_installed():
        return [ONNX_FP32]
    in_bf16 = [Runtime("openvino", "bf16")] if machine.has_bf16 else []
    return [ONNX_FP32, Runtime("openvino", "fp32"), *in_bf16]


def int8_rows(cache: Cache) -> list[Row]:
    """If that profile is prepared."""
    is_prepared = MODELS["facenet-int8"].needs.are_present(cache)
    return [Row(Server("facenet-int8", INT8))] if is_prepared else []


def times_as_fast(speeds: Mapping[str, list[float]]) -> dict[str, dict[str, dict[str, float]]]:
    """Row of the service -> every other row -> how many times as fast the first is, by round."""
    return {
        ours: {
            other: spread([one / their for one, their in zip(speeds[ours], speeds[other], strict=True)])
            for other in speeds
            if other != ours
        }
        for ours in speeds
        if ours not in BASELINES
    }


def _machine(machine: Machine) -> dict[str, Any]:
    has_openvino = openvino_network.is_installed()
    return asdict(machine) | {"has_bf16": machine.has_bf16, "has_openvino": has_openvino}


def ready_seconds(cache: Cache) -> float:
    """In the runtime that the service takes by itself."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, running_service(cache, Path(folder)):
        return time.perf_counter() - started


def import_seconds() -> float:
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", "import tensorflow"]
    return seconds(lambda: subprocess.run(command, env=environment, stderr=subprocess.DEVNULL, check=True))


def _spreads(values: Mapping[str, list[float]]) -> dict[str, dict[str, float]]:
    return {name: spread(each) for name, each in values.items()}


if __name__ == "__main__":
    main()
