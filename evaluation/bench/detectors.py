"""``./run bench detectors [LFW_FOLDER]``: the detectors side by side, on the same photos and network.

Each detector finds every photo's largest face; the rest is the facenet profile's: alignment by eyes and box,
RGB, stretched, Facenet. A photo without a face is missing from the pairs, so compare error rates only where
the numbers of faces found are alike. Our detector runs on one thread. DeepFace's use as many as their
libraries start, so their CPU time may exceed the elapsed time.

Then ours alone: turned photos, small faces in large photos, and what a large JPEG costs.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from rich.table import Table

from evaluation.bench import hard_photos
from faces.error_rates.det_curve import DetCurve
from faces.labelled_pairs import read_pairs
from faces.labelled_photos import FolderError, read
from faces.shown.terminal import PlainConsole
from ingest_service.alignment import align
from ingest_service.decoding import decode
from ingest_service.detection import CenterFace, Detector, Pixels
from ingest_service.embedding import Facenet, unit, whiten
from ingest_service.networks import ONNX_FP32
from ingest_service.registry import DETECTORS
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare

PhotoPairs = list[tuple[Path, Path, bool]]
PhotoVectors = dict[Path, NDArray[np.float32]]
Small = tuple[Pixels, NDArray[np.float64]]
"""A photo with one small face, and where its centre is, x and y."""


@dataclass(frozen=True)
class DetectorResult:
    """
    found: of ``photos`` sample photos.
    eer: percent, over all pairs of the sample; lfw_eer: over the folds' pairs, NaN without the folder.
    ms, cpu_ms: of one detection, median over the sample.
    large_cpu_ms: of a detection on a photo of 12 megapixels with one face, median of 5.
    small_found: of the same faces at a height of 50 pixels, in photos of 1000 pixels.
    """

    detector: str
    photos: int
    found: int
    eer: float
    ms: float
    cpu_ms: float
    large_cpu_ms: float
    small_found: int
    lfw_photos: int = 0
    lfw_found: int = 0
    lfw_eer: float = float("nan")


def measured(
    name: str,
    detector: Detector,
    network: Facenet,
    sample: list[Path],
    small: list[Small],
    lfw: PhotoPairs,
    console: PlainConsole,
) -> DetectorResult:
    """One row: quality and cost on the sample, quality on LFW."""
    large = _large(sample[0])
    vectors, costs = _vectors(name, detector, network, sample, console)
    same, different = _similarities(vectors, list(_all_pairs(sample)))
    row = DetectorResult(
        name,
        len(sample),
        len(vectors),
        _percent(same, different),
        statistics.median(clock for clock, _ in costs),
        statistics.median(cpu for _, cpu in costs),
        statistics.median(_cpu_ms(detector, large) for _ in range(5)),
        sum(_is_found(detector, *one) for one in small),
    )
    if not lfw:
        return row
    photos = sorted({path for one, other, _ in lfw for path in (one, other)})
    vectors, _ = _vectors(f"{name}, LFW", detector, network, photos, console)
    eer = _percent(*_similarities(vectors, lfw))
    return replace(row, lfw_photos=len(photos), lfw_found=len(vectors), lfw_eer=eer)


def contenders(cache: Cache, ours: CenterFace) -> Iterator[tuple[str, Callable[[], Detector]]]:
    """Ours at several sizes, with one look and two, and those of DeepFace that are installed."""
    for side in (256, 320, 480):
        one = partial(
            replace,
            ours,
            max_side=side,
            candidate=ours.threshold,
            second_look=None,
            doubts=None,
            tiles=False,
        )
        yield f"centerface {side}, one look", one
    for side in (256, 320, 480):
        default = " (default)" if side == ours.max_side else ""
        yield f"centerface {side}, two looks{default}", partial(replace, ours, max_side=side)
    for name, entry in DETECTORS.items():
        if name != Settings.detector and entry.needs.are_present(cache):
            yield name, partial(entry.load, cache, entry.max_side, ours.min_face, ONNX_FP32, False)


def missing(cache: Cache) -> list[str]:
    return [name for name, entry in DETECTORS.items() if not entry.needs.are_present(cache)]


def lfw_pairs(root: Path, folds: int) -> PhotoPairs:
    """The pairs of LFW's pairs.txt, of its first folds.

    Raises:
        FolderError: the folder or its pairs.txt can't be used.
    """
    folder = read(root)
    pairs = [pair for pair in read_pairs(root / "pairs.txt", folder) if pair.fold < folds]
    return [(folder.photos[pair.first], folder.photos[pair.second], pair.same) for pair in pairs]


def _percent(same: NDArray[np.float32], different: NDArray[np.float32]) -> float:
    """The equal error rate, in percent."""
    return DetCurve.of(same, different).equal_error().false_positive * 100


def _vectors(
    name: str, detector: Detector, network: Facenet, photos: list[Path], console: PlainConsole
) -> tuple[PhotoVectors, list[tuple[float, float]]]:
    """The vectors of the photos with a face, and each detection's milliseconds: elapsed and CPU."""
    vectors, costs = {}, []
    for path in track(photos, name, console=console, transient=True):
        pixels = _pixels(path)
        clock, cpu = time.perf_counter(), time.process_time()
        faces = detector.detect(pixels)
        costs.append(((time.perf_counter() - clock) * 1000, (time.process_time() - cpu) * 1000))
        if faces:
            upright = align(pixels, faces[0], (network.size, network.size))
            vectors[path] = unit(network.embed(whiten(upright)[np.newaxis], all_cores=True))[0]
    return vectors, costs


