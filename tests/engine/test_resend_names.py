"""Somebody corrects a name: the photo has one name then, and sending it again keeps it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from dev_tools import requests, send
from tools import encoded, scene

PAGE = (Path(__file__).parents[2] / "docs" / "queries.md").read_text()


@pytest.fixture
def people_of(es, faces) -> Callable[[str], list[str]]:
    """The names under which a search finds a photo."""

    def read(key: str) -> list[str]:
        es.indices.refresh(index=faces)
        found = es.search(index=faces, query={"ids": {"values": [key]}}, docvalue_fields=["people"])
        return found["hits"]["hits"][0].get("fields", {}).get("people", [])

    return read


@pytest.fixture
def nicole(es, faces, good) -> dict:
    """A photo of one face, sent as `1` with the name Nicole."""
    document = good | {"person": {"name": "Nicole"}}
    es.index(index=faces, id="1", document=document)
    return document


def label_of(document: dict) -> str | None:
    (face,) = document["faces"]
    return (face.get("label") or {}).get("name")


def correct_name(es, whole) -> None:
    es.update(index="faces", id="1", doc={"person": {"name": "Nicole Kidman"}})


def correct_dotted_name(es, whole) -> None:
    es.update(index="faces", id="1", doc={"person.name": "Nicole Kidman"})


def correct_list(es, whole) -> None:
    es.update(index="faces", id="1", doc={"person": [{"name": ["Nicole Kidman"]}]})


def correct_label(es, whole) -> None:
    faces = whole("faces", "1")["faces"]
    faces[0]["label"] = {"name": "Nicole Kidman"}
    es.update(index="faces", id="1", doc={"faces": faces})


def correct_in_a_bulk(es, whole) -> None:
    update = [{"update": {"_index": "faces", "_id": "1"}}, {"doc": {"person": {"name": "Nicole Kidman"}}}]
    assert not es.bulk(operations=update)["errors"]


def put_edited_copy(es, whole) -> None:
    document = whole("faces", "1")
    document["person"]["name"] = "Nicole Kidman"
    es.index(index="faces", id="1", document=document)


def put(es, document: dict) -> None:
    es.index(index="faces", id="1", document=document)


def update(es, document: dict) -> None:
    es.update(index="faces", id="1", doc=document)


def bulk_upsert(es, document: dict) -> None:
    operations = [{"update": {"_index": "faces", "_id": "1"}}, {"doc": document, "doc_as_upsert": True}]
    assert not es.bulk(operations=operations)["errors"]


@pytest.mark.parametrize(
    "correct",
    [correct_name, correct_dotted_name, correct_list, correct_label, correct_in_a_bulk, put_edited_copy],
)
@pytest.mark.parametrize("way", [put, update, bulk_upsert])
def test_a_corrected_name_is_the_only_one_and_outlives_the_old_one(
    es, whole, people_of, nicole, correct, way
):
    correct(es, whole)
    assert people_of("1") == ["Nicole Kidman"]
    way(es, nicole)
    found = whole("faces", "1")
    assert (found["person"]["name"], label_of(found)) == ("Nicole Kidman", "Nicole Kidman")
    assert people_of("1") == ["Nicole Kidman"]
    assert found["unnamed_faces"] == 0
    way(es, nicole | {"person": {"name": "Zoe"}})
    assert people_of("1") == ["Zoe"], "another name is a new statement"


def test_the_documented_request_corrects_a_name(es, faces, good, people_of):
    es.index(index=faces, id="beach-7", document=good | {"person": {"name": "Anne"}})
    see, name = requests(scene(PAGE, "name a photo"))
    seen = send(es, see)
    send(es, name, seq_no=seen["_seq_no"], primary_term=seen["_primary_term"])
    assert people_of("beach-7") == ["Ann"]


def test_a_correction_that_is_taken_back_is_forgotten(es, faces, whole, people_of, nicole):
    correct_name(es, whole)
    es.update(index=faces, id="1", doc={"person": {"name": "Nicole"}})
    assert whole(faces, "1")["person"] == {"name": "Nicole"}
    assert people_of("1") == ["Nicole"]


def test_a_label_that_is_taken_back_takes_its_name_along_and_stays_away(es, faces, whole, people_of, nicole):
    entries = whole(faces, "1")["faces"]
    del entries[0]["label"]
    es.update(index=faces, id="1", doc={"faces": entries})
    for _ in range(2):
        assert people_of("1") == []
        assert whole(faces, "1")["unnamed_faces"] == 1
        put(es, nicole)


@pytest.mark.parametrize(
    "taken_back",
    [
        {"person": {"name": None}},
        {"person.name": None},
        {"person": {"name": ""}},
        {"person": {"name": ["", " "]}},
    ],
)
def test_a_name_that_is_taken_back_takes_its_label_along_and_stays_away(
    es, faces, whole, people_of, nicole, taken_back
):
    es.update(index=faces, id="1", doc=taken_back)
    for _ in range(2):
        assert people_of("1") == []
        assert whole(faces, "1")["unnamed_faces"] == 1
        put(es, nicole)


@pytest.mark.parametrize("two", [{"name": ["Ann", "Zoe"]}, [{"name": "Ann"}, {"name": "Zoe"}]])
def test_two_names_in_place_of_one_label_no_face_and_stay(es, faces, whole, people_of, nicole, two):
    es.update(index=faces, id="1", doc={"person": two})
    for _ in range(2):
        assert people_of("1") == ["Ann", "Zoe"]
        assert whole(faces, "1")["unnamed_faces"] == 1
        put(es, nicole)


@pytest.mark.parametrize(
    "correction", [{"person": {"name": "Nicole Kidman"}}, {"person.name": "Nicole Kidman"}]
)
def test_a_name_that_was_sent_with_a_dotted_key_is_corrected_in_either_spelling(
    es, faces, whole, people_of, good, correction
):
    sent = good | {"person.name": "Nicole"}
    es.index(index=faces, id="1", document=sent)
    es.update(index=faces, id="1", doc=correction)
    for _ in range(2):
        assert people_of("1") == ["Nicole Kidman"]
        assert label_of(whole(faces, "1")) == "Nicole Kidman"
        put(es, sent)


def test_a_label_is_corrected_in_either_spelling(es, faces, whole, people_of, group_photo):
    es.index(index=faces, id="1", document={"image": encoded(group_photo)})
    for change in ({"label.name": "Ann"}, {"label": {"name": "Zoe"}}, {"label.name": "Bea"}):
        entries = whole(faces, "1")["faces"]
        entries[0] |= change
        es.update(index=faces, id="1", doc={"faces": entries})
        assert people_of("1") == [change.get("label.name") or change["label"]["name"]]


def test_a_label_outweighs_the_first_name_that_a_sender_gives(es, faces, whole, people_of, good):
    es.index(index=faces, id="1", document=good)
    correct_label(es, whole)
    for _ in range(2):
        put(es, good | {"person": {"name": "Nicole"}})
        assert people_of("1") == ["Nicole Kidman"]


def test_the_name_of_a_photo_of_several_people_is_nobodys_label(es, faces, whole, people_of, group_photo):
    document = {"image": encoded(group_photo), "person": {"name": "team"}}
    es.index(index=faces, id="1", document=document)
    entries = whole(faces, "1")["faces"]
    entries[0]["label"] = {"name": "Ann"}
    es.update(index=faces, id="1", doc={"faces": entries})
    es.update(index=faces, id="1", doc={"person": {"name": "the team"}})
    put(es, document)
    assert people_of("1") == ["Ann", "the team"]


def test_a_portraits_corrected_name_outlives_the_old_one(es, gallery, good, whole):
    document = good | {"person": {"name": "Nicole"}}
    es.index(index=gallery, id="1", document=document)
    es.update(index=gallery, id="1", doc={"person": {"name": "Nicole Kidman"}})
    es.index(index=gallery, id="1", document=document)
    assert whole(gallery, "1")["person"]["name"] == "Nicole Kidman"
