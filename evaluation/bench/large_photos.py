"""Photos of 12 megapixels, as a phone takes them, made of the sample's."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 4000, 3000
QUALITY = 92
NOISE = 8.0
"""Standard deviation of a small sensor's noise, so that the file is as large as a phone's: about 4 MB."""


def large_photos(sample: list[Path]) -> list[bytes]:
    """Two JPEGs: one person, and three people beside each other."""
    return [_photo(sample[:1]), _photo(sample[1:4])]


def _photo(people: list[Path]) -> bytes:
    """Each person as large as fits, on a grey wall."""
    photo = Image.new("RGB", (WIDTH, HEIGHT), (150, 150, 145))
    width = WIDTH // len(people)
    for number, path in enumerate(people):
        person = Image.open(path).convert("RGB")
        scale = min(width / person.width, HEIGHT / person.height)
        size = (round(person.width * scale), round(person.height * scale))
        corner = (number * width + (width - size[0]) // 2, HEIGHT - size[1])
        photo.paste(person.resize(size, Image.Resampling.BICUBIC), corner)
    noise = np.random.default_rng(0).normal(0, NOISE, (HEIGHT, WIDTH, 3)).astype(np.float32)
    pixels = np.clip(np.asarray(photo, dtype=np.float32) + noise, 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
