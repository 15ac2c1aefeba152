"""The shipped boards, drawn over the scene: every panel shows something, fits, and reacts to clicks."""

from __future__ import annotations

import json
import re

import pytest
from drawn_boards import GALLERY, PANELS, assert_apart, texts

from board_preview.chromium import Action
from board_preview.prepared_panel import prepare


@pytest.mark.parametrize("name", PANELS)
def test_every_vega_panel_has_something_to_show_and_no_errors(draw, name):
    drawn = draw(name)
    assert drawn.errors == drawn.warnings == []
    assert all(drawn.rows.values()), drawn.rows
    seen = [mark for mark in drawn.marks if mark.role == "mark" and mark.type in ("image", "rect", "line")]
    assert any(mark.items for mark in seen)
    pictures = [item for mark in drawn.marks if mark.type == "image" for item in mark.items]
    assert all(item.loaded for item in pictures)


@pytest.mark.parametrize("name", PANELS)
def test_texts_and_pictures_stay_inside_of_their_panel(draw, name):
    size = PANELS[name].size
    for mark in draw(name).marks:
        for item in mark.items if mark.type in ("image", "text") else ():
            assert item.x >= -1, item
            assert item.y >= -1, item
            assert item.x + item.width <= size.width + 1, item
            assert item.y + item.height <= size.height + 1, item


@pytest.mark.parametrize("name", PANELS)
def test_no_text_lies_upon_another(draw, name):
    items = [item for mark in draw(name).marks if mark.type == "text" for item in mark.items if item.text]
    assert_apart(items)


def test_a_click_on_a_person_narrows_the_board_to_their_photos(es, draw):
    name = "exploration-who-is-in-the-archive"
    person = draw(name).items("person")[0].datum
    (call,) = draw(name, actions=[Action("click", "person", 0)]).calls
    assert call.args == [{"term": {"people": person["name"]}}, "faces", f"Person: {person['name']}"]
    (only,) = [
        item
        for item in draw(name, filters=[call.args[0]]).items("person")
        if item.datum["name"] == person["name"]
    ]
    assert only.datum["photos"] == person["photos"]


def test_a_click_on_a_pair_or_a_copy_narrows_the_board_to_its_photos(es, draw):
    for name, mark, count in (
        ("exploration-who-is-seen-together", "left", "photos"),
        ("exploration-who-is-seen-together", "right_plate", "photos"),
        ("ingest-health-which-photos-are-there-more-than-once", "copy", "count"),
    ):
        first = draw(name).items(mark)[0].datum
        (call,) = draw(name, actions=[Action("click", mark, 0)]).calls
        index = call.args[1]
        assert es.count(index=index, query=call.args[0])["count"] == first[count]


def test_without_the_setting_for_pictures_kibana_says_so_and_the_names_stay(draw):
    drawn = draw(GALLERY, external_urls=False)
    assert any("vis_type_vega.enableExternalUrls" in error for error in drawn.errors)
    assert not any(item.loaded for item in drawn.items("face"))
    assert "Madonna" in texts(drawn)


def test_with_many_observers_the_largest_keep_their_colours_and_the_rest_is_one(es, scene, draw):
    name = "exploration-how-many-faces-when-and-where"
    before = draw(name)
    ids = [f"many-{number}" for number in range(40)]
    for number, key in enumerate(ids):
        source = {
            "observer": {"name": f"Camera {number}"},
            "@timestamp": "2026-03-12T12:00:00Z",
            "face_count": 1,
        }
        # Without the pipeline: these documents are only counted.
        es.index(index="faces", id=key, document=source, pipeline="_none")
    es.indices.refresh(index="faces")
    try:
        drawn = draw(name)
        legend = [text for text in texts(drawn) if text == "(others)" or text.startswith("Camera ")]
        assert "(others)" in legend
        assert len({item.datum["series"] for item in drawn.items("bar")}) == 8
        assert sum(item.datum["amount"] for item in drawn.items("bar")) == 40 + sum(
            item.datum["amount"] for item in before.items("bar")
        )
    finally:
        for key in ids:
            es.delete(index="faces", id=key)
        es.indices.refresh(index="faces")


def test_the_wall_of_people_counts_what_the_table_beside_it_counts(es, draw):
    people = es.search(index="faces", size=0, aggs={"people": {"terms": {"field": "people", "size": 60}}})
    counted = {one["key"]: one["doc_count"] for one in people["aggregations"]["people"]["buckets"]}
    drawn = draw("exploration-who-is-in-the-archive")
    assert {item.datum["name"]: item.datum["photos"] for item in drawn.items("person")} == counted
    assert any(text.endswith(f": {len(counted)} of {len(counted)}") for text in texts(drawn))


@pytest.mark.parametrize(
    ("name", "mark"),
    [
        ("exploration-who-is-in-the-archive", "person"),
        ("exploration-who-is-seen-together", "left"),
        ("exploration-how-many-faces-when-and-where", "bar"),
    ],
)
def test_an_empty_board_says_so(draw, name, mark):
    drawn = draw(name, filters=[{"term": {"people": "nobody"}}])
    assert drawn.items(mark) == []
    assert any(len(text.split()) > 2 for text in texts(drawn)), "a sentence in place of the marks"
    assert drawn.errors == []


@pytest.mark.parametrize("name", [name for name in PANELS if name.startswith(("exploration", "ingest"))])
def test_a_board_is_calm_before_there_is_any_index(es, renderer, name):
    panel = PANELS[name]
    spec = json.loads(re.sub(r'("index": )"face[a-z,-]*"', r'\1"not-there"', json.dumps(panel.spec)))
    assert {data["url"]["index"] for data in spec["data"] if "url" in data} == {"not-there"}
    drawn = renderer.draw(prepare(spec, panel.context, es), panel.title, panel.size)
    assert drawn.errors == []
    assert texts(drawn)
