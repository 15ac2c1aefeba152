"""A face cut out of the full-size photo, upright and of the network's size."""

from __future__ import annotations

import cv2
import numpy as np

from ingest_service.detection import Detection, Pixels


def align(pixels: Pixels, face: Detection, size: int) -> Pixels:
    """The face's box, turned about its centre until the eyes are level, stretched to a square.

    Returns (size, size, 3) RGB. What lies outside of the photo is black, as in DeepFace, whose geometry
    (eyes and box) this is; DeepFace keeps the box's proportions and fills the rest with black, FaceNet
    was trained on stretched boxes.
    """
    x, y, width, height = face.box
    left_eye, right_eye = face.landmarks[0], face.landmarks[1]
    across = left_eye - right_eye
    angle = float(np.arctan2(across[1], across[0])) if np.isfinite(across).all() else 0.0

    # A photo far larger than the network's input is shrunk by areas first: interpolating alone would
    # read only some of its pixels.
    source, (origin_x, origin_y), scale = _shrunk_surroundings(pixels, face, size)
    centre = np.array([(x + width / 2 - origin_x) * scale, (y + height / 2 - origin_y) * scale])
    cosine, sine = np.cos(angle), np.sin(angle)
    # Output pixel (u, v) -> source pixel; pixel centres lie at half coordinates on both sides.
    step_u = np.array([cosine, sine]) * width * scale / size
    step_v = np.array([-sine, cosine]) * height * scale / size
    start = centre + (0.5 - size / 2) * (step_u + step_v) - 0.5
    matrix = np.stack([step_u, step_v, start], axis=1)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(source, matrix, (size, size), flags=flags).astype(np.uint8, copy=False)


def _shrunk_surroundings(pixels: Pixels, face: Detection, size: int) -> tuple[Pixels, tuple[int, int], float]:
    """The part of the photo that a turned box can reach, its origin there, and its scale (at most 1)."""
    x, y, width, height = face.box
    reach = np.hypot(width, height) / 2 + 2
    left, top = max(0, int(x + width / 2 - reach)), max(0, int(y + height / 2 - reach))
    right, bottom = int(x + width / 2 + reach) + 1, int(y + height / 2 + reach) + 1
    part = pixels[top:bottom, left:right]
    scale = min(1.0, size / min(width, height))
    if scale < 1:
        new_size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
        part = cv2.resize(part, new_size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return part, (left, top), scale
