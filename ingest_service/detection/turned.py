"""Faces that stand sideways or upside down in the photo."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ingest_service.detection.face import Detection

QUARTERS = (1, 2, 3)
"""Turns in which a doubtful face is looked at again."""


@dataclass(frozen=True)
class Doubts:
    """When a face may be a turned one that was taken for upright. The network finds many of those, often with
    a high confidence, but with landmarks that are no upright face's, or a box that is too wide.

    tilt: degrees by which the line through the eyes, or that from the eyes to the mouth, may be off.
    narrowest: height of the box by its width. Upright faces have 1.05 and more, nearly all sideways ones less
        than 1.
    sure: confidence, 0 to 1, below which any face is doubtful.
    turned: confidence that a turned reading needs. Three more readings are three more chances to see a face
        where there is none.
    """

    tilt: float = 45.0
    narrowest: float = 1.0
    sure: float = 0.7
    turned: float = 0.65

    def is_doubtful(self, face: Detection) -> bool:
        return face.confidence < self.sure or not self.is_plausible(face)

    def is_turned_face(self, face: Detection) -> bool:
        return face.confidence > self.turned and self.is_plausible(face)

    def is_plausible(self, face: Detection) -> bool:
        """Whether its landmarks and its box are those of a face which is upright after its quarter turns."""
        upright = face.turned(face.quarter_turns, 0, 0)
        width, height = upright.upright_size
        left_eye, right_eye, _, mouth_left, mouth_right = upright.landmarks
        across = left_eye - right_eye
        down = (mouth_left + mouth_right - left_eye - right_eye) / 2
        # Off by less than ``tilt``: to the right of the photo, and downwards.
        steepest = np.tan(np.radians(self.tilt))
        return bool(
            height >= self.narrowest * width
            and across[0] > 0
            and abs(across[1]) <= steepest * across[0]
            and down[1] > 0
            and abs(down[0]) <= steepest * down[1]
        )

    def parts(self) -> dict[str, Any]:
        """For the model's id."""
        return {"quarters": list(QUARTERS), "doubts": [self.tilt, self.narrowest, self.sure, self.turned]}
