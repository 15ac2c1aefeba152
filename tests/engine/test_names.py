"""One notion of a name: `person.name`, the label, `unnamed_faces` and `people` agree, whatever was sent."""

from __future__ import annotations

import unicodedata

import pytest
from tools import encoded

NFD = unicodedata.normalize("NFD", "Zoë")
ONE_NAME = {
    "plain": ({"person": {"name": "Zoe"}}, "Zoe"),
    "blanks": ({"person": {"name": " Zoe\n"}}, "Zoe"),
    "array": ({"person": {"name": ["Zoe"]}}, "Zoe"),
    "array with blanks": ({"person": {"name": ["", "Zoe", None, "Zoe "]}}, "Zoe"),
    "array of objects": ({"person": [{"name": "Zoe"}]}, "Zoe"),
    "dotted": ({"person.name": "Zoe"}, "Zoe"),
    "number": ({"person": {"name": 4711}}, "4711"),
    "boolean": ({"person": {"name": True}}, "true"),
    "macOS": ({"person": {"name": NFD}}, "Zoë"),
}
NO_NAME = {
    "empty": {"person": {"name": ""}},
    "blank": {"person": {"name": " \t"}},
    "null": {"person": {"name": None}},
    "empty array": {"person": {"name": []}},
    "array of blanks": {"person": {"name": ["", " "]}},
    "object": {"person": [{"name": ""}]},
    "dotted": {"person.name": ""},
}
SEVERAL = {
    "array": {"person": {"name": ["Zoe", "Ann "]}},
    "objects": {"person": [{"name": "Zoe"}, {"name": "Ann"}]},
    "both spellings": {"person": {"name": "Zoe"}, "person.name": "Ann"},
}


@pytest.fixture
def people_of(es):
    """The field `people` of each document (id -> names): what boards and filters see."""

    def read(index: str) -> dict[str, list[str]]:
        es.indices.refresh(index=index)
        hits = es.search(index=index, size=100, docvalue_fields=["people"], source=False)["hits"]["hits"]
        return {hit["_id"]: hit.get("fields", {}).get("people", []) for hit in hits}

    return read


def label(source: dict) -> object:
    return source["faces"][0].get("label")


def test_a_name_of_any_shape_names_photo_face_count_and_people(es, faces, bulk, good, people_of):
    bulk({key: good | sent for key, (sent, _) in ONE_NAME.items()})
    for key, (_, name) in ONE_NAME.items():
        stored = es.get(index=faces, id=key)["_source"]
        assert stored.get("person.name", stored.get("person", {}).get("name")) == name, key
        assert (label(stored), stored["unnamed_faces"]) == ({"name": name}, 0), key
    assert people_of(faces) == {key: [name] for key, (_, name) in ONE_NAME.items()}


def test_a_blank_is_no_name_and_a_later_one_is(es, faces, bulk, good, people_of):
    bulk({key: good | sent for key, sent in NO_NAME.items()})
    for key in NO_NAME:
        stored = es.get(index=faces, id=key)["_source"]
        assert (label(stored), stored["unnamed_faces"]) == (None, 1), key
    assert people_of(faces) == {key: [] for key in NO_NAME}
    es.update(index=faces, id="empty", doc={"person": {"name": "Zoe"}})
    stored = es.get(index=faces, id="empty")["_source"]
    assert (label(stored), stored["unnamed_faces"]) == ({"name": "Zoe"}, 0)


def test_several_names_are_people_but_nobodys_label(es, faces, bulk, good, people_of):
    bulk({key: good | sent for key, sent in SEVERAL.items()})
    for key in SEVERAL:
        stored = es.get(index=faces, id=key)["_source"]
        assert (label(stored), stored["unnamed_faces"]) == (None, 1), key
    assert people_of(faces) == {key: ["Ann", "Zoe"] for key in SEVERAL}


def test_a_persons_other_fields_stay(es, faces, bulk, good):
    bulk(
        {
            "1": good | {"person": {"name": "", "staff": 7}},
            "2": good | {"person": [{"name": ["Zoe"], "staff": 7}]},
        }
    )
    assert es.get(index=faces, id="1")["_source"]["person"] == {"staff": 7}
    assert es.get(index=faces, id="2")["_source"]["person"] == {"name": "Zoe", "staff": 7}


