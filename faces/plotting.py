"""Draws queries and their matches as one picture."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from es_setup.private_files import write_private
from faces.extras import require
from faces.matches import Match
from faces.reports.charts import INK, PALE
from faces.searching import QueryResult
from faces.shown.lettering import drawn, lettering, shortened

Box = tuple[float, float, float, float]

TILE = 190
"""Pixels, the side of a photo's square in the picture."""
CAPTION, GAP, LINE = 46, 14, 22
IN_A_ROW = 6
"""Matches beside each other; more of them wrap."""
LEAST_IN_A_ROW = 3
"""Room for a note or a title above a single match."""
CAPTION_LETTERS = 24
COLOURS = {"strong": "#12805c", "possible": "#b25e09", "unlikely": "#8a8f98"}
QUERY = "#0b64dd"


@dataclass(frozen=True)
class PlotTile:
    """A picture at its place, with a face's box and the lines below it, each with colour and weight."""

    left: int
    top: int
    image: Image.Image
    size: tuple[int, int]
    box: Box | None
    colour: str
    caption: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class PlotNote:
    left: int
    top: int
    text: str


def plot(results: list[QueryResult], file: Path, title: str) -> None:
    """Writes a PNG with each query: its photo, then its matches with name, similarity and verdict, in rows of
    at most six. A box is around the face that was looked for, and around the one that matched.

    More than six queries are drawn in two columns.

    Raises:
        ExtraMissing: matplotlib isn't installed.
    """
    require("explore", "matplotlib")
    most = max((len(result.matches) for result in results), default=1)
    across = min(IN_A_ROW, max(LEAST_IN_A_ROW, most))
    columns = 2 if len(results) > 6 else 1
    in_column = -(-len(results) // columns)
    block_width = (across + 1) * (TILE + GAP) + 2 * GAP
    width = columns * block_width + GAP
    heading = textwrap.wrap(drawn(title), (width - 2 * GAP) // 10, break_on_hyphens=False) or [""]
    tops = [GAP + len(heading) * LINE + GAP] * columns
    tiles: list[PlotTile] = []
    notes: list[PlotNote] = []
    for number, result in enumerate(results):
        column = number // in_column
        left, top = GAP + column * block_width, tops[column]
        tiles += _tiles(result, left, top, across)
        if not result.matches:
            lines = textwrap.wrap(drawn(result.note), across * (TILE + GAP) // 9)
            notes.append(PlotNote(left + TILE + 3 * GAP, top + TILE // 2, "\n".join(lines)))
        rows = max(1, -(-len(result.matches) // across))
        tops[column] += rows * (TILE + CAPTION + GAP)
    _draw(file, (width, max(tops) + GAP), heading, tiles, notes)


def _tiles(result: QueryResult, left: int, top: int, across: int) -> Iterator[PlotTile]:
    image = _opened(result.photo)
    box = result.face.box if result.face else None
    name = (shortened(result.label or result.name, CAPTION_LETTERS), INK, "bold")
    yield PlotTile(left, top, image, image.size, box, QUERY, (name, ("query", QUERY, "normal")))
    for place, match in enumerate(result.matches):
        right = left + (place % across + 1) * (TILE + GAP) + GAP
        below = top + place // across * (TILE + CAPTION + GAP)
        image = _opened(base64.b64decode(match.thumbnail or ""))
        size = match.photo_size or image.size
        colour = COLOURS[match.verdict]
        yield PlotTile(right, below, image, size, match.face.box, colour, _caption(match, colour))


def _caption(match: Match, colour: str) -> tuple[tuple[str, str, str], ...]:
    """Who it is, and how similar. Without any name the file's, pale, as that isn't a person."""
    if match.person:
        first = (shortened(match.person, CAPTION_LETTERS), INK, "normal")
    else:
        first = (shortened(match.path.rsplit("/", 1)[-1], CAPTION_LETTERS), PALE, "normal")
    return first, (f"{match.similarity:.2f}  {match.verdict}", colour, "bold")


def _draw(
    file: Path, size: tuple[int, int], heading: list[str], tiles: list[PlotTile], notes: list[PlotNote]
) -> None:
    # Imported here: it takes a second, and most commands don't need it.
    from matplotlib.figure import Figure

    width, height = size
    texts = [*heading, *(note.text for note in notes), *(line[0] for tile in tiles for line in tile.caption)]
    canvas = np.full((height, width, 3), 255, dtype=np.uint8)
    with lettering(*texts):
        figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.axis("off")
        for number, line in enumerate(heading):
            axes.text(GAP, GAP + (number + 0.5) * LINE, line, va="center", fontsize=13, color=INK)
        for note in notes:
            axes.text(note.left, note.top, note.text, fontsize=11, color=PALE, va="center")
        for tile in tiles:
            _draw_tile(axes, canvas, tile)
        axes.imshow(canvas, extent=(0, width, height, 0), zorder=-1, interpolation="nearest")
        axes.set_xlim(0, width)
        axes.set_ylim(height, 0)
        picture = io.BytesIO()
        figure.savefig(picture, format="png")
    write_private(file, picture.getvalue())


def _draw_tile(axes: Any, canvas: NDArray[np.uint8], tile: PlotTile) -> None:
    from matplotlib.patches import Rectangle

    small = ImageOps.contain(tile.image, (TILE, TILE))
    x, y = tile.left + (TILE - small.width) // 2, tile.top + (TILE - small.height) // 2
    canvas[y : y + small.height, x : x + small.width] = np.asarray(small)
    if tile.box is not None:
        scale = small.width / tile.size[0]
        corner = (x + tile.box[0] * scale, y + tile.box[1] * scale)
        sides = (tile.box[2] * scale, tile.box[3] * scale)
        axes.add_patch(Rectangle(corner, *sides, fill=False, edgecolor=tile.colour, linewidth=2))
    for number, (text, colour, weight) in enumerate(tile.caption):
        place = (tile.left + TILE / 2, tile.top + TILE + 16 + 18 * number)
        axes.text(*place, text, ha="center", va="center", fontsize=9, color=colour, weight=weight)


def _opened(photo: bytes) -> Image.Image:
    """The upright photo; a pale square if there is none, or it can't be read here."""
    try:
        with Image.open(io.BytesIO(photo)) as opened:
            return ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return Image.new("RGB", (TILE, TILE), "#eceef2")
