"""Draws queries and their matches as one picture."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from faces.extras import require
from faces.reports.charts import INK, PALE, as_it_is
from faces.searching import QueryResult

Box = tuple[float, float, float, float]

TILE = 190
"""Pixels, the side of a photo's square in the picture."""
CAPTION, GAP, HEADING = 46, 14, 64
COLOURS = {"strong": "#12805c", "possible": "#b25e09", "unlikely": "#8a8f98"}
QUERY = "#0b64dd"


def plot(results: list[QueryResult], file: Path, title: str) -> None:
    """Writes a PNG with a row for each query: its photo, then its matches with name, similarity and verdict.

    More than six queries are drawn in two columns.

    Raises:
        ExtraMissing: matplotlib isn't installed.
    """
    require("explore", "matplotlib")
    # Imported here: it takes a second, and most commands don't need it.
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    matches = max((len(result.matches) for result in results), default=1) or 1
    columns = 2 if len(results) > 6 else 1
    rows = -(-len(results) // columns)
    block_width = (matches + 1) * (TILE + GAP) + 2 * GAP
    row_height = TILE + CAPTION + GAP
    width, height = columns * block_width + GAP, HEADING + rows * row_height + GAP
    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    axes.axis("off")
    canvas = np.full((height, width, 3), 255, dtype=np.uint8)

    def tile(
        left: int, top: int, image: Image.Image, size: tuple[int, int], box: Box | None, colour: str
    ) -> None:
        small = ImageOps.contain(image, (TILE, TILE))
        x, y = left + (TILE - small.width) // 2, top + (TILE - small.height) // 2
        canvas[y : y + small.height, x : x + small.width] = np.asarray(small)
        if box is not None:
            scale = small.width / size[0]
            corner = (x + box[0] * scale, y + box[1] * scale)
            axes.add_patch(
                Rectangle(corner, box[2] * scale, box[3] * scale, fill=False, edgecolor=colour, linewidth=2)
            )

    def caption(left: int, top: int, lines: list[tuple[str, str, str]]) -> None:
        for number, (text, colour, weight) in enumerate(lines):
            y = top + TILE + 16 + 18 * number
            axes.text(
                left + TILE / 2, y, text, ha="center", va="center", fontsize=9, color=colour, weight=weight
            )

    axes.text(GAP, HEADING / 2, as_it_is(title), va="center", fontsize=13, color=INK)
    for number, result in enumerate(results):
        left, top = GAP + (number // rows) * block_width, HEADING + (number % rows) * row_height
        image = _photo(result.photo.path)
        tile(left, top, image, image.size, result.box, QUERY)
        name = result.photo.label or result.photo.path.name
        caption(left, top, [(_short(name), INK, "bold"), ("query", QUERY, "normal")])
        if not result.matches:
            x, y = left + TILE + 3 * GAP, top + TILE / 2
            axes.text(x, y, as_it_is(result.note), fontsize=11, color=PALE, va="center")
        for place, match in enumerate(result.matches, start=1):
            x = left + place * (TILE + GAP) + GAP
            colour = COLOURS[match.verdict]
            thumbnail = Image.open(io.BytesIO(base64.b64decode(match.thumbnail))).convert("RGB")
            tile(x, top, thumbnail, match.photo_size, match.box, colour)
            name = match.name or match.path.rsplit("/", 1)[-1]
            verdict = f"{match.similarity:.2f}  {match.verdict}"
            caption(x, top, [(_short(name), INK, "normal"), (verdict, colour, "bold")])
    axes.imshow(canvas, extent=(0, width, height, 0), zorder=-1, interpolation="nearest")
    axes.set_xlim(0, width)
    axes.set_ylim(height, 0)
    scratch = file.with_name(f".{file.name}.part")
    figure.savefig(scratch, format="png")
    scratch.replace(file)


def _photo(path: Path) -> Image.Image:
    """The upright photo; a pale square if it can't be read, as the row's note says why."""
    try:
        with Image.open(path) as opened:
            return ImageOps.exif_transpose(opened).convert("RGB")
    except (OSError, ValueError, SyntaxError):
        return Image.new("RGB", (TILE, TILE), "#eceef2")


def _short(text: str) -> str:
    return as_it_is(text if len(text) <= 26 else f"{text[:25]}…")
