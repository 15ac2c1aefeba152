"""A document comes by the pipeline again: by an update, a reindex, or because it was asked to."""

from __future__ import annotations

from pathlib import Path

import pytest
from elasticsearch import BadRequestError
from tools import bracketed, encoded, face_stats, innermost, python, scene

PAGE = (Path(__file__).parents[2] / "docs" / "indices.md").read_text()


def photos_sent(es) -> int:
    """How many photos the nodes have sent to the service so far."""
    return sum(node["endpoints"]["default"]["photos"] for node in face_stats(es)["nodes"].values())


@pytest.mark.parametrize("index", ["faces", "face-gallery", "face-probes"])
def test_an_update_of_another_field_keeps_the_faces_and_asks_nobody(
    es, faces, gallery, probes, whole, good, index
):
    es.index(index=index, id="1", document=good)
    before, sent = whole(index, "1"), photos_sent(es)
    es.update(index=index, id="1", doc={"observer": {"name": "gate 3"}})
    assert whole(index, "1") == before | {"observer": {"name": "gate 3"}}
    assert photos_sent(es) == sent


@pytest.mark.parametrize("index", ["faces", "face-probes"])
def test_a_photo_that_gets_a_name_labels_its_lone_face(es, faces, probes, whole, good, index):
    es.index(index=index, id="1", document=good)
    before = whole(index, "1")
    assert before["unnamed_faces"] == 1
    es.update(index=index, id="1", doc={"person": {"name": "Ann"}})
    named = {"person": {"name": "Ann"}, "unnamed_faces": 0}
    faces_named = [face | {"label": {"name": "Ann"}} for face in before["faces"]]
    assert whole(index, "1") == before | named | {"faces": faces_named}


def test_labels_given_by_an_update_are_counted_at_once_and_in_a_bulk_too(es, faces, whole, group_photo):
    es.index(index=faces, id="1", document={"image": encoded(group_photo), "person": {"name": "team"}})
    document = whole(faces, "1")
    left = [document["unnamed_faces"]]
    for face in document["faces"][:2]:
        face["label"] = {"name": "Ann"}
        es.update(index=faces, id="1", doc={"faces": document["faces"]})
        left.append(whole(faces, "1")["unnamed_faces"])
    assert left == [3, 2, 1]
    document["faces"][2]["label"] = {"name": "Bea"}
    update = [{"update": {"_index": faces, "_id": "1"}}, {"doc": {"faces": document["faces"]}}]
    assert not es.bulk(operations=update)["errors"]
    assert whole(faces, "1")["unnamed_faces"] == 0
    document["faces"][0]["label"] = None
    es.index(index=faces, id="1", document=document)
    assert whole(faces, "1")["unnamed_faces"] == 1


def test_a_document_from_before_gets_its_number_of_unnamed_faces_as_it_comes_by(es, faces, whole, good):
    es.index(index=faces, id="1", document=good)
    document = whole(faces, "1")
    older = {name: value for name, value in document.items() if name != "unnamed_faces"}
    es.index(index=faces, id="1", document=older, pipeline="_none")
    assert "unnamed_faces" not in whole(faces, "1")
    es.update(index=faces, id="1", doc={"observer": {"name": "gate 3"}})
    assert whole(faces, "1") == document | {"observer": {"name": "gate 3"}}


def test_a_label_that_names_no_face_is_refused(es, faces, whole, good):
    es.index(index=faces, id="1", document=good)
    before = whole(faces, "1")
    with pytest.raises(BadRequestError) as refused:
        es.update(index=faces, id="1", doc={"faces.label.name": "Ann"})
    assert bracketed(innermost(refused.value.body["error"])) == {"faces.label.name", "faces"}
    assert whole(faces, "1") == before


@pytest.mark.parametrize("index", ["faces", "face-gallery"])
def test_a_reindex_from_the_client_keeps_every_document_as_it_is(
    es, faces, gallery, running, whole, own_index, bulk, people, index
):
    destination = own_index(f"{index}-copied")
    photos = {name: {"image": encoded(own[0]), "person": {"name": name}} for name, own in people.items()}
    bulk(photos | {"broken": {"image": "?"}}, index=index)
    before, sent = {key: whole(index, key) for key in photos}, photos_sent(es)
    assert python(running.connection.es_url, scene(PAGE, "reindex"), index, destination) == ""
    assert {key: whole(destination, key) for key in photos} == before
    assert photos_sent(es) == sent + 1, "only the broken one is tried again"
    es.indices.refresh(index=destination)
    assert es.count(index=destination)["count"] == len(people) + 1
    assert es.get(index=destination, id="broken")["_source"]["error"]["code"] == "not_base64"
    field = "faces.vector" if index == "faces" else "vector"
    knn = {"field": field, "k": 1, "num_candidates": 50}
    knn["query_vector_builder"] = {"face": {"image": encoded(people["madonna"][0])}}
    (hit,) = es.search(index=destination, knn=knn)["hits"]["hits"]
    assert hit["_id"] == "madonna"


def test_a_reindex_into_an_index_of_another_model_is_refused(es, faces, pipeline, whole, good):
    es.index(index=faces, id="1", document=good)
    other = pipeline(model="facenet-00000000")
    with pytest.raises(BadRequestError) as refused:
        es.index(index=faces, id="2", document=whole(faces, "1"), pipeline=other)
    assert "pinned to [facenet-00000000]" in innermost(refused.value.body["error"])


def test_override_looks_again_and_a_label_stays(es, faces, pipeline, whole, good):
    again, kept = pipeline(override=True, remove_binary=False), pipeline(remove_binary=False)
    es.index(index=faces, id="1", document=good, pipeline=kept)
    document, sent = whole(faces, "1"), photos_sent(es)
    document["faces"][0]["label"] = {"name": "Ann"}
    es.index(index=faces, id="1", document=document, pipeline=kept)
    assert photos_sent(es) == sent
    es.index(index=faces, id="1", document=document, pipeline=again)
    assert photos_sent(es) == sent + 1
    (face,) = es.get(index=faces, id="1")["_source"]["faces"]
    assert face["label"] == {"name": "Ann"}


def test_documents_from_before_an_attachment_get_their_faces_by_the_recipe(
    es, own_index, running, attach, people
):
    own_index("own")
    for name, own in people.items():
        es.index(index="own", id=name, document={"picture": encoded(own[0]), "title": name})
    es.index(index="own", id="none", document={"title": "no photo"}, refresh=True)
    assert attach("own", "--field", "picture")[0] == 0
    recipe = scene(PAGE, "backfill")
    assert python(running.connection.es_url, recipe, "own") == ""
    es.indices.refresh(index="own")
    sent = photos_sent(es)
    assert python(running.connection.es_url, recipe, "own") == ""
    assert photos_sent(es) == sent
    for name, own in people.items():
        stored = es.get(index="own", id=name)["_source"]
        assert stored["face_count"] >= 1
        assert stored["picture"] == encoded(own[0])
    assert es.get(index="own", id="none")["_source"] == {"title": "no photo"}
