"""Searches for faces, with a photo or a document as the query."""

from __future__ import annotations

import pytest
from elasticsearch import BadRequestError, NotFoundError
from tools import bracketed, encoded, innermost, knn, landscape, picture


@pytest.fixture
def archive(es, faces, people):
    """Three photos of each person, labelled, ids like `madonna-0`."""
    operations = []
    for name, photos in people.items():
        for number, path in enumerate(photos[:3]):
            operations += [
                {"index": {"_index": faces, "_id": f"{name}-{number}"}},
                {"image": encoded(path), "person": {"name": name}, "observer": {"name": f"camera {number}"}},
            ]
    answer = es.bulk(operations=operations, refresh=True)
    assert not answer["errors"]
    return faces


def ids(answer) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def names(answer) -> list[str]:
    return [key.rsplit("-", 1)[0] for key in ids(answer)]


def test_a_photo_finds_its_own_person_first(es, archive, cache):
    for folder in sorted((cache.sample / "val").iterdir()):
        photo = sorted(folder.glob("*.jpg"))[0]
        assert names(es.search(index=archive, knn=knn(image=encoded(photo))))[0] == folder.name


def test_a_document_finds_itself_and_then_its_own_person(es, archive):
    answer = es.search(index=archive, knn=knn(document={"index": archive, "id": "mindy_kaling-0"}))
    assert ids(answer)[0] == "mindy_kaling-0"
    assert answer["hits"]["hits"][0]["_score"] == pytest.approx(1, abs=1e-5)
    assert names(answer)[:3] == ["mindy_kaling"] * 3


def test_the_three_people_of_a_group_photo_are_each_stored_and_found(es, archive, people, group_photo):
    es.index(index=archive, id="group", document={"image": encoded(group_photo)}, refresh=True)
    stored = es.get(index=archive, id="group")["_source"]
    assert stored["face_count"] == 3
    left_to_right = sorted(stored["faces"], key=lambda face: face["box"]["x"])
    for name, face in zip(("jerry_seinfeld", "mindy_kaling", "elton_john"), left_to_right, strict=True):
        answer = es.search(index=archive, knn=knn(image=encoded(people[name][0])))
        found = next(hit for hit in answer["hits"]["hits"] if hit["_id"] == "group")
        inner = found["inner_hits"]["faces"]["hits"]["hits"][0]["_source"]
        assert inner["id"] == face["id"], f"the face of {name}"
        for key in (face["id"], stored["faces"].index(face)):
            document = {"index": archive, "id": "group", "face": key}
            assert names(es.search(index=archive, knn=knn(document=document)))[:2].count(name) == 1


def test_a_position_picks_a_face_of_the_querys_group_photo(es, archive, group_photo):
    found = {
        names(es.search(index=archive, knn=knn(image=encoded(group_photo), face=face)))[0]
        for face in range(3)
    }
    assert found == {"jerry_seinfeld", "mindy_kaling", "elton_john"}


def test_a_filter_and_a_cut_off_narrow_the_search(es, archive, people):
    query = knn(image=encoded(people["madonna"][5])) | {
        "filter": {"term": {"observer.name": "camera 1"}},
        "similarity": 0.46,
    }
    assert ids(es.search(index=archive, knn=query)) == ["madonna-1"]


def test_the_builder_works_in_a_nested_query_a_bool_and_an_msearch(es, archive, people):
    image = encoded(people["elton_john"][6])
    inner = {
        "field": "faces.vector",
        "num_candidates": 50,
        "query_vector_builder": {"face": {"image": image}},
    }
    nested = {"nested": {"path": "faces", "query": {"knn": inner}, "inner_hits": {"_source": ["faces.id"]}}}
    whole = {"bool": {"must": [nested], "filter": [{"exists": {"field": "people"}}]}}
    searches = [{"index": archive}, {"query": nested}, {"index": archive}, {"query": whole}]
    for answer in es.msearch(searches=searches)["responses"]:
        assert names(answer)[0] == "elton_john"


def refused(es, index, error=BadRequestError, **builder) -> set[str]:
    """The values in brackets of the reason why a search is refused."""
    with pytest.raises(error) as raised:
        es.search(index=index, knn=knn(**builder))
    return bracketed(innermost(raised.value.body["error"]))


def test_a_bad_query_is_refused_with_the_option_or_value_at_fault(es, archive, people, running):
    es.index(index=archive, id="meadow", document={"image": encoded(picture(landscape()))}, refresh=True)
    image = encoded(people["madonna"][0])
    document = {"index": archive, "id": "madonna-0"}
    assert refused(es, archive, image=encoded(picture(landscape()))) == {"image"}
    assert "not_an_image" in refused(es, archive, image=encoded(b"no photo"))
    assert {"4", "image", "1"} <= refused(es, archive, image=image, face=4)
    assert {"image", "document", "filter"} <= refused(es, archive, image=image, document=document)
    assert {"image", "document", "filter"} <= refused(es, archive)
    assert {"meadow", "faces", "vector"} <= refused(es, archive, document={"index": archive, "id": "meadow"})
    (face,) = es.get(index=archive, id="madonna-0")["_source"]["faces"]
    assert {"absent", "madonna-0", face["id"]} <= refused(es, archive, document=document | {"face": "absent"})
    other = refused(es, archive, document=document, model="facenet-00000000")
    assert {"madonna-0", running.model, "facenet-00000000"} <= other
    missing = refused(es, archive, NotFoundError, document={"index": archive, "id": "nowhere"})
    assert {"nowhere", "faces"} <= missing
    assert "nowhere" in refused(es, archive, NotFoundError, document={"index": "nowhere", "id": "x"})
    assert len(ids(es.search(index=archive, knn=knn(image=image)))) == 5