def _cpu_ms(detector: Detector, pixels: Pixels) -> float:
    started = time.process_time()
    detector.detect(pixels)
    return (time.process_time() - started) * 1000


def _similarities(
    vectors: PhotoVectors, pairs: PhotoPairs
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosines of the pairs of one person, and of two."""
    known = [(vectors[a] @ vectors[b], same) for a, b, same in pairs if a in vectors and b in vectors]
    cosines, is_same = np.array([cosine for cosine, _ in known]), np.array([same for _, same in known])
    return cosines[is_same], cosines[~is_same]


def _all_pairs(photos: list[Path]) -> Iterator[tuple[Path, Path, bool]]:
    for number, one in enumerate(photos):
        for other in photos[number + 1 :]:
            yield one, other, one.parent.name == other.parent.name


def _pixels(path: Path) -> Pixels:
    settings = Settings()
    return decode(path.read_bytes(), settings.max_bytes, settings.pixel_limit).pixels


def _large(path: Path) -> Pixels:
    """A photo of 12 megapixels: one of the sample, enlarged."""
    enlarged = cv2.resize(_pixels(path), (4000, 3000), interpolation=cv2.INTER_CUBIC)
    return np.asarray(enlarged, dtype=np.uint8)


def _small(path: Path, detector: Detector) -> Small:
    """The sample photo shrunk until its face is 50 pixels high, on a grey one of 1000 x 750."""
    pixels = _pixels(path)
    face = detector.detect(pixels)[0]
    scale = 50 / face.box[3]
    shrunk = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    canvas = np.full((750, 1000, 3), 128, dtype=np.uint8)
    part = shrunk[:550, :800]
    canvas[100 : 100 + part.shape[0], 100 : 100 + part.shape[1]] = part
    return canvas, 100 + scale * face.centre


def _is_found(detector: Detector, pixels: Pixels, centre: NDArray[np.float64]) -> bool:
    return any(np.hypot(*(face.centre - centre)) < 15 for face in detector.detect(pixels))


def table(rows: list[DetectorResult]) -> Table:
    sheet = Table(title="detectors, vectors by Facenet, RGB, stretched")
    sheet.add_column("detector", no_wrap=True)
    for heading in (
        "found",
        "EER %",
        "ms",
        "CPU ms",
        "CPU ms, 12 MP",
        "5 % high, found",
        "LFW found",
        "LFW EER %",
    ):
        sheet.add_column(heading, justify="right")
    for row in rows:
        sheet.add_row(
            row.detector,
            f"{row.found}/{row.photos}",
            f"{row.eer:.2f}",
            f"{row.ms:.1f}",
            f"{row.cpu_ms:.1f}",
            f"{row.large_cpu_ms:.0f}",
            f"{row.small_found}/{row.photos}",
            f"{row.lfw_found}/{row.lfw_photos}" if row.lfw_photos else "",
            f"{row.lfw_eer:.2f}" if row.lfw_photos else "",
        )
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench detectors", description=__doc__)
    parser.add_argument(
        "lfw", type=Path, nargs="?", metavar="LFW_FOLDER", help="people's folders and pairs.txt"
    )
    parser.add_argument("--folds", type=int, default=10, help="of pairs.txt, from the first on [10]")
    parser.add_argument("--ours", action="store_true", help="only our own, without the comparison")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    arguments = parser.parse_args()
    try:
        lfw = lfw_pairs(arguments.lfw, arguments.folds) if arguments.lfw else []
    except FolderError as problem:
        parser.error(str(problem))
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # mtcnn and retinaface bring TensorFlow
    console = PlainConsole(stderr=False, width=120)
    cache = Cache(default_cache())
    prepare(cache, lambda _: None)
    cv2.setNumThreads(1)
    network = Facenet.load(cache.facenet, os.cpu_count() or 1)
    sample = sorted(cache.sample.glob("*/*/*.jpg"))
    ours = CenterFace.load(cache, Settings().max_side, Settings().min_face_px)
    rows = []
    if not arguments.ours:
        small = [_small(path, ours) for path in sample]
        rows = [
            measured(name, build(), network, sample, small, lfw, console)
            for name, build in contenders(cache, ours)
        ]
        console.print(table(rows))
        console.print(f"left out, as their package or weights are missing: {', '.join(missing(cache))}")
    in_turns = hard_photos.turned(ours, network, sample)
    in_groups = hard_photos.groups(ours, sample)
    large = hard_photos.large_jpegs(ours, sample[0])
    for sheet in hard_photos.tables(in_turns, in_groups, large):
        console.print(sheet)
    if arguments.json:
        found: dict[str, list[Any]] = {
            "detectors": rows,
            "turned": in_turns,
            "groups": in_groups,
            "large_jpegs": large,
        }
        numbers = {name: [asdict(row) for row in section] for name, section in found.items()}
        arguments.json.write_text(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
