"""The three indices that `faces install` creates: their fields, pipelines and vectors."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from tools import JSON, encoded, field_types, install_all, mapping_of

from es_setup.shipped_files import ALIASES, CREATED, HERE, INDEX_OPTIONS, requests

PHOTO = {
    "@timestamp": "date",
    "image": "binary",
    "thumbnail": "keyword",
    "file.path": "keyword",
    "file.name": "keyword",
    "file.path_hash": "keyword",
    "file.picture_hash": "keyword",
    "file.size": "long",
    "file.mime_type": "keyword",
    "file.hash.sha256": "keyword",
    "url.original": "keyword",
    "observer.name": "keyword",
    "person.name": "keyword",
    "person.sent_name": "keyword",
    "photo.width": "integer",
    "photo.height": "integer",
    "photo.taken": "date",
    "photo.dated_by": "keyword",
    "photo.fingerprint": "dense_vector",
    "photo.faces_found": "integer",
    "people": "keyword",
    "face_count": "integer",
    "best_quality": "float",
    "unplaced.id": "keyword",
    "unplaced.box": "object",
    "unplaced.label.name": "keyword",
    "unplaced.not": "keyword",
    "unplaced.apart": "keyword",
    "unplaced.ignored": "boolean",
    "model.id": "keyword",
    "model.digest": "keyword",
    "model.precision": "keyword",
    "model.source": "keyword",
    "event.ingested": "date",
    "event.lag": "long",
    "event.duration": "long",
    "event.outcome": "keyword",
    "error.code": "keyword",
    "error.message": "text",
    "tags": "keyword",
}
FACE = {
    "id": "keyword",
    "box.x": "integer",
    "box.y": "integer",
    "box.width": "integer",
    "box.height": "integer",
    "confidence": "float",
    "quality.score": "float",
    "quality.interocular_distance": "float",
    "quality.sharpness": "float",
    "quality.frontality": "float",
    "landmarks": "object",
    "crop": "keyword",
}
NESTED = {
    "faces": "nested",
    "faces.vector": "dense_vector",
    "faces.label.name": "keyword",
    "faces.not": "keyword",
    "faces.ignored": "boolean",
    "faces.drawn": "boolean",
    "faces.match.name": "keyword",
    "faces.match.similarity": "float",
    "faces.best_similarity": "float",
    "faces.match.probability": "float",
    "faces.match.gallery_id": "keyword",
    "faces.match.tags": "keyword",
    "faces.candidates.name": "keyword",
    "faces.candidates.similarity": "float",
    "faces.candidates.probability": "float",
    "faces.candidates.gallery_id": "keyword",
    "faces.candidates.tags": "keyword",
    "faces.group": "keyword",
    "faces.apart": "keyword",
    "face_groups": "keyword",
    "unnamed_faces": "integer",
    "undecided_faces": "integer",
    "matched_people": "keyword",
    "matched_tags": "keyword",
    "candidate_people": "keyword",
    "candidate_tags": "keyword",
    "best_similarity": "float",
}


@pytest.mark.parametrize(
    ("alias", "beside", "of_a_face"),
    [
        ("faces", NESTED, "faces."),
        ("face-probes", NESTED, "faces."),
        # The archive's vector stays empty there; a kNN over both needs it.
        (
            "face-gallery",
            {"vector": "dense_vector", "faces": "nested", "faces.vector": "dense_vector"},
            "face.",
        ),
    ],
)
def test_each_index_has_the_photos_and_its_own_faces_fields(es, own_index, alias, beside, of_a_face):
    found = field_types(mapping_of(es, own_index(f"{alias}-new"))["properties"])
    assert found == PHOTO | beside | {of_a_face + name: kind for name, kind in FACE.items()}


def test_each_index_is_reached_by_its_alias_and_sends_documents_through_its_own_pipeline(es):
    for alias in ALIASES:
        assert es.indices.get_alias(name=alias).body == {
            f"{alias}-000001": {"aliases": {alias: {"is_write_index": True}}}
        }
        (settings,) = es.indices.get_settings(index=alias).values()
        assert settings["settings"]["index"]["default_pipeline"] == alias
        assert settings["settings"]["index"]["final_pipeline"] == "face-check"


def test_the_reports_index_face_recognition_has_the_gallerys_mapping_and_pipeline(es, own_index):
    own_index("face_recognition")
    assert mapping_of(es, "face_recognition") == mapping_of(es, own_index("face-gallery-new"))
    (settings,) = es.indices.get_settings(index="face_recognition").values()
    assert settings["settings"]["index"]["default_pipeline"] == "face-gallery"


def test_every_json_file_can_be_put_as_it_is_and_twice(es):
    apis = {
        "pipelines": "_ingest/pipeline",
        "component_templates": "_component_template",
        "index_templates": "_index_template",
    }
    pasted = 0
    for folder, api in apis.items():
        for file in (HERE / folder).glob("*.json"):
            for _ in range(2):
                body = json.loads(file.read_text())
                answer = es.perform_request("PUT", f"/{api}/{file.stem}", headers=JSON, body=body)
                assert answer.body == {"acknowledged": True}
            pasted += 1
    for file in (HERE / "indices").glob("*.json"):
        body = json.loads(file.read_text())
        assert es.indices.get_alias(index=file.stem)[file.stem]["aliases"] == body["aliases"]
        pasted += 1
    assert pasted == len(requests()) + len(CREATED)


@pytest.mark.parametrize("kind", INDEX_OPTIONS)
def test_similarities_are_exact_however_the_vectors_are_indexed(es, running, own_index, reinstalled, kind):
    """1,000 faces of 100 people, two a photo: `_score` gives the cosine, and `similarity` cuts off at it."""
    outcomes = install_all(es, running.model, kind)
    kept = {"flat": "int8_hnsw", "int8_hnsw": None, "bbq_hnsw": "int8_hnsw"}[kind]
    outcome = outcomes["PUT /faces-000001"]
    assert outcome.startswith("exists")
    assert set(re.findall("|".join(INDEX_OPTIONS), outcome)) == ({kept, kind} if kept else set())
    nested, flat = own_index(f"faces-{kind}"), own_index(f"face-gallery-{kind}")
    assert (
        mapping_of(es, nested)["properties"]["faces"]["properties"]["vector"]["index_options"]["type"] == kind
    )
    assert mapping_of(es, flat)["properties"]["vector"]["index_options"]["type"] == kind

    rng = np.random.default_rng(5)
    people = rng.normal(size=(100, 1, 128))
    vectors = rng.permutation((people + 0.7 * rng.normal(size=(100, 10, 128))).reshape(-1, 128))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    operations: list[dict] = []
    for number, (one, other) in enumerate(vectors.reshape(-1, 2, 128).tolist()):
        operations += [{"index": {"_index": nested, "_id": str(number)}}]
        operations += [{"faces": [{"vector": one}, {"vector": other}]}]
    for number, one in enumerate(vectors.tolist()):
        operations += [{"index": {"_index": flat, "_id": str(number)}}, {"vector": one}]
    assert not es.bulk(operations=operations, pipeline="_none", refresh=True)["errors"]

    for query in vectors[::100]:
        cosines = vectors @ query
        knn = {"k": 20, "num_candidates": 200, "similarity": 0.46, "query_vector": query.tolist()}
        for index, field, exact in (
            (nested, "faces.vector", cosines.reshape(-1, 2).max(axis=1)),
            (flat, "vector", cosines),
        ):
            hits = es.search(index=index, knn=knn | {"field": field}, size=20, source=False)["hits"]["hits"]
            found = {int(hit["_id"]): 2 * hit["_score"] - 1 for hit in hits}
            assert found == pytest.approx({key: exact[key] for key in found}, abs=1e-4)
            assert set(found) == set(np.flatnonzero(exact >= 0.46))


def test_a_search_of_the_gallery_can_be_filtered_by_any_field(es, gallery, people):
    """A portrait has one vector at the top of the document, so kNN filters see all of its fields."""
    for number, (name, photos) in enumerate(people.items()):
        sent = {"image": encoded(photos[0]), "person": {"name": name}, "staff": {"number": number}}
        es.index(index=gallery, id=name, document=sent | {"tags": ["watch"] if number % 2 else []})
    es.indices.refresh(index=gallery)
    document = es.get(index=gallery, id="madonna")["_source"]
    assert document["face_count"] == 1
    assert "faces" not in document
    assert set(document["face"]) == {"id", "box", "confidence", "quality", "landmarks", "crop"}
    query = {
        "field": "vector",
        "k": 5,
        "num_candidates": 50,
        "query_vector_builder": {"face": {"image": encoded(people["madonna"][3])}},
    }
    hits = es.search(index=gallery, knn=query, fields=["people"])["hits"]["hits"]
    assert len(hits) == 5
    assert (hits[0]["_id"], hits[0]["fields"]["people"]) == ("madonna", ["madonna"])
    for clause in (
        {"term": {"person.name": "elton_john"}},
        {"term": {"staff.number": 1}},
        {"term": {"tags": "watch"}},
    ):
        among = {hit["_id"] for hit in es.search(index=gallery, query=clause)["hits"]["hits"]}
        found = es.search(index=gallery, knn=query | {"filter": clause})["hits"]["hits"]
        assert {hit["_id"] for hit in found} == among
        assert 0 < len(among) < 5
