"""How it is known that two photos are one picture: by their bytes, by their fingerprints, by their faces.

The limits come from ``./run bench copies``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from faces.copies.fingerprints import BITS, SAME_PHOTO_BITS, differing_bits
from faces.copies.overlap import overlap
from faces.copies.pictures import Picture, PlacedFace
from faces.copies.placement import Fit, Placement, fitted
from ingest_service.verdicts import of_model

Kind = Literal["same bytes", "near-identical", "cropped"]
KINDS: tuple[Kind, ...] = ("same bytes", "near-identical", "cropped")

MOST_PAIRS = 12
"""Of similar faces, the most similar first."""
MOST_MISFIT = 0.3
"""Of landmarks, as `placement.Fit`."""
LEAST_SHARED = 0.6
"""Of each photo's area, what is on the other: a cut of a fifth at two sides leaves 0.64."""
SAME_PIXELS = 0.97
"""Least correlation where the photos overlap. In the sample copies have at least 0.986, and two photos of one
person, laid on each other by their faces, at most 0.88."""

Pair = tuple[PlacedFace, PlacedFace]


@dataclass(frozen=True)
class Evidence:
    """
    bits: in which the fingerprints differ; None if one is unknown.
    faces: how many are on both photos at the same place, if the photo is cropped.
    shared: the smaller of the two photos' shares that the other one shows, 0 to 1; 1 if nothing is cut off.
    """

    kind: Kind
    bits: int | None = None
    faces: int = 0
    shared: float = 1.0

    @property
    def words(self) -> str:
        if self.kind == "same bytes":
            return self.kind
        if self.kind == "near-identical":
            return self.kind if self.bits is None else f"{self.kind}: {self.bits} of {BITS} bits differ"
        which = "1 face" if self.faces == 1 else f"{self.faces} faces"
        return f"{self.kind}: {which} in the same arrangement, {100 * self.shared:.0f} % in common"

    def as_json(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "differing_bits": self.bits,
            "faces": self.faces or None,
            "shared": round(self.shared, 4),
        }


def evidence(one: Picture, other: Picture) -> Evidence | None:
    """The best evidence that these are one picture; None if there is none."""
    bits = bits_between(one, other)
    if one.sha256 is not None and one.sha256 == other.sha256:
        return Evidence("same bytes", bits)
    if bits is not None and bits <= SAME_PHOTO_BITS:
        return Evidence("near-identical", bits)
    return cropped(one, other, bits)


def cropped(one: Picture, other: Picture, bits: int | None = None) -> Evidence | None:
    """Evidence that one of the pictures is cropped, or both are: the same faces are on both, at places that
    one scale and one shift explain, and the thumbnails show the same pixels there. Two photos of one person
    agree in neither.

    Args:
        bits: in which the fingerprints differ.
    """
    arrangement = _arrangement(_similar_faces(one, other))
    if arrangement is None or one.miniature is None or other.miniature is None:
        return None
    pairs, placement = arrangement
    found = overlap(one.miniature, other.miniature, placement)
    shared = _shared(one, other, found.placement)
    if found.correlation < SAME_PIXELS or shared < LEAST_SHARED:
        return None
    return Evidence("cropped", bits, len(pairs), shared)


def least_similarity(model: str) -> float:
    """Of two faces that may be one person's, -1 to 1: a cut through the hair, or a smaller size, changes a
    vector as much as another photo does."""
    return of_model(model).possible


def bits_between(one: Picture, other: Picture) -> int | None:
    """In which the fingerprints differ; None if one is unknown."""
    if one.fingerprint is None or other.fingerprint is None:
        return None
    return differing_bits(one.fingerprint, other.fingerprint)


def _shared(one: Picture, other: Picture, placement: Placement) -> float:
    return min(placement.shared((one.width, one.height), (other.width, other.height)))


def _similar_faces(one: Picture, other: Picture) -> list[Pair]:
    """Pairs of faces that may be one person's, the most similar first; none of two models."""
    if one.model is None or one.model != other.model or not one.faces or not other.faces:
        return []
    ours, theirs = (np.array([face.vector for face in each.faces]) for each in (one, other))
    if ours.shape[1] != theirs.shape[1]:
        return []
    similar = ours @ theirs.T
    rows, columns = np.nonzero(similar >= least_similarity(one.model))
    order = np.argsort(-similar[rows, columns])[:MOST_PAIRS]
    return [(one.faces[rows[each]], other.faces[columns[each]]) for each in order]


def _arrangement(pairs: list[Pair]) -> tuple[list[Pair], Placement] | None:
    """As many pairs as one placement explains, and that; None if none of them is in the same pose."""
    best: list[Pair] = []
    for first in pairs:
        fit = _fitted([first])
        if fit and fit.misfit <= MOST_MISFIT:
            others = (pair for pair in pairs if pair is not first)
            agreeing = [
                first,
                *(pair for pair in others if (both := _fitted([first, pair])) and both.misfit <= MOST_MISFIT),
            ]
            best = max(best, agreeing, key=len)
    fit = _fitted(best) if best else None
    return (best, fit.placement) if fit else None


def _fitted(pairs: list[Pair]) -> Fit | None:
    return fitted([ours.landmarks for ours, _ in pairs], [theirs.landmarks for _, theirs in pairs])
