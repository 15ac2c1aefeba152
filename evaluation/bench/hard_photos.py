"""What our detector finds in turned photos and in large ones, and what a large JPEG costs: part of
``./run bench detectors``."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from ingest_service.alignment import align
from ingest_service.decoding import Photo, decode
from ingest_service.detection import CenterFace, Detection, Pixels
from ingest_service.embedding import Facenet, unit, whiten
from ingest_service.resolution import Resolution
from ingest_service.settings import Settings

Given = TypeVar("Given")
Made = TypeVar("Made")

ALIKE = 0.9
"""Cosine to the upright photo's vector from which a turned photo's is as good."""
GROUPS = ((1024, 768), (2000, 1500), (4000, 3000), (6000, 4000), (2400, 300), (4800, 300))
HEIGHTS = (30, 40, 60, 80, 110, 180)
"""Of faces, in pixels of the photo."""


@dataclass(frozen=True)
class TurnedResult:
    """
    quarters: by which the sample photos were turned, counter-clockwise.
    found, alike: photos with a face; with one whose vector is as the upright photo's.
    cpu_ms: of a detection, mean.
    """

    quarters: int
    turned_faces: bool
    photos: int
    found: int
    alike: int
    cpu_ms: float


@dataclass(frozen=True)
class GroupResult:
    """
    found, once: of so many faces of a height, in pixels, in photos of a size: found at all, and exactly once.
    others: detections that are none of these faces.
    """

    width: int
    height: int
    face: int
    faces: int
    found: int
    once: int
    others: int


@dataclass(frozen=True)
class LargeJpegResult:
    """CPU milliseconds, median of 5, for a JPEG of 12 megapixels.

    decoded, searched: until its faces' boxes are known, at the part of its size that is decoded first.
    whole_decoded, whole_searched: the same with every pixel.
    prepared: until its faces are ready for the network, decoded again where that needs more.
    """

    photo: str
    file_kb: int
    decoded: float
    searched: float
    whole_decoded: float
    whole_searched: float
    prepared: float


def turned(ours: CenterFace, network: Facenet, photos: list[Path]) -> list[TurnedResult]:
    upright_only = replace(ours, doubts=None)
    upright = [_read(path.read_bytes()).pixels for path in photos]
    references = [_vectors(network, pixels, upright_only.detect(pixels)[:1])[0] for pixels in upright]
    rows = []
    for quarters in range(4):
        for detector in (upright_only, ours):
            found, alike, costs = 0, 0, []
            for pixels, reference in zip(upright, references, strict=True):
                view = np.ascontiguousarray(np.rot90(pixels, quarters))
                faces, cpu_ms = _timed(detector.detect, view)
                costs.append(cpu_ms)
                found += bool(faces)
                alike += bool(faces) and bool((_vectors(network, view, faces) @ reference).max() > ALIKE)
            rows.append(
                TurnedResult(quarters, detector is ours, len(photos), found, alike, statistics.fmean(costs))
            )
    return rows


def groups(ours: CenterFace, photos: list[Path]) -> list[GroupResult]:
    """Photos of noise with as many faces as have room, at most twelve a photo."""
    heads = [_head(ours, path) for path in photos[:36]]
    rows = []
    for width, height in GROUPS:
        for side in HEIGHTS:
            if 1.5 * side > height:
                continue
            total, found, once, others = 0, 0, 0, 0
            for number in range(3):
                pixels, centres = _group((width, height), side, heads[12 * number : 12 * number + 12])
                faces = ours.detect(pixels)
                times = [
                    sum(bool(np.hypot(*(face.centre - at)) < 0.4 * side) for face in faces) for at in centres
                ]
                total += len(times)
                found += sum(count > 0 for count in times)
                once += sum(count == 1 for count in times)
                others += len(faces) - sum(times)
            rows.append(GroupResult(width, height, side, total, found, once, others))
    return rows


def large_jpegs(ours: CenterFace, path: Path) -> list[LargeJpegResult]:
    """A portrait, somebody from farther away, and a group."""
    pixels = _read(path.read_bytes()).pixels
    cut = pixels[: pixels.shape[1] * 3 // 4]
    portrait = np.asarray(cv2.resize(cut, (4000, 3000), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    farther = np.full_like(portrait, 128)
    farther[:1500, :2000] = cv2.resize(portrait, (2000, 1500), interpolation=cv2.INTER_AREA)
    group, _ = _group((4000, 3000), 110, [_head(ours, path)] * 12)
    photos = {"a portrait": portrait, "a face of half its size": farther, "twelve of 110 pixels": group}
    return [_large_jpeg(name, ours, pixels) for name, pixels in photos.items()]


def _large_jpeg(name: str, ours: CenterFace, pixels: Pixels) -> LargeJpegResult:
    bgr = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 88])[1].tobytes()
    resolution = Resolution.of(Settings())

    def halves(enough: int | None) -> tuple[float, float]:
        runs = []
        for _ in range(5):
            photo, decoded = _timed(lambda data: _read(data, enough), data)
            runs.append((decoded, _timed(ours.detect, photo.pixels)[1]))
        decoding, searching = zip(*runs, strict=True)
        return statistics.median(decoding), statistics.median(searching)

    def prepare(data: bytes) -> None:
        enough = resolution.first
        while True:
            photo = _read(data, enough)
            faces = ours.detect(photo.pixels)
            for face in faces:
                whiten(align(photo.pixels, face, (160, 160)))
            enough = resolution.missing(photo, faces)
            if enough is None:
                return

    prepared = statistics.median(_timed(prepare, data)[1] for _ in range(5))
    return LargeJpegResult(
        name, len(data) // 1000, *halves(resolution.first), *halves(None), prepared=prepared
    )


def tables(
    in_turns: list[TurnedResult], in_groups: list[GroupResult], large: list[LargeJpegResult]
) -> list[Table]:
    first = Table(title="sample photos turned by quarters, without and with FACES_TURNED_FACES")
    for heading in ("quarters", "turned faces", "found", f"cosine > {ALIKE}", "CPU ms, mean"):
        first.add_column(heading, justify="right")
    for row in in_turns:
        first.add_row(
            str(row.quarters),
            "on" if row.turned_faces else "off",
            f"{row.found}/{row.photos}",
            f"{row.alike}/{row.photos}",
            f"{row.cpu_ms:.1f}",
        )
    second = Table(title="faces found once, by their height in pixels of the photo")
    second.add_column("photo", justify="right")
    for height in HEIGHTS:
        second.add_column(str(height), justify="right")
    second.add_column("false", justify="right")
    for width, height in GROUPS:
        rows = {row.face: row for row in in_groups if (row.width, row.height) == (width, height)}
        found = [f"{rows[face].once}/{rows[face].faces}" if face in rows else "" for face in HEIGHTS]
        second.add_row(f"{width} x {height}", *found, str(sum(row.others for row in rows.values())))
    third = Table(title="CPU ms for a JPEG of 12 megapixels: decoding + search")
    for heading in ("photo", "kB", "to the boxes", "the whole photo", "ready to embed"):
        third.add_column(heading, justify="right")
    for jpeg in large:
        third.add_row(
            jpeg.photo,
            str(jpeg.file_kb),
            f"{jpeg.decoded:.0f} + {jpeg.searched:.0f}",
            f"{jpeg.whole_decoded:.0f} + {jpeg.whole_searched:.0f}",
            f"{jpeg.prepared:.0f}",
        )
    return [first, second, third]


def _group(
    size: tuple[int, int], side: int, heads: list[tuple[Pixels, Detection]]
) -> tuple[Pixels, list[NDArray[np.float64]]]:
    """A photo with these faces at ``side`` pixels high, and where their centres are."""
    width, height = size
    noise = np.random.default_rng(1).normal(130, 12, (height, width, 3))
    photo = noise.clip(0, 255).astype(np.uint8)
    step_x, step_y = max(width // 4, 2 * side), max(height // 3, min(2 * side, height))
    places = [
        (x, y) for y in range(0, height - step_y + 1, step_y) for x in range(0, width - step_x + 1, step_x)
    ]
    centres = []
    for (left, top), (head, face) in zip(places, heads, strict=False):
        scale = side / face.box[3]
        small = cv2.resize(head, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)[:step_y, :step_x]
        photo[top : top + small.shape[0], left : left + small.shape[1]] = small
        centres.append(scale * face.centre + (left, top))
    return photo, centres


def _head(ours: CenterFace, path: Path) -> tuple[Pixels, Detection]:
    """The photo cut to its largest face's head, and the face there."""
    pixels = _read(path.read_bytes()).pixels
    face = ours.detect(pixels)[0]
    x, y, width, height = face.box
    left, top = max(0, int(x - 0.4 * width)), max(0, int(y - 0.4 * height))
    part = pixels[top : round(y + 1.3 * height), left : round(x + 1.4 * width)]
    return part, face.moved(1.0, np.array([-left, -top]))


def _vectors(network: Facenet, pixels: Pixels, faces: list[Detection]) -> NDArray[np.float32]:
    size = (network.size, network.size)
    return unit(network.embed(np.stack([whiten(align(pixels, face, size)) for face in faces])))


def _read(data: bytes, enough: int | None = None) -> Photo:
    settings = Settings()
    return decode(data, settings.max_bytes, settings.pixel_limit, enough)


def _timed(work: Callable[[Given], Made], given: Given) -> tuple[Made, float]:
    started = time.process_time()
    made = work(given)
    return made, (time.process_time() - started) * 1000
