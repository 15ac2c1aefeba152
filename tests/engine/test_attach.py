"""An index of the user's own, given the pipeline: `faces attach INDEX --field F`."""

from __future__ import annotations

import pytest
from tools import encoded, knn

from es_setup.models import declared


def mapping(es, index) -> dict:
    return es.indices.get_mapping(index=index)[index]["mappings"]


def test_an_index_of_ones_own_finds_faces_and_keeps_its_own_fields_and_photo(es, own_index, attach, portrait):
    own_index("own", mappings={"properties": {"title": {"type": "text"}, "picture": {"type": "binary"}}})
    status, out, _ = attach("own", "--field", "picture")
    assert status == 0
    assert "PUT /_ingest/pipeline/faces-own: ok" in out
    assert "PUT /own/_settings: default_pipeline is faces-own" in out
    assert "documents from before" not in out
    before = mapping(es, "own")
    es.index(index="own", id="1", document={"title": "On the beach", "picture": encoded(portrait)})
    es.index(index="own", id="2", document={"title": "no photo"}, refresh=True)
    stored = es.get(index="own", id="1")["_source"]
    assert stored["face_count"] == 1
    assert stored["title"] == "On the beach"
    assert stored["picture"] == encoded(portrait)
    assert es.get(index="own", id="2")["_source"] == {"title": "no photo"}
    assert mapping(es, "own") == before, "something was left to dynamic mapping"
    hits = es.search(index="own", knn=knn(image=encoded(portrait)))["hits"]["hits"]
    assert hits[0]["_id"] == "1"
    assert hits[0]["_score"] == pytest.approx(1, abs=1e-4)


def test_attaching_twice_changes_nothing(es, own_index, running, attach):
    own_index("own", mappings={"_meta": {"mine": 7}})
    assert attach("own", "--field", "picture")[0] == 0
    before = es.indices.get(index="own").body, es.ingest.get_pipeline(id="faces-own").body
    status, out, _ = attach("own", "--field", "picture")
    assert status == 0
    assert "nothing to add" in out
    assert (es.indices.get(index="own").body, es.ingest.get_pipeline(id="faces-own").body) == before
    assert declared(es, "own") == {"own": running.model}
    assert mapping(es, "own")["_meta"]["mine"] == 7


def test_a_photo_below_an_object_is_mapped_as_binary_and_found(es, own_index, attach, portrait):
    own_index("own")
    assert attach("own", "--field", "file.data", "--remove-binary")[0] == 0
    assert mapping(es, "own")["properties"]["file"]["properties"]["data"] == {"type": "binary"}
    es.index(index="own", id="1", document={"file": {"data": encoded(portrait)}})
    stored = es.get(index="own", id="1")["_source"]
    assert stored["face_count"] == 1
    assert "data" not in stored["file"]


def test_fields_in_the_way_are_all_named_and_a_target_field_gets_around_them(es, own_index, attach, portrait):
    own = {
        "tags": {"type": "text"},
        "file": {"type": "keyword"},
        "faces": {"properties": {"id": {"type": "long"}}},
        "face_count": {"type": "long"},
        "@timestamp": {"type": "date", "format": "epoch_second"},
    }
    own_index("own", mappings={"properties": own})
    before = es.indices.get(index="own").body
    status, _, err = attach("own", "--field", "picture")
    assert status == 1
    for word in (
        "[tags] is of type [text], must be [keyword]",
        "[file] is of type [keyword], must be [object]",
        "[faces] is of type [object], must be [nested]",
        "[@timestamp] has the format [epoch_second]",
        "--target-field",
        "Nothing was changed",
    ):
        assert word in err
    assert "face_count" not in err
    assert es.indices.get(index="own").body == before

    status, _, _ = attach("own", "--field", "picture", "--target-field", "portrait")
    assert status == 0
    document = {"tags": "a text", "file": "a.jpg", "picture": encoded(portrait), "person": {"name": "Ben"}}
    before = mapping(es, "own")["properties"]["portrait"]
    es.index(index="own", id="1", document=document, refresh=True)
    stored = es.get(index="own", id="1")["_source"]
    assert stored["portrait"]["face_count"] == 1
    assert {name: stored[name] for name in document} == document
    assert mapping(es, "own")["properties"]["portrait"] == before
    by_photo = knn(image=encoded(portrait)) | {"field": "portrait.faces.vector", "inner_hits": {}}
    assert [hit["_id"] for hit in es.search(index="own", knn=by_photo)["hits"]["hits"]] == ["1"]
    counted = es.search(index="own", size=0, aggs={"who": {"terms": {"field": "portrait.people"}}})
    assert counted["aggregations"]["who"]["buckets"] == [{"key": "Ben", "doc_count": 1}]


def test_another_default_pipeline_stays_unless_it_may_be_replaced(es, own_index, attach, pipeline):
    other = pipeline(ignore_missing=True)
    own_index("own", settings={"index.default_pipeline": other})
    status, out, err = attach("own", "--field", "picture")
    assert status == 1
    assert f"has the default pipeline [{other}], which stays" in err
    assert '{"pipeline": {"name": "faces-own"}}' in err
    assert "PUT /_ingest/pipeline/faces-own: ok" in out
    assert es.indices.get_settings(index="own")["own"]["settings"]["index"]["default_pipeline"] == other
    status, out, _ = attach("own", "--field", "picture", "--overwrite")
    assert status == 0
    assert f"default_pipeline is faces-own, was {other}" in out


def test_documents_from_before_are_counted_and_how_they_get_faces_is_said(es, own_index, attach, portrait):
    own_index("own")
    es.index(index="own", id="1", document={"picture": encoded(portrait)}, refresh=True)
    status, out, _ = attach("own", "--field", "picture")
    assert status == 0
    assert "documents from before: 1 have no faces yet; POST own/_update_by_query?pipeline=faces-own" in out


def test_vectors_of_another_model_are_not_mixed_with(es, own_index, running, attach, portrait):
    own_index("own")
    attach("own", "--field", "picture")
    es.index(index="own", id="1", document={"picture": encoded(portrait)}, refresh=True)
    status, _, err = attach("own", "--field", "picture", "--model", "facenet-00000000")
    assert status == 1
    assert f"holds vectors of ['{running.model}']" in err
    assert declared(es, "own") == {"own": running.model}


def test_what_cannot_be_attached_says_why(es, own_index, attach):
    own_index("own-a", aliases={"own": {}}, mappings={"properties": {"picture": {"type": "long"}}})
    assert "is of type [long], which holds no base64" in attach("own-a", "--field", "picture")[2]
    assert "no such index [nowhere]" in attach("nowhere", "--field", "picture")[2]
    assert "the processor writes" in attach("own-a", "--field", "thumbnail")[2]
    own_index("own-b", aliases={"own": {}})
    assert "[own] is 2 indices, ['own-a', 'own-b']" in attach("own", "--field", "picture")[2]
    es.ingest.put_pipeline(id="faces-own-b", processors=[])
    assert "isn't ours" in attach("own-b", "--field", "picture")[2]
    assert (
        es.indices.get_settings(index="own-b")["own-b"]["settings"]["index"].get("default_pipeline") is None
    )
