"""The Vega panels of saved boards, and their pictures."""

from __future__ import annotations

import pytest
from example_board import board, gallery
from PIL import Image

from board_preview.drawn_panels import draw_panels
from board_preview.vega_panels import data_views, vega_panels


def test_every_vega_panel_of_a_board_becomes_a_picture_and_a_broken_one_its_error(
    es, scene, renderer, tmp_path
):
    objects = board(gallery(), gallery() | {"$schema": "nonsense"})
    panels = vega_panels(objects)
    first, second = draw_panels(panels, es, renderer, tmp_path, data_views=data_views(objects))
    assert first.file.name == "who-is-this-panel-1.png"
    assert Image.open(first.file).size == (708, 272), "half of the board's width, ten of its rows"
    assert (first.drawing.errors, first.drawing.rows) == ([], {"photos": 5})
    assert '"$schema"' in second.drawing.errors[0]
    assert second.file.exists()


def test_panels_of_one_title_and_boards_of_one_title_have_pictures_of_their_own():
    [one, *_] = board(*[gallery()] * 3)
    text = one["attributes"]["panelsJSON"].replace("Panel 2?", "Panel: 1").replace("Panel 3?", "Panel 1 (2)")
    one["attributes"]["panelsJSON"] = text
    panels = vega_panels([one, one | {"id": "copy"}])
    names = ["panel-1", "panel-1-2", "panel-1-2-2", "panel-1-3", "panel-1-4", "panel-1-2-3"]
    assert [panel.name for panel in panels] == [f"who-is-this-{name}" for name in names]
    assert [panel.title for panel in panels[:3]] == ["Panel 1?", "Panel: 1", "Panel 1 (2)"]


@pytest.mark.parametrize(
    "one",
    [
        {"type": "dashboard", "id": "d"},
        {"type": "dashboard", "id": "d", "attributes": {"title": "D", "panelsJSON": "["}},
    ],
    ids=["no attributes", "no JSON"],
)
def test_a_board_in_another_form_is_named(one):
    with pytest.raises(ValueError, match=r"dashboard \[d\]"):
        vega_panels([one])


def test_the_summary_at_an_exports_end_is_no_board():
    assert vega_panels([{"exportedCount": 9, "missingRefCount": 0}]) == []
