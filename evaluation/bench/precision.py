"""``./run bench precision [FOLDER]``: whether vectors of bf16 and of fp32 can be mixed.

The same photos by the same profile in both precisions, from the photo to the vector. Measured as by
``./run evaluate``, on the sample and on FOLDER, in LFW's layout with its pairs.txt: each precision by itself,
and mixed, with the gallery (or a pair's second photo) in one precision and the probes in the other.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from evaluation.bench.rounds import seconds
from evaluation.evaluate import photo_progress
from evaluation.methods import Embedder, Method, MethodVectors, Vector, embed
from evaluation.printing import table
from evaluation.results import MethodResult
from evaluation.task import Task, folder_task, sample_task
from faces.error_rates.arrays import Scores, Vectors
from faces.error_rates.similarity import AT_ONCE, cosine
from faces.labelled_photos import FolderError
from faces.shown.terminal import PlainConsole
from ingest_service import networks, openvino_network, profiles
from ingest_service.detection import CenterFace
from ingest_service.errors import UserError
from ingest_service.facenet import FacenetProfile
from ingest_service.model import Profile
from ingest_service.networks import INT8, ONNX_FP32, Network, Runtime
from ingest_service.registry import MODELS
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare, prepare_int8

FP32 = "fp32"
BF16 = Runtime("openvino", "bf16")
BATCHES = (1, 2, 4, 8)
ROUNDS = 15
OURS = tuple(name for name, entry in MODELS.items() if entry.fixed_runtime is None)
"""The profiles that run in either precision."""


@dataclass(frozen=True)
class Change:
    """Between two precisions, over the photos that have a face in both.

    least_cosine: of a photo's vector in the one and in the other.
    largest: change of a pair's similarity, when both photos, or only the second, are in the other precision.
    deviation: of these changes, the larger of the two standard deviations.
    found_once: photos with a face in one precision alone.
    """

    least_cosine: float
    largest: float
    largest_mixed: float
    deviation: float
    found_once: int

    @classmethod
    def of(cls, ours: Vectors, others: Vectors) -> Change:
        found, other_found = (~np.isnan(vectors).any(axis=1) for vectors in (ours, others))
        both = found & other_found
        one, other = ours[both], others[both]
        largest, squares, count = np.zeros(2), np.zeros(2), 0
        for start in range(0, len(one), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            before = one[rows] @ one.T
            changes = [np.abs(after - before) for after in (other[rows] @ other.T, one[rows] @ other.T)]
            largest = np.maximum(largest, [change.max() for change in changes])
            squares += [float((change**2).sum()) for change in changes]
            count += before.size
        return cls(
            least_cosine=float((one * other).sum(axis=1).min()),
            largest=float(largest[0]),
            largest_mixed=float(largest[1]),
            deviation=float(np.sqrt(squares / count).max()),
            found_once=int((found != other_found).sum()),
        )


def mixed(probes: Vectors, gallery: Vectors) -> Scores:
    """The similarity of rows with both precisions' numbers side by side: of a probe's first half with a
    portrait's second."""
    half = probes.shape[1] // 2
    return cosine(probes[:, :half], gallery[:, half:])


def rates_of(task: Task, embedded: dict[str, MethodVectors]) -> list[MethodResult]:
    """Each precision by itself, and fp32 with each other one, both ways."""
    rows = [
        MethodResult.of(task, Method(name, "", lambda _: lambda _: None), found)
        for name, found in embedded.items()
    ]
    for name in embedded:
        for gallery, probes in ((FP32, name), (name, FP32)) if name != FP32 else ():
            method = Method(
                f"gallery {gallery}, probes {probes}", "", lambda _: lambda _: None, similarity=mixed
            )
            one, other = embedded[probes], embedded[gallery]
            both = np.concatenate([one.vectors, other.vectors], axis=1)
            seconds = one.seconds + other.seconds
            rows.append(MethodResult.of(task, method, MethodVectors(both, one.unreadable, seconds)))
    return rows


