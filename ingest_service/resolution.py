"""How much of a large photo is decoded: no more than its faces need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ingest_service.decoding import Photo
from ingest_service.detection import Detection
from ingest_service.model import ALIGNED
from ingest_service.registry import MODELS
from ingest_service.settings import Settings

FIRST = 3
"""Times the copy that is searched: for 12 megapixels a fourth. An eighth is hardly faster, and too small for
the vectors of most faces."""
FINER = 2
"""Times the network's input: with the input's own size, vectors differ about twice as much from the whole
photo's."""


@dataclass(frozen=True)
class Resolution:
    """
    face: pixels that a face's shorter side needs.
    first: pixels of the photo's longer side with which its faces are looked for; None for all.
    """

    face: int
    first: int | None

    @classmethod
    def of(cls, settings: Settings) -> Resolution:
        model = MODELS[settings.profile]
        # A profile with a detector of its own promises what comes of the whole photo. And which faces are
        # smaller than a limit isn't known before they are found in all of its pixels.
        whole = model.own_detector or settings.min_face_px > Settings.min_face_px
        first = None if whole else FIRST * settings.max_side
        return cls(FINER * max(ALIGNED, *model.size), first)

    def missing(self, photo: Photo, faces: list[Detection], drawn: Sequence[Detection] = ()) -> int | None:
        """Pixels of the longer side with which the photo must be decoded again for its faces; None if it is
        large enough.

        Args:
            faces: as found in the photo's ``pixels``.
            drawn: where there are others, in the same.
        """
        longest = max(photo.width, photo.height)
        if photo.shrink == 1:
            return None
        if not faces or not all(face.of_portrait for face in faces):
            return longest  # for the small faces that there may be
        smallest = min(face.shorter_side for face in (*faces, *drawn)) * photo.shrink
        shrink = photo.shrink
        while shrink > 1 and smallest / shrink < self.face:
            shrink //= 2
        return None if shrink == photo.shrink else longest // shrink
