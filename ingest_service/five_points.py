"""A face cut out of the full-size photo by its landmarks: where a network's training had them."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ingest_service.detection import Detection, Pixels, shrunk

Points = NDArray[np.float64]

SMALLEST_SPREAD = 0.05
"""Of the landmarks about their centre, in mean sides of the box: closer ones (of a face in profile of which
only the eyes are known, or a detector's mistake) say nothing of the face's size."""


@dataclass(frozen=True)
class Template:
    """Where a network's training had the landmarks of a face.

    name: for the model's id.
    size: of the picture, which is square, in pixels.
    points: (5, 2) x and y in pixels, in the order of ``LANDMARKS``; the first pixel's centre is 0, 0.
    box: x, y, width and height of the mean box of such a face.
    """

    name: str
    size: int
    points: tuple[tuple[float, float], ...]
    box: tuple[float, float, float, float]

    def of_size(self, size: int) -> Template:
        """The same for pictures of another size."""
        times = size / self.size
        points = tuple((times * (x + 0.5) - 0.5, times * (y + 0.5) - 0.5) for x, y in self.points)
        left, top, width, height = (times * side for side in self.box)
        return Template(self.name, size, points, (left, top, width, height))


INSIGHTFACE = Template(
    "insightface's 112",
    112,
    ((73.53, 51.50), (38.29, 51.70), (56.03, 71.74), (70.73, 92.20), (41.55, 92.37)),
    (14, 11, 83, 103),
)
"""What insightface's models, ArcFace, SFace and their like were trained on. The box is the median of
CenterFace's on the sample and on LFW, once their landmarks are laid on the template's."""

DLIB_CHIP = Template(
    "dlib's 150",
    150,
    ((100.28, 47.12), (47.73, 47.14), (74.01, 76.56), (97.61, 103.02), (50.41, 103.02)),
    (14, -12, 119, 149),
)
"""dlib's chip of 150 pixels with a padding of a quarter (`get_face_chip`). Of the 68 points of its mean face,
these are the eyes (the middle of their corners), the tip of the nose and the corners of the mouth."""


def align_by_points(pixels: Pixels, face: Detection, template: Template) -> Pixels:
    """The face turned, moved and scaled (equally in x and y) so that its landmarks come closest to the
    template's: least squares over those that are known. With fewer than two, or all in one place, its box is
    laid on the template's, upright.

    Returns (size, size, 3) RGB, black outside of the photo.
    """
    known = np.isfinite(face.landmarks).all(axis=1)
    landmarks, points = face.landmarks[known].astype(np.float64) - 0.5, np.array(template.points)[known]
    if not _are_apart(landmarks, face):
        landmarks, points = _corners(face.box) - 0.5, _corners(template.box)
    return _cut(pixels, _similarity(points, landmarks), template.size)


def _are_apart(landmarks: Points, face: Detection) -> bool:
    if len(landmarks) < 2:
        return False
    spread = np.sqrt(((landmarks - landmarks.mean(axis=0)) ** 2).sum(axis=1).mean())
    return bool(spread > SMALLEST_SPREAD * (face.box[2] + face.box[3]) / 2)


def _corners(box: tuple[float, float, float, float]) -> Points:
    x, y, width, height = box
    return np.array([[x, y], [x + width, y], [x, y + height], [x + width, y + height]])


def _similarity(template: Points, face: Points) -> Points:
    """(2, 3): from the template's pixels to the photo's, so that the face's points, once moved into the
    template, are as close to the template's as they can be (Umeyama 1991, without mirroring).

    As complex numbers, a similarity is a product and a sum.
    """
    ours, theirs = (points[:, 0] + 1j * points[:, 1] for points in (face, template))
    about_ours, about_theirs = ours - ours.mean(), theirs - theirs.mean()
    factor = np.vdot(about_ours, about_theirs) / np.vdot(about_ours, about_ours).real
    back = 1 / factor
    moved = ours.mean() - theirs.mean() * back
    return np.array([[back.real, -back.imag, moved.real], [back.imag, back.real, moved.imag]])


def _cut(pixels: Pixels, matrix: Points, size: int) -> Pixels:
    """(size, size, 3): each pixel read where ``matrix`` says, by its centre."""
    # A face far larger than the picture is shrunk by areas first: interpolation would read only some of its
    # pixels.
    edges = np.array([[-0.5, -0.5], [size - 0.5, -0.5], [-0.5, size - 0.5], [size - 0.5, size - 0.5]])
    reached = edges @ matrix[:, :2].T + matrix[:, 2]
    limits = np.array([pixels.shape[1], pixels.shape[0]])
    left, top = np.clip(np.floor(reached.min(axis=0)) - 1, 0, limits - 1).astype(int)
    right, bottom = np.clip(np.ceil(reached.max(axis=0)) + 2, 1, limits).astype(int)
    part = pixels[top : max(bottom, top + 1), left : max(right, left + 1)]
    part, scale = shrunk(part, 1 / float(np.hypot(*matrix[:, 0])))
    inner = matrix.copy()
    inner[:, 2] += 0.5 - np.array([left, top])
    inner *= np.array(scale)[:, np.newaxis]
    inner[:, 2] -= 0.5
    # As dlib, insightface and OpenCV's FaceRecognizerSF cut the faces that their networks learn from.
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(part, inner, (size, size), flags=flags).astype(np.uint8, copy=False)
