"""`faces attach INDEX --field F`: an index of the user's own gets the pipeline."""

from __future__ import annotations

import re

import pytest
from tools import bracketed, encoded, knn, line_with, mapping_of, numbers

from es_setup.models import declared


def test_an_index_of_ones_own_finds_faces_and_keeps_its_own_fields_and_photo(es, own_index, attach, portrait):
    own_index("own", mappings={"properties": {"title": {"type": "text"}, "picture": {"type": "binary"}}})
    status, out, _ = attach("own", "--field", "picture")
    assert status == 0
    assert "PUT /_ingest/pipeline/faces-own: ok" in out
    assert "faces-own" in line_with("PUT /own/_settings", out)
    assert "_update_by_query" not in out
    before = mapping_of(es, "own")
    es.index(index="own", id="1", document={"title": "On the beach", "picture": encoded(portrait)})
    es.index(index="own", id="2", document={"title": "no photo"}, refresh=True)
    stored = es.get(index="own", id="1")["_source"]
    assert stored["face_count"] == 1
    assert stored["title"] == "On the beach"
    assert stored["picture"] == encoded(portrait)
    assert es.get(index="own", id="2")["_source"] == {"title": "no photo"}
    assert mapping_of(es, "own") == before, "a field was mapped dynamically"
    hits = es.search(index="own", knn=knn(image=encoded(portrait)))["hits"]["hits"]
    assert hits[0]["_id"] == "1"
    assert hits[0]["_score"] == pytest.approx(1, abs=1e-4)


def test_attaching_twice_changes_nothing(es, own_index, running, attach):
    own_index("own", mappings={"_meta": {"mine": 7}})
    assert attach("own", "--field", "picture")[0] == 0
    before = es.indices.get(index="own").body, es.ingest.get_pipeline(id="faces-own").body
    status, out, _ = attach("own", "--field", "picture")
    assert status == 0
    assert numbers(line_with("PUT /own/_mapping", out)) == []
    assert (es.indices.get(index="own").body, es.ingest.get_pipeline(id="faces-own").body) == before
    assert declared(es, "own") == {"own": running.model}
    assert mapping_of(es, "own")["_meta"]["mine"] == 7


def test_a_photo_below_an_object_is_mapped_as_binary_and_found(es, own_index, attach, portrait):
    own_index("own")
    assert attach("own", "--field", "file.data", "--remove-binary")[0] == 0
    assert mapping_of(es, "own")["properties"]["file"]["properties"]["data"] == {"type": "binary"}
    es.index(index="own", id="1", document={"file": {"data": encoded(portrait)}})
    stored = es.get(index="own", id="1")["_source"]
    assert stored["face_count"] == 1
    assert "data" not in stored["file"]


def test_fields_of_other_types_are_all_named_and_a_target_field_avoids_them(es, own_index, attach, portrait):
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
    for field, present, wanted in (
        ("tags", "text", "keyword"),
        ("file", "keyword", "object"),
        ("faces", "object", "nested"),
        ("@timestamp", "epoch_second", "strict_date_optional_time"),
    ):
        assert re.search(rf"\[{field}\][^;]*\[{present}\][^;]*\[{wanted}\]", err), field
    assert "--target-field" in err
    assert "face_count" not in err
    assert es.indices.get(index="own").body == before

    status, _, _ = attach("own", "--field", "picture", "--target-field", "portrait")
    assert status == 0
    document = {"tags": "a text", "file": "a.jpg", "picture": encoded(portrait), "person": {"name": "Ben"}}
    before = mapping_of(es, "own")["properties"]["portrait"]
    es.index(index="own", id="1", document=document, refresh=True)
    stored = es.get(index="own", id="1")["_source"]
    assert stored["portrait"]["face_count"] == 1
    assert {name: stored[name] for name in document} == document
    assert mapping_of(es, "own")["properties"]["portrait"] == before
    by_photo = knn(image=encoded(portrait)) | {"field": "portrait.faces.vector", "inner_hits": {}}
    assert [hit["_id"] for hit in es.search(index="own", knn=by_photo)["hits"]["hits"]] == ["1"]
    counted = es.search(index="own", size=0, aggs={"who": {"terms": {"field": "portrait.people"}}})
    assert counted["aggregations"]["who"]["buckets"] == [{"key": "Ben", "doc_count": 1}]


