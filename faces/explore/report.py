"""What was found in an index as a page: one self-contained HTML file, and Markdown."""

from __future__ import annotations

import io
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from elasticsearch import Elasticsearch
from PIL import Image

from faces.explore import face_map, index_faces
from faces.explore.exploration import Exploration
from faces.explore.summary import comparison, how_alike, summary
from faces.reports import charts
from faces.reports.html_page import (
    Block,
    Chart,
    Command,
    Heading,
    Page,
    PagePicture,
    Section,
    Table,
    Text,
    Tile,
    Tiles,
)
from faces.reports.thumbnail import thumbnail
from faces.shown.printable import printable

TILES = 30
"""How many of each kind are shown."""


@dataclass(frozen=True)
class PagePictures:
    """The map as a PNG; the faces that are shown on it or elsewhere, as JPEGs by their positions."""

    map: bytes
    on_map: int
    faces: Mapping[int, bytes]


@dataclass(frozen=True)
class Suspicion:
    """Faces that are shown side by side, as positions in ``IndexFaces``, and their caption."""

    faces: tuple[int, ...]
    caption: tuple[str, ...]


def write(es: Elasticsearch, found: Exploration, folder: Path) -> None:
    """Makes ``explore.html``, ``explore.md`` and ``explore-pictures/`` in ``folder``.

    Raises:
        OSError: they can't be written.
    """
    page(found, draw(es, found)).write(folder, "explore")


def draw(es: Elasticsearch, found: Exploration) -> PagePictures:
    """The map, with suspected names marked, and the pictures that the page shows."""
    marked = {one.face: f"{one.name}?" for one in found.outliers}
    on_map = face_map.chosen(found.faces, marked)
    suspicions = (*_outliers(found), *_duplicates(found), *_same_photos(found))
    shown = {face for suspicion in suspicions for face in suspicion.faces}
    pictures = index_faces.crops(es, found.faces, sorted({*on_map, *shown}))
    drawn = face_map.draw(
        found.faces,
        face_map.map_2d(found.faces.vectors),
        {face: pictures[face] for face in on_map if face in pictures},
        marked,
    )
    return PagePictures(drawn, len(on_map), pictures)


def page(found: Exploration, drawn: PagePictures) -> Page:
    introduction = tuple(Text(line) for line in (*summary(found.overview), *comparison(found)))
    unlike = (
        "Faces that are unlike the others of their name, the worst first: their mean similarity to these is "
        "less than half of the usual one for the name, or less than half of that to another person. Names "
        "with fewer than three faces aren't judged. Next to each face: the most typical face of its name, "
        "and the most similar face of the person it is closest to."
    )
    alike = (
        f"Faces of different names whose similarity is at least {found.threshold}, the most similar first; "
        "each is shown once. One name may be wrong, both may be one person's, or two people look alike."
    )
    copies = "Photos whose perceptual hashes are equal, or nearly so. Those with different names come first."
    sections = (
        Section("What is there", tuple(_counts(found))),
        Section("A map of the faces", tuple(_map(found, drawn))),
        Section("Is the name right?", (Text(unlike), *_tiles(found, drawn, _outliers(found)))),
        Section("Two names for one person?", (Text(alike), *_tiles(found, drawn, _duplicates(found)))),
        Section("Photos that are indexed twice", (Text(copies), *_tiles(found, drawn, _same_photos(found)))),
        Section("How this was made", tuple(_made(found))),
    )
    return Page(f"What is in {found.faces.index}?", introduction, sections)


def _counts(found: Exploration) -> Iterator[Block]:
    counted = found.overview
    panels = {
        "photos by person": counted.by_person,
        "photos by observer": counted.by_observer,
        "photos by the quality of their best face, from": {
            f"{tenth:.1f}": count for tenth, count in counted.by_quality.items()
        },
        "photos by time, from": counted.by_time,
    }
    drawn = charts.bars([(title, counts) for title, counts in panels.items() if counts])
    yield Chart(PagePicture("counts.png", drawn, "Bars: photos by person, observer, quality and time"))
    if counted.errors:
        yield Heading("What failed")
        rows = tuple((printable(code), f"{count:,}") for code, count in counted.errors.items())
        yield Table(("error", "photos"), rows)


def _map(found: Exploration, drawn: PagePictures) -> Iterator[Block]:
    every = drawn.on_map == len(found.faces.faces)
    dots = "" if every else f"{drawn.on_map:,} are drawn, the others are dots. "
    yield Text(
        f"Similar faces are close together; distances between groups mean little. {dots}The colour of a "
        "frame is that of the name that a person gave. A dark frame, and a name with a question mark: the "
        "name may be wrong."
    )
    yield Chart(
        PagePicture("map.png", drawn.map, "A map of faces; similar faces are close together"), whole=True
    )


def _outliers(found: Exploration) -> list[Suspicion]:
    return [
        Suspicion(
            tuple(face for face in (one.face, one.typical, one.closest) if face is not None),
            (
                f"{one.name}? {one.own:.3f}, usually {one.usual:.3f}",
                f"closest to {one.other}: {one.similarity:.3f}" if one.other else "no other person",
                found.faces.faces[one.face].path,
            ),
        )
        for one in found.outliers[:TILES]
    ]


def _duplicates(found: Exploration) -> list[Suspicion]:
    suspicions = []
    for one in found.near_duplicates[:TILES]:
        first, second = found.faces.faces[one.first], found.faces.faces[one.second]
        said = f"{one.similarity:.3f} {first.name}, {second.name}"
        suspicions.append(Suspicion((one.first, one.second), (said, first.path, second.path)))
    return suspicions


def _same_photos(found: Exploration) -> list[Suspicion]:
    suspicions = []
    for one in found.same_photos[:TILES]:
        first, second = found.faces.faces[one.first], found.faces.faces[one.second]
        said = how_alike(one) + (f": {first.name}, {second.name}?" if one.conflict else "")
        suspicions.append(Suspicion((one.first, one.second), (said, first.path, second.path)))
    return suspicions


def _made(found: Exploration) -> Iterator[Block]:
    # Not the command as it was typed, which may have a key or a password.
    yield Command(shlex.join(["faces", "explore", "--index", found.faces.index]))
    made = datetime.now().astimezone().isoformat(timespec="minutes")
    rows = (("made", made), ("model", printable(found.faces.model or "not recorded")))
    yield Table(("what", "which"), rows, text=2)


def _tiles(found: Exploration, drawn: PagePictures, suspicions: list[Suspicion]) -> Iterator[Block]:
    if not suspicions:
        yield Text("None.")
        return
    if len(suspicions) == TILES:
        yield Text(f"The first {TILES}; --json FILE writes all.")
    yield Tiles(
        tuple(
            Tile(tuple(_picture(found, drawn, face) for face in suspicion.faces), suspicion.caption)
            for suspicion in suspicions
        )
    )


def _picture(found: Exploration, drawn: PagePictures, position: int) -> PagePicture:
    face = found.faces.faces[position]
    alt = f"{face.name or 'no name'}, {face.path}"
    return PagePicture(f"face-{position}.jpg", _small(drawn.faces.get(position)), alt)


def _small(crop: bytes | None) -> bytes | None:
    """A crop's thumbnail; None if there is no crop, or it can't be read."""
    try:
        image = Image.open(io.BytesIO(crop or b"")).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return thumbnail(image)
