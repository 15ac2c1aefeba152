"""The preview draws panels as Kibana would, and its scene has something for every one of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from tools import encoded

from board_preview import boards
from board_preview import renderer as renderers
from board_preview import scene as scenes
from board_preview.pictures import draw_panels
from board_preview.renderer import Action, RendererError, Size, running_renderer
from board_preview.vega_rules import Context, Panel, prepare
from es_setup.shipped_files import ALIASES

FILTER = "{bool: {must: [{match_all: {}}], should: [{ids: {values: [datum._id], boost: 1000}}]}}"


def gallery(index: str = "faces", url: str = "'data:image/jpeg;base64,' + datum._source.thumbnail") -> dict:
    """Madonna's photos side by side; a click on one chooses it."""
    query = {"bool": {"filter": [{"term": {"people": "Madonna"}}, "%dashboard_context-filter_clause%"]}}
    body = {"size": 5, "query": query, "sort": "@timestamp", "_source": ["thumbnail"]}
    click = {"events": "@photo:click", "update": f"kibanaAddFilter({FILTER}, '{index}', 'The chosen face')"}
    return {
        "$schema": "https://vega.github.io/schema/vega/v5.json",
        "data": [
            {
                "name": "photos",
                "url": {"index": "faces", "body": body},
                "format": {"property": "hits.hits"},
                "transform": [{"type": "window", "ops": ["row_number"], "as": ["place"]}],
            }
        ],
        "signals": [{"name": "chosen", "on": [click]}],
        "scales": [
            {
                "name": "x",
                "type": "band",
                "range": "width",
                "domain": {"data": "photos", "field": "place"},
                "padding": 0.1,
            }
        ],
        "marks": [
            {
                "type": "image",
                "name": "photo",
                "from": {"data": "photos"},
                "encode": {
                    "enter": {"url": {"signal": url}, "tooltip": {"signal": "{photo: datum._id}"}},
                    "update": {
                        "x": {"scale": "x", "field": "place"},
                        "width": {"scale": "x", "band": 1},
                        "height": {"signal": "height"},
                    },
                },
            },
            {
                "type": "text",
                "name": "id",
                "from": {"data": "photos"},
                "encode": {
                    "update": {
                        "x": {"scale": "x", "field": "place"},
                        "y": {"signal": "height"},
                        "text": {"signal": "datum._id"},
                        "limit": {"scale": "x", "band": 1},
                    }
                },
            },
        ],
    }


@pytest.fixture
def drawn(es, scene, renderer):
    """Draws a specification as a panel."""

    def draw(spec: dict, context: Context | None = None, **options: object):
        return renderer.draw(prepare(spec, context or Context(), es), **options)

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
    message = "External URLs are not enabled. Add vis_type_vega.enableExternalUrls: true to kibana.yml"
    assert found.errors == [message]
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
    after = drawn(gallery(), Context(filters=({"query": query, "meta": {"alias": alias}},)))
    assert after.rows == {"photos": 5}, "the filter chooses, and hides nothing"


def test_a_click_that_names_no_data_view_says_so(drawn):
    found = drawn(gallery(index="nothing"), actions=[Action("click", "photo")], data_views=["faces"])
    assert found.errors == ['Index "nothing" not found']
    assert found.calls == []


def test_a_tooltip_appears_under_the_mouse(drawn):
    found = drawn(gallery(), actions=[Action("hover", "photo", 1)])
    assert found.items("photo")[1].datum["_id"] in found.tooltip


def test_a_mark_that_is_not_there_cannot_be_clicked(drawn):
    with pytest.raises(RendererError, match=r"no item of mark \[face\] to click: it has 0"):
        drawn(gallery(), actions=[Action("click", "face")])


def test_a_specification_that_vega_refuses_is_drawn_as_its_error(drawn, tmp_path):
    broken = gallery() | {"scales": [{"name": "x", "type": "no-such-scale"}]}
    found = drawn(broken, file=tmp_path / "broken.png")
    assert "no-such-scale" in found.errors[0]
    assert (tmp_path / "broken.png").exists()
    assert drawn(gallery()).errors == [], "the next one isn't harmed"


def test_a_panel_that_is_never_done_ends_with_its_name_and_so_does_the_browser(monkeypatch):
    monkeypatch.setattr(renderers, "DRAW_TIMEOUT", 1)
    endless = {"name": "endless", "update": f"test(regexp('^(a+)+$'), '{'a' * 60}!')"}
    spec = {"$schema": "https://vega.github.io/schema/vega/v5.json", "signals": [endless]}
    with running_renderer() as renderer:
        for _ in range(2):
            with pytest.raises(RendererError, match=r"\[Endless\] wasn't drawn within 1 s"):
                renderer.draw(Panel(spec, {}, False, ()), "Endless")