def test_a_filter_finds_the_document_whose_face_is_the_query(es, archive):
    es.index(index=archive, id="meadow", document={"image": encoded(picture(landscape()))}, refresh=True)
    clicked = {
        "bool": {"must": [{"match_all": {}}], "should": [{"ids": {"values": ["madonna-1"], "boost": 9}}]}
    }
    narrowed = [{"term": {"observer.name": "camera 2"}}, {"term": {"people": "elton_john"}}]
    for query, seed in ((clicked, "madonna-1"), (narrowed, "elton_john-2")):
        answer = es.search(index=archive, knn=knn(filter={"index": archive, "query": query}))
        assert ids(answer)[0] == seed
        assert answer["hits"]["hits"][0]["_score"] == pytest.approx(1, abs=1e-5)
    # A photo without a face isn't taken, even if it scores best; an empty list means any photo.
    best = {"bool": {"should": [{"ids": {"values": ["meadow"], "boost": 9}}, {"match_all": {}}]}}
    assert len(ids(es.search(index=archive, knn=knn(filter={"index": archive, "query": best})))) == 5
    assert len(ids(es.search(index=archive, knn=knn(filter={"index": archive, "query": []})))) == 5


def test_among_equally_scored_documents_the_newest_is_the_query(es, faces, people, own_index, attach):
    own_index("own")
    assert attach("own", "--field", "image", "--target-field", "portrait")[0] == 0
    for index, target in (("faces", None), ("own", "portrait")):
        for month, name in ((2, "mindy_kaling"), (3, "elton_john"), (1, "madonna")):
            time = {"@timestamp": f"2026-0{month}-01T12:00:00Z"}
            document = {"image": encoded(people[name][0])} | ({target: time} if target else time)
            es.index(index=index, id=name, document=document, refresh=True)
        query = {"index": index, "query": {"match_all": {}}}
        knn_query = knn(filter=query, **({"target_field": target} if target else {}))
        knn_query["field"] = f"{target}.faces.vector" if target else "faces.vector"
        knn_query["inner_hits"] = {}
        hit = es.search(index=index, knn=knn_query)["hits"]["hits"][0]
        assert hit["_id"] == "elton_john"
        assert hit["_score"] == pytest.approx(1, abs=1e-4)
        # The score comes before the date.
        query["query"] = {"bool": {"must": [{"match_all": {}}], "should": [{"ids": {"values": ["madonna"]}}]}}
        assert ids(es.search(index=index, knn=knn_query))[0] == "madonna"


def test_a_face_of_the_document_can_be_chosen_and_a_document_of_another_model_is_refused(
    es, archive, running, group_photo
):
    es.index(index=archive, id="group", document={"image": encoded(group_photo)}, refresh=True)
    seed = {"index": archive, "query": {"ids": {"values": ["group"]}}}
    found = {
        next(
            name
            for name in names(es.search(index=archive, knn=knn(filter=seed | {"face": face})))
            if name != "group"
        )
        for face in range(3)
    }
    assert found == {"jerry_seinfeld", "mindy_kaling", "elton_john"}
    # The name of a clause may choose the face, as after a click on a board.
    for face in es.get(index=archive, id="group")["_source"]["faces"]:
        ids_clause = {"ids": {"values": ["group"], "_name": f"face:{face['id']}"}}
        clicked = {"bool": {"must": [{"match_all": {}}], "should": [ids_clause]}}
        by_click = names(es.search(index=archive, knn=knn(filter={"index": archive, "query": [clicked]})))
        by_id = names(es.search(index=archive, knn=knn(filter=seed | {"face": face["id"]})))
        assert by_click == by_id
    gone = {"index": archive, "query": {"ids": {"values": ["group"], "_name": "face:gone"}}}
    assert {"gone", "group"} <= refused(es, archive, filter=gone)
    other = refused(es, archive, filter=seed, model="facenet-00000000")
    assert {"group", running.model, "facenet-00000000"} <= other
    nobody = {"index": archive, "query": {"term": {"people": "nobody"}}}
    assert {"faces", "filter"} <= refused(es, archive, NotFoundError, filter=nobody)
    assert "trem" in refused(es, archive, filter={"index": archive, "query": {"trem": {}}})


def test_an_endpoint_that_is_not_configured_is_a_bad_query(es, archive, people):
    image = encoded(people["madonna"][0])
    assert "face.endpoint.elsewhere.urls" in refused(es, archive, image=image, endpoint="elsewhere")
    url = "http://evil.example"
    assert {url, "default"} <= refused(es, archive, image=image, endpoint=url)


def test_a_document_in_two_indices_is_refused_as_the_query_until_one_is_named(es, archive, people):
    es.index(
        index="faces-other", id="madonna-0", document={"image": encoded(people["madonna"][3])}, refresh=True
    )
    several = refused(es, archive, document={"index": "faces*", "id": "madonna-0"})
    assert {"madonna-0", "faces*", "faces-000001", "faces-other"} <= several
    query = knn(document={"index": "faces-other", "id": "madonna-0"})
    assert names(es.search(index=archive, knn=query))[0] == "madonna"
    es.indices.delete(index="faces-other")