def test_another_default_pipeline_stays_without_overwrite(es, own_index, attach, pipeline):
    other = pipeline(ignore_missing=True)
    own_index("own", settings={"index.default_pipeline": other})
    status, out, err = attach("own", "--field", "picture")
    assert status == 1
    assert {"own", other, "faces-own"} <= bracketed(err)
    assert '{"pipeline": {"name": "faces-own"}}' in err
    assert "--overwrite" in err
    assert "PUT /_ingest/pipeline/faces-own: ok" in out
    assert es.indices.get_settings(index="own")["own"]["settings"]["index"]["default_pipeline"] == other
    status, out, _ = attach("own", "--field", "picture", "--overwrite")
    assert status == 0
    line = line_with("PUT /own/_settings", out)
    assert "faces-own" in line
    assert other in line
    assert es.indices.get_settings(index="own")["own"]["settings"]["index"]["default_pipeline"] == "faces-own"


def test_documents_without_faces_are_counted_beside_the_request_for_them(es, own_index, attach, portrait):
    own_index("own")
    es.index(index="own", id="1", document={"picture": encoded(portrait)}, refresh=True)
    status, out, _ = attach("own", "--field", "picture")
    assert status == 0
    line = line_with("POST own/_update_by_query?pipeline=faces-own", out)
    assert numbers(line) == [1]


def test_an_index_with_vectors_of_another_model_is_refused(es, own_index, running, attach, portrait):
    own_index("own")
    attach("own", "--field", "picture")
    es.index(index="own", id="1", document={"picture": encoded(portrait)}, refresh=True)
    status, _, err = attach("own", "--field", "picture", "--model", "facenet-00000000")
    assert status == 1
    assert {"own", "facenet-00000000", f"'{running.model}'"} <= bracketed(err)
    assert f"--model {running.model}" in err
    assert declared(es, "own") == {"own": running.model}


def test_what_cannot_be_attached_is_named(es, own_index, attach):
    def refusal(index: str, field: str) -> str:
        status, _, err = attach(index, "--field", field)
        assert status == 1
        return err

    own_index("own-a", aliases={"own": {}}, mappings={"properties": {"picture": {"type": "long"}}})
    assert {"picture", "own-a", "long", "binary"} <= bracketed(refusal("own-a", "picture"))
    assert bracketed(refusal("nowhere", "picture")) == {"nowhere"}
    assert "thumbnail" in bracketed(refusal("own-a", "thumbnail"))
    own_index("own-b", aliases={"own": {}})
    several = refusal("own", "picture")
    assert {"own", "'own-a', 'own-b'"} <= bracketed(several)
    assert numbers(several) == [2]
    es.ingest.put_pipeline(id="faces-own-b", processors=[])
    assert bracketed(refusal("own-b", "picture")) == {"faces-own-b"}
    assert (
        es.indices.get_settings(index="own-b")["own-b"]["settings"]["index"].get("default_pipeline") is None
    )


@pytest.mark.parametrize("target", [None, "portrait"])
def test_an_attached_index_checks_its_faces_and_leaves_fields_of_its_own_alone(
    es, own_index, attach, portrait, target
):
    own = {"vector": {"type": "keyword"}, "people": {"type": "keyword"}}
    own_index("own", mappings={"properties": own if target else {"vector": own["vector"]}})
    assert attach("own", "--field", "picture", *(("--target-field", target) if target else ()))[0] == 0
    settings = es.indices.get_settings(index="own", flat_settings=True)["own"]["settings"]
    assert settings["index.final_pipeline"] == "face-check-own"
    assert settings["index.mapping.total_fields.ignore_dynamic_beyond_limit"] == "true"
    (check,) = es.ingest.get_pipeline(id="face-check-own")["face-check-own"]["processors"]
    expected = {"target_field": target} if target else {"allow": ["vector", "face", "event", "file"]}
    assert check == {"face_check": expected}
    es.index(index="own", id="1", document={"vector": "mine", "picture": encoded(portrait)})
    assert es.get(index="own", id="1")["_source"]["vector"] == "mine"


def test_a_field_of_ones_own_that_the_mapping_would_fill_needs_a_target_field(es, own_index, attach):
    own_index("own", mappings={"properties": {"people": {"type": "keyword"}}})
    before = es.indices.get(index="own").body
    status, _, err = attach("own", "--field", "picture")
    assert status == 1
    assert {"own", "people"} <= bracketed(err)
    assert "--target-field" in err
    assert es.indices.get(index="own").body == before


def test_a_final_pipeline_of_ones_own_stays(es, pipeline, own_index, attach):
    other = pipeline(ignore_missing=True)
    own_index("own", settings={"index.final_pipeline": other})
    status, out, _ = attach("own", "--field", "picture")
    assert status == 0
    assert '{"pipeline": {"name": "face-check-own"}}' in line_with("PUT /own/_settings", out)
    settings = es.indices.get_settings(index="own", flat_settings=True)["own"]["settings"]
    assert settings["index.final_pipeline"] == other