def embedder(profile: Profile) -> Embedder:
    def embedded(pixels: Any) -> Vector | None:
        faces = profile.find(pixels)
        return profile.embed(faces[0].network_input[np.newaxis])[0] if faces else None

    return embedded


def loaded(name: str, cache: Cache, detection: bool, int8: bool) -> Iterator[tuple[str, Profile]]:
    """The profile in each precision.

    Args:
        detection: also with CenterFace in bf16.
        int8: also with Facenet in int8, if Facenet alone is the profile's network.

    Raises:
        SettingsError: OpenVINO or the CPU's units for bf16 are missing.
    """
    settings = Settings(profile=name, cache=cache.root, runtime="auto", precision=FP32)
    ours = profiles.load(settings)
    yield FP32, ours
    smaller = profiles.load(replace(settings, precision="bf16"))
    yield "bf16", smaller
    if detection and isinstance(smaller, FacenetProfile) and isinstance(smaller.detector, CenterFace):
        detector = replace(smaller.detector, network=networks.load(cache.centerface, 1, BF16))
        yield "bf16, detection too", replace(smaller, detector=detector)
    if int8 and isinstance(ours, FacenetProfile):
        yield "int8", profiles.load(Settings(profile="facenet-int8", cache=cache.root))


def measured(name: str, task: Task, cache: Cache, what: str, detection: bool, int8: bool) -> dict[str, Any]:
    """A profile's rates by precision, and what a change of the precision changes."""
    photos = task.folder.photos
    embedded: dict[str, MethodVectors] = {}
    for precision, profile in loaded(name, cache, detection, int8):
        with photo_progress(len(photos)) as progress:
            told = _told(progress, f"{what}: {name} in {precision}")
            embedded[precision] = embed(embedder(profile), photos, told).as_units()
    changes = {
        other: Change.of(embedded[FP32].vectors, found.vectors)
        for other, found in embedded.items()
        if other != FP32
    }
    return {"rates": rates_of(task, embedded), "changes": changes}


def _told(progress: Any, what: str) -> Any:
    return lambda done: progress(what, done)


def changes_table(changes: dict[str, Change]) -> Table:
    sheet = Table(box=None, header_style="dim")
    for column in ("fp32 and", "least cosine", "largest change", "mixed", "deviation", "face in one only"):
        sheet.add_column(column, justify="left" if column == "fp32 and" else "right")
    for other, change in changes.items():
        numbers = (change.largest, change.largest_mixed, change.deviation)
        sheet.add_row(
            other,
            f"{change.least_cosine:.5f}",
            *(f"{number:.4f}" for number in numbers),
            str(change.found_once),
        )
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench precision", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="people's folders, pairs.txt")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    parser.add_argument(
        "--profile", action="append", choices=OURS, metavar="NAME", help=f"{', '.join(OURS)} [all of them]"
    )
    parser.add_argument(
        "--detection",
        action="store_true",
        help="with CenterFace in bf16, too, and its speed by runtime and batch",
    )
    parser.add_argument(
        "--int8",
        action="store_true",
        help="with the profile facenet-int8, too, and the embedding's speed by precision",
    )
    arguments = parser.parse_args()
    if arguments.json and not arguments.json.parent.is_dir():
        parser.error(f"--json: there is no folder [{arguments.json.parent}]")
    console = PlainConsole(stderr=False, width=160)
    cache = Cache(default_cache())
    prepare(cache, lambda _: None)
    tasks = {"the sample": sample_task(cache)}
    try:
        if arguments.int8:
            prepare_int8(cache, lambda _: None)
        if arguments.folder:
            tasks[str(arguments.folder)] = folder_task(arguments.folder, None)
        asked = arguments.profile or OURS, cache, arguments.detection, arguments.int8, console
        plain = dict(_reported(tasks, *asked))
        if arguments.detection:
            plain["looks"] = _looks(cache, console)
        if arguments.int8:
            plain["embedded"] = _embedded(cache, console)
    except (FolderError, UserError) as problem:
        parser.error(str(problem))
    if arguments.json:
        arguments.json.write_text(json.dumps(plain, indent=2, allow_nan=False) + "\n")


