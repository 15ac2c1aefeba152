"""What `faces install` puts: templates, pipelines, the three indices, one model each."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from tools import encoded

import es_setup
from es_setup.install import InstallError, install, missing
from es_setup.models import MixedModels, declared, model_of
from es_setup.shipped_files import ALIASES, INDEX_OPTIONS, requests

HERE = Path(es_setup.__file__).parent
OTHER = "facenet-00000000"
JSON = {"accept": "application/json", "content-type": "application/json"}


@pytest.fixture
def reinstalled(es, running):
    """Whatever a test installs, the usual is there again at the end."""
    yield
    for _ in install(es, running.model):
        pass


def put(es: Elasticsearch, model: str, vectors: str | None = None) -> dict[str, str]:
    return dict(install(es, model, vectors))


def mapping_of(es: Elasticsearch, index: str) -> dict:
    (found,) = es.indices.get_mapping(index=index).values()
    return found["mappings"]


def types(properties: dict, above: str = "") -> dict[str, str]:
    """Every field of a mapping by its full name, with its type."""
    found = {}
    for name, field in properties.items():
        if "properties" in field:
            found |= types(field["properties"], f"{above}{name}.")
        if "type" in field:
            found[above + name] = field["type"]
    return found


PHOTO = {
    "@timestamp": "date",
    "image": "binary",
    "thumbnail": "keyword",
    "file.path": "keyword",
    "file.name": "keyword",
    "file.size": "long",
    "file.mime_type": "keyword",
    "file.hash.sha256": "keyword",
    "url.original": "keyword",
    "observer.name": "keyword",
    "person.name": "keyword",
    "photo.width": "integer",
    "photo.height": "integer",
    "photo.taken": "date",
    "photo.fingerprint": "dense_vector",
    "people": "keyword",
    "face_count": "integer",
    "best_quality": "float",
    "model.id": "keyword",
    "model.digest": "keyword",
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
    "faces.match.name": "keyword",
    "faces.match.similarity": "float",
    "faces.best_similarity": "float",
    "faces.match.probability": "float",
    "faces.match.gallery_id": "keyword",
    "faces.match.tags": "keyword",
    "faces.candidates": "object",
    "faces.group": "keyword",
    "unnamed_faces": "integer",
    "matched_people": "keyword",
    "matched_tags": "keyword",
    "best_similarity": "float",
}


@pytest.mark.parametrize(
    ("alias", "beside", "of_a_face"),
    [
        ("faces", NESTED, "faces."),
        ("face-probes", NESTED, "faces."),
        ("face-gallery", {"vector": "dense_vector"}, "face."),
    ],
)
def test_each_index_has_the_photos_fields_and_its_own_shape_of_faces(es, own_index, alias, beside, of_a_face):
    found = types(mapping_of(es, own_index(f"{alias}-new"))["properties"])
    assert found == PHOTO | beside | {of_a_face + name: kind for name, kind in FACE.items()}


def test_each_index_is_reached_by_its_alias_and_sends_documents_through_its_own_pipeline(es):
    for alias in ALIASES:
        assert es.indices.get_alias(name=alias).body == {
            f"{alias}-000001": {"aliases": {alias: {"is_write_index": True}}}
        }
        (settings,) = es.indices.get_settings(index=alias).values()
        assert settings["settings"]["index"]["default_pipeline"] == alias


def test_the_reports_index_has_the_gallerys_shape_as_soon_as_a_document_is_dropped(es, own_index):
    own_index("face_recognition")
    assert mapping_of(es, "face_recognition") == mapping_of(es, own_index("face-gallery-new"))
    (settings,) = es.indices.get_settings(index="face_recognition").values()
    assert settings["settings"]["index"]["default_pipeline"] == "face-gallery"


def test_every_json_file_can_be_pasted_as_it_is_and_pasting_twice_changes_nothing(es):
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
    assert pasted == len(requests()) + len(ALIASES)


def test_installing_twice_changes_nothing_and_misses_nothing(es, running):
    def state() -> str:
        parts = [es.indices.get(index=f"{alias}-000001").body for alias in ALIASES]
        parts += [es.cluster.get_component_template().body, es.indices.get_index_template(name="face*").body]
        return json.dumps([*parts, es.ingest.get_pipeline(id="face*").body], sort_keys=True)

    put(es, running.model)
    before = state()
    outcomes = put(es, running.model)
    assert state() == before
    assert [outcomes[f"PUT /{alias}-000001"] for alias in ALIASES] == ["exists"] * 3
    assert missing(es) == []


def test_what_is_not_there_is_missing_by_name_and_comes_back(es, running, reinstalled):
    es.indices.delete(index="face-probes-000001")
    es.indices.delete_index_template(name="face-probes")
    es.ingest.delete_pipeline(id="face-probes")
    es.indices.put_mapping(index="face-gallery-000001", meta={})
    assert missing(es) == [
        "/_ingest/pipeline/face-probes",
        "/_index_template/face-probes",
        "/face-gallery-000001/_mapping (_meta.ingest_face.model)",
        "/face-probes",
    ]
    outcomes = put(es, running.model)
    assert outcomes["PUT /face-probes-000001"] == "created"
    assert outcomes["PUT /face-gallery-000001/_mapping"] == f"model {running.model} recorded"
    assert missing(es) == []


def older(mapping: dict) -> dict:
    """The mapping as it was before some of its fields came, with one that differs from ours."""
    properties = mapping["properties"]
    del properties["event"]["properties"]["lag"]
    properties["best_quality"] = {"type": "double"}
    if "faces" in properties:
        del properties["unnamed_faces"]
        del properties["faces"]["properties"]["group"]
        del properties["faces"]["properties"]["match"]["properties"]["tags"]
    return mapping


def test_an_older_index_gets_the_fields_it_lacks_and_keeps_those_it_has(es, running, own_index):
    lacking = {
        "face-gallery": "event.lag",
        "faces": "event.lag, faces.group, faces.match.tags, unnamed_faces",
    }
    for alias in lacking:
        settings = {"index.default_pipeline": alias}
        own_index(f"older-{alias}", mappings=older(mapping_of(es, alias)), settings=settings)
    assert missing(es) == [f"/older-{alias}/_mapping ({fields})" for alias, fields in lacking.items()]

    outcomes = put(es, running.model)
    for alias, fields in lacking.items():
        assert outcomes[f"PUT /older-{alias}/_mapping"] == f"fields added: {fields}"
        wanted = types(mapping_of(es, alias)["properties"]) | {"best_quality": "double"}
        assert types(mapping_of(es, f"older-{alias}")["properties"]) == wanted
    assert missing(es) == []
    before = [mapping_of(es, f"older-{alias}") for alias in lacking]
    assert [what for what in put(es, running.model) if what.endswith("_mapping")] == []
    assert [mapping_of(es, f"older-{alias}") for alias in lacking] == before


def test_an_index_that_is_closed_to_writing_is_left_alone(es, running, own_index):
    lacking = {"properties": {"@timestamp": {"type": "date"}}}
    for block in ("write", "read_only"):
        index = own_index(f"own-{block}", mappings=lacking, settings={"index.default_pipeline": "faces"})
        es.indices.put_settings(index=index, settings={f"index.blocks.{block}": True})
    try:
        assert missing(es) == []
        put(es, running.model)
    finally:
        es.indices.put_settings(index="own-*", settings={"index.blocks.read_only": None})
    assert mapping_of(es, "own-write")["properties"].keys() == {"@timestamp"}


@pytest.mark.parametrize("kind", INDEX_OPTIONS)
def test_similarities_are_exact_however_the_vectors_are_indexed(es, running, own_index, reinstalled, kind):
    """1,000 faces of 100 people, two a photo: `_score` gives the cosine, and the cut-off keeps to it."""
    outcomes = put(es, running.model, kind)
    kept = {"flat": "int8_hnsw", "int8_hnsw": None, "bbq_hnsw": "int8_hnsw"}[kind]
    assert outcomes["PUT /faces-000001"] == (
        f"exists; keeps its vectors {kept}, the next index has {kind}" if kept else "exists"
    )
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


def test_each_index_records_its_model_and_the_pipelines_pin_it(es, running):
    for alias in ALIASES:
        assert declared(es, alias) == {f"{alias}-000001": running.model}
        assert model_of(es, alias) == running.model
        (processor,) = es.ingest.get_pipeline(id=alias)[alias]["processors"]
        assert processor["face"]["model"] == running.model


def test_another_model_is_refused_while_an_index_holds_vectors_and_nothing_is_changed(
    es, running, faces, good
):
    es.index(index=faces, id="1", document=good, refresh=True)
    with pytest.raises(InstallError) as refused:
        put(es, OTHER)
    message = str(refused.value)
    assert f"[faces-000001] holds vectors of ['{running.model}']" in message
    assert "nothing was changed" in message
    assert "face-gallery" not in message
    (processor,) = es.ingest.get_pipeline(id="faces")["faces"]["processors"]
    assert processor["face"]["model"] == running.model
    assert declared(es, faces) == {"faces-000001": running.model}


def test_what_the_refusal_says_leads_to_an_index_of_the_new_model(es, running, faces, good, reinstalled):
    es.index(index=faces, id="1", document=good, refresh=True)
    with pytest.raises(InstallError) as refused:
        put(es, OTHER)
    asked = [line.strip() for line in str(refused.value).splitlines() if line.startswith("  ")]
    try:
        assert [line.split(" ")[:2] for line in asked[:3]] == [
            ["PUT", "faces-000001/_block/write"],
            ["PUT", "faces-000002"],
            ["POST", "_aliases"],
        ]
        for line, body in ((asked[0], None), (asked[1], None), (asked[2], json.loads(asked[3]))):
            method, path = line.split(" ")
            es.perform_request(method, f"/{path}", headers=JSON, body=body)
        put(es, OTHER)
        assert declared(es, faces) == {"faces-000002": OTHER}
        assert declared(es, "faces-000001") == {"faces-000001": running.model}
        assert model_of(es, "faces-000001") == running.model
        with pytest.raises(MixedModels):
            model_of(es, "faces-*")
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": None})
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_after_a_rollover_the_refusal_makes_one_next_index_and_leaves_the_older_ones_alone(
    es, running, faces, good
):
    es.index(index=faces, id="1", document=good, refresh=True)
    es.indices.rollover(alias=faces)
    try:
        es.index(index=faces, id="1", document=good, refresh=True)
        with pytest.raises(InstallError) as refused:
            put(es, OTHER)
        asked = [line.strip() for line in str(refused.value).splitlines() if line.startswith("  ")]
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)
    assert [line for line in asked if line.startswith("PUT")] == [
        "PUT faces-000001/_block/write",
        "PUT faces-000002/_block/write",
        "PUT faces-000003",
    ]
    moves = [move for line in asked if line.startswith("{") for move in json.loads(line)["actions"]]
    assert [(kind, move["index"]) for each in moves for kind, move in each.items()] == [
        ("remove", "faces-000001"),
        ("remove", "faces-000002"),
        ("add", "faces-000003"),
    ]


def test_a_gallery_document_of_a_person_is_found_by_any_field(es, gallery, people):
    """One portrait, one vector at the top: a kNN over it can be filtered by whatever the document has."""
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
