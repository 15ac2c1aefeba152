"""What of a stored photo can still be read from the files of an index, without Elasticsearch.

A crop is a JPEG in base64, which looks like noise, so that Lucene's compression of stored fields (LZ4) leaves
most of it as it is: short pieces of it are found byte by byte. A vector lies in Lucene's vector files as it
was sent, in little-endian floats. Whoever reads a disk needs no more than that.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PIECES = 8
PIECE_BYTES = 24
"""LZ4 replaces what it has seen before, and each repeated run of 4 bytes may cut a piece in two; of eight
pieces some are whole."""
VECTOR_VALUES = 8


@dataclass(frozen=True)
class Traces:
    """Byte sequences of one stored photo, by what they are of; any one of them shows that it is there."""

    crops: tuple[bytes, ...]
    thumbnail: tuple[bytes, ...]
    vectors: tuple[bytes, ...]

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Traces:
        """
        Args:
            source: the document's `_source`, with its vectors.
        """
        faces = source["faces"]
        return cls(
            crops=tuple(piece for face in faces for piece in pieces(face["crop"])),
            thumbnail=pieces(source["thumbnail"]),
            vectors=tuple(
                struct.pack(f"<{VECTOR_VALUES}f", *face["vector"][:VECTOR_VALUES]) for face in faces
            ),
        )

    def kinds(self, content: bytes) -> set[str]:
        """Which of `crop`, `thumbnail` and `vector` the content has."""
        found = {"crop": self.crops, "thumbnail": self.thumbnail, "vector": self.vectors}
        return {kind for kind, sequences in found.items() if any(one in content for one in sequences)}


def pieces(base64: str) -> tuple[bytes, ...]:
    """From the last two thirds: JPEGs begin alike."""
    first = len(base64) // 3
    step = (len(base64) - first - PIECE_BYTES) // PIECES
    starts = (first + number * step for number in range(PIECES))
    return tuple(base64[start : start + PIECE_BYTES].encode() for start in starts)


def count(traces: Iterable[Traces], folder: Path, *, translog: bool = False) -> dict[str, int]:
    """Photos of which something is in the folder's files: by kind, and of any kind.

    Args:
        translog: in the transaction logs alone; default: in all other files.
    """
    waiting = list(traces)
    found: list[set[str]] = [set() for _ in waiting]
    for path in _files(folder):
        if (path.suffix == ".tlog") != translog:
            continue
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue  # a merge has just deleted it
        for kinds, one in zip(found, waiting, strict=True):
            kinds.update(one.kinds(content))
    by_kind = {kind: sum(kind in kinds for kinds in found) for kind in ("crop", "thumbnail", "vector")}
    return {"any": sum(map(bool, found)), **by_kind}


def _files(folder: Path) -> Iterator[Path]:
    """Not by ``rglob``, which fails where a folder vanishes."""
    for parent, _, names in os.walk(folder):
        yield from (Path(parent) / name for name in names)
