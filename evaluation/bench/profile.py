"""``./run bench profile [FOLDER]``: the choices behind our profiles, one by one, and their thresholds.

Each row is `facenet`, `sface` or `facenet-sface` with one choice changed: the size of the copy that is
searched, the number of looks, enlarging small photos, the alignment, which views of a face are averaged,
SFace's weight. Measured as by ``./run evaluate``, on the sample and on FOLDER, in LFW's layout with its
pairs.txt. The choices were made on these photos: all numbers are in-sample.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from evaluation.evaluate import photo_progress
from evaluation.methods import Method, MethodVectors, Vector, embed, profile_embedder
from evaluation.printing import table
from evaluation.results import MethodResult
from evaluation.task import Task, folder_task, sample_task
from evaluation.thresholds import reached_by_unenrolled, thresholds
from faces.error_rates.arrays import Vectors
from faces.labelled_photos import FolderError
from faces.shown.terminal import PlainConsole
from ingest_service import five_points, profiles
from ingest_service.alignment import align
from ingest_service.detection import CenterFace, Detection, Pixels
from ingest_service.embedding import Facenet, SFace, planes, unit, whiten
from ingest_service.facenet_sface import SFACE_WEIGHT, FacenetSFaceProfile
from ingest_service.registry import MODELS
from ingest_service.settings import Settings
from ingest_service.verdicts import Thresholds
from ingest_service.weights.cache import Cache, default_cache
from ingest_service.weights.prepare import prepare, prepare_dlib, prepare_sface

MEASURED = ("facenet", "facenet-sface", "sface", "deepface", "SFace", "Dlib", "facenet-int8")
"""The profiles and models whose thresholds come from the sample; the last only where it is prepared."""

Cut = Callable[[Pixels, Detection], Pixels]
"""A photo's face -> (size, size, 3)."""


def by_eyes_and_box(pixels: Pixels, face: Detection, times: float = 1.0) -> Pixels:
    return align(pixels, face.widened(times), (160, 160))


def by_five_points(pixels: Pixels, face: Detection, size: int = 112) -> Pixels:
    return five_points.align_by_points(pixels, face, five_points.INSIGHTFACE.of_size(size))


@dataclass(frozen=True)
class FaceView:
    """One view of a photo's largest face, for Facenet or SFace: found by ``detector``, cut out, mirrored or
    not."""

    detector: CenterFace
    cut: Cut
    mirrored: bool = False
    enlarged: bool = False
    for_sface: bool = False

    def of(self, pixels: Pixels) -> Pixels | None:
        """(size, size, 3); None without a face."""
        faces = self._enlarged(pixels) if self.enlarged else self.detector.detect(pixels)
        if not faces:
            return None
        face = self.cut(pixels, faces[0])
        return np.ascontiguousarray(face[:, ::-1]) if self.mirrored else face

    def _enlarged(self, pixels: Pixels) -> list[Detection]:
        scale = max(1.0, self.detector.max_side / max(pixels.shape[:2]))
        larger = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
        found = self.detector.detect(np.asarray(larger, dtype=np.uint8))
        return [face.moved(1 / scale, np.zeros(2)) for face in found]


@dataclass(frozen=True)
class Choice:
    """A row: the views whose unit vectors are averaged, of Facenet, of SFace, or of each.

    sface_weight: of SFace's views in the whole.
    """

    views: tuple[FaceView, ...]
    sface_weight: float = SFACE_WEIGHT

    def vectors(self, of: Mapping[FaceView, Vectors]) -> Vectors:
        """
        Args:
            of: (n, dims) unit vectors of each view.
        """
        halves = []
        for for_sface, weight in ((False, 1 - self.sface_weight), (True, self.sface_weight)):
            ones = [of[view] for view in self.views if view.for_sface == for_sface]
            if ones:
                halves.append(unit(np.sum(ones, axis=0)) * np.float32(weight**0.5))
        return unit(np.concatenate(halves, axis=1))


def choices(ours: CenterFace) -> dict[str, Choice]:
    default = FaceView(ours, by_eyes_and_box)
    mirrored = replace(default, mirrored=True)
    wider = replace(mirrored, cut=partial(by_eyes_and_box, times=1.08))
    five = FaceView(ours, partial(by_five_points, size=160))
    sface = FaceView(ours, by_five_points, for_sface=True)
    sface_mirrored = replace(sface, mirrored=True)
    one_look = replace(ours, candidate=ours.threshold, second_look=None)
    return {
        "facenet": Choice((default,)),
        "copy of 320 pixels": Choice((replace(default, detector=replace(ours, max_side=320)),)),
        "one look": Choice((replace(default, detector=one_look),)),
        "small photos enlarged": Choice((replace(default, enlarged=True),)),
        "five points": Choice((five,)),
        "and mirrored": Choice((default, mirrored)),
        "and mirrored, 1.08 as wide": Choice((default, wider)),
        "sface": Choice((sface,)),
        "sface, eyes and box": Choice((replace(default, cut=_stretched_to_112, for_sface=True),)),
        "sface, and mirrored": Choice((sface, sface_mirrored)),
        **{
            f"facenet-sface, weight {weight:g}": Choice((default, sface), weight)
            for weight in (0.4, 0.5, 0.55, 0.65, 0.7)
        },
        "facenet-sface": Choice((default, sface)),
        "and SFace mirrored": Choice((default, sface, sface_mirrored)),
        "and both mirrored": Choice((default, wider, sface, sface_mirrored)),
    }


