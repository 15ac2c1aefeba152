"""The verdicts on the shipped boards, drawn over the scene with and without a calibration."""

from __future__ import annotations

import re

import pytest
from drawn_boards import (
    CALIBRATED,
    CALIBRATED_PANELS,
    GALLERY,
    NEWEST,
    PANELS,
    PORTRAITS,
    REVIEW,
    WATCH,
    assert_apart,
    texts,
)
from PIL import Image, ImageColor

from board_preview.chromium import Action
from ingest_service.verdicts import UNCALIBRATED
from kibana.objects import vega_marks as marks
from kibana.verdicts import NOT_CALIBRATED

SIMILAR = [(GALLERY, "face"), (NEWEST, "match"), (WATCH, "match"), (PORTRAITS, "portrait")]
"""Panels, and their marks with a similarity."""
COLOURS = {"strong": marks.STRONG_COLOR, "possible": marks.POSSIBLE_COLOR, "unlikely": marks.UNLIKELY_COLOR}


@pytest.mark.parametrize(
    ("panels", "verdicts"),
    [(PANELS, NOT_CALIBRATED), (CALIBRATED_PANELS, CALIBRATED)],
    ids=["not calibrated", "calibrated"],
)
@pytest.mark.parametrize(("name", "mark"), SIMILAR)
def test_colours_are_those_of_the_verdicts_and_the_thresholds_are_above_them(
    draw, tmp_path, name, mark, panels, verdicts
):
    drawn = draw(name, panels=panels, file=tmp_path / "panel.png")
    heading = [text for text in texts(drawn) if text.endswith(verdicts.words)]
    assert len(heading) == 1
    picture = Image.open(tmp_path / "panel.png").convert("RGB")
    faces = drawn.items(mark)
    assert faces
    for face in faces:
        wanted = COLOURS[verdicts.thresholds.verdict(face.datum["similarity"])]
        # The left end of the bar below a face is always drawn.
        bar = picture.getpixel((round(face.x), round(face.y + face.height) + 4))
        assert bar == ImageColor.getrgb(wanted), face.datum["similarity"]


def test_a_calibration_makes_possible_matches_strong_and_others_unlikely(draw):
    thresholds = CALIBRATED.thresholds
    found = [
        item.datum["similarity"]
        for name, mark in SIMILAR
        for item in draw(name, panels=CALIBRATED_PANELS).items(mark)
    ]
    assert any(thresholds.strong <= one < UNCALIBRATED.strong for one in found)
    assert any(UNCALIBRATED.possible <= one < thresholds.possible for one in found)
    best = {
        item.datum["face"]: item.datum["similarity"]
        for item in draw(REVIEW, panels=CALIBRATED_PANELS).items("match")
        if item.datum["place"] == 0
    }
    assert best
    assert all(thresholds.possible <= one < thresholds.strong for one in best.values())


def test_probes_of_an_older_release_are_reviewed_by_the_similarity_of_their_match(es, draw):
    def document(similarity: float) -> dict:
        match = {"name": "Ann", "gallery_id": "ann", "similarity": similarity}
        face = {"id": f"older-{similarity}", "crop": "", "match": match, "candidates": [match]}
        return {"@timestamp": "2026-01-01T00:00:00Z", "faces": [face]}

    older = [{"ids": {"values": ["older-0.5", "older-0.7"]}}]
    for similarity in (0.5, 0.7):
        es.index(
            index="face-probes",
            id=f"older-{similarity}",
            document=document(similarity),
            pipeline="_none",
            refresh=True,
        )
    try:
        drawn = draw(REVIEW, filters=older)
    finally:
        for similarity in (0.5, 0.7):
            es.delete(index="face-probes", id=f"older-{similarity}", refresh=True)
    assert [item.datum["similarity"] for item in drawn.items("match")] == [0.5]


def test_no_score_seems_to_reach_a_threshold_that_it_does_not(draw):
    verdict_of = CALIBRATED.thresholds.verdict
    shown = [
        text for text in texts(draw(GALLERY, panels=CALIBRATED_PANELS)) if re.match(r".?\d\.\d{4} ", text)
    ]
    assert len(shown) >= 30
    for text in shown:
        number, verdict = text.split(" ")
        assert verdict == verdict_of(float(number.replace("\N{MINUS SIGN}", "-")))


def test_a_match_shows_its_probability_where_it_has_one_and_nothing_where_not(es, scene, draw):
    (hit,) = es.search(
        index="face-probes",
        size=1,
        query={"bool": {"filter": [{"term": {"face_count": 1}}, {"term": {"matched_tags": "watch"}}]}},
        sort={"@timestamp": "desc"},
    )["hits"]["hits"]
    without, faces = draw(NEWEST, panels=CALIBRATED_PANELS), hit["_source"]["faces"]
    assert not any("%" in text for text in texts(without) if not text.endswith(CALIBRATED.source))
    likely = [candidate | {"probability": 0.9996} for candidate in faces[0]["candidates"]]
    es.update(
        index="face-probes",
        id=hit["_id"],
        doc={"faces": [faces[0] | {"candidates": likely}]},
        refresh=True,
    )
    try:
        action = Action("hover", "match", where={"document": hit["_id"]})
        drawn = draw(NEWEST, panels=CALIBRATED_PANELS, actions=[action])
        other = next(item.datum for item in drawn.items("match") if item.datum["document"] != hit["_id"])
        action = Action("hover", "match", where={"document": other["document"]})
        plain = draw(NEWEST, panels=CALIBRATED_PANELS, actions=[action]).tooltip
    finally:
        es.update(index="face-probes", id=hit["_id"], doc={"faces": faces}, refresh=True)
    with_percent = [text for text in texts(drawn) if re.fullmatch(r"● 0\.\d{4} 99 %", text)]
    assert len(with_percent) == min(len(likely), 3)
    assert re.search(r"probability\W+99 %", re.sub("<[^>]*>", " ", drawn.tooltip))
    assert "similarity" in plain
    assert "probability" not in plain


@pytest.mark.parametrize("name", [GALLERY, NEWEST, WATCH, REVIEW, PORTRAITS])
def test_calibrated_panels_have_room_for_their_texts(draw, name):
    drawn = draw(name, panels=CALIBRATED_PANELS)
    assert drawn.errors == drawn.warnings == []
    size = CALIBRATED_PANELS[name].size
    items = [item for mark in drawn.marks if mark.type == "text" for item in mark.items if item.text]
    assert_apart(items)
    assert all(item.x + item.width <= size.width + 1 for item in items)
