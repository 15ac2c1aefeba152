"""The processor's options, on real photos."""

from __future__ import annotations

import pytest
from elasticsearch import BadRequestError
from tools import bracketed, encoded, innermost, knn, landscape, picture


def processed(es, options: dict, document: dict) -> dict:
    """The document after a pipeline with one face processor."""
    pipeline = {"processors": [{"face": options}]}
    (answer,) = es.ingest.simulate(pipeline=pipeline, docs=[{"_source": document}])["docs"]
    return answer["doc"]["_source"]


def refusal(es, options: dict, document: dict) -> str:
    """The reason why such a pipeline refuses a document."""
    pipeline = {"processors": [{"face": options}]}
    (answer,) = es.ingest.simulate(pipeline=pipeline, docs=[{"_source": document}])["docs"]
    return innermost(answer["error"])


def test_only_wanted_faces_are_stored(es, group_photo):
    document = {"image": encoded(group_photo)}
    every = processed(es, {}, document)
    assert every["face_count"] == 3
    (largest,) = processed(es, {"max_faces": 1}, document)["faces"]
    assert largest["box"] == every["faces"][0]["box"]
    sure = sorted(face["confidence"] for face in every["faces"])
    assert processed(es, {"min_confidence": (sure[0] + sure[1]) / 2}, document)["face_count"] == 2
    good = sorted(face["quality"]["score"] for face in every["faces"])
    assert processed(es, {"min_quality": (good[1] + good[2]) / 2}, document)["face_count"] == 1


def test_a_portrait_has_its_vector_at_the_top(es, good, running):
    portrait = processed(es, {"single_face": True}, good | {"person": {"name": "Ben"}})
    archived = processed(es, {}, good)
    assert portrait["vector"] == pytest.approx(archived["faces"][0]["vector"], abs=1e-5)
    assert portrait["face"]["box"] == archived["faces"][0]["box"]
    assert "faces" not in portrait
    assert portrait["face_count"] == 1
    assert portrait["model"]["id"] == running.model


def test_a_portrait_without_a_face_or_with_several_has_an_error_code(es, group_photo):
    group, nobody = {"image": encoded(group_photo)}, {"image": encoded(picture(landscape()))}
    stored = processed(es, {"single_face": True}, group)
    assert stored["error"]["code"] == "several_faces"
    assert {"3", "max_faces: 1"} <= bracketed(stored["error"]["message"])
    assert stored["image"] == group["image"]
    assert "vector" not in stored
    assert len(stored["thumbnail"]) > 1000
    stored = processed(es, {"single_face": True}, nobody)
    assert stored["error"]["code"] == "no_face"
    assert len(stored["thumbnail"]) > 300
    assert "thumbnail" not in processed(es, {"single_face": True}, {"image": "?"})
    refused = refusal(es, {"single_face": True, "on_error": "fail"}, group)
    assert {"several_faces", "3", "max_faces: 1"} <= bracketed(refused)
    assert processed(es, {"single_face": True, "max_faces": 1}, group)["face_count"] == 1


def test_everything_goes_below_the_target_field(es, good):
    document = good | {"tags": ["mine"], "person": {"name": "Ben"}, "file": "report.pdf"}
    stored = processed(es, {"target_field": "portrait"}, document)
    assert stored.keys() == {"tags", "person", "file", "portrait"}
    assert stored["tags"] == ["mine"]
    assert stored["file"] == "report.pdf"
    assert stored["portrait"]["faces"][0]["label"]["name"] == "Ben"
    assert stored["portrait"]["unnamed_faces"] == 0
    assert stored["portrait"]["event"]["outcome"] == "success"
    assert {"file", "java.lang.String"} <= bracketed(refusal(es, {"target_field": "file"}, document))


def test_a_photo_whose_faces_are_stored_is_processed_again_only_with_override(es, good):
    stored = processed(es, {"remove_binary": False}, good)
    stored["faces"][0]["label"] = {"name": "said by a person"}
    assert processed(es, {"remove_binary": False}, stored) == stored | {"unnamed_faces": 0}
    again = processed(es, {"remove_binary": False, "override": True}, stored)
    assert again["event"]["ingested"] > stored["event"]["ingested"]
    assert again["faces"][0]["label"] == {"name": "said by a person"}
    assert again["unnamed_faces"] == 0
    assert again["faces"][0]["id"] == stored["faces"][0]["id"]


