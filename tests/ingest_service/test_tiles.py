"""Small faces in large photos: groups, panoramas, long screenshots."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from ingest_service import profiles
from ingest_service.decoding import decode
from ingest_service.detection import CenterFace
from ingest_service.detection.tiles import MOST_PIXELS, TILE_PIXELS, Tiles
from ingest_service.settings import Settings


def pixels_of(path):
    return decode(path.read_bytes(), 10**9, 10**9).pixels


@pytest.fixture(scope="module")
def centerface(cache) -> CenterFace:
    return profiles.load_detector(Settings(cache=cache.root))


@pytest.fixture(scope="module")
def heads(sample, centerface):
    """Photos cut to the head: each picture, and its face's box there."""
    cut = []
    for path in sample[::4]:
        pixels = pixels_of(path)
        face = centerface.detect(pixels)[0]
        x, y, width, height = face.box
        corner = np.maximum([x - 0.4 * width, y - 0.4 * height], 0).astype(int)
        end = [round(x + 1.4 * width), round(y + 1.3 * height)]
        head = Image.fromarray(pixels).crop((*corner.tolist(), *end))
        cut.append((head, face.moved(1.0, -corner)))
    return cut


def group(heads, size, heights, centres):
    """A photo of noise with a face of each height at each centre."""
    noise = np.random.default_rng(1).normal(130, 12, (size[1], size[0], 3)).clip(0, 255)
    photo = Image.fromarray(noise.astype(np.uint8))
    for number, (height, centre) in enumerate(zip(heights, centres, strict=True)):
        head, face = heads[number % len(heads)]
        scale = height / face.box[3]
        small = head.resize((round(head.width * scale), round(head.height * scale)))
        photo.paste(small, (np.array(centre) - scale * face.centre).astype(int).tolist())
    return np.asarray(photo)


def grid(size, columns, rows):
    return [
        ((2 * column + 1) * size[0] // (2 * columns), (2 * row + 1) * size[1] // (2 * rows))
        for row in range(rows)
        for column in range(columns)
    ]


def times_found(faces, heights, centres):
    """How often each face was found."""
    return [
        sum(np.hypot(*(face.centre - centre)) < 0.4 * height for face in faces)
        for height, centre in zip(heights, centres, strict=True)
    ]


@pytest.mark.parametrize(
    ("size", "height", "columns", "rows"),
    [
        ((2400, 300), 180, 3, 1),
        ((4800, 300), 180, 3, 1),
        ((300, 4800), 180, 1, 3),
        ((8000, 600), 300, 6, 1),
        ((4000, 3000), 110, 4, 3),
        ((6000, 4000), 150, 8, 5),
    ],
    ids=lambda value: "x".join(map(str, value)) if isinstance(value, tuple) else str(value),
)
def test_all_faces_are_found_once_each(size, height, columns, rows, heads, centerface):
    centres = grid(size, columns, rows)
    faces = centerface.detect(group(heads, size, [height] * len(centres), centres))
    assert times_found(faces, [height] * len(centres), centres) == [1] * len(centres)
    assert len(faces) == len(centres)


def test_faces_of_all_sizes_in_one_photo_are_found_once_each(heads, centerface):
    centres = grid((4000, 3000), 4, 2)
    heights = [500, 60, 300, 80, 110, 200, 80, 150]
    faces = centerface.detect(group(heads, (4000, 3000), heights, centres))
    assert times_found(faces, heights, centres) == [1] * 8
    assert len(faces) == 8


def test_faces_on_the_borders_of_tiles_are_found_once_each(heads, centerface):
    """Where one tile ends, or the next begins."""
    size = (4000, 3000)
    tiles = Tiles.of(*size, centerface.max_side / 4000)
    corners, (width, height) = tiles.corners()
    lefts, tops = sorted({left for left, _ in corners}), sorted({top for _, top in corners})
    edges = [(left / tiles.scale, 400) for left in lefts[1:]]
    edges += [((left + width) / tiles.scale, 2500) for left in lefts[:-1]]
    edges += [(300, top / tiles.scale) for top in tops[1:]]
    edges += [(3600, (top + height) / tiles.scale) for top in tops[:-1]]
    assert len(edges) >= 3
    for side in (60, 200):
        faces = centerface.detect(group(heads, size, [side] * len(edges), edges))
        assert times_found(faces, [side] * len(edges), edges) == [1] * len(edges), side


def test_people_behind_somebody_near_are_found(heads, centerface):
    heights = [900, *[110] * 6]
    centres = [(800, 900), *[(2900 + 500 * (n % 2), 500 + 700 * (n // 2)) for n in range(6)]]
    faces = centerface.detect(group(heads, (4000, 3000), heights, centres))
    assert times_found(faces, heights, centres) == [1] * 7
    assert not any(face.of_portrait for face in faces)


def test_a_tiny_copy_ends_too(heads, centerface):
    photo = group(heads, (4000, 3000), [1500], [(2000, 1500)])
    assert len(replace(centerface, max_side=24).detect(photo)) <= 1


def test_a_portrait_is_found_once_and_not_searched_in_tiles(portrait, centerface):
    large = np.asarray(Image.open(portrait).convert("RGB").resize((4000, 3000), Image.Resampling.BICUBIC))
    (face,) = centerface.detect(large)
    (without,) = replace(centerface, tiles=False).detect(large)
    assert face.box == without.box
    assert face.longer_side > 1000


def test_tiles_add_faces_and_change_none(heads, centerface):
    """So vectors of before stay comparable, and the model's id doesn't cover tiles."""
    heights = [300, 60, 200, 80, 250, 60]
    pixels = group(heads, (2400, 1800), heights, grid((2400, 1800), 3, 2))
    before, now = (replace(centerface, tiles=tiles).detect(pixels) for tiles in (False, True))
    boxes = [face.box for face in now]
    assert len(before) >= 3
    assert len(now) == 6
    assert all(face.box in boxes for face in before)
    assert centerface.parts() == replace(centerface, tiles=False).parts()


@pytest.mark.parametrize(
    "size",
    [
        *[
            (4000, 3000),
            (6000, 4000),
            (8660, 5773),
            (7071, 7071),
            (2400, 300),
            (12_000, 1000),
            (25_000, 2000),
        ],
        *[(100_000, 500), (1_000_000, 50), (50_000_000, 1), (1, 50_000_000)],
    ],
    ids=lambda size: f"{size[0]}x{size[1]}",
)
def test_the_work_for_a_photo_is_bounded_and_its_tiles_cover_it(size):
    tiles = Tiles.of(*size, min(1, 256 / max(size)))
    corners, (width, height) = tiles.corners()
    assert len(corners) <= 8
    assert width * height <= TILE_PIXELS
    assert len(corners) * width * height <= 1.5 * MOST_PIXELS
    assert width % 32 == height % 32 == 0
    lefts, tops = sorted({left for left, _ in corners}), sorted({top for _, top in corners})
    for starts, length, whole in ((lefts, width, tiles.size[0]), (tops, height, tiles.size[1])):
        assert starts[0] == 0
        assert starts[-1] + length == whole
        assert all(one + length - other >= tiles.overlap for one, other in pairwise(starts))


def test_ordinary_photos_are_not_searched_in_tiles(sample):
    for path in sample:
        with Image.open(path) as photo:
            assert Tiles.of(*photo.size, min(1, 256 / max(photo.size))) is None or max(photo.size) > 853
