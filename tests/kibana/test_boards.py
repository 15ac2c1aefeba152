"""The shipped boards, drawn over the scene: every face is seen, and a click does what it should."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from urllib.parse import unquote

import pytest
from PIL import Image, ImageColor
from tools import encoded

from board_preview import boards
from board_preview import scene as scenes
from board_preview.renderer import Action
from board_preview.vega_rules import prepare
from faces.calibration.board_verdicts import of_calibration
from ingest_service.verdicts import POSSIBLE, STRONG
from kibana import build, importing
from kibana.objects import vega
from kibana.verdicts import NOT_CALIBRATED

SHIPPED = importing.shipped()
PANELS = {panel.name: panel for panel in boards.vega_panels(SHIPPED)}
CALIBRATED = of_calibration(scenes.CALIBRATION)
CALIBRATED_PANELS = {panel.name: panel for panel in boards.vega_panels(build.objects(CALIBRATED))}
GALLERY = "face-search-who-looks-like-the-chosen-face"
PORTRAITS = "probes-who-is-this-whom-does-the-chosen-probe-look-like"
NEWEST = "probes-who-is-this-who-is-this-the-newest-probes"
WATCH = "probes-who-is-this-who-is-on-the-watch-list"
REVIEW = "probes-who-is-this-is-it-the-same-person-the-possible-matches"
COLOURS = {"strong": vega.STRONG_COLOR, "possible": vega.POSSIBLE_COLOR, "unlikely": vega.UNLIKELY_COLOR}


@pytest.fixture
def draw(es, scene, renderer):
    """Draws a shipped panel, under more filters or another query of the board."""

    def drawn(name: str, filters=(), query=None, actions=(), panels=PANELS, **options):
        panel = panels[name]
        context = replace(panel.context, filters=tuple({"query": one, "meta": {}} for one in filters))
        context = replace(context, query=query) if query else context
        return renderer.draw(
            prepare(panel.spec, context, es),
            panel.title,
            panel.size,
            actions=actions,
            data_views=boards.data_views(SHIPPED),
            **options,
        )

    return drawn


def texts(drawn) -> list[str]:
    return [item.text for mark in drawn.marks if mark.type == "text" for item in mark.items if item.text]


def chosen(document: str, face: str) -> dict:
    """The filter that a click on a face adds."""
    nested = {"path": "faces", "ignore_unmapped": True, "query": {"term": {"faces.id": face}}}
    both = [{"ids": {"values": [document]}}, {"nested": nested}]
    clause = {"bool": {"must": both, "boost": 1000, "_name": f"face:{face}"}}
    return {"bool": {"must": [{"match_all": {}}], "should": [clause]}}


@pytest.mark.parametrize("name", PANELS)
def test_every_vega_panel_has_something_to_show_and_nothing_to_complain_of(draw, name):
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


def assert_apart(items) -> None:
    for number, one in enumerate(items):
        for other in items[number + 1 :]:
            across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
            down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
            assert across <= 1 or down <= 2, (one.text, other.text)


def test_the_newest_photos_largest_face_is_chosen_until_somebody_clicks(es, scene, draw):
    newest = es.search(
        index="faces", size=1, query={"range": {"face_count": {"gte": 1}}}, sort={"@timestamp": "desc"}
    )["hits"]["hits"][0]
    (seed,) = draw(GALLERY).items("seed_face")
    assert seed.datum["document"] == newest["_id"]
    assert seed.datum["face"] == newest["_source"]["faces"][0]["id"]


def test_the_gallery_has_the_nearest_faces_and_no_others(es, draw):
    drawn = draw(GALLERY)
    (seed,) = drawn.items("seed_face")
    stored = es.get(index="faces", id=seed.datum["document"])["_source"]["faces"]
    (vector,) = [face["vector"] for face in stored if face["id"] == seed.datum["face"]]
    knn = {"field": "faces.vector", "k": 60, "num_candidates": 300, "query_vector": vector}
    exact = es.search(index="faces", size=60, knn=knn, source=False)["hits"]["hits"]
    shown = [item.datum for item in drawn.items("face")]
    assert len(shown) >= 30
    others = [hit for hit in exact if hit["_id"] != seed.datum["document"]]
    assert [one["similarity"] for one in shown] == pytest.approx(
        [2 * hit["_score"] - 1 for hit in others[: len(shown)]], abs=1e-5
    )
    for one, text in zip(shown, [t for t in texts(drawn) if re.match(r".?\d\.\d\d ", t)], strict=True):
        verdict = "strong" if one["similarity"] >= STRONG else "unlikely"
        verdict = "possible" if POSSIBLE <= one["similarity"] < STRONG else verdict
        assert text.endswith(f" {verdict}")


@pytest.mark.parametrize(
    ("panels", "verdicts"),
    [(PANELS, NOT_CALIBRATED), (CALIBRATED_PANELS, CALIBRATED)],
    ids=["not calibrated", "calibrated"],
)
@pytest.mark.parametrize(
    ("name", "mark"), [(GALLERY, "face"), (NEWEST, "match"), (WATCH, "match"), (PORTRAITS, "portrait")]
)
def test_colours_are_those_of_the_verdicts_and_the_lines_stand_above_them(
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
        # Of the bar below a face its left end is always there.
        bar = picture.getpixel((round(face.x), round(face.y + face.height) + 4))
        assert bar == ImageColor.getrgb(wanted), face.datum["similarity"]


def test_a_calibration_makes_possible_matches_strong_and_others_unlikely(draw):
    lines = CALIBRATED.thresholds
    found = [item.datum["similarity"] for item in draw(WATCH, panels=CALIBRATED_PANELS).items("match")]
    assert any(lines.strong <= one < STRONG for one in found)
    assert any(POSSIBLE <= one < lines.possible for one in found)
    best = {
        item.datum["face"]: item.datum["similarity"]
        for item in draw(REVIEW, panels=CALIBRATED_PANELS).items("match")
        if item.datum["place"] == 0
    }
    assert best
    assert all(lines.possible <= one < lines.strong for one in best.values())


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


def test_no_score_seems_to_reach_a_line_that_it_does_not(draw):
    words = CALIBRATED.thresholds.verdict
    shown = [
        text for text in texts(draw(GALLERY, panels=CALIBRATED_PANELS)) if re.match(r".?\d\.\d{4} ", text)
    ]
    assert len(shown) >= 30
    for text in shown:
        number, verdict = text.split(" ")
        assert verdict == words(float(number.replace("\N{MINUS SIGN}", "-")))


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


def test_a_click_makes_a_face_the_query_and_leaves_the_other_panels_their_rows(es, draw):
    before = draw(GALLERY)
    number = next(at for at, item in enumerate(before.items("face")) if item.datum["similarity"] < POSSIBLE)
    wanted = before.items("face")[number].datum
    clicked = draw(GALLERY, actions=[Action("click", "face", number)])
    (call,) = clicked.calls
    assert call.name == "kibanaAddFilter"
    query, view, label = call.args
    assert query == chosen(wanted["document"], wanted["face"])
    assert view == "faces"
    assert label.startswith("Chosen face: ")

    after = draw(GALLERY, filters=[query])
    (seed,) = after.items("seed_face")
    assert (seed.datum["document"], seed.datum["face"]) == (wanted["document"], wanted["face"])
    first, last = after.items("face")[0].datum, after.items("face")[-1].datum
    assert first["similarity"] > last["similarity"]
    assert [item.datum["face"] for item in after.items("face")] != [
        item.datum["face"] for item in before.items("face")
    ]
    everything = es.count(index="faces")["count"]
    assert es.count(index="faces", query={"bool": {"filter": [query]}})["count"] == everything
    for name in PANELS:
        if name.startswith("exploration"):
            assert draw(name, filters=[query]).rows == draw(name).rows

    # The next click takes the former filter back.
    again = draw(GALLERY, filters=[query], actions=[Action("click", "face", 0)])
    assert [call.name for call in again.calls] == ["kibanaRemoveFilter", "kibanaAddFilter"]
    assert again.calls[0].args == [query, "faces"]
    assert again.calls[1].args[0] != query


def test_a_click_on_one_face_of_a_group_means_this_face(es, draw):
    group = es.search(
        index="faces", size=1, query={"range": {"face_count": {"gte": 2}}}, sort={"@timestamp": "desc"}
    )["hits"]["hits"][0]
    for face in group["_source"]["faces"]:
        choice = chosen(group["_id"], face["id"])
        (seed,) = draw(GALLERY, filters=[choice]).items("seed_face")
        assert seed.datum["face"] == face["id"]


def test_controls_narrow_the_gallery(draw):
    drawn = draw(
        GALLERY, filters=[{"term": {"people": "Madonna"}}, {"range": {"best_quality": {"gte": 0.5}}}]
    )
    assert drawn.items("face")
    (seed,) = drawn.items("seed_face")
    names = {item.datum["name"] for item in [seed, *drawn.items("face")]}
    assert "Madonna" in names
    assert len(drawn.items("face")) < len(draw(GALLERY).items("face"))


def test_a_click_on_a_probe_asks_the_whole_gallery_who_it_looks_like(es, draw):
    lines = draw(NEWEST).items("probe")
    at, probe = next((at, item.datum) for at, item in enumerate(lines) if item.datum["candidates"])
    (call,) = draw(NEWEST, actions=[Action("click", "probe", at)]).calls
    assert call.args[1] == "face-probes"
    drawn = draw(PORTRAITS, filters=[call.args[0]])
    (seed,) = drawn.items("seed_face")
    assert seed.datum["face"] == probe["face"]
    best = drawn.items("portrait")[0].datum
    assert best["name"] == probe["candidates"][0]["name"]
    assert best["similarity"] == pytest.approx(probe["candidates"][0]["similarity"], abs=1e-3)
    everybody = es.count(index="face-gallery", query={"exists": {"field": "vector"}})["count"]
    assert len(drawn.items("portrait")) == everybody


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
    assert any("External URLs are not enabled" in error for error in drawn.errors)
    assert not any(item.loaded for item in drawn.items("face"))
    assert "Madonna" in texts(drawn)


def test_the_tables_link_ranks_photos_by_a_face_in_discover_and_needs_no_setting(es, scene):
    views = {one["id"]: one for one in SHIPPED if one["type"] == "index-pattern"}
    for view, index in (("ingest-face-faces", "faces"), ("ingest-face-probes", "face-probes")):
        form = json.loads(views[view]["attributes"]["fieldFormatMap"])["_id"]["params"]
        document = es.search(index=index, size=1, query={"range": {"face_count": {"gte": 1}}})["hits"][
            "hits"
        ][0]
        address = form["urlTemplate"].replace("{{value}}", document["_id"])
        state = rison(unquote(re.fullmatch(r"\.\./app/discover#/\?_g=.*&_a=(.*)", address)[1]))
        assert state["dataSource"]["dataViewId"] in views
        assert state["query"]["language"] == "lucene"
        assert state["sort"] == [["_score", "desc"]]
        # As Discover asks: the query in `must`, the best first.
        query = {"bool": {"must": [state["query"]["query"]]}}
        hits = es.search(index="faces", query=query, sort="_score", size=10)["hits"]["hits"]
        scores = [hit["_score"] for hit in hits]
        assert scores == sorted(scores, reverse=True)
        assert len(hits) == 10
        if index == "faces":
            assert hits[0]["_id"] == document["_id"]
            assert scores[0] == pytest.approx(1, abs=1e-4)


def test_the_gallerys_twin_ranks_photos_and_follows_the_controls(es, draw):
    board = next(one for one in SHIPPED if one["id"] == "ingest-face-search")
    panels = json.loads(board["attributes"]["panelsJSON"])
    (twin,) = [panel for panel in panels if panel["panelIndex"] == "ranked"]
    source = json.loads(twin["embeddableConfig"]["attributes"]["kibanaSavedObjectMeta"]["searchSourceJSON"])
    body = {"must": [source["query"]["query"]], "filter": [{"term": {"people": "Madonna"}}]}
    hits = es.search(index="faces", query={"bool": body}, sort="_score", docvalue_fields=["people"])["hits"][
        "hits"
    ]
    assert hits
    assert all("Madonna" in hit["fields"]["people"] for hit in hits)
    everybody = es.search(index="faces", query={"bool": {"must": body["must"]}}, sort="_score")["hits"][
        "hits"
    ]
    (seed,) = draw(GALLERY).items("seed_face")
    assert everybody[0]["_id"] == seed.datum["document"]


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
        # Past the pipeline: it is about counting.
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
    assert f"With the most photos: {len(counted)} of {len(counted)}" in texts(drawn)


def test_an_id_in_two_indices_of_the_archive_means_the_photo_that_was_clicked(
    es, scene, draw, portrait, people
):
    es.indices.create(index="faces-000002", aliases={"faces": {}})
    try:
        twice = {"faces-000001": portrait, "faces-000002": people["elton_john"][0]}
        for index, photo in twice.items():
            document = {"image": encoded(photo), "@timestamp": "2026-04-01T12:00:00Z"}
            es.index(index=index, id="twice", document=document, refresh=True)
        for index in twice:
            face = es.get(index=index, id="twice")["_source"]["faces"][0]["id"]
            (seed,) = draw(GALLERY, filters=[chosen("twice", face)]).items("seed_face")
            assert seed.datum["face"] == face
    finally:
        es.indices.delete(index="faces-000002")
        es.delete(index="faces-000001", id="twice", refresh=True)


def test_an_empty_board_says_so(draw):
    nobody = {"term": {"people": "nobody"}}
    assert "Nobody has a name among these photos" in texts(
        draw("exploration-who-is-in-the-archive", filters=[nobody])
    )
    assert "Nobody was seen with anybody" in texts(draw("exploration-who-is-seen-together", filters=[nobody]))
    drawn = draw("exploration-how-many-faces-when-and-where", filters=[nobody])
    assert "Nothing in this time range" in texts(drawn)
    assert drawn.errors == []


@pytest.mark.parametrize("name", [name for name in PANELS if name.startswith(("exploration", "ingest"))])
def test_a_board_is_calm_before_there_is_any_index(es, renderer, name):
    panel = PANELS[name]
    spec = json.loads(re.sub(r'("index": )"face[a-z,-]*"', r'\1"not-there"', json.dumps(panel.spec)))
    assert {data["url"]["index"] for data in spec["data"] if "url" in data} == {"not-there"}
    drawn = renderer.draw(prepare(spec, panel.context, es), panel.title, panel.size)
    assert drawn.errors == []
    assert texts(drawn)


def rison(text: str):
    """What Kibana reads from an address: objects, lists, strings."""

    def value(at: int):
        if text[at] == "(":
            found, at = {}, at + 1
            while text[at] != ")":
                key, at = token(at)
                found[key], at = value(at + 1)
                at += text[at] == ","
            return found, at + 1
        if text.startswith("!(", at):
            items, at = [], at + 2
            while text[at] != ")":
                item, at = value(at)
                items.append(item)
                at += text[at] == ","
            return items, at + 1
        if text[at] == "!":
            return {"t": True, "f": False, "n": None}[text[at + 1]], at + 2
        word, at = token(at)
        return (int(word) if word.isdigit() else word), at

    def token(at: int):
        if text[at] == "'":
            end = text.index("'", at + 1)
            return text[at + 1 : end], end + 1
        end = re.compile(r"[(),:!']").search(text, at).start()
        return text[at:end], end

    found, end = value(0)
    assert end == len(text)
    return found
