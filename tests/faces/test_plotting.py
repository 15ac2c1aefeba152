"""The picture of queries and matches."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tools import landscape, picture

from faces.photos import PhotoFile
from faces.plotting import COLOURS, plot
from faces.searching import Match, QueryResult
from ingest_service.verdicts import POSSIBLE, STRONG, verdict


def match(rank: int, similarity: float) -> Match:
    thumbnail = base64.b64encode(picture(landscape(160, 120))).decode()
    return Match(
        rank, str(rank), f"p/{rank}.jpg", f"Ann $ {rank}", similarity, (40, 30, 60, 60), (320, 240), thumbnail
    )


@pytest.fixture
def photo(tmp_path) -> PhotoFile:
    path = tmp_path / "query.jpg"
    path.write_bytes(picture(landscape(300, 400)))
    return PhotoFile(path, path.name, "Ann")


def colours(file: Path) -> set[tuple[int, ...]]:
    with Image.open(file) as image:
        return set(map(tuple, np.asarray(image.convert("RGB")).reshape(-1, 3)))


def test_each_verdict_has_its_own_colour_in_the_picture(photo, tmp_path):
    file = tmp_path / "out.png"
    matches = [match(1, 0.9), match(2, 0.5), match(3, 0.1)]
    plot([QueryResult(photo, matches, (10, 10, 50, 50))], file, "title")
    shown = colours(file)
    for colour in COLOURS.values():
        assert tuple(bytes.fromhex(colour[1:])) in shown


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 7, 25])
def test_any_number_of_queries_is_drawn_also_one_without_a_match(photo, tmp_path, count):
    file = tmp_path / "out.png"
    matched = [match(rank, 0.7) for rank in range(1, 6)]
    results = [QueryResult(photo, matched if number else [], note="no face") for number in range(count)]
    plot(results, file, "title")
    assert file.is_file()
    assert [path.name for path in tmp_path.glob("*.part")] == []


def test_a_query_that_is_not_a_picture_is_drawn_as_a_gap(tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"not a picture")
    result = QueryResult(PhotoFile(broken, broken.name), [], note="not an image")
    plot([result], tmp_path / "out.png", "title")
    assert (tmp_path / "out.png").is_file()


def test_dollar_signs_in_names_and_notes_start_no_formula(tmp_path):
    name = r"a$\no_{formula$.jpg"
    result = QueryResult(PhotoFile(tmp_path / name, name), [], note=name)
    plot([result], tmp_path / "out.png", name)
    assert (tmp_path / "out.png").is_file()


def test_verdicts_begin_at_their_thresholds():
    assert [verdict(value) for value in (1, STRONG, STRONG - 1e-6, POSSIBLE, POSSIBLE - 1e-6, -1)] == [
        "strong",
        "strong",
        "possible",
        "possible",
        "unlikely",
        "unlikely",
    ]
