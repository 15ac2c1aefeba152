"""The contenders of ``./run bench service`` take turns."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import requests
from prometheus_client.parser import text_string_to_metric_families
from rich.progress import track

from evaluation.bench import contenders
from evaluation.bench.contenders import BULK, CLIENTS, SINGLE, Contender, Row, Server
from evaluation.bench.large_photos import large_photos
from ingest_service.networks import ONNX_FP32, Runtime
from ingest_service.weights.cache import Cache

PROFILES = ("facenet", "sface", "facenet-sface")
FACENET = PROFILES[0]
UNPROTECTED = Server(FACENET, module="evaluation.bench.unprotected")
TIMES = 3
"""How often a round races the services. DeepFace, several times as slow, runs once in a round."""
LARGE_TIMES = 8
"""How often a round sends the large photos."""


@dataclass(frozen=True)
class Race:
    """What was measured, by contender.

    speeds: photos/s, ``TIMES`` by round; large_speeds and large_cpu_ms: on photos of 12 megapixels.
    peak_mb: before the large photos.
    latency_ms: of requests; those of ``alone``, by server, were sent one by one.
    stage_share: of the time, by server.
    """

    speeds: dict[str, list[float]]
    large_speeds: dict[str, list[float]]
    large_cpu_ms: dict[str, list[float]]
    peak_mb: dict[str, float]
    latency_ms: dict[str, dict[str, float]]
    alone_ms: dict[str, dict[str, float]]
    stage_share: dict[str, dict[str, float]]


def rows_of(runtimes: list[Runtime]) -> list[Row]:
    """Every profile in ONNX Runtime and in the others' bf16; OpenVINO in fp32 with one, for comparison."""
    rows = []
    for runtime in runtimes:
        is_compared = runtime != ONNX_FP32 and runtime.precision == "fp32"
        if not is_compared:
            rows.append(Row(Server(FACENET, runtime), SINGLE))
        rows += [Row(Server(profile, runtime)) for profile in (PROFILES[:1] if is_compared else PROFILES)]
        if runtime == ONNX_FP32:
            rows.append(Row(UNPROTECTED))
    return rows


def run(cache: Cache, folder: Path, rows: list[Row], photos: list[Path], rounds: int) -> Race:
    large = large_photos(photos)
    small = [path.read_bytes() for path in photos]
    bulk_rows = [row for row in rows if row.photos_a_request == BULK and row.server != UNPROTECTED]
    single_servers = [row.server for row in rows if row.photos_a_request == SINGLE]
    with (
        contenders.servers(cache, folder, list(dict.fromkeys(row.server for row in rows))) as running,
        contenders.baselines(cache, photos) as others,
        ThreadPoolExecutor(CLIENTS) as clients,
    ):
        crowds = contenders.crowds(rows, running, small, clients)
        large_rows = [Row(row.server, SINGLE) for row in bulk_rows]
        large_crowds = contenders.crowds(large_rows, running, large, clients, LARGE_TIMES)
        _warm_up(crowds)
        posts = {server: contenders.poster(running[server]) for server in single_servers}
        alone: dict[Server, list[float]] = {server: [] for server in single_servers}
        before = {server: stage_seconds(running[server].url) for server in single_servers}
        speeds: dict[str, list[float]] = {one.name: [] for one in (*crowds, *others)}
        for _ in track(range(rounds), "rounds", transient=True):
            for _ in range(TIMES):
                for one in crowds:
                    speeds[one.name].append(one.photos / one.round())
            for one in others:
                speeds[one.name] += [one.photos / one.round()] * TIMES
            for server, post in posts.items():
                alone[server] += [post(contenders.body_of([photo])) for photo in small]
        shares = {
            server.name: _shares(before[server], stage_seconds(running[server].url))
            for server in single_servers
        }
        memory = {one.name: round(one.peak_mb(), 1) for one in (*crowds, *others)}
        _warm_up(large_crowds)
        large_speeds: dict[str, list[float]] = {row.name: [] for row in bulk_rows}
        large_cpu_ms: dict[str, list[float]] = {row.name: [] for row in bulk_rows}
        for _ in track(range(rounds), "photos of 12 megapixels", transient=True):
            for row, one in zip(bulk_rows, large_crowds, strict=True):
                cpu = contenders.cpu_seconds(one.pid)
                large_speeds[row.name].append(one.photos / one.round())
                spent = contenders.cpu_seconds(one.pid) - cpu
                large_cpu_ms[row.name].append(1000 * spent / one.photos)
    return Race(
        speeds,
        large_speeds,
        large_cpu_ms,
        memory,
        {one.name: percentiles(one.latencies) for one in crowds},
        {server.name: percentiles(latencies) for server, latencies in alone.items()},
        shares,
    )


def _warm_up(crowds: list[Contender]) -> None:
    """A round of each that isn't counted."""
    for one in crowds:
        one.round()
        one.latencies.clear()


def stage_seconds(url: str) -> dict[str, float]:
    """Seconds in each stage since the service started."""
    text = requests.get(f"{url}/metrics", timeout=10).text
    return {
        sample.labels["stage"]: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "faces_stage_seconds_sum"
    }


def _shares(before: dict[str, float], after: dict[str, float]) -> dict[str, float]:
    spent = {stage: after[stage] - before.get(stage, 0) for stage in after}
    return {stage: round(seconds / sum(spent.values()), 3) for stage, seconds in spent.items()}


def percentiles(values: list[float]) -> dict[str, Any]:
    return {f"p{at}": round(float(np.percentile(values, at)), 1) for at in (50, 99)}
