"""A photo as the service knows it, and its decoding in the process that asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from mmap import mmap

import numpy as np

from ingest_service.detection import Detection, Pixels
from ingest_service.reading import Facts, Header, read


@dataclass(frozen=True)
class Photo(Facts):
    """An upright photo and what its file says.

    pixels: of the decoded size.
    """

    pixels: Pixels = field(kw_only=True)

    @classmethod
    def of(cls, facts: Facts, buffer: memoryview | mmap) -> Photo:
        """
        Args:
            buffer: height x width x 3 bytes of the decoded size, which the photo keeps.
        """
        width, height = facts.decoded_size
        pixels = np.frombuffer(buffer, dtype=np.uint8).reshape(height, width, 3)
        return cls(**vars(facts), pixels=pixels)

    def located(self, face: Detection) -> Detection:
        """A face of ``pixels``, in the pixels of the file's picture."""
        return face.moved(self.shrink).clipped(self.width, self.height) if self.shrink > 1 else face


class OwnMemory:
    """Nothing but the caller's limits bounds what is decoded here."""

    def __init__(self) -> None:
        self.buffer = memoryview(b"")

    def opened(self, header: Header) -> None:
        pass

    def pixels(self, size: int) -> memoryview:
        self.buffer = memoryview(bytearray(size))
        return self.buffer


def decode(sent: object, max_bytes: int, max_pixels: int, enough: int | None = None) -> Photo:
    """A photo from its bytes, from base64, or from a ``data:`` URI, decoded in this process: for photos that
    one knows. The service decodes those of strangers in ``decoders``.

    Args:
        enough: as ``read`` takes it.

    Raises:
        FaceServiceError: with one of the codes of a photo's own errors.
    """
    space = OwnMemory()
    facts = read(sent, max_bytes, max_pixels, space, enough)
    return Photo.of(facts, space.buffer)