def _stretched_to_112(pixels: Pixels, face: Detection) -> Pixels:
    return align(pixels, face, (112, 112))


def measured(task: Task, cache: Cache, what: str) -> Iterator[MethodResult]:
    """A row for each choice; a view that several choices share is embedded once."""
    profile = profiles.load(Settings(profile="facenet-sface", cache=cache.root))
    assert isinstance(profile, FacenetSFaceProfile)
    assert isinstance(profile.detector, CenterFace)
    seen: dict[FaceView, MethodVectors] = {}
    for name, choice in choices(profile.detector).items():
        for view in choice.views:
            if view not in seen:
                with photo_progress(len(task.folder.photos)) as progress:
                    told = partial(progress, f"{what}: {name}")
                    embedder = partial(vector, profile.facenet, profile.sface, view)
                    seen[view] = embed(embedder, task.folder.photos, told).as_units()
        together = choice.vectors({view: seen[view].vectors for view in choice.views})
        seconds = sum(seen[view].seconds for view in choice.views)
        method = Method(name, "", lambda _: lambda _: None)
        yield MethodResult.of(
            task, method, MethodVectors(together, seen[choice.views[0]].unreadable, seconds)
        )


def vector(facenet: Facenet, sface: SFace, view: FaceView, pixels: Pixels) -> Vector | None:
    """Of a photo's view, as its network gives it; None without a face."""
    face = view.of(pixels)
    if face is None:
        return None
    if view.for_sface:
        return np.asarray(sface.embed(planes(face)[np.newaxis])[0])
    return np.asarray(facenet.embed(whiten(face)[np.newaxis])[0])


@dataclass(frozen=True)
class ProfileThresholds:
    """
    unenrolled: share of FOLDER's searches for unenrolled people that reach the strong threshold; None without
        a FOLDER.
    """

    profile: str
    thresholds: Thresholds
    unenrolled: float | None

    def __str__(self) -> str:
        found = self.thresholds
        text = f"{self.profile}: strong {found.strong:.2f}, possible {found.possible:.2f}"
        if self.unenrolled is not None:
            text += f"; {100 * self.unenrolled:.1f} % of searches for unenrolled people reach strong"
        return text


def own_thresholds(sample: Task, folder: Task | None, cache: Cache) -> Iterator[ProfileThresholds]:
    """By the rule of `evaluation.thresholds`: what `ingest_service.verdicts` says."""
    for name in (one for one in MEASURED if MODELS[one].needs.are_present(cache)):
        run = Method(name, "", partial(profile_embedder, name)).load(cache)
        found = thresholds(run(sample.folder.photos, lambda _: None).vectors, sample.people)
        unenrolled = None
        if folder:
            with photo_progress(len(folder.folder.photos)) as progress:
                vectors = run(folder.folder.photos, partial(progress, name)).vectors
            unenrolled = reached_by_unenrolled(vectors, folder.people, found.strong)
        yield ProfileThresholds(name, found, unenrolled)


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench profile", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="people's folders, pairs.txt")
    parser.add_argument("--thresholds", action="store_true", help="the profiles' thresholds alone")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers there too")
    arguments = parser.parse_args()
    if arguments.json and not arguments.json.parent.is_dir():
        parser.error(f"--json: there is no folder [{arguments.json.parent}]")
    console = PlainConsole(stderr=False, width=160)
    cache = Cache(default_cache())
    prepare(cache, lambda _: None)
    prepare_sface(cache, lambda _: None)
    prepare_dlib(cache, lambda _: None)
    sample, folder = sample_task(cache), None
    if arguments.folder:
        try:
            folder = folder_task(arguments.folder, None)
        except FolderError as problem:
            parser.error(str(problem))
    tasks = {"the sample": sample} | ({str(arguments.folder): folder} if folder else {})
    found = (
        {}
        if arguments.thresholds
        else {name: list(measured(task, cache, name)) for name, task in tasks.items()}
    )
    for name, rows in found.items():
        console.print()
        console.print(f"{name}: {rows[0].photos} photos, in-sample")
        console.print(table(rows))
    console.print()
    pairs = list(own_thresholds(sample, folder, cache))
    for pair in pairs:
        console.print(str(pair))
    if arguments.json:
        plain = {
            "choices": {name: [row.as_json() for row in rows] for name, rows in found.items()},
            "thresholds": [asdict(pair) for pair in pairs],
        }
        arguments.json.write_text(json.dumps(plain, indent=2, allow_nan=False) + "\n")


if __name__ == "__main__":
    main()
