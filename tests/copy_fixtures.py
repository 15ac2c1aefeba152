"""Copies of a photo, as people save them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from tools import encoded, picture


def without_faces() -> Image.Image:
    """Soft spots, as large as hills in a photo."""
    noise = np.random.default_rng(1).integers(0, 256, (240, 320), dtype=np.uint8)
    blurred = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(12)), dtype=np.float64)
    return Image.fromarray(((blurred - blurred.min()) / np.ptp(blurred) * 255).astype(np.uint8))


def resized(path: Path, share: float) -> bytes:
    image = Image.open(path)
    return picture(image.resize((round(image.width * share), round(image.height * share))), quality=90)


def compressed(path: Path) -> bytes:
    return picture(Image.open(path), quality=45)


def cut(path: Path, share: float = 0.1) -> bytes:
    """Without its left and its upper edge."""
    image = Image.open(path)
    box = (round(share * image.width), round(share * image.height), image.width, image.height)
    return picture(image.crop(box), quality=90)


def sent(data: bytes | Path, path: str, **fields: object) -> dict:
    """A document with this photo."""
    return {"image": encoded(data), "file": {"path": path}, **fields}
