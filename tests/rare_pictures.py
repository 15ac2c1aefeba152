"""Pictures as few programs write them: TIFF and BMP of kinds that Pillow doesn't write, byte by byte."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

GREY_NEGATIVE, GREY, RGB, PALETTE, CMYK, LAB = 0, 1, 2, 3, 5, 8
"""TIFF's PhotometricInterpretation."""
UNSIGNED, SIGNED, FLOAT = 1, 2, 3
"""TIFF's SampleFormat."""
SHORT, LONG = 3, 4
BYTE_MASKS = (0xFF0000, 0xFF00, 0xFF, 0xFF000000)
"""A BMP's, of red, green, blue and alpha, where each is a byte."""


@dataclass(frozen=True)
class Page:
    """A page of a TIFF, uncompressed unless ``more`` says otherwise.

    pixels: height x width, or height x width x channels; 12 bits are two pixels in three bytes.
    more: further tags, each of numbers of 16 bits.
    """

    pixels: NDArray
    photometric: int = RGB
    bits: int = 8
    kind: int = UNSIGNED
    planes: bool = False
    more: dict[int, list[int]] = field(default_factory=dict)

    def strips(self, order: str) -> list[bytes]:
        """One, or one a plane."""
        if self.bits == 12:
            pairs = self.pixels.reshape(-1, 2).astype(int)
            packed = pairs[:, 0] << 12 | pairs[:, 1]
            return [np.stack([packed >> 16, packed >> 8, packed], axis=1).astype(np.uint8).tobytes()]
        ordered = self.pixels.astype(self.pixels.dtype.newbyteorder(order))
        if self.planes:
            return [ordered[..., plane].tobytes() for plane in range(ordered.shape[2])]
        return [ordered.tobytes()]

    def directory(self, order: str, at: int, last: bool) -> bytes:
        """The page's tags and pixels, to be placed at ``at`` in a file."""
        height, width = self.pixels.shape[:2]
        channels = 1 if self.pixels.ndim == 2 else self.pixels.shape[2]
        strips = self.strips(order)
        tags = {
            256: (LONG, [width]),
            257: (LONG, [height]),
            258: (SHORT, [self.bits] * channels),
            259: (SHORT, [1]),
            262: (SHORT, [self.photometric]),
            273: (LONG, [0] * len(strips)),
            277: (SHORT, [channels]),
            278: (LONG, [height]),
            279: (LONG, [len(strip) for strip in strips]),
            284: (SHORT, [2 if self.planes else 1]),
            339: (SHORT, [self.kind] * channels),
            **{tag: (SHORT, values) for tag, values in self.more.items()},
        }
        size = 2 + 12 * len(tags) + 4
        values_at = at + size
        pixels_at = values_at + sum(
            len(values) * (2 if kind == SHORT else 4)
            for kind, values in tags.values()
            if len(values) * (2 if kind == SHORT else 4) > 4
        )
        pixels_at += pixels_at % 2
        offsets = [pixels_at + sum(map(len, strips[:index])) for index in range(len(strips))]
        tags[273] = (LONG, offsets)
        entries, values = b"", b""
        for tag, (kind, numbers) in sorted(tags.items()):
            raw = struct.pack(f"{order}{len(numbers)}{'H' if kind == SHORT else 'I'}", *numbers)
            entries += struct.pack(f"{order}HHI", tag, kind, len(numbers))
            if len(raw) > 4:
                entries += struct.pack(f"{order}I", values_at + len(values))
                values += raw
            else:
                entries += raw.ljust(4, b"\0")
        body = values.ljust(pixels_at - values_at, b"\0") + b"".join(strips)
        body += b"\0" * (len(body) % 2)
        after = 0 if last else at + size + len(body)
        return struct.pack(f"{order}H", len(tags)) + entries + struct.pack(f"{order}I", after) + body


def tiff(*pages: Page, order: str = "<") -> bytes:
    """A TIFF of these pages; ``order`` is ``<`` (Intel) or ``>`` (Motorola)."""
    data = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, 8)
    for index, page in enumerate(pages):
        data += page.directory(order, len(data), last=index == len(pages) - 1)
    return data


def bmp(
    pixels: bytes,
    size: tuple[int, int],
    bits: int,
    header: int = 40,
    compression: int = 0,
    masks: tuple[int, ...] = (),
    palette: bytes = b"",
) -> bytes:
    """A BMP of (width, height); ``pixels`` from the lowest row up."""
    fields = (header, *size, 1, bits, compression, len(pixels), 2835, 2835, len(palette) // 4, 0)
    words = struct.pack("<IiiHHIIiiII", *fields)
    masked = struct.pack(f"<{len(masks)}I", *masks)
    # A header of 40 bytes has its masks behind it.
    words = (words + masked).ljust(header, b"\0") + palette
    start = 14 + len(words)
    return b"BM" + struct.pack("<IHHI", start + len(pixels), 0, 0, start) + words + pixels
