"""CenterFace: its network on a bounded copy of the photo, and again on each face."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

import numpy as np

from ingest_service import networks
from ingest_service.detection.face import Detection
from ingest_service.detection.heat_map import HeatMaps, distinct, in_steps
from ingest_service.detection.scaling import Pixels, resized
from ingest_service.detection.tiles import HINT, Tiles, is_portrait
from ingest_service.detection.turned import QUARTERS, Doubts
from ingest_service.detection.window import Window
from ingest_service.networks import ONNX_FP32, Network, Runtime
from ingest_service.weights.cache import CENTERFACE_SHA256, Cache

SECOND_LOOK_BATCH = 8
IN_TILES = 0.05
"""Heat map value above which a tile has a candidate: most faces of 12 pixels have it."""
MOST_IN_TILES = 256
"""Candidates of a photo's tiles that are looked at again, the surest: each costs as much as a face."""


@dataclass(frozen=True)
class CenterFace:
    """CenterFace (Xu et al. 2020, arXiv:1911.03599), in two looks.

    The first look finds candidates: the photo is shrunk until its longest side is at most ``max_side``
    pixels. Only a small photo without a face is enlarged, to ``max_side``, and searched again. A photo so
    large that a small face would be lost is searched once more, in ``Tiles`` of a larger copy, if it isn't a
    portrait. All of it bounds the cost, whatever the photo's size.

    The second look confirms a candidate and places it: its surroundings (the box and ``margin`` of it on
    every side) are scaled to ``second_look``, so that the network sees every face at the same size. Box,
    landmarks and vector then don't depend on the face's size in the photo; and since the first look may be
    unsure of small faces, a smaller copy is enough for it.
    96 x 128 and 0.15 are the smallest of those tried with an EER below 1 % on the sample; `./run bench
    detectors` compares one look with two.

    A candidate that may be a turned face (``Doubts``) is looked at in the three other directions too. The
    surest plausible one stays. Where nothing is found, the whole copy is turned and searched.

    min_face: pixels of the photo; faces whose box has a shorter side are dropped. This decides which faces
        there are, but shapes no vector; so do the tiles, which only add faces.
    candidate: heat map value, 0 to 1, above which either look has a candidate.
    threshold: confidence, 0 to 1, above which a candidate is a face: the surer look's.
    overlap: intersection over union above which two boxes are one face.
    second_look: width and height in pixels, multiples of 32; None for the first look alone.
    doubts: None if all faces stand upright.
    tiles: whether a large photo is searched in them.
    """

    network: Network
    max_side: int
    min_face: int
    candidate: float = 0.15
    threshold: float = 0.5
    overlap: float = 0.3
    second_look: tuple[int, int] | None = (96, 128)
    margin: float = 0.15
    doubts: Doubts | None = field(default_factory=Doubts)
    tiles: bool = True

    @classmethod
    def load(
        cls,
        cache: Cache,
        max_side: int,
        min_face: int,
        runtime: Runtime = ONNX_FP32,
        turned_faces: bool = True,
    ) -> CenterFace:
        # On one thread: several photos are searched at once.
        network = networks.load(cache.centerface, 1, runtime)
        return cls(network, max_side, min_face, doubts=Doubts() if turned_faces else None)

    def detect(self, pixels: Pixels) -> list[Detection]:
        """The faces of a photo, largest first."""
        height, width = pixels.shape[:2]
        largest = self.max_side / max(height, width)
        searched = min(1.0, largest)
        size, enlarged = (in_steps(width * scale, height * scale) for scale in (searched, largest))
        seen = self._seen(pixels, size)
        faces = self._found(pixels, self._candidates_of(seen))
        if not faces and size != enlarged:
            faces = self._found(pixels, self._candidates_of(self._seen(pixels, enlarged)))
        if not faces and self.doubts:
            faces = self._found(pixels, self._turned_candidates(pixels, enlarged))
        if is_portrait(faces, seen, width, height, searched):
            faces = [replace(face, of_portrait=True) for face in faces]
        elif self.tiles and (tiles := Tiles.of(width, height, searched)):
            others = self._found(pixels, self._in_tiles(pixels, tiles, faces))
            faces = distinct(faces + others, self.overlap)
        return sorted(faces, key=attrgetter("area"), reverse=True)

    def parts(self) -> dict[str, Any]:
        turned = {"turned": self.doubts.parts()} if self.doubts else {}
        return {
            "name": "centerface",
            "weights": CENTERFACE_SHA256,
            "max_side": self.max_side,
            "copy": "halved, then by areas; enlarged where nothing is found",
            "second_look": [self.second_look and list(self.second_look), self.margin],
            "threshold": [self.candidate, self.threshold],
            "overlap": self.overlap,
            **turned,
        }

    def _seen(self, pixels: Pixels, size: tuple[int, int]) -> list[Detection]:
        """Candidates and hints, of a copy of ``size``, width and height."""
        small, scales = resized(pixels, size)
        (found,) = self._look([small], min(HINT, self.candidate))
        return [face.moved(1 / np.array(scales)) for face in found]

    def _candidates_of(self, seen: list[Detection]) -> list[Detection]:
        return [face for face in seen if face.confidence > self.candidate]

    def _turned_candidates(self, pixels: Pixels, size: tuple[int, int]) -> list[Detection]:
        """Of such a copy, turned by a quarter, a half, and three quarters."""
        small, scales = resized(pixels, size)
        found = []
        for alike in ((1, 3), (2,)):  # of one size
            copies = [np.rot90(small, quarters) for quarters in alike]
            for quarters, faces in zip(alike, self._look(copies), strict=True):
                columns, rows = size if quarters % 2 == 0 else size[::-1]
                found += [face.turned(-quarters, columns, rows) for face in faces]
        return [face.moved(1 / np.array(scales)) for face in found]

    def _in_tiles(self, pixels: Pixels, tiles: Tiles, known: list[Detection]) -> list[Detection]:
        """Candidates of the tiles, without those of faces that are known."""
        scale = np.array(tiles.size) / (pixels.shape[1], pixels.shape[0])
        found = []
        for tile, corner in tiles.cut(pixels):
            (faces,) = self._look([tile], IN_TILES)
            found += [face.moved(1.0, np.array(corner)).moved(1 / scale) for face in faces]
        new = [face for face in found if not any(one.contains(face.centre) for one in known)]
        return distinct(new, self.overlap)[:MOST_IN_TILES]

    def _found(self, pixels: Pixels, candidates: list[Detection]) -> list[Detection]:
        """The candidates that are faces, confirmed and placed, each once."""
        height, width = pixels.shape[:2]
        if self.second_look:
            candidates = self._looked_at_again(pixels, candidates)
            if self.doubts:
                candidates = self._upright(pixels, candidates)
        clipped = (face.clipped(width, height) for face in candidates)
        kept = [face for face in clipped if self._is_face(face) and face.shorter_side >= self.min_face]
        return distinct(kept, self.overlap)

    def _is_face(self, face: Detection) -> bool:
        if face.quarter_turns and self.doubts and not self.doubts.is_turned_face(face):
            return False
        return face.confidence > self.threshold

    def _looked_at_again(self, pixels: Pixels, faces: list[Detection]) -> list[Detection]:
        """Each face as found by the second look, or as it was if that finds nothing. Its confidence is the
        surer look's."""
        again = self._second_looks(pixels, faces)
        return [
            replace(seen, confidence=max(seen.confidence, face.confidence)) if seen else face
            for face, seen in zip(faces, again, strict=True)
        ]

    def _upright(self, pixels: Pixels, faces: list[Detection]) -> list[Detection]:
        """The faces, with those that are turned as they are seen upright."""
        assert self.doubts
        upright = []
        for face in faces:
            if face.confidence > self.candidate and self.doubts.is_doubtful(face):
                turns = [replace(face, quarter_turns=(face.quarter_turns + more) % 4) for more in QUARTERS]
                seen = [one for one in self._second_looks(pixels, turns) if one]
                upright.append(self._surer(pixels, face, seen))
            else:
                upright.append(face)
        return upright

    def _surer(self, pixels: Pixels, face: Detection, turned: list[Detection]) -> Detection:
        """The face, or the surest of its turned readings, if that is better."""
        assert self.doubts
        better = [one for one in turned if self.doubts.is_turned_face(one)]
        if self.doubts.is_plausible(face):
            better = [one for one in better if one.confidence > face.confidence]
        if not better:
            return face
        (placed,) = self._looked_at_again(pixels, [max(better, key=attrgetter("confidence"))])
        return placed

    def _second_looks(self, pixels: Pixels, faces: list[Detection]) -> list[Detection | None]:
        """Each face as the second look sees it; None where it sees nothing."""
        assert self.second_look
        again: list[Detection | None] = []
        for start in range(0, len(faces), SECOND_LOOK_BATCH):
            batch = faces[start : start + SECOND_LOOK_BATCH]
            windows = [Window.around(pixels, face, self.second_look, self.margin) for face in batch]
            looks = self._look([window.pixels for window in windows])
            for window, look in zip(windows, looks, strict=True):
                central = (near for near in look if window.has_at_its_centre(near))
                seen = max(central, key=attrgetter("confidence"), default=None)
                again.append(window.in_photo(seen) if seen else None)
        return again

    def _look(self, pictures: Iterable[Pixels], candidate: float | None = None) -> list[list[Detection]]:
        """The faces of each of several pictures of one size, in its pixels."""
        maps = HeatMaps.of(self.network, np.stack(list(pictures)))
        return maps.faces(candidate or self.candidate, self.overlap)
