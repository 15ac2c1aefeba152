"""The scene has documents for every panel, and loading it leaves nothing else behind."""

from __future__ import annotations

import json

import pytest

from board_preview import scene_loading
from board_preview.scene_documents import AWAY


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
    # The names are right: a labelled face is most similar to that person's portrait in the gallery.
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
    assert scene_loading.load(es, cache.sample) == scene
    assert stored() == before
    assert sum(scene.documents.values()) == len(before)
    assert_nothing_is_left_behind(es)


def assert_nothing_is_left_behind(es) -> None:
    assert not es.options(ignore_status=404).ingest.get_pipeline(id=AWAY).body
    assert AWAY not in json.dumps(es.cluster.get_settings(flat_settings=True).body)


def test_a_load_that_breaks_off_leaves_nothing_behind(es, scene, cache):
    def breaking_off(drops, total, what):
        yield next(drops)
        raise KeyboardInterrupt

    # The exception keeps the frames alive, and with them their context managers.
    with pytest.raises(KeyboardInterrupt):
        scene_loading.load(es, cache.sample, breaking_off)
    assert_nothing_is_left_behind(es)