@pytest.mark.parametrize(
    ("sent", "stored", "unnamed"),
    [
        ("Zoe", {"name": "Zoe"}, 0),
        (["Zoe"], {"name": "Zoe"}, 0),
        ([{"name": " Zoe"}], {"name": "Zoe"}, 0),
        ({"name": NFD}, {"name": "Zoë"}, 0),
        ({"name": 4711, "by": "me"}, {"name": "4711", "by": "me"}, 0),
        ("", None, 1),
        ({"name": ""}, None, 1),
        ({"name": None}, {"name": None}, 1),
        (None, None, 1),
        ({"name": ["Zoe", "Ann"]}, {"name": ["Zoe", "Ann"]}, 1),
    ],
)
def test_a_label_of_any_shape_counts_as_it_is_found(es, faces, whole, good, people_of, sent, stored, unnamed):
    es.index(index=faces, id="1", document=good)
    document = whole(faces, "1")
    document["faces"][0] |= {"label": sent, "not": "Bea "}
    es.update(index=faces, id="1", doc={"faces": document["faces"]})
    after = whole(faces, "1")
    assert (label(after), after["unnamed_faces"]) == (stored, unnamed)
    assert after["faces"][0]["not"] == ["Bea"]
    name = (stored or {}).get("name")
    assert people_of(faces)["1"] == sorted(name if isinstance(name, list) else [name] if name else [])


def test_portraits_and_their_matches_have_the_one_form(es, gallery, probes, bulk, photos):
    portraits = {
        "macos": {"image": encoded(photos["Ann"][0]), "person": {"name": NFD}, "tags": ["watch"]},
        "linux": {"image": encoded(photos["Ann"][1]), "person": {"name": "Zoë"}, "tags": ["staff"]},
        "array": {"image": encoded(photos["Ben"][0]), "person": [{"name": ["Ben "]}]},
        "blank": {"image": encoded(photos["Cara"][0]), "person": {"name": " "}},
    }
    bulk(portraits, index=gallery)
    stored = {key: es.get(index=gallery, id=key)["_source"].get("person") for key in portraits}
    assert stored == {
        "macos": {"name": "Zoë"},
        "linux": {"name": "Zoë"},
        "array": {"name": "Ben"},
        "blank": None,
    }
    es.index(index=probes, id="1", document={"image": encoded(photos["Ann"][2])})
    (face,) = es.get(index=probes, id="1")["_source"]["faces"]
    assert face["match"]["name"] == "Zoë"
    assert sorted(face["match"]["tags"]) == ["staff", "watch"]


def test_both_spellings_in_an_older_gallery_are_one_person(es, gallery, probes, bulk, whole, photos):
    """They were stored as they were sent."""
    bulk({"a": {"image": encoded(photos["Ann"][0]), "tags": ["watch"]}}, index=gallery)
    bulk({"b": {"image": encoded(photos["Ann"][1]), "tags": ["staff"]}}, index=gallery)
    for key, name in {"a": NFD, "b": "Zoë"}.items():
        older = whole(gallery, key) | {"person": {"name": name}}
        es.index(index=gallery, id=key, document=older, pipeline="_none", refresh=True)
    es.index(index=probes, id="1", document={"image": encoded(photos["Ann"][2])})
    (face,) = es.get(index=probes, id="1")["_source"]["faces"]
    assert {candidate["name"] for candidate in face["candidates"]} == {"Zoë"}
    assert sorted(face["match"]["tags"]) == ["staff", "watch"]


def test_paths_are_stored_in_nfc(es, faces, bulk, good):
    bulk({"1": good | {"file": {"path": f"{NFD}/a .jpg", "name": "a .jpg"}}})
    assert es.get(index=faces, id="1")["_source"]["file"]["path"] == "Zoë/a .jpg"
    assert es.count(index=faces, query={"term": {"file.path": "Zoë/a .jpg"}})["count"] == 1
