"""The embedding beside the fastest matrix product of the same rounds: what share of this machine's
multiplications and additions it makes use of."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from evaluation.bench import matrix_rates
from evaluation.bench.bars import Bar
from evaluation.bench.network_work import gflop
from evaluation.bench.rounds import seconds, shown, spread
from ingest_service.embedding import Facenet, SFace
from ingest_service.networks import Precision, Runtime
from ingest_service.weights.cache import Cache

BATCH = 8
LEAST_SHARE = 0.8
MOST_SHARE = 1.1
"""Of a true yardstick: a network whose products are as fast as the fastest that were found, and the noise of
two measurements. Above it the yardstick was too slow, and the share says nothing."""
INVALID = "invalid measurement, as no contender found the machine's matrix rate"
JUDGED = "facenet"
"""In fp32, in the faster of the runtimes that the service offers: which one that is depends on the CPU."""


@dataclass(frozen=True)
class Embedding:
    """A network in a runtime, as the service runs it: a batch on each core, or one face on all.

    gflop: of a face.
    """

    network: str
    runtime: Runtime
    gflop: float
    embedder: Facenet | SFace


def embeddings(cache: Cache, cores: int, runtimes: list[Runtime]) -> list[Embedding]:
    found = []
    for runtime in runtimes:
        for name, path, network in (("facenet", cache.facenet, Facenet), ("sface", cache.sface, SFace)):
            embedder = network.load(path, cores, runtime)
            found.append(Embedding(name, runtime, gflop(path, embedder.input_shape), embedder))
    return found


def measure(
    cache: Cache, cores: int, runtimes: list[Runtime], rounds: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Matrix products and embeddings by turns, three times ``rounds``: rates, and the embeddings' share of
    the highest."""
    here = matrix_rates.numpy_here()
    current = matrix_rates.current_numpy(cache.root / "bench", say)
    numpys = [here, *([current] if current else [])]
    networks = embeddings(cache, cores, runtimes)
    with (
        TemporaryDirectory() as folder,
        matrix_rates.contenders(cores, runtimes, numpys, Path(folder)) as products,
        ThreadPoolExecutor(cores) as callers,
    ):

        def embed(one: Embedding, batches: list[NDArray[np.float32]]) -> list[NDArray[np.float32]]:
            return list(callers.map(one.embedder.embed, batches))

        faces = {one.network: _faces(one, cores) for one in networks}
        for one in networks:
            embed(one, faces[one.network])  # to warm up
            one.embedder.embed(faces[one.network][0][:1], all_cores=True)
        rates: list[list[float]] = [[] for _ in products]
        speeds: list[list[float]] = [[] for _ in networks]
        ones: list[list[float]] = [[] for _ in networks]
        for _ in track(range(3 * rounds), "yardstick", transient=True):
            for product, values in zip(products, rates, strict=True):
                values.append(product.gflop / product.round())
            for one, speed, milliseconds in zip(networks, speeds, ones, strict=True):
                batches = faces[one.network]
                speed.append(BATCH * cores / seconds(partial(embed, one, batches)))
                embed_one = partial(one.embedder.embed, batches[0][:1], all_cores=True)
                milliseconds.append(1000 * seconds(embed_one))
    by_precision: dict[Precision, dict[str, list[float]]] = {}
    for product, values in zip(products, rates, strict=True):
        by_precision.setdefault(product.precision, {})[product.name] = values
    highest = {precision: highest_by_round(values) for precision, values in by_precision.items()}
    figures = []
    for one, speed, milliseconds in zip(networks, speeds, ones, strict=True):
        work = [faces_s * one.gflop for faces_s in speed]
        shares = [done / most for done, most in zip(work, highest[one.runtime.precision], strict=True)]
        figures.append(
            {
                "network": one.network,
                "runtime": one.runtime.name,
                "precision": one.runtime.precision,
                "gflop_a_face": round(one.gflop, 2),
                "faces_per_second": spread(speed),
                "one_ms": spread(milliseconds),
                "share": spread(shares),
            }
        )
    return {
        "matrix_gflops": {precision: ranked(values) for precision, values in by_precision.items()},
        "highest_gflops": {precision: spread(values) for precision, values in highest.items()},
        "embedding": figures,
        "numpy": [numpy.as_json() for numpy in numpys],
    }


def highest_by_round(rates: dict[str, list[float]]) -> list[float]:
    """The yardstick, from the contenders' rates by round: whichever contender was the fastest in a round."""
    return [max(of_round) for of_round in zip(*rates.values(), strict=True)]


def ranked(rates: dict[str, list[float]]) -> dict[str, dict[str, float]]:
    """Each contender's spread, the highest median first."""
    found = {name: spread(values) for name, values in rates.items()}
    return dict(sorted(found.items(), key=lambda item: -item[1]["median"]))


def bars(measured: dict[str, Any]) -> list[Bar]:
    """The share of the service's embedding in fp32, and whether all others can be true."""
    rows = measured["embedding"]
    fastest = max(
        (one for one in rows if (one["network"], one["precision"]) == (JUDGED, "fp32")),
        key=lambda one: float(one["faces_per_second"]["median"]),
    )
    judged = fastest["share"]["median"]
    shares = {(one["network"], runtime_of(one)): one["share"]["median"] for one in rows if one is not fastest}
    impossible = [f"{', '.join(of)}: {share:.3g}" for of, share in shares.items() if share > MOST_SHARE]
    return [
        Bar(
            f"embedding at {LEAST_SHARE:.0%} or more of the fastest matrix product in fp32",
            LEAST_SHARE <= judged <= MOST_SHARE,
            f"{judged:.3g} ({runtime_of(fastest)})" if judged <= MOST_SHARE else f"{INVALID}: {judged:.3g}",
        ),
        Bar(
            f"no other share above {MOST_SHARE}",
            not impossible,
            f"{INVALID}: {'; '.join(impossible)}" if impossible else "",
        ),
    ]


def runtime_of(figures: dict[str, Any]) -> str:
    return f"{matrix_rates.RUNTIMES[figures['runtime']]} {figures['precision']}"


def lines(measured: dict[str, Any]) -> list[str]:
    """For people: which contender was how fast."""
    said = []
    for precision, rates in measured["matrix_gflops"].items():
        said.append(
            f"matrix products in {precision}, GFLOP/s: {shown(measured['highest_gflops'][precision])}"
        )
        listed = [f"{name} {values['median']:.3g}" for name, values in rates.items()]
        said.append(f"  the fastest of {'; '.join(listed)}")
    for numpy in measured["numpy"]:
        core = numpy["takes_the_cpu_for"]
        says = f"takes this CPU for [{core}]" if core else "doesn't say what it takes this CPU for"
        said.append(f"numpy {numpy['numpy']}: {numpy['blas']} {says}")
    return said


def _faces(one: Embedding, cores: int) -> list[NDArray[np.float32]]:
    """A batch for each core."""
    shape = (BATCH, *one.embedder.input_shape)
    return [np.random.default_rng(0).standard_normal(shape, dtype=np.float32)] * cores
