"""``./run bench profile [FOLDER]``: the choices behind `facenet` and `facenet-thorough`, one by one.

Each row is `facenet` with one choice changed: the size of the copy that is searched and the number of looks,
enlarging small photos, the alignment, which views of a face are averaged. Measured as by ``./run evaluate``,
on the sample and on FOLDER, in LFW's layout with its pairs.txt. The choices were made on these photos: all
numbers are in-sample.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from evaluation.bars import DEFAULT
from evaluation.evaluate import photo_progress
from evaluation.methods import Method, MethodVectors, Vector, embed
from evaluation.printing import table
from evaluation.results import MethodResult
from evaluation.task import Task, folder_task, sample_task
from faces.labelled_photos import FolderError
from faces.shown.terminal import PlainConsole
from ingest_service import profiles
from ingest_service.alignment import align
from ingest_service.detection import CenterFace, Detection, Pixels
from ingest_service.embedding import unit, whiten
from ingest_service.facenet import WIDER, FacenetProfile
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare

# Eyes, nose and corners of the mouth on 112 x 112 pixels: the template of insightface's aligned faces, in the
# order of ``detection.LANDMARKS``.
FIVE_POINTS = np.array(
    [[73.53, 51.50], [38.29, 51.70], [56.03, 71.74], [70.73, 92.20], [41.55, 92.37]], dtype=np.float32
)

Turn = Callable[[Pixels, Detection, int], Pixels]
"""A photo's face -> (size, size, 3)."""


@dataclass(frozen=True)
class FaceView:
    """One view of a photo's largest face: found by ``detector``, aligned by ``turn``, mirrored or not."""

    detector: CenterFace
    turn: Turn
    mirrored: bool = False
    enlarged: bool = False

    def of(self, pixels: Pixels, size: int) -> Pixels | None:
        """(size, size, 3); None without a face."""
        faces = self._enlarged(pixels) if self.enlarged else self.detector.detect(pixels)
        if not faces:
            return None
        face = self.turn(pixels, faces[0], size)
        return np.ascontiguousarray(face[:, ::-1]) if self.mirrored else face

    def _enlarged(self, pixels: Pixels) -> list[Detection]:
        scale = max(1.0, self.detector.max_side / max(pixels.shape[:2]))
        larger = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        found = self.detector.detect(np.asarray(larger, dtype=np.uint8))
        return [face.moved(1 / scale, np.zeros(2)) for face in found]


def by_eyes_and_box(pixels: Pixels, face: Detection, size: int, times: float = 1.0) -> Pixels:
    return align(pixels, face.widened(times), (size, size))


def by_five_points(pixels: Pixels, face: Detection, size: int) -> Pixels:
    """Rotated, moved and scaled equally in x and y, so that the landmarks fit ``FIVE_POINTS`` best."""
    x, y = face.landmarks.T
    one, none = np.ones(5), np.zeros(5)
    design = np.concatenate([np.stack([x, -y, one, none], axis=1), np.stack([y, x, none, one], axis=1)])
    a, b, right, down = np.linalg.lstsq(design, FIVE_POINTS.T.ravel() * (size / 112), rcond=None)[0]
    matrix = np.array([[a, -b, right], [b, a, down]])
    return np.asarray(cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_CUBIC), dtype=np.uint8)


def choices(ours: CenterFace) -> dict[str, tuple[FaceView, ...]]:
    """The views of each row, whose vectors are averaged."""
    default = FaceView(ours, by_eyes_and_box)
    mirrored = replace(default, mirrored=True)
    five = FaceView(ours, by_five_points)
    wider = {times: replace(mirrored, turn=partial(by_eyes_and_box, times=times)) for times in (WIDER, 1.12)}
    one_look = replace(ours, candidate=ours.threshold, second_look=None)
    return {
        "facenet": (default,),
        "copy of 320 pixels": (replace(default, detector=replace(ours, max_side=320)),),
        "one look": (replace(default, detector=one_look),),
        "small photos enlarged": (replace(default, enlarged=True),),
        "five points": (five,),
        "and mirrored": (default, mirrored),
        **{f"and mirrored, {times} as wide": (default, view) for times, view in wider.items()},
        "and five points": (default, five),
        "both, and both mirrored": (default, mirrored, five, replace(five, mirrored=True)),
    }


def measured(task: Task, cache: Cache, what: str) -> Iterator[MethodResult]:
    """A row for each choice; a view that several choices share is embedded once."""
    profile = profiles.load(Settings(profile=DEFAULT, cache=cache.root))
    assert isinstance(profile, FacenetProfile)
    assert isinstance(profile.detector, CenterFace)
    network = profile.network
    seen: dict[FaceView, MethodVectors] = {}

    def embedder(view: FaceView, pixels: Pixels) -> Vector | None:
        face = view.of(pixels, network.size)
        return None if face is None else network.embed(whiten(face)[np.newaxis])[0]

    for name, views in choices(profile.detector).items():
        for view in views:
            if view not in seen:
                with photo_progress(len(task.folder.photos)) as progress:
                    told = partial(progress, f"{what}: {name}")
                    seen[view] = embed(partial(embedder, view), task.folder.photos, told).as_units()
        mean = unit(sum((seen[view].vectors for view in views[1:]), seen[views[0]].vectors))
        seconds = sum(seen[view].seconds for view in views)
        method = Method(name, "", lambda _: lambda _: None)
        yield MethodResult.of(task, method, MethodVectors(mean, seen[views[0]].unreadable, seconds))


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench profile", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="people's folders, pairs.txt")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    arguments = parser.parse_args()
    if arguments.json and not arguments.json.parent.is_dir():
        parser.error(f"--json: there is no folder [{arguments.json.parent}]")
    console = PlainConsole(stderr=False, width=160)
    cache = Cache(default_cache())
    prepare(cache, lambda _: None)
    tasks = {"the sample": sample_task(cache)}
    if arguments.folder:
        try:
            tasks[str(arguments.folder)] = folder_task(arguments.folder, None)
        except FolderError as problem:
            parser.error(str(problem))
    found = {name: list(measured(task, cache, name)) for name, task in tasks.items()}
    for name, rows in found.items():
        console.print()
        console.print(f"{name}: {rows[0].photos} photos, in-sample")
        console.print(table(rows))
    if arguments.json:
        plain = {name: [row.as_json() for row in rows] for name, rows in found.items()}
        arguments.json.write_text(json.dumps(plain, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
