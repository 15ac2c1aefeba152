"""What decoding a photo may cost: bounds that follow from its file's size and its header's pixels."""

from __future__ import annotations

MAX_SCANS = 100
"""Of a JPEG. Each scan of a progressive JPEG goes over all of its pixels, even if it holds nothing. Photos
have about 10; libtiff allows 100 for the JPEG in a TIFF."""
MAX_MARKERS = 5_000
"""Of a JPEG: each is read in Python. A camera writes some dozens."""

LARGE = 4_000_000
"""Pixels above which a photo is large: decoding it takes over a tenth of a second of CPU."""


def seconds(file_bytes: int, pixels: int) -> float:
    """CPU time after which a photo is given up.

    Three times what the slowest photos take here: a PNG of 50 megapixels of noise with transparency takes
    0.1 s a megapixel, a progressive JPEG 0.04 s.
    """
    return 1 + 0.1 * file_bytes / 1e6 + 0.3 * pixels / 1e6


def memory(file_bytes: int, pixels: int) -> int:
    """Bytes that a photo may take while it is decoded, without those of its result.

    For a file: its text, its bytes, and a decoder's copies. For a pixel: an animated WebP keeps four canvases
    of four bytes. Tests decode the costliest kind of each format within it.
    """
    return 64_000_000 + 6 * file_bytes + 20 * pixels
