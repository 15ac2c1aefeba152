"""The picture of queries and matches."""

from __future__ import annotations

import base64
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.font_manager import FontProperties, findfont
from PIL import Image
from tools import landscape, picture

from faces.matches import Match, MatchedFace
from faces.plotting import COLOURS, plot
from faces.searching import QueryFace, QueryResult
from faces.shown.lettering import drawn, lettering, shortened
from ingest_service.verdicts import UNCALIBRATED

PHOTO = picture(landscape(300, 400))


def match(rank: int, similarity: float, **facts: object) -> Match:
    thumbnail = base64.b64encode(picture(landscape(160, 120))).decode()
    known = {"name": f"Ann $ {rank}", "photo_size": (320, 240), "thumbnail": thumbnail} | facts
    face = MatchedFace("0", 0, 1, (40, 30, 60, 60))
    return Match(rank, "faces-000001", str(rank), f"p/{rank}.jpg", face, similarity, **known)


def result(*matches: Match, **facts: object) -> QueryResult:
    known = {"name": "query.jpg", "label": "Ann", "face": QueryFace(0, 1, (10, 10, 50, 50))} | facts
    return QueryResult(photo=PHOTO, matches=list(matches), **known)


def pixels(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("RGB"))


def shows(file: Path, colour: str) -> bool:
    return bool((pixels(file) == np.array(tuple(bytes.fromhex(colour[1:])))).all(axis=2).any())


def drawn_alike(tmp_path: Path, *results: QueryResult) -> bool:
    """Whether all results give the same picture."""
    files = [tmp_path / f"{number}.png" for number in range(len(results))]
    for one, file in zip(results, files, strict=True):
        plot([one], file, "title")
    return len({file.read_bytes() for file in files}) == 1


def test_each_verdict_has_its_own_colour_in_the_picture(tmp_path):
    file = tmp_path / "out.png"
    plot([result(match(1, 0.9), match(2, 0.5), match(3, 0.1))], file, "title")
    for colour in COLOURS.values():
        assert shows(file, colour)


def test_the_face_that_matched_is_boxed_and_a_photo_without_a_thumbnail_or_box_is_drawn_too(tmp_path):
    file = tmp_path / "out.png"
    whole = match(1, 0.9)
    bare = match(1, 0.9, thumbnail=None, photo_size=None)
    bare = replace(bare, face=replace(bare.face, box=None))
    plot([result(whole, face=None)], file, "title")
    boxed = pixels(file)
    plot([result(bare, face=None)], file, "title")
    assert boxed.shape == pixels(file).shape
    green = np.array(tuple(bytes.fromhex(COLOURS["strong"][1:])))
    counts = [int((image == green).all(axis=2).sum()) for image in (boxed, pixels(file))]
    assert counts[0] > counts[1] + 100


def test_a_caption_is_the_faces_name_then_a_guess_then_the_photos_people_and_last_the_file(tmp_path):
    named, guessed, among, nobody = (
        match(1, 0.7, name=name, guess=guess, people=people)
        for name, guess, people in (
            ("Ann", "Ben", ("Ann", "Cara")),
            (None, "Ben", ("Ann", "Cara")),
            (None, None, ("Ann", "Cara")),
            (None, None, ()),
        )
    )
    persons = [one.person for one in (named, guessed, among, nobody)]
    assert persons == ["Ann", "guess: Ben", "photo: Ann, Cara", None]
    assert drawn_alike(tmp_path, result(named), result(replace(named, guess=None, path="other.jpg")))
    assert not drawn_alike(tmp_path, result(guessed), result(match(1, 0.7, name="Ben")))
    assert not drawn_alike(tmp_path, result(nobody), result(replace(nobody, path="other.jpg")))


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1, 7, 25])
def test_any_number_of_queries_is_drawn_also_one_without_a_match(tmp_path, count):
    file = tmp_path / "out.png"
    matched = [match(rank, 0.7) for rank in range(1, 6)]
    plot([result(*(matched if number else []), note="no face") for number in range(count)], file, "title")
    assert file.is_file()
    assert [path.name for path in tmp_path.glob("*.part")] == []


