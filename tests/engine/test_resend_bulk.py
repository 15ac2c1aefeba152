"""A bulk whose items depend on what stands: answers, order, names of indices, changes meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from elasticsearch import ConflictError, Elasticsearch
from fake_service import FakeService
from tools import encoded, innermost, wait_until


@pytest.fixture
def fake(es: Elasticsearch):
    """A service that answers when it is told to, as the endpoint `fake`."""
    service = FakeService()
    settings = {"face.endpoint.fake.urls": service.url}
    es.cluster.put_settings(persistent=settings)
    yield service
    es.cluster.put_settings(persistent=dict.fromkeys(settings))
    service.stop()


def outcomes(answer: dict) -> list[tuple[str, str, int]]:
    """(operation, id, status) of each item."""
    return [(name, item["_id"], item["status"]) for entry in answer["items"] for name, item in entry.items()]


def test_each_item_is_answered_as_it_was_sent_and_fails_alone(es, faces, whole, good):
    for key in ("old", "gone", "same"):
        es.index(index=faces, id=key, document=good)
    where = {"_index": faces}
    operations: list[dict] = [
        *({"index": where | {"_id": "new"}}, good),
        *({"index": where | {"_id": "old"}}, good | {"note": "x"}),
        *({"update": where | {"_id": "lost"}}, {"doc": {"note": "x"}}),
        *({"update": where | {"_id": "old", "if_seq_no": 0, "if_primary_term": 99}}, {"doc": {"note": "y"}}),
        *({"update": where | {"_id": "upserted"}}, {"doc": good, "doc_as_upsert": True}),
        *({"update": where | {"_id": "same"}}, {"doc": {"file": {"path": "good.jpg"}}}),
        {"delete": where | {"_id": "gone"}},
        *({"create": where | {"_id": "old"}}, good),
        *({"index": where | {"_id": "photoless"}}, {"note": "x"}),
        *({"index": where | {"_id": "versioned", "version": 7, "version_type": "external"}}, good),
        *({"index": where}, good),
    ]
    answer = es.bulk(operations=operations, refresh="wait_for")
    assert outcomes(answer)[:-1] == [
        ("index", "new", 201),
        ("index", "old", 200),
        ("update", "lost", 404),
        ("update", "old", 409),
        ("update", "upserted", 201),
        ("update", "same", 200),
        ("delete", "gone", 200),
        ("create", "old", 409),
        ("index", "photoless", 400),
        ("index", "versioned", 201),
    ]
    assert outcomes(answer)[-1][::2] == ("index", 201)
    results = [item.get("result") for entry in answer["items"] for item in entry.values()]
    assert results[:2] == ["created", "updated"]
    assert results[5] == "noop"
    assert answer["items"][1]["index"]["_version"] == 2
    assert answer["items"][9]["index"]["_version"] == 7
    assert whole(faces, "old")["note"] == "x"
    assert {hit["_id"] for hit in es.search(index=faces, size=20)["hits"]["hits"]} >= {"new", "upserted"}


def test_a_document_whose_sender_counts_the_versions_is_merged_as_well(es, faces, whole, good):
    # An id of its own: a document that another test has deleted still has a version for a while.
    where = {"index": faces, "id": "counted", "version_type": "external"}
    es.index(**where, version=3, document=good)
    es.update(index=faces, id="counted", doc={"note": "kept", "tags": ["seen"]})
    assert es.index(**where, version=9, document=good)["_version"] == 9
    assert (whole(faces, "counted")["note"], whole(faces, "counted")["tags"]) == ("kept", ["seen"])
    with pytest.raises(ConflictError):
        es.index(**where, version=5, document=good | {"note": "late"})
    assert whole(faces, "counted")["note"] == "kept"


def test_items_with_one_id_see_what_earlier_ones_did(es, faces, whole, good):
    at = {"_index": faces, "_id": "1"}
    operations: list[dict] = [
        *({"index": at}, good | {"first": 1}),
        *({"update": at}, {"doc": {"second": 2}}),
        *({"index": at}, good | {"third": 3}),
        {"delete": at},
        *({"create": at}, good | {"last": 4}),
        *({"update": at}, {"doc": {"more": 5}, "_source": ["more"]}),
    ]
    answer = es.bulk(operations=operations)
    assert not answer["errors"]
    assert answer["items"][-1]["update"]["get"]["_source"] == {"more": 5}
    found = whole(faces, "1")
    assert ("first" in found, "third" in found, found["last"], found["more"]) == (False, False, 4, 5)


def test_after_a_rollover_a_photo_under_the_alias_meets_what_stands_in_the_write_index(
    es, faces, whole, good
):
    first = next(iter(es.indices.get_alias(name=faces)))
    es.index(index=faces, id="1", document=good | {"note": "old"})
    second = es.indices.rollover(alias=faces)["new_index"]
    try:
        es.index(index=faces, id="1", document=good)
        es.update(index=second, id="1", doc={"tags": ["holiday"]})
        assert es.index(index=faces, id="1", document=good | {"note": "new"})["result"] == "updated"
        assert whole(second, "1")["tags"] == ["holiday"]
        assert whole(second, "1")["note"] == "new"
        assert whole(first, "1")["note"] == "old"
    finally:
        es.indices.delete(index=second)
        es.indices.put_alias(index=first, name=faces, is_write_index=True)


def test_the_pipeline_of_the_request_counts_and_so_does_a_final_one(es, pipeline, own_index, whole, good):
    through = pipeline()
    index = own_index("albums")
    final = own_index("albums-final", settings={"index.final_pipeline": through})
    for name, options in ((index, {"pipeline": through}), (final, {})):
        es.index(index=name, id="1", document=good, **options)
        es.update(index=name, id="1", doc={"tags": ["holiday"]})
        es.index(index=name, id="1", document=good, **options)
        assert whole(name, "1")["tags"] == ["holiday"]
    es.index(index=index, id="1", document={"note": "x"})
    assert whole(index, "1") == {"note": "x"}, "without the pipeline it is a document like any other"


def test_a_name_said_while_the_photo_comes_again_is_kept(es, faces, pipeline, whole, fake, good):
    through = pipeline(endpoint="fake")
    es.index(index=faces, id="1", document=good, pipeline=through)
    fake.behaviour, before = "slow", len(fake.batches)
    again = good | {"image": encoded(b"another photo"), "note": "again"}
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(es.index, index=faces, id="1", document=again, pipeline=through)
        wait_until(lambda: len(fake.batches) > before)
        es.update(index=faces, id="1", doc={"person": {"name": "Ann"}, "tags": ["holiday"]})
        fake.stopping.set()
        assert sending.result(timeout=60)["result"] == "updated"
    found = whole(faces, "1")
    assert (found["person"]["name"], found["tags"], found["note"]) == ("Ann", ["holiday"], "again")


def put(es: Elasticsearch, index: str, document: dict) -> str:
    return es.index(index=index, id="1", document=document)["result"]


def upsert(es: Elasticsearch, index: str, document: dict) -> str:
    return es.update(index=index, id="1", doc=document, doc_as_upsert=True, retry_on_conflict=3)["result"]


def bulk_upsert(es: Elasticsearch, index: str, document: dict) -> str:
    update = {"update": {"_index": index, "_id": "1", "retry_on_conflict": 3}}
    answer = es.bulk(operations=[update, {"doc": document, "doc_as_upsert": True}])
    return answer["items"][0]["update"]["result"]


@pytest.mark.parametrize("way", [put, upsert, bulk_upsert])
def test_a_document_created_while_the_photo_comes_is_not_replaced(
    es, pipeline, own_index, whole, fake, good, way
):
    index = own_index("albums", settings={"index.default_pipeline": pipeline(endpoint="fake")})
    fake.behaviour = "slow"
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(way, es, index, good | {"image": encoded(b"a photo")})
        wait_until(lambda: fake.batches)
        labelled = {
            "faces": [{"id": "a", "vector": [0.5] * 128, "label": {"name": "Ann"}}],
            "model": {"id": "m"},
        }
        es.index(index=index, id="1", document=labelled | {"note": "from elsewhere"}, pipeline="_none")
        fake.stopping.set()
        assert sending.result(timeout=60) == "updated"
    found = whole(index, "1")
    assert found["note"] == "from elsewhere"
    assert [entry["label"] for entry in found["unplaced"]] == [{"name": "Ann"}]
    assert found["face_count"] == 1


def test_a_photo_that_keeps_being_changed_is_refused_with_429(es, faces, pipeline, whole, fake, good):
    through = pipeline(endpoint="fake")
    es.index(index=faces, id="1", document=good, pipeline=through)
    fake.behaviour = "slow"
    changes = list(fake.batches)
    with ThreadPoolExecutor(1) as pool:
        operations = [{"index": {"_index": faces, "_id": "1"}}, good | {"image": encoded(b"another")}]
        sending = pool.submit(es.bulk, operations=operations, pipeline=through)
        while not sending.done():
            wait_until(lambda: sending.done() or len(fake.batches) > len(changes))
            if len(fake.batches) > len(changes):
                changes.append(1)
                es.update(index=faces, id="1", doc={"note": f"change {len(changes)}"})
                fake.stopping.set()
                fake.stopping.clear()
    (item,) = sending.result()["items"]
    assert item["index"]["status"] == 429
    assert "send it again" in innermost(item["index"]["error"])
    assert whole(faces, "1")["note"].startswith("change")
