"""Chromium draws panels as Kibana does."""

from __future__ import annotations

import pytest
from example_board import gallery
from PIL import Image

from board_preview import chromium
from board_preview.chromium import Action, Size, running_renderer
from board_preview.dashboard_context import DashboardContext
from board_preview.errors import RendererError
from board_preview.prepared_panel import PreparedPanel, prepare


@pytest.fixture
def drawn(es, scene, renderer):
    """Draws a specification as a panel."""

    def draw(spec: dict, context: DashboardContext | None = None, **options: object):
        return renderer.draw(prepare(spec, context or DashboardContext(), es), **options)

    return draw


def test_a_panel_shows_the_faces_of_its_documents(drawn, tmp_path):
    found = drawn(gallery(), title="Who?", size=Size(700, 300), file=tmp_path / "who.png")
    assert found.errors == []
    assert found.rows == {"photos": 5}
    assert [photo.loaded for photo in found.items("photo")] == [True] * 5
    assert found.items("id")[0].text == found.items("photo")[0].datum["_id"]
    picture = Image.open(tmp_path / "who.png").convert("RGB")
    assert picture.size == (700, 300)
    box = found.items("photo")[0]
    shown = picture.crop((round(box.x), round(box.y), round(box.x + box.width), round(box.y + box.height)))
    assert len(shown.getcolors(1_000_000)) > 500, "a photo, not an empty frame"


def test_a_panel_takes_the_size_that_the_board_gives_it(drawn):
    small, large = (drawn(gallery(), size=Size(width, 300)) for width in (400, 800))
    for found, width in ((small, 400), (large, 800)):
        photos = found.items("photo")
        assert photos[0].x > 0
        assert width * 0.9 < photos[-1].x + photos[-1].width <= width


def test_pictures_need_kibanas_setting(drawn):
    found = drawn(gallery(), external_urls=False)
    (error,) = found.errors
    assert "vis_type_vega.enableExternalUrls" in error
    assert not any(photo.loaded for photo in found.items("photo"))
    assert len(found.items("id")) == 5, "what is no picture is drawn"


def test_nothing_is_fetched_from_anywhere(drawn):
    found = drawn(gallery(url="'https://example.org/' + datum._id"))
    assert not any(photo.loaded for photo in found.items("photo"))


def test_a_click_on_a_face_adds_a_filter_that_the_next_search_takes(drawn):
    chosen = drawn(gallery()).items("photo")[2].datum["_id"]
    click = Action("click", "photo", where={"_id": chosen})
    [call] = drawn(gallery(), actions=[click], data_views=["faces"]).calls
    assert call.name == "kibanaAddFilter"
    query, index, alias = call.args
    assert (index, alias) == ("faces", "The chosen face")
    assert query["bool"]["should"] == [{"ids": {"values": [chosen], "boost": 1000}}]
    after = drawn(gallery(), DashboardContext(filters=({"query": query, "meta": {"alias": alias}},)))
    assert after.rows == {"photos": 5}, "the filter chooses, and hides nothing"


def test_a_click_that_names_no_data_view_says_so(drawn):
    found = drawn(gallery(index="nothing"), actions=[Action("click", "photo")], data_views=["faces"])
    (error,) = found.errors
    assert '"nothing"' in error
    assert found.calls == []


def test_a_tooltip_appears_under_the_mouse(drawn):
    found = drawn(gallery(), actions=[Action("hover", "photo", 1)])
    assert found.items("photo")[1].datum["_id"] in found.tooltip


def test_a_mark_that_is_not_there_cannot_be_clicked(drawn):
    with pytest.raises(RendererError, match=r"\[face\].*\b0\b"):
        drawn(gallery(), actions=[Action("click", "face")])


def test_a_specification_that_vega_refuses_is_drawn_as_its_error(drawn, tmp_path):
    broken = gallery() | {"scales": [{"name": "x", "type": "no-such-scale"}]}
    found = drawn(broken, file=tmp_path / "broken.png")
    assert "no-such-scale" in found.errors[0]
    assert (tmp_path / "broken.png").exists()
    assert drawn(gallery()).errors == [], "the next one is drawn"


def test_a_panel_that_is_never_done_ends_with_its_name_and_so_does_the_browser(monkeypatch):
    monkeypatch.setattr(chromium, "DRAW_TIMEOUT", 1)
    endless = {"name": "endless", "update": f"test(regexp('^(a+)+$'), '{'a' * 60}!')"}
    spec = {"$schema": "https://vega.github.io/schema/vega/v5.json", "signals": [endless]}
    with running_renderer() as renderer:
        for _ in range(2):
            with pytest.raises(RendererError, match=r"\[Endless\].*\b1 s\b"):
                renderer.draw(PreparedPanel(spec, {}, False, ()), "Endless")


def test_a_browser_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/no/such/browser")
    with pytest.raises(RendererError, match=r"\[/no/such/browser\].*CHROMIUM"), running_renderer():
        pass
