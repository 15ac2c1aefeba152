"""The chosen face on the shipped boards, drawn over the scene: how a click chooses it, what is similar."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote

import numpy as np
import pytest
from drawn_boards import GALLERY, NEWEST, PANELS, PORTRAITS, SHIPPED, texts
from rison_reader import rison
from tools import encoded

from board_preview.chromium import Action
from ingest_service.verdicts import UNCALIBRATED


def chosen(document: str, face: str) -> dict:
    """The filter that a click on a face adds."""
    nested = {"path": "faces", "ignore_unmapped": True, "query": {"term": {"faces.id": face}}}
    both = [{"ids": {"values": [document]}}, {"nested": nested}]
    clause = {"bool": {"must": both, "boost": 1000, "_name": f"face:{face}"}}
    return {"bool": {"must": [{"match_all": {}}], "should": [clause]}}


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
        assert text.endswith(f" {UNCALIBRATED.verdict(one['similarity'])}")


def test_a_click_makes_a_face_the_query_and_leaves_the_other_panels_their_rows(es, draw):
    before = draw(GALLERY)
    number = next(
        at for at, item in enumerate(before.items("face")) if item.datum["similarity"] < UNCALIBRATED.possible
    )
    wanted = before.items("face")[number].datum
    clicked = draw(GALLERY, actions=[Action("click", "face", number)])
    (call,) = clicked.calls
    assert call.name == "kibanaAddFilter"
    query, view, label = call.args
    assert query == chosen(wanted["document"], wanted["face"])
    assert view == "faces"
    assert label.endswith(wanted["name"] or wanted["document"])

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
    probes = draw(NEWEST).items("probe")
    at, probe = next((at, item.datum) for at, item in enumerate(probes) if item.datum["candidates"])
    (call,) = draw(NEWEST, actions=[Action("click", "probe", at)]).calls
    assert call.args[1] == "face-probes"
    drawn = draw(PORTRAITS, filters=[call.args[0]])
    (seed,) = drawn.items("seed_face")
    assert seed.datum["face"] == probe["face"]
    best, candidate = drawn.items("portrait")[0].datum, probe["candidates"][0]
    assert (best["_id"], best["name"]) == (candidate["gallery_id"], candidate["name"])
    # The panel shows each portrait's own similarity, a candidate's is that to all of the person's portraits.
    stored = es.get(index="face-probes", id=seed.datum["document"])["_source"]["faces"]
    (vector,) = [face["vector"] for face in stored if face["id"] == probe["face"]]
    portrait = es.get(index="face-gallery", id=candidate["gallery_id"])["_source"]["vector"]
    assert best["similarity"] == pytest.approx(np.dot(vector, portrait), abs=1e-3)
    everybody = es.count(index="face-gallery", query={"exists": {"field": "vector"}})["count"]
    assert len(drawn.items("portrait")) == everybody


def test_the_tables_link_ranks_photos_by_a_face_in_discover_and_needs_no_setting(es, scene):
    views = {one["id"]: one for one in SHIPPED if one["type"] == "index-pattern"}
    for view, index in (("ingest-face-faces", "faces"), ("ingest-face-probes", "face-probes")):
        form = json.loads(views[view]["attributes"]["fieldFormatMap"])["file.hash.sha256"]["params"]
        document = es.search(index=index, size=1, query={"range": {"face_count": {"gte": 1}}})["hits"][
            "hits"
        ][0]
        sha256 = document["_source"]["file"]["hash"]["sha256"]
        address = form["urlTemplate"].replace("{{value}}", sha256)
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
            assert hits[0]["_source"]["file"]["hash"]["sha256"] == sha256
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
