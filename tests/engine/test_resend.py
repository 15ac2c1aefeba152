"""A photo is sent again, in every way: what people said stays, and the rest is as if it were new."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from elasticsearch import BadRequestError, ConflictError
from PIL import Image
from tools import encoded, innermost, landscape, picture, python, scene

PAGE = (Path(__file__).parents[2] / "docs" / "indices.md").read_text()

CHANGES = {
    "same photo": ("ben", "ben"),
    "re-encoded": ("ben", "ben again"),
    "another photo": ("ben", "madonna"),
    "no face, then a face": ("meadow", "ben"),
    "a face, then no face": ("ben", "meadow"),
    "bad, then good": ("bad", "ben"),
    "good, then bad": ("ben", "bad"),
    "dated, then undated": ("dated", "ben again"),
}
"""What happens to the photo -> the photo that stands, the photo that is sent."""


@pytest.fixture(scope="module")
def pictures(portrait: Path, people: dict[str, list[Path]]) -> dict[str, str]:
    image = Image.open(portrait).convert("RGB")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2004:05:01 12:30:00"
    return {
        "ben": encoded(portrait),
        "ben again": encoded(picture(image, quality=85)),
        "dated": encoded(picture(image, exif=exif, quality=92)),
        "madonna": encoded(people["madonna"][0]),
        "meadow": encoded(picture(landscape())),
        "bad": encoded(b"this is not an image"),
    }


def put(es, documents: dict[str, dict]) -> None:
    for key, document in documents.items():
        es.index(index="faces", id=key, document=document)


def update(es, documents: dict[str, dict]) -> None:
    for key, document in documents.items():
        es.update(index="faces", id=key, doc=document)


def upsert(es, documents: dict[str, dict]) -> None:
    for key, document in documents.items():
        es.update(index="faces", id=key, doc=document, doc_as_upsert=True)


def in_a_bulk(es, documents: dict[str, dict], operation: str, body: Callable[[dict], dict]) -> None:
    operations: list[dict] = []
    for key, document in documents.items():
        operations += [{operation: {"_index": "faces", "_id": key}}, body(document)]
    answer = es.bulk(operations=operations)
    assert {item[operation]["status"] for item in answer["items"]} == {200}


def bulk_index(es, documents: dict[str, dict]) -> None:
    in_a_bulk(es, documents, "index", lambda document: document)


def bulk_update(es, documents: dict[str, dict]) -> None:
    in_a_bulk(es, documents, "update", lambda document: {"doc": document})


def bulk_upsert(es, documents: dict[str, dict]) -> None:
    in_a_bulk(es, documents, "update", lambda document: {"doc": document, "doc_as_upsert": True})


@pytest.fixture
def reindex(own_index, running, bulk) -> Callable[..., None]:
    """Copies documents over those that stand, by the recipe of docs/indices.md."""

    def copy(es, documents: dict[str, dict]) -> None:
        source = own_index("faces-elsewhere")
        bulk(documents, index=source)
        assert python(running.connection.es_url, scene(PAGE, "reindex"), source, "faces") == ""

    return copy


def said(document: dict) -> list[dict]:
    """What people said of faces, wherever it is kept."""
    return [
        entry["label"]
        for entry in [*document.get("faces", []), *document.get("unplaced", [])]
        if entry.get("label")
    ]


def state(document: dict) -> dict:
    """A document without times, ids, and what people said."""
    left = {
        name: value
        for name, value in document.items()
        if name not in ("event", "unplaced", "unnamed_faces", "note")
    }
    left["outcome"] = document["event"]["outcome"]
    if document["@timestamp"] == document["event"]["ingested"]:
        left["@timestamp"] = "of the ingest"
    left["tags"] = sorted(set(document.get("tags", [])) - {"holiday"})
    left["faces"] = [
        {name: value for name, value in face.items() if name not in ("id", "label")}
        for face in document.get("faces", [])
    ]
    return left


def say(es, whole: Callable[[str, str], dict], key: str) -> None:
    """People label the first face, add a tag and a field of their own."""
    faces = whole("faces", key).get("faces", [])
    for face in faces[:1]:
        face["label"] = {"name": "Ann"}
    more = {"faces": faces} if faces else {}
    es.update(index="faces", id=key, doc={"tags": ["holiday"], "note": "at the lake"} | more)


@pytest.mark.parametrize("way", [put, update, upsert, bulk_index, bulk_update, bulk_upsert, "reindex"])
def test_whichever_way_a_photo_comes_again_it_ends_as_if_put_anew_with_what_people_said(
    es, faces, whole, pictures, request, way
):
    send = request.getfixturevalue("reindex") if way == "reindex" else way
    first = {
        change: {"image": pictures[before], "camera": "X100", "lens": {"made": "here"}}
        for change, (before, _) in CHANGES.items()
    }
    second = {
        change: {"image": pictures[now], "file": {"path": "a.jpg"}, "lens": {"mm": 35}}
        for change, (_, now) in CHANGES.items()
    }
    put(es, first)
    labelled = {change for change in first if whole(faces, change).get("faces")}
    for change in first:
        say(es, whole, change)
    send(es, second)
    for change, document in second.items():
        together = {"camera": "X100", **document, "lens": {"made": "here", "mm": 35}}
        es.index(index=faces, id="anew", document=together, pipeline="faces")
        expected, found = whole(faces, "anew"), whole(faces, change)
        es.delete(index=faces, id="anew")
        assert state(found) == state(expected), change
        assert found["note"] == "at the lake", change
        assert "holiday" in found["tags"], change
        assert said(found) == ([{"name": "Ann"}] if change in labelled else []), change


@pytest.mark.parametrize("way", [update, upsert, bulk_update, bulk_upsert])
def test_an_update_of_another_field_alone_keeps_everything_else(es, faces, whole, pictures, way):
    put(es, {"1": {"image": pictures["ben"]}})
    say(es, whole, "1")
    before = whole(faces, "1")
    way(es, {"1": {"observer": {"name": "gate 3"}}})
    assert whole(faces, "1") == before | {"observer": {"name": "gate 3"}}


def test_a_document_without_a_photo_is_refused_as_before_and_what_stands_stays(es, faces, whole, pictures):
    put(es, {"1": {"image": pictures["ben"]}})
    say(es, whole, "1")
    before = whole(faces, "1")
    with pytest.raises(BadRequestError) as refused:
        es.index(index=faces, id="1", document={"observer": {"name": "gate 3"}})
    assert "field [image] not present" in innermost(refused.value.body["error"])
    assert whole(faces, "1") == before


def test_a_creation_replaces_nothing(es, faces, whole, pictures):
    put(es, {"1": {"image": pictures["ben"]}})
    say(es, whole, "1")
    before = whole(faces, "1")
    with pytest.raises(ConflictError):
        es.create(index=faces, id="1", document={"image": pictures["madonna"]})
    assert whole(faces, "1") == before


def test_a_known_photo_is_not_processed_again(es, faces, whole, pictures):
    put(es, {"1": {"image": pictures["ben"]}})
    ingested = whole(faces, "1")["event"]["ingested"]
    put(es, {"1": {"image": pictures["ben"], "note": "again"}})
    found = whole(faces, "1")
    assert (found["event"]["ingested"], found["note"]) == (ingested, "again")


def test_a_sender_takes_back_what_it_names_as_null_and_adds_tags(es, faces, whole, pictures):
    put(es, {"1": {"image": pictures["ben"], "camera": "X100", "note": "x", "tags": "trip"}})
    es.update(index=faces, id="1", doc={"tags": ["trip", "holiday"]})
    put(es, {"1": {"image": pictures["ben"], "camera": None, "tags": ["trip", "print"]}})
    found = whole(faces, "1")
    assert (found.get("camera"), found["note"], found["tags"]) == (None, "x", ["trip", "holiday", "print"])


def test_a_field_spelled_with_a_dot_is_the_same_field(es, faces, whole, pictures):
    put(es, {"1": {"image": pictures["ben"], "observer": {"name": "gate 3"}}})
    put(es, {"1": {"image": pictures["ben"], "observer.name": "gate 4"}})
    es.indices.refresh(index=faces)
    (hit,) = es.search(index=faces, docvalue_fields=["observer.name"])["hits"]["hits"]
    assert hit["fields"]["observer.name"] == ["gate 4"]


def test_an_edited_copy_says_what_it_says_and_keeps_the_labels_that_it_does_not_mention(
    es, faces, whole, group_photo
):
    put(es, {"1": {"image": encoded(group_photo)}})
    copy = whole(faces, "1")
    labelled = whole(faces, "1")["faces"]
    for number, face in enumerate(labelled):
        face |= {"label": {"name": f"person {number}"}, "not": ["Bob"]}
    es.update(index=faces, id="1", doc={"faces": labelled})
    # Somebody labels one face in an older copy, takes back a label and removes the third face.
    copy["faces"][0]["label"] = {"name": "Ann"}
    copy["faces"][1]["label"] = None
    del copy["faces"][2]
    es.index(index=faces, id="1", document=copy)
    found = whole(faces, "1")
    assert [face.get("label") for face in found["faces"]] == [{"name": "Ann"}, None]
    assert [face["not"] for face in found["faces"]] == [["Bob"], ["Bob"]]
    assert (found["unnamed_faces"], found["face_count"]) == (1, 2)


def test_an_edit_under_a_condition_removes_what_it_leaves_out(es, faces, whole, pictures):
    put(es, {"1": {"image": pictures["ben"], "camera": "X100", "tags": ["trip"]}})
    say(es, whole, "1")
    document, read = whole(faces, "1"), es.get(index=faces, id="1")
    del document["camera"], document["tags"], document["faces"][0]["label"]
    condition = {"if_seq_no": read["_seq_no"], "if_primary_term": read["_primary_term"]}
    es.index(index=faces, id="1", document=document, **condition)
    found = whole(faces, "1")
    assert "camera" not in found
    assert "tags" not in found
    assert said(found) == []
    assert found["unnamed_faces"] == 1


def test_a_portrait_that_comes_again_keeps_its_tags(es, gallery, whole, pictures):
    document = {"image": pictures["ben"], "person": {"name": "Ben"}}
    es.index(index=gallery, id="ben", document=document)
    es.update(index=gallery, id="ben", doc={"tags": ["watch"]})
    es.index(index=gallery, id="ben", document=document | {"image": pictures["ben again"]})
    found = whole(gallery, "ben")
    anew = whole(
        gallery, es.index(index=gallery, document=document | {"image": pictures["ben again"]})["_id"]
    )
    assert found["tags"] == ["watch"]
    assert found["vector"] == anew["vector"]
    assert found["file"] == anew["file"]


@pytest.mark.parametrize("options", [{"target_field": "portrait"}, {"field": "media.photo"}])
def test_a_pipeline_of_ones_own_with_other_fields_keeps_what_people_said(
    es, pipeline, own_index, whole, pictures, options
):
    settings = {"index.default_pipeline": pipeline(**options)}
    index = own_index("albums", settings=settings)
    nested = options.get("field") == "media.photo"
    for photo in ("ben", "ben again"):
        image = {"media": {"photo": pictures[photo]}} if nested else {"image": pictures[photo]}
        es.index(index=index, id="1", document=image)
        found = whole(index, "1")
        holder = found if nested else found["portrait"]
        if photo == "ben":
            holder["faces"][0]["label"] = {"name": "Ann"}
            es.update(index=index, id="1", doc={"faces": holder["faces"]} if nested else {"portrait": holder})
    assert [face["label"] for face in holder["faces"]] == [{"name": "Ann"}]
    assert len(holder["faces"]) == 1
