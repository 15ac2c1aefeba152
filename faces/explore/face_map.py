"""A map of faces, on which similar faces are close together."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from faces.error_rates.arrays import Vectors
from faces.error_rates.similarity import normalized
from faces.explore.index_faces import IndexFaces
from faces.reports.charts import INK, MAIN, OTHERS
from faces.shown.lettering import drawn, lettering, shortened

MapPositions = NDArray[np.float32]
"""(n, 2)"""

FEW = 10
"""Up to this many faces have too few neighbours for t-SNE."""
NEIGHBOURS = 30
"""t-SNE's perplexity, at most: about how many neighbours of a face stay near it."""
MOST = 160
"""Faces that are drawn as pictures; the others are dots."""
WIDTH, HEIGHT, LEGEND = 1500, 1050, 300
"""Pixels: of the map, and of the names beside it."""
LARGEST = 84
"""A face's side in pixels, at most."""
COVERED = 0.33
"""The share of the map that pictures and frames cover; with more, many would be pushed far away."""
FACE_IN_CROP = 0.8
"""The middle of a crop, whose side is 1.6 times the face's."""
FRAME = 4
"""Pixels."""
COLOURS = (MAIN, *(colour for colour, _ in OTHERS[:-1]))
"""Of the people with the most faces."""
OTHER_PEOPLE, NO_NAME = "#565b66", "#c9cdd5"
STEPS = 300


def map_2d(vectors: Vectors) -> MapPositions:
    """(n, dims) to (n, 2), from 0 to 1. Neighbours stay neighbours; distances between groups mean little.

    t-SNE (van der Maaten and Hinton 2008) of the vectors at length 1: their squared distance is
    2 (1 - cosine). It starts from the principal components, so that the same faces always give the same map;
    up to 10 faces are placed by these components alone.
    """
    # Imported here, since it takes seconds that only a map needs.
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    count, unit = len(vectors), normalized(vectors)
    found = np.zeros((count, 2), dtype=np.float32)
    # Copies of one photo have no components.
    if not np.ptp(unit, axis=0).any():
        return found
    if count <= FEW:
        found[:] = PCA(n_components=2, random_state=0).fit_transform(unit)
    else:
        tsne = TSNE(perplexity=min(NEIGHBOURS, (count - 1) / 4), init="pca", random_state=0)
        # On a busy machine, threads that synchronize at every step take ten times as long.
        with threadpool_limits(1):
            found[:] = tsne.fit_transform(unit)
    found -= found.min(axis=0)
    scaled: MapPositions = found / found.max()
    return scaled


def chosen(faces: IndexFaces, marked: Collection[int], most: int = MOST) -> list[int]:
    """Which faces to draw as pictures, at most ``most``: the marked ones, then one of each person in turn."""
    turns: dict[str | None, int] = {}
    order = []
    for position, face in enumerate(faces.faces):
        turns[face.name] = turns.get(face.name, 0) + 1
        order.append((position not in marked, turns[face.name], position))
    return [position for _, _, position in sorted(order)[:most]]


def draw(
    faces: IndexFaces, positions: MapPositions, pictures: Mapping[int, bytes], marked: Mapping[int, str]
) -> bytes:
    """The map as a PNG. A face's frame has its person's colour; a face without a picture is a dot.

    Pictures that overlap are moved apart, so one may be a little off its place.

    Args:
        positions: (n, 2), as of ``map_2d``.
        pictures: a JPEG by a face's position in ``faces``.
        marked: text below a face, by its position; such a face gets a second, dark frame.
    """
    # Imported here, as in charts.py.
    from matplotlib.figure import Figure

    texts = (*faces.names, *marked.values())
    with lettering(*map(drawn, texts)):
        figure = Figure(figsize=((WIDTH + LEGEND) / 100, HEIGHT / 100), dpi=100, facecolor="white")
        axes = figure.add_axes((0, 0, 1, 1))
        colours = _colours(faces)
        of_faces = [colours.get(face.name, OTHER_PEOPLE) for face in faces.faces]
        opened = {face: image for face, data in pictures.items() if (image := _face(data)) is not None}
        shown = np.array(sorted(opened), dtype=np.int64)
        # A frame on both sides, and a gap of the same width.
        space = 3 * FRAME
        side = min(LARGEST, float(np.sqrt(COVERED * WIDTH * HEIGHT / max(1, len(shown)))) - space)
        places = side + positions * (np.array([WIDTH, HEIGHT], dtype=np.float32) - 2 * side)
        dots = np.setdiff1d(np.arange(len(places)), shown)
        dotted = [of_faces[face] for face in dots]
        axes.scatter(places[dots, 0], places[dots, 1], s=18, c=dotted, alpha=0.6, linewidths=0)
        apart = _apart(places[shown], side + space)
        for face, place in zip(shown.tolist(), apart.tolist(), strict=True):
            _draw_face(axes, opened[face], place, side, of_faces[face], marked.get(face))
        _draw_legend(axes, faces, colours)
        axes.set_xlim(0, WIDTH + LEGEND)
        axes.set_ylim(HEIGHT, 0)
        axes.set_aspect("auto")
        axes.axis("off")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        return buffer.getvalue()