def test_a_browser_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("CHROMIUM", "/no/such/browser")
    with pytest.raises(RendererError, match=r"no browser \[/no/such/browser\]"), running_renderer():
        pass


def board(*specs: dict) -> list[dict]:
    """Saved objects of a dashboard, as Kibana exports them, with a panel by value for each specification."""
    panels = [
        {
            "type": "visualization",
            "panelIndex": f"p{number}",
            "gridData": {"x": 0, "y": 0, "w": 24, "h": 10, "i": f"p{number}"},
            "embeddableConfig": {
                "savedVis": {
                    "title": f"Panel {number}?",
                    "type": "vega",
                    "params": {"spec": json.dumps(spec)},
                }
            },
        }
        for number, spec in enumerate(specs, 1)
    ]
    panels.append(panels[0] | {"type": "lens", "embeddableConfig": {}})
    source = {"query": {"query": "", "language": "kuery"}, "filter": []}
    dashboard = {
        "type": "dashboard",
        "id": "board",
        "references": [],
        "attributes": {
            "title": "Who: is this",
            "panelsJSON": json.dumps(panels),
            "timeRestore": True,
            "timeFrom": "now-50y",
            "timeTo": "now",
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(source)},
        },
    }
    view = {"type": "index-pattern", "id": "faces", "references": [], "attributes": {"title": "faces"}}
    return [dashboard, view]


def test_every_vega_panel_of_a_board_becomes_a_picture_and_a_broken_one_its_error(
    es, scene, renderer, tmp_path
):
    objects = board(gallery(), gallery() | {"$schema": "nonsense"})
    panels = boards.vega_panels(objects)
    first, second = draw_panels(panels, es, renderer, tmp_path, data_views=boards.data_views(objects))
    assert first.file.name == "who-is-this-panel-1.png"
    assert Image.open(first.file).size == (708, 272), "half of the board's width, ten of its rows"
    assert (first.drawn.errors, first.drawn.rows) == ([], {"photos": 5})
    assert second.drawn.errors[0].startswith('The URL for the JSON "$schema" is incorrect')
    assert second.file.exists()


def test_panels_of_one_title_and_boards_of_one_title_have_pictures_of_their_own():
    [one, *_] = board(*[gallery()] * 3)
    text = one["attributes"]["panelsJSON"].replace("Panel 2?", "Panel: 1").replace("Panel 3?", "Panel 1 (2)")
    one["attributes"]["panelsJSON"] = text
    panels = boards.vega_panels([one, one | {"id": "copy"}])
    names = ["panel-1", "panel-1-2", "panel-1-2-2", "panel-1-3", "panel-1-4", "panel-1-2-3"]
    assert [panel.name for panel in panels] == [f"who-is-this-{name}" for name in names]
    assert [panel.title for panel in panels[:3]] == ["Panel 1?", "Panel: 1", "Panel 1 (2)"]


def ids(es, index: str, query: dict) -> set[str]:
    return {hit["_id"] for hit in es.search(index=index, size=200, query=query)["hits"]["hits"]}


def test_the_scene_has_every_failure_that_can_be_had(es, scene):
    answer = es.search(
        index="faces,face-gallery",
        size=0,
        aggs={"codes": {"terms": {"field": "error.code", "size": 20}}},
    )
    assert {bucket["key"] for bucket in answer["aggregations"]["codes"]["buckets"]} == {
        *("not_base64", "not_an_image", "unsupported_format", "truncated", "damaged"),
        *("too_large", "too_many_pixels", "no_face", "several_faces", "unavailable"),
    }


def test_the_scene_has_names_on_group_photos_and_faces_that_nobody_named(es, scene, cache):
    groups = es.search(index="faces", size=20, query={"prefix": {"file.path": "groups/"}})["hits"]["hits"]
    names = [[face.get("label", {}).get("name") for face in group["_source"]["faces"]] for group in groups]
    assert len(groups) == 12
    assert all(len(people) >= 2 for people in names)
    assert sum(name is not None for people in names for name in people) >= 10
    assert sum(name is None for people in names for name in people) >= 10
    # Who is who was known: a labelled face is most like the person's portrait in the gallery.
    faces = {face["id"]: face for group in groups for face in group["_source"]["faces"]}
    named = [face for face in faces.values() if face.get("label", {}).get("name") == "Madonna"]
    for face in named:
        knn = {"field": "vector", "query_vector": face["vector"], "k": 1, "num_candidates": 50}
        [best] = es.search(index="face-gallery", knn=knn)["hits"]["hits"]
        assert best["_source"]["person"]["name"] == "Madonna"


