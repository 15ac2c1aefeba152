"""Photos for the scene that the sample doesn't have: groups of people, landscapes, poor pictures."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from PIL import Image, ImageFilter

GROUP_HEIGHT = 300
"""Pixels of a group photo."""


def group(paths: list[Path]) -> tuple[Image.Image, list[tuple[int, int]]]:
    """Portraits beside each other, and the left and right edge of each, in pixels."""
    portraits = [Image.open(path).convert("RGB") for path in paths]
    scaled = [
        image.resize((round(image.width * GROUP_HEIGHT / image.height), GROUP_HEIGHT)) for image in portraits
    ]
    joined = Image.new("RGB", (sum(image.width for image in scaled), GROUP_HEIGHT))
    edges, left = [], 0
    for image in scaled:
        joined.paste(image, (left, 0))
        edges.append((left, left + image.width))
        left += image.width
    return joined, edges


def landscape(width: int, height: int) -> Image.Image:
    """A picture without a face: sky above a meadow."""
    shades = Image.linear_gradient("L").resize((width, height))
    sky = Image.new("RGB", (width, height), (90, 150, 230))
    return Image.composite(Image.new("RGB", (width, height), (60, 140, 40)), sky, shades)


def poor(path: Path, height: int, blur: float) -> Image.Image:
    """A portrait as a bad camera sees it. ``height`` and ``blur`` (its radius) are in pixels."""
    image = Image.open(path).convert("RGB")
    small = image.resize((round(image.width * height / image.height), height))
    return small.filter(ImageFilter.GaussianBlur(blur))


def jpeg(image: Image.Image) -> bytes:
    return encoded_as(image, "JPEG", quality=92)


def encoded_as(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