def test_another_photo_replaces_the_faces_and_their_labels(es, good, people):
    stored = processed(es, {"remove_binary": False}, good | {"person": {"name": "Ben"}})
    other = processed(es, {}, stored | {"image": encoded(people["madonna"][0]), "person": None})
    assert other["file"]["hash"] != stored["file"]["hash"]
    assert "label" not in other["faces"][0]


@pytest.fixture
def gallery(es, people):
    """Portraits of three people, one of them watched."""
    es.ingest.put_pipeline(
        id="test-gallery", processors=[{"face": {"single_face": True, "on_error": "fail"}}]
    )
    vector = {"type": "dense_vector", "dims": 128, "similarity": "cosine", "index_options": {"type": "flat"}}
    keywords = {name: {"type": "keyword"} for name in ("tags", "team", "model.id", "person.name")}
    es.indices.create(
        index="test-gallery",
        mappings={"properties": {"vector": vector, **keywords}},
        settings={"default_pipeline": "test-gallery"},
    )
    for name, tags in (("madonna", ["watch", "singer"]), ("elton_john", []), ("mindy_kaling", [])):
        portrait = {
            "image": encoded(people[name][0]),
            "person": {"name": name},
            "tags": tags,
            "team": name[0],
        }
        es.index(index="test-gallery", id=name, document=portrait, refresh=True)
    yield "test-gallery"
    es.indices.delete(index="test-gallery")
    es.ingest.delete_pipeline(id="test-gallery")


def test_every_face_is_looked_up_in_the_gallery(es, gallery, people, group_photo):
    identify = {"identify": {"index": gallery, "similarity": 0.5}}
    watched = processed(es, identify, {"image": encoded(people["madonna"][5])})
    match = watched["faces"][0]["match"]
    assert match["name"] == "madonna"
    assert match["gallery_id"] == "madonna"
    assert match["tags"] == ["watch", "singer"]
    assert match["similarity"] == watched["best_similarity"] > 0.5
    assert watched["faces"][0]["candidates"] == [match]
    group = processed(es, identify, {"image": encoded(group_photo)})
    named = {face["match"]["name"] for face in group["faces"] if "match" in face}
    assert named == {"elton_john", "mindy_kaling"}  # the third person isn't in the gallery
    assert group["face_count"] == 3


def test_the_similarity_of_a_match_is_that_of_a_search(es, gallery, people):
    photo = encoded(people["elton_john"][4])
    probe = processed(es, {"identify": {"index": gallery, "k": 3, "similarity": -1}}, {"image": photo})
    query = knn(image=photo) | {"field": "vector"}
    del query["inner_hits"]
    hits = es.search(index=gallery, knn=query)["hits"]["hits"]
    expected = [(hit["_id"], pytest.approx(2 * hit["_score"] - 1, abs=1e-4)) for hit in hits]
    found = [(match["gallery_id"], match["similarity"]) for match in probe["faces"][0]["candidates"]]
    assert found == expected
    assert len(found) == 3


def test_only_portraits_that_match_the_filter_are_candidates(es, gallery, people):
    document = {"image": encoded(people["madonna"][5])}
    for clauses in ({"term": {"team": "e"}}, [{"term": {"team": "m"}}, {"term": {"tags": "staff"}}]):
        probe = processed(
            es, {"identify": {"index": gallery, "similarity": 0.46, "filter": clauses}}, document
        )
        assert "match" not in probe["faces"][0]
        assert "best_similarity" not in probe


def test_a_portrait_of_another_model_is_no_match(es, gallery, people):
    found = es.search(index=gallery, query={"ids": {"values": ["madonna"]}}, fields=["vector"])
    vector = found["hits"]["hits"][0]["fields"]["vector"]
    vector = vector[0] if isinstance(vector[0], list) else vector
    other = {
        "vector": vector,
        "model": {"id": "other"},
        "person": {"name": "other"},
        "face": {},
        "face_count": 1,
    }
    es.index(index=gallery, id="other", document=other, refresh=True)
    probe = processed(
        es, {"identify": {"index": gallery, "similarity": 0.46}}, {"image": encoded(people["madonna"][0])}
    )
    assert [match["gallery_id"] for match in probe["faces"][0]["candidates"]] == ["madonna"]


