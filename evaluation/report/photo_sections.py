"""The sections that show photos or name people: the query, mistakes, photos without a face, people."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from evaluation.methods import read
from evaluation.mistakes import people_in_trouble, worst_pairs
from evaluation.original_query import REPORTED, QueryAnswer, most_similar
from evaluation.report.findings import Findings
from faces.reports.html_page import Block, Heading, PagePicture, Table, Text, Tile, Tiles
from faces.reports.thumbnail import thumbnail
from faces.shown.printable import printable

WORST = 12
"""How many pairs of each kind are shown."""
FAILURES = 60
"""How many photos without a face are shown."""
HITS = 5


def query(findings: Findings) -> Iterator[Block]:
    name = findings.task.name(findings.query)
    hits = most_similar(findings.vectors, findings.query, HITS + 1)
    if not hits:
        yield Text(f"No face was found on {name}, the photo to search with.")
        return
    yield Text(
        f"The photos most similar to {name}. The original report searched LFW with Alvaro_Noboa_0001; it "
        "scored the photo itself 1, the same man 0.09 and another person 0.08."
    )
    yield Tiles(tuple(_tile(findings, (photo,), similarity) for photo, similarity in hits))
    header = ("", *(f"method {method}" for method in findings.answers), "in the report itself")
    rows = []
    for kind, reported in REPORTED:
        found = (next((one for one in ones if one.kind == kind), None) for ones in findings.answers.values())
        here = (
            f"{one.similarity:.3f}\n{printable(findings.task.name(one.photo))}" if one else "-"
            for one in found
        )
        rows.append((kind, *here, reported))
    yield Table(header, tuple(rows))


def _answered(findings: Findings, answer: QueryAnswer) -> str:
    # Only our own line breaks are those of a cell.
    return f"{answer.similarity:.3f}\n{printable(findings.task.name(answer.photo))}"


def mistakes(findings: Findings) -> Iterator[Block]:
    yield Text(
        f"{findings.default}, among the verified pairs; each photo is shown in one pair only. Wrong: on the "
        f"wrong side of {findings.threshold:.3f}, where both error rates are equal."
    )
    yield Heading("The least similar pairs of one person")
    yield _worst(findings, same=True)
    yield Heading("The most similar pairs of two people")
    yield _worst(findings, same=False)


def failures(findings: Findings) -> Iterator[Block]:
    failed = np.flatnonzero(findings.failed).tolist()
    if not failed:
        yield Text(f"{findings.default} found a face on every photo.")
        return
    shown = f"; the first {FAILURES} are shown" if len(failed) > FAILURES else ""
    total = len(findings.vectors)
    yield Text(f"{findings.default} found no face on {len(failed):,} of {total:,} photos{shown}.")
    yield Tiles(
        tuple(Tile((_photo(findings, photo),), (findings.task.name(photo),)) for photo in failed[:FAILURES])
    )


def people(findings: Findings) -> Iterator[Block]:
    yield Text(
        f"{findings.default}. Own: mean similarity of the person's photos to each other. Found: searches "
        "with each of them whose first hit is another photo of the person. People found least often come "
        "first."
    )
    labels = findings.task.folder.people
    names = {number: printable(labels[photo]) for photo, number in enumerate(findings.task.people.tolist())}
    rows = tuple(
        (
            names[person.number],
            "-" if person.other is None else names[person.other],
            _similarity(person.similarity),
            _similarity(person.own),
            str(person.photos),
            str(person.failed),
            f"{person.found} of {person.searches}" if person.searches else "-",
        )
        for person in people_in_trouble(findings.vectors, findings.task.people)
    )
    header = ("person", "most similar person", "similarity", "own", "photos", "without a face", "found")
    yield Table(header, rows, text=2)


def _worst(findings: Findings, same: bool) -> Tiles:
    pairs, tiles = findings.task.pairs, []
    for pair in worst_pairs(findings.scores, pairs.same, pairs.first, pairs.second, same, WORST):
        score = float(findings.scores[pair])
        wrong = (score >= findings.threshold) != same
        photos = (int(pairs.first[pair]), int(pairs.second[pair]))
        tiles.append(_tile(findings, photos, score, "wrong" if wrong else ""))
    return Tiles(tuple(tiles))


def _tile(findings: Findings, photos: tuple[int, ...], similarity: float, note: str = "") -> Tile:
    names = [findings.task.name(photo) for photo in photos]
    caption = f"{similarity:.3f} {note}".strip()
    return Tile(tuple(_photo(findings, photo) for photo in photos), (caption, *names))


def _photo(findings: Findings, photo: int) -> PagePicture:
    data = _thumbnail(findings.task.folder.photos[photo])
    return PagePicture(f"photo-{photo}.jpg", data, findings.task.name(photo))


def _thumbnail(path: Path) -> bytes | None:
    """Of the upright photo; None if it can't be read."""
    pixels = read(path)
    return None if pixels is None else thumbnail(Image.fromarray(pixels))


def _similarity(value: float) -> str:
    return f"{value:.3f}" if math.isfinite(value) else "-"
