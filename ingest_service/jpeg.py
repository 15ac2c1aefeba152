"""What a JPEG's markers say, before libjpeg reads it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ingest_service.costs import MAX_MARKERS, MAX_SCANS
from ingest_service.errors import FaceServiceError

PROCESSES = {0xC0, 0xC1, 0xC2, 0xC3, 0xC9, 0xCA}
"""Markers of frames that libjpeg reads: sequential, progressive, lossless, and the first two with arithmetic
coding."""
FRAMES = {*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC}
"""Markers of all kinds of frames, JPEG-LS among them."""
SCAN, END = 0xDA, 0xD9

MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")
"""Of those with a length, and the end. Within coded pixels, FF is followed by 00 or one of D0 to D7."""


def require_affordable(data: bytes) -> None:
    """
    Raises:
        FaceServiceError: ``too_costly``, for more scans or markers than photos have.
    """
    scans = 0
    for number, (_, marker) in enumerate(_markers(data)):
        scans += marker == SCAN
        if scans > MAX_SCANS:
            raise FaceServiceError("too_costly", f"the JPEG has over {MAX_SCANS} scans")
        if number > MAX_MARKERS:
            raise FaceServiceError("too_costly", f"the JPEG has over {MAX_MARKERS} markers")


def refusal(data: bytes) -> FaceServiceError:
    """Why a JPEG isn't read: it is of a kind that isn't, or else damaged."""
    for at, marker in _markers(data):
        if marker in FRAMES and at + 9 < len(data):
            bits, layers = data[at + 4], data[at + 9]
            if bits != 8 or layers not in (1, 3, 4) or marker not in PROCESSES:
                problem = f"the file is a JPEG of {bits} bits and {layers} colours, process [{marker:#x}]"
                return FaceServiceError("unsupported_format", problem)
        if marker in FRAMES or marker == SCAN:
            break
    return FaceServiceError("damaged", "the picture can't be decoded")


def _markers(data: bytes) -> Iterator[tuple[int, int]]:
    """(place, marker) of each, up to the end of the picture: not those of a thumbnail, which lies in a
    segment, nor those of what follows the picture."""
    at = 2
    while found := MARKER.search(data, at):
        marker = found[1][0]
        if marker == END:
            return
        yield found.start(), marker
        at = found.end() + max(2, int.from_bytes(data[found.end() : found.end() + 2], "big"))