def _draw_face(
    axes: Any, image: Image.Image, place: list[float], side: float, colour: str, note: str | None
) -> None:
    from matplotlib.patches import Rectangle

    x, y = place
    left, top = x - side / 2, y - side / 2
    for frame, width in ((INK, 2 * FRAME), (colour, FRAME)) if note else ((colour, FRAME),):
        length = side + 2 * width
        axes.add_patch(
            Rectangle((left - width, top - width), length, length, color=frame, linewidth=0, zorder=3)
        )
    axes.imshow(image, extent=(left, left + side, top + side, top), zorder=4, interpolation="antialiased")
    if note:
        box = {"facecolor": INK, "edgecolor": "none", "boxstyle": "round,pad=0.25"}
        style = {"ha": "center", "va": "center", "fontsize": 8, "color": "white", "bbox": box, "zorder": 5}
        axes.text(x, top + side + 3 * FRAME, shortened(note, 26), **style)


def _draw_legend(axes: Any, faces: IndexFaces, colours: Mapping[str | None, str]) -> None:
    counts = np.bincount(faces.people() + 1, minlength=len(faces.names) + 1)
    of_person = dict(zip(faces.names, counts[1:].tolist(), strict=True))
    entries = [
        (colour, f"{shortened(name, 24)}  {of_person[name]:,}")
        for name, colour in colours.items()
        if name is not None
    ]
    others = [count for name, count in of_person.items() if name not in colours]
    if others:
        entries.append((OTHER_PEOPLE, f"{len(others):,} other people  {sum(others):,}"))
    if counts[0]:
        entries.append((NO_NAME, f"no name  {counts[0]:,}"))
    for number, (colour, text) in enumerate(entries):
        y = 60 + 34 * number
        axes.scatter([WIDTH + 30], [y], s=130, c=[colour], marker="s", linewidths=0)
        axes.text(WIDTH + 48, y, text, va="center", fontsize=11, color=INK)


def _colours(faces: IndexFaces) -> dict[str | None, str]:
    """The people with a colour of their own, and None for faces without a name."""
    people = faces.people()
    counts = np.bincount(people[people >= 0], minlength=len(faces.names))
    most = np.argsort(-counts, kind="stable")[: len(COLOURS)]
    named = [faces.names[number] for number in most.tolist()]
    return {**dict(zip(named, COLOURS, strict=False)), None: NO_NAME}


def _apart(places: MapPositions, side: float) -> MapPositions:
    """(n, 2): squares of ``side`` pixels that overlap are moved apart, each by half of the overlap."""
    # Two at the same place would never move apart.
    apart = places + np.random.default_rng(0).normal(0, 0.5, places.shape)
    ends = np.array([WIDTH, HEIGHT]) - side / 2
    for _ in range(STEPS):
        between = apart[:, np.newaxis] - apart[np.newaxis]
        overlap = side - np.abs(between)
        touching = (overlap > 0).all(axis=2)
        np.fill_diagonal(touching, False)
        if not touching.any():
            break
        # Along the axis with the smaller overlap.
        along = touching[..., np.newaxis] & (overlap == overlap.min(axis=2, keepdims=True))
        pushed = np.where(along, np.sign(between) * overlap / 2, 0).sum(axis=1)
        # By half, or a crowd would oscillate.
        apart = np.clip(apart + pushed / 2, side / 2, ends)
    return apart.astype(np.float32)


def _face(crop: bytes) -> Image.Image | None:
    """The middle of a crop; None if it can't be read."""
    try:
        image = Image.open(io.BytesIO(crop)).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    across, down = image.width * (1 - FACE_IN_CROP) / 2, image.height * (1 - FACE_IN_CROP) / 2
    return image.crop((round(across), round(down), round(image.width - across), round(image.height - down)))
