"""A face cut out of the full-size photo, upright and of the network's size."""

from __future__ import annotations

import cv2
import numpy as np

from ingest_service.detection import Detection, Pixels, shrunk


def align(pixels: Pixels, face: Detection, size: tuple[int, int]) -> Pixels:
    """The face's box, turned about its centre until the eyes are level, stretched to ``size``.

    Args:
        size: width, height.

    Returns (height, width, 3) RGB, black outside of the photo. The geometry (eyes and box) is DeepFace's. But
    DeepFace keeps the box's proportions and fills up with black; FaceNet was trained on stretched boxes.
    """
    width, height = face.upright_size
    columns, rows = size
    left_eye, right_eye = face.landmarks[0], face.landmarks[1]
    across = left_eye - right_eye
    angle = float(np.arctan2(across[1], across[0])) if np.isfinite(across).all() else 0.0

    # A face far larger than the network's input is shrunk by areas first: interpolation would read only some
    # of its pixels.
    reach = np.hypot(width, height) / 2 + 2
    centre = face.centre
    left, top = np.maximum(centre - reach, 0).astype(int)
    part = pixels[top : int(centre[1] + reach) + 1, left : int(centre[0] + reach) + 1]
    part, scale = shrunk(part, max(columns / width, rows / height))

    # Output pixel (u, v) -> pixel of the part; pixel centres lie at half coordinates on both sides.
    cosine, sine = np.cos(angle), np.sin(angle)
    step_u = np.array([cosine, sine]) * width / columns
    step_v = np.array([-sine, cosine]) * height / rows
    start = centre - (left, top) + (0.5 - columns / 2) * step_u + (0.5 - rows / 2) * step_v
    matrix = np.stack([step_u, step_v, start], axis=1) * np.array(scale)[:, np.newaxis]
    matrix[:, 2] -= 0.5
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(part, matrix, size, flags=flags).astype(np.uint8, copy=False)