def _reported(
    tasks: dict[str, Task],
    names: Sequence[str],
    cache: Cache,
    detection: bool,
    int8: bool,
    console: PlainConsole,
) -> Iterator[tuple[str, Any]]:
    for what, task in tasks.items():
        plain = {}
        for name in names:
            found = measured(name, task, cache, what, detection, int8)
            console.print()
            console.print(f"{name}: {what}, {len(task.folder.photos)} photos")
            console.print(table(found["rates"]))
            console.print(changes_table(found["changes"]))
            plain[name] = {
                "rates": [row.as_json() for row in found["rates"]],
                "changes": {other: asdict(change) for other, change in found["changes"].items()},
            }
        yield what, plain


def _looks(cache: Cache, console: PlainConsole) -> dict[str, dict[str, float]]:
    """First looks a second, of each runtime and batch by turns: the median of the rounds."""
    found = {runtime: networks.load(cache.centerface, 1, runtime) for runtime in (networks.ONNX_FP32, BF16)}
    photos = np.random.default_rng(0).uniform(0, 255, (max(BATCHES), 3, 192, 256)).astype(np.float32)
    speeds: dict[tuple[Runtime, int], list[float]] = {}
    with ThreadPoolExecutor(networks.ONNX_FP32.at_once) as threads:

        def speed(network: Network, batch: int) -> float:
            """Each thread has 16 photos."""
            runs = [photos[:batch]] * (16 // batch * networks.ONNX_FP32.at_once)
            return len(runs) * batch / seconds(lambda: list(threads.map(network.run, runs)))

        for counted in [False] + ROUNDS * [True]:
            for runtime, network in found.items():
                for batch in BATCHES:
                    measured_speed = speed(network, batch)
                    if counted:
                        speeds.setdefault((runtime, batch), []).append(measured_speed)
    medians: dict[str, dict[str, float]] = {}
    for (runtime, batch), values in speeds.items():
        medians.setdefault(str(runtime), {})[str(batch)] = round(float(np.median(values)), 1)
    console.print()
    for name, by_batch in medians.items():
        shown = ", ".join(f"{value:g} in batches of {batch}" for batch, value in by_batch.items())
        console.print(f"first looks a second by {name}: {shown}")
    return medians


def _embedded(cache: Cache, console: PlainConsole) -> dict[str, float]:
    """Faces a second by Facenet in each runtime, by turns: a batch on each core, the median of the rounds."""
    runtimes = [ONNX_FP32, *([BF16] if openvino_network.has_bf16() else []), INT8]
    found = {
        str(runtime): networks.load(cache.facenet_int8 if runtime == INT8 else cache.facenet, 1, runtime)
        for runtime in runtimes
    }
    cores, batch = ONNX_FP32.at_once, max(BATCHES)
    faces = np.random.default_rng(0).normal(size=(batch, 160, 160, 3)).astype(np.float32)
    speeds: dict[str, list[float]] = {name: [] for name in found}
    with ThreadPoolExecutor(cores) as threads:

        def speed(network: Network) -> float:
            return batch * cores / seconds(lambda: list(threads.map(network.run, [faces] * cores)))

        for counted in [False] + ROUNDS * [True]:
            for name, network in found.items():
                measured_speed = speed(network)
                if counted:
                    speeds[name].append(measured_speed)
    medians = {name: round(float(np.median(values)), 1) for name, values in speeds.items()}
    slowest = medians[str(ONNX_FP32)]
    console.print()
    for name, value in medians.items():
        console.print(
            f"faces a second embedded by {name}: {value:g}, {value / slowest:.1f} times {ONNX_FP32}"
        )
    return medians


if __name__ == "__main__":
    main()