def test_a_portrait_whose_name_is_too_long_to_be_indexed_is_a_match_without_a_name(
    es, own_index, pipeline, people
):
    vector = {"type": "dense_vector", "dims": 128, "similarity": "cosine", "index_options": {"type": "flat"}}
    short = {"type": "keyword", "ignore_above": 5}
    properties = {"vector": vector, "model.id": {"type": "keyword"}, "person.name": short, "tags": short}
    index = own_index("long-names", mappings={"properties": properties})
    portrait = {"image": encoded(people["madonna"][0]), "person": {"name": "madonna"}, "tags": ["watchlist"]}
    es.index(index=index, id="1", document=portrait, pipeline=pipeline(single_face=True), refresh=True)
    probe = processed(es, {"identify": {"index": index}}, {"image": encoded(people["madonna"][0])})
    match = probe["faces"][0]["match"]
    assert match.keys() == {"gallery_id", "similarity"}


def test_a_gallery_that_cannot_be_searched_now_gets_429_so_that_clients_retry(
    es, probes, own_index, bulk, pipeline, good
):
    own_index(
        "face-gallery-lost",
        mappings={
            "properties": {"vector": {"type": "dense_vector", "dims": 128}, "model.id": {"type": "keyword"}}
        },
        settings={"index.routing.allocation.include._name": "nowhere"},
        wait_for_active_shards="0",
    )
    items = bulk({"1": good}, index=probes, pipeline=pipeline(identify={"index": "face-gallery-lost"}))
    assert items["1"]["status"] == 429
    assert "face-gallery-lost" in bracketed(innermost(items["1"]["error"]))
    assert not es.exists(index=probes, id="1")


def test_a_gallery_that_does_not_exist_fails_only_its_document(es, probes, bulk, pipeline, good):
    items = bulk({"1": good}, index=probes, pipeline=pipeline(identify={"index": "face-gallery-lacking"}))
    assert items["1"]["status"] == 404
    assert items["1"]["error"]["type"] == "index_not_found_exception"
    assert "face-gallery-lacking" in bracketed(innermost(items["1"]["error"]))
    assert not es.exists(index=probes, id="1")
    with pytest.raises(BadRequestError):
        es.ingest.put_pipeline(
            id="wrong", processors=[{"face": {"single_face": True, "identify": {"index": "face-gallery"}}}]
        )


def test_a_match_has_the_tags_of_all_portraits_of_the_person(es, gallery, people):
    """A more similar portrait without the tag doesn't hide a person on the watch list."""
    photo = people["madonna"][5]
    twin = {"image": encoded(photo), "person": {"name": "madonna"}, "tags": ["staff"]}
    es.index(index=gallery, id="twin", document=twin, refresh=True)
    probe = processed(es, {"identify": {"index": gallery, "similarity": 0.5}}, {"image": encoded(photo)})
    match = probe["faces"][0]["match"]
    assert match["gallery_id"] == "twin"
    assert sorted(match["tags"]) == ["singer", "staff", "watch"]
    assert [candidate["gallery_id"] for candidate in probe["faces"][0]["candidates"]] == ["twin"]


@pytest.mark.parametrize("index", ["no-gallery", "no-such-*"])
def test_an_index_without_vectors_is_refused_instead_of_matching_no_one(es, own_index, good, index):
    own_index("no-gallery", mappings={"properties": {"model.id": {"type": "keyword"}}})
    assert {index, "vector"} <= bracketed(refusal(es, {"identify": {"index": index}}, good))


def test_a_gallery_may_be_several_indices_and_empty(es, gallery, good, people):
    several = {"identify": {"index": f"face-gallery,{gallery}", "similarity": 0.5}}
    found = processed(es, several, {"image": encoded(people["madonna"][5])})
    assert found["faces"][0]["match"]["name"] == "madonna"
    assert "match" not in processed(es, {"identify": {"index": "face-gallery"}}, good)["faces"][0]


def test_a_face_below_the_minimums_is_refused_with_their_options(es, good):
    reason = refusal(es, {"single_face": True, "on_error": "fail", "min_quality": 1}, good)
    assert {"no_face", "min_confidence", "min_quality"} <= bracketed(reason)


def test_a_portrait_can_be_the_query(es, gallery, people):
    query = knn(document={"index": gallery, "id": "madonna"}) | {"field": "vector"}
    del query["inner_hits"]
    assert es.search(index=gallery, knn=query)["hits"]["hits"][0]["_id"] == "madonna"
    query["query_vector_builder"] = {
        "face": {"filter": {"index": gallery, "query": {"term": {"tags": "watch"}}}}
    }
    assert es.search(index=gallery, knn=query)["hits"]["hits"][0]["_id"] == "madonna"
