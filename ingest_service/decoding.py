"""A photo as the service knows it, and its decoding in the process that asks."""

from __future__ import annotations

from dataclasses import dataclass
from mmap import mmap

import numpy as np

from ingest_service.detection import Pixels
from ingest_service.reading import Facts, Header, read


@dataclass(frozen=True)
class Photo(Facts):
    """An upright photo and what its file says."""

    pixels: Pixels

    @classmethod
    def of(cls, facts: Facts, buffer: memoryview | mmap) -> Photo:
        """
        Args:
            buffer: height x width x 3 bytes, which the photo keeps.
        """
        pixels = np.frombuffer(buffer, dtype=np.uint8).reshape(facts.height, facts.width, 3)
        return cls(**vars(facts), pixels=pixels)


class OwnMemory:
    """Nothing but the caller's limits bounds what is decoded here."""

    def __init__(self) -> None:
        self.buffer = memoryview(b"")

    def opened(self, header: Header) -> None:
        pass

    def pixels(self, size: int) -> memoryview:
        self.buffer = memoryview(bytearray(size))
        return self.buffer


def decode(sent: object, max_bytes: int, max_pixels: int) -> Photo:
    """A photo from its bytes, from base64, or from a ``data:`` URI, decoded in this process: for photos that
    one knows. The service decodes those of strangers in ``decoders``.

    Raises:
        FaceServiceError: with one of the codes of a photo's own errors.
    """
    space = OwnMemory()
    facts = read(sent, max_bytes, max_pixels, space)
    return Photo.of(facts, space.buffer)