@pytest.mark.slow
def test_many_matches_wrap_into_rows(tmp_path):
    sizes = {}
    for count in (1, 5, 6, 7, 20):
        file = tmp_path / "out.png"
        plot([result(*(match(rank, 0.7) for rank in range(1, count + 1)))], file, "title")
        with Image.open(file) as image:
            sizes[count] = image.size
    assert sizes[5][0] < sizes[6][0] == sizes[7][0] == sizes[20][0]
    assert sizes[1][1] == sizes[5][1] == sizes[6][1] < sizes[7][1] < sizes[20][1]


def test_a_query_that_is_not_a_picture_is_drawn_as_a_gap(tmp_path):
    broken = replace(result(note="not an image"), photo=b"not a picture")
    plot([broken], tmp_path / "out.png", "title")
    assert (tmp_path / "out.png").is_file()


@pytest.mark.parametrize(
    "text", [r"a$\no_{formula$", "$x$", "100 $", "[wife]", "{0}", "%s", "a\nb", "\x1b[31mred", "Zo\u0308e"]
)
def test_a_name_or_note_is_drawn_as_it_is_without_a_warning(tmp_path, text):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        plot([result(match(1, 0.7, name=text)), result(label=text, note=text)], tmp_path / "out.png", text)
    assert (tmp_path / "out.png").is_file()


def test_a_formula_is_drawn_as_the_text_that_it_is(tmp_path):
    assert not drawn_alike(tmp_path, *(result(match(1, 0.7, name=name)) for name in ("$x$", "x")))


def test_a_letter_that_no_font_has_is_drawn_as_its_code_and_one_of_another_font_as_it_is():
    assert drawn("Zoë Ωλ Жук") == "Zoë Ωλ Жук"
    assert drawn("Zo\u0308e") == drawn("Zöe") == "Zöe"
    assert drawn("a\U0010fffdb") == "a[U+10FFFD]b"
    # Circled letters are in STIX, which matplotlib has too, and not in DejaVu.
    assert drawn("ⓐ") == "ⓐ"


def test_a_letter_of_another_font_is_drawn_without_a_warning(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        letters = (result(match(1, 0.7, name=name)) for name in ("ⓐⓑ", "李明", "김철수", "\U0010fffd"))
        assert not drawn_alike(tmp_path, *letters)


def test_a_font_without_bold_letters_is_no_news(caplog):
    with lettering("x"):
        findfont(FontProperties(family="cmr10", weight="bold"))
    assert not caplog.records


def test_a_long_name_is_cut_to_the_width_of_a_photo():
    assert shortened("short", 26) == "short"
    assert len(shortened("Maximiliane Wilhelmina von und zu Hohenstein", 26)) == 26


def test_verdicts_begin_at_their_thresholds():
    assert [
        UNCALIBRATED.verdict(value)
        for value in (
            1,
            UNCALIBRATED.strong,
            UNCALIBRATED.strong - 1e-6,
            UNCALIBRATED.possible,
            UNCALIBRATED.possible - 1e-6,
            -1,
        )
    ] == [
        "strong",
        "strong",
        "possible",
        "possible",
        "unlikely",
        "unlikely",
    ]


def test_a_notebook_shows_dollar_signs_as_they_are(tmp_path):
    import matplotlib as mpl
    import pandas as pd
    from matplotlib.figure import Figure

    from faces.shown.notebook import plain_outputs

    with mpl.rc_context(), pd.option_context("display.html.use_mathjax", True):
        plain_outputs()
        shown = pd.DataFrame({"name": ["$\\href{javascript:alert(1)}{x}$<b>"]})._repr_html_()
        assert "tex2jax_ignore" in shown
        assert "<b>" not in shown
        figure = Figure()
        figure.subplots().set_title("$\\frac{$")
        figure.savefig(tmp_path / "drawn.png")
