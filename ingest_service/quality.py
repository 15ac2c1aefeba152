"""How good a face is for recognition, from the face alone."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from ingest_service.detection import Detection, Pixels


@dataclass(frozen=True)
class Quality:
    """
    interocular_distance: pixels of the photo between the eyes.
    sharpness: 0 (blurred) to 1: v / (v + 100), where v is the variance of the Laplacian of the aligned
        face in grey (Pech-Pacheco et al. 2000).
    frontality: 0 (profile) to 1 (frontal): 1 - 2|d|/e, where d is the nose's distance from the line
        half way between the eyes, measured along the line through the eyes, and e the distance between them.
    score: 0 to 1: the cube root of min(1, interocular_distance / 60) * sharpness * frontality. ISO/IEC
        29794-5 asks for 60 pixels and more between the eyes.
    """

    interocular_distance: float
    sharpness: float
    frontality: float

    @property
    def score(self) -> float:
        size = min(1.0, self.interocular_distance / 60)
        return float(np.cbrt(size * self.sharpness * self.frontality))


def assess(face: Detection, aligned: Pixels) -> Quality:
    """The quality of one face; ``aligned`` is its (size, size, 3) RGB cut-out."""
    left_eye, right_eye, nose = face.landmarks[0], face.landmarks[1], face.landmarks[2]
    across = left_eye - right_eye
    distance = float(np.linalg.norm(across))
    if not np.isfinite(distance) or distance < 1:
        distance, frontality = 0.0, 0.0
    elif not np.isfinite(nose).all():
        frontality = 0.5  # without a nose the pose is unknown
    else:
        off_centre = float(np.dot(nose - (left_eye + right_eye) / 2, across)) / distance
        frontality = max(0.0, 1 - 2 * abs(off_centre) / distance)
    _, ((deviation,),) = cv2.meanStdDev(cv2.Laplacian(cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY), cv2.CV_16S))
    variance = float(deviation) ** 2
    return Quality(distance, variance / (variance + 100), frontality)