def test_the_scene_has_hits_of_the_watch_list_strangers_and_doubtful_probes(es, scene):
    watched = ids(es, "face-probes", {"term": {"matched_tags": "watch"}})
    doubtful = ids(es, "face-probes", {"range": {"best_similarity": {"gte": 0.46, "lt": 0.6}}})
    sure = ids(es, "face-probes", {"range": {"best_similarity": {"gte": 0.6}}})
    nobody = {
        "bool": {
            "filter": [{"range": {"face_count": {"gte": 1}}}],
            "must_not": [{"exists": {"field": "best_similarity"}}],
        }
    }
    assert len(watched) >= 4
    assert len(doubtful) >= 4
    assert len(sure) >= 8
    assert len(ids(es, "face-probes", nobody)) >= 2


def test_the_scene_has_copies_poor_pictures_cameras_and_days(es, scene):
    found = es.search(
        index="faces",
        size=0,
        query={"bool": {"must_not": [{"exists": {"field": "error.code"}}]}},
        aggs={
            "copies": {"terms": {"field": "file.hash.sha256", "min_doc_count": 2}},
            "cameras": {"terms": {"field": "observer.name"}},
            "days": {
                "date_histogram": {"field": "@timestamp", "calendar_interval": "1d", "min_doc_count": 1}
            },
            "poor": {"filter": {"range": {"best_quality": {"lt": 0.3}}}},
            "empty": {"filter": {"term": {"tags": "no_face"}}},
        },
    )["aggregations"]
    assert len(found["copies"]["buckets"]) == 2
    assert len(found["cameras"]["buckets"]) == 4
    assert len(found["days"]["buckets"]) >= 18
    assert found["poor"]["doc_count"] >= 5
    assert found["empty"]["doc_count"] == 4


def test_loading_the_scene_again_changes_nothing_and_leaves_nothing_behind(es, scene, cache):
    def stored() -> dict[str, tuple]:
        hits = es.search(index="face*", size=500, source_excludes=["image", "*.vector"])["hits"]["hits"]
        return {
            hit["_id"]: [hit["_source"].get(name) for name in ("@timestamp", "face_count", "people", "error")]
            + [[face.get("label") for face in hit["_source"].get("faces", [])]]
            for hit in hits
        }

    before = stored()
    assert scenes.load(es, cache.sample) == scene
    assert stored() == before
    assert sum(scene.documents.values()) == len(before)
    assert_nothing_is_left_behind(es)


def assert_nothing_is_left_behind(es) -> None:
    assert not es.options(ignore_status=404).ingest.get_pipeline(id=scenes.AWAY).body
    assert scenes.AWAY not in json.dumps(es.cluster.get_settings(flat_settings=True).body)


def test_a_load_that_breaks_off_leaves_nothing_behind(es, scene, cache):
    def breaking_off(drops, total, what):
        yield next(drops)
        raise KeyboardInterrupt

    # What is raised holds on to the frames, and so to what was going on in them.
    with pytest.raises(KeyboardInterrupt):
        scenes.load(es, cache.sample, breaking_off)
    assert_nothing_is_left_behind(es)


def test_the_scene_is_not_mixed_with_documents_of_others(es, scene, portrait, running):
    def written() -> int:
        stats = es.indices.stats(index=ALIASES, metric="indexing")
        return stats["_all"]["primaries"]["indexing"]["index_total"]

    for alias in ("faces", "face-probes"):
        es.index(index=alias, id="mine", document={"image": encoded(portrait)})
    before = written()
    try:
        run = preview("--load", ES_URL=running.connection.es_url)
    finally:
        for alias in ("faces", "face-probes"):
            es.delete(index=alias, id="mine", refresh=True)
    assert run.returncode == 1
    assert "aren't the scene's: 1 in [faces], 1 in [face-probes]. The scene is for an empty" in run.stderr
    assert "Traceback" not in run.stderr
    assert written() == before


def preview(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "board_preview", *arguments],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_command_loads_the_scene_into_an_elasticsearch_that_runs(es, scene, running):
    run = preview("--load", "--json", ES_URL=running.connection.es_url)
    assert run.returncode == 0, run.stderr
    assert "Warning" not in run.stderr
    assert json.loads(run.stdout) == {"documents": scene.documents}


def test_the_command_says_what_is_wrong_with_its_call(tmp_path):
    assert preview().returncode == 2
    both = preview("--load", "--calibrated")
    assert both.returncode == 2
    assert "--calibrated draws the project's boards: give it with --out FOLDER alone" in both.stderr
    missing = preview("--out", str(tmp_path), "--objects", str(tmp_path / "none.ndjson"))
    assert missing.returncode == 1
    assert "none.ndjson" in missing.stderr
    assert "Traceback" not in missing.stderr
    for text, said in (("nonsense", "one a line"), ('{"type": "dashboard", "id": "d"}', "dashboard [d]")):
        (tmp_path / "odd.ndjson").write_text(text)
        odd = preview("--out", str(tmp_path), "--objects", str(tmp_path / "odd.ndjson"))
        assert odd.returncode == 1
        assert said in odd.stderr
        assert "Traceback" not in odd.stderr
