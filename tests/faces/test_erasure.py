"""What is forgotten of a document, and what stays of it; without a server."""

from __future__ import annotations

import base64
import copy
import io

import numpy as np
import pytest
from PIL import Image
from tools import encoded, picture

from faces.boxes import Box
from faces.erasure.blanking import blanked, faces_at, image_hash, relative_boxes
from faces.erasure.fields import get, put, without_name
from faces.erasure.journal_names import blanked_change
from faces.erasure.keyed_hashes import KeyedHashes
from faces.erasure.pixels import NotAPicture, blacken_crop, blacken_photo
from faces.erasure.subject import Place, Subject, Treatment, treatment_of
from faces.searchable import FaceField

ARCHIVE = FaceField("", nested=True, indices=("faces-000001",))
GALLERY = FaceField("", nested=False, indices=("face-gallery-000001",))
KEY = ("faces-000001", "1")
WIDTH, HEIGHT = 600, 300


def white(width: int = WIDTH, height: int = HEIGHT) -> str:
    return encoded(picture(Image.new("RGB", (width, height), "white"), quality=95))


def face(number: int, x: int, **said: object) -> dict:
    return {
        "id": f"0123-{number}",
        "vector": [1.0, float(number)],
        "box": {"x": x, "y": 100, "width": 80, "height": 100},
        "crop": white(160, 160),
        **said,
    }


def photo(*faces: dict, **fields: object) -> dict:
    size = {"width": WIDTH, "height": HEIGHT, "faces_found": len(faces)}
    return {
        "faces": list(faces),
        "photo": size,
        "face_count": len(faces),
        "thumbnail": white(200, 100),
        "model": {"id": "m"},
        **fields,
    }


def place(source: dict, field: FaceField = ARCHIVE) -> Place:
    return Place(KEY, source, field)


def treated(source: dict, subject: Subject, field: FaceField = ARCHIVE) -> Treatment:
    return treatment_of(place(source, field), subject)


def pixels(text: str) -> np.ndarray:
    data = base64.b64decode(text.rpartition(",")[2])
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


ANN = Subject("Ann")
LABELLED = {"label": {"name": "Ann"}}


class TestWhatGoes:
    def test_a_photo_of_several_loses_only_the_persons_faces(self):
        source = photo(face(0, 50, label={"name": "Ben"}), face(1, 400, **LABELLED))
        assert treated(source, ANN) == Treatment(delete=False, faces=(1,), names=("faces.label.name",))

    @pytest.mark.parametrize(
        "source",
        [
            photo(face(0, 50), person={"name": "Ann"}),
            photo(face(0, 50, **LABELLED)),
            photo(face(0, 50, **LABELLED), face(1, 400, **LABELLED)),
            photo(person={"name": "Ann"}),
            {"error": {"code": "truncated"}, "person": {"name": "Ann"}, "image": "eA=="},
            photo(face(0, 50), **{"person.name": "Ann"}),
        ],
    )
    def test_a_photo_that_shows_nobody_else_goes_whole(self, source):
        assert treated(source, ANN).delete

    def test_a_portrait_goes_whole(self):
        portrait = {"vector": [1.0], "face": {"id": "a-0"}, "person": {"name": "Ann"}}
        assert treated(portrait, ANN, GALLERY).delete
        assert not treated(portrait | {"person": {"name": "Ben"}}, ANN, GALLERY).is_needed

    def test_somebody_elses_document_that_has_no_photo_stays(self):
        assert not treated({"person": {"name": "Ann"}, "salary": 1}, ANN).delete

    def test_a_photo_of_several_that_is_only_named_loses_the_name(self):
        source = photo(face(0, 50), face(1, 400), person={"name": "Ann"})
        assert treated(source, ANN) == Treatment(delete=False, names=("person.name",))

    def test_an_edited_photo_is_not_taken_for_the_named_one(self):
        source = photo(face(0, 50), person={"name": "Ann"})
        source["photo"]["faces_found"] = 2
        assert treated(source, ANN).faces == ()

    def test_a_name_in_another_form_of_unicode_is_the_same(self):
        assert treated(photo(face(0, 50), person={"name": "Zoe\u0301"}), Subject("Zo\u00e9")).delete

    def test_a_chosen_face_goes_and_no_other_of_the_same_document(self):
        source = photo(face(0, 50), face(1, 400))
        subject = Subject(faces=frozenset({(KEY, "0123-0")}))
        assert treated(source, subject).faces == (0,)
        elsewhere = Place(("faces-000001", "2"), source, ARCHIVE)
        assert not treatment_of(elsewhere, subject).is_needed


class TestWhatStays:
    def test_the_other_faces_stay_as_they_are(self):
        ben = face(0, 50, label={"name": "Ben"}, note="best man")
        source = photo(copy.deepcopy(ben), face(1, 400, **LABELLED), mine={"title": "party"})
        found = place(source)
        after = blanked(found, treatment_of(found, ANN), "Ann", "image")
        assert after["faces"] == [ben]
        assert after["mine"] == {"title": "party"}
        assert source["faces"][1]["label"] == {"name": "Ann"}, "what was read isn't changed"

    def test_the_persons_name_goes_from_guesses_about_others_and_from_what_waits(self):
        ann, ben = {"name": "Ann", "similarity": 0.9}, {"name": "Ben", "similarity": 0.5}
        guessed = face(0, 50, match=ann, candidates=[ann, ben], best_similarity=0.9)
        guessed["not"] = ["Ann", "Cara"]
        waiting = [
            {"id": "x-0", "box": {}, "label": {"name": "Ann"}},
            {"id": "x-1", "box": {}, "not": ["Ann"]},
            {"id": "x-2", "box": {}, "not": ["Ann"], "label": {"name": "Ben"}},
        ]
        found = place(photo(guessed, face(1, 400), unplaced=waiting))
        after = blanked(found, treatment_of(found, ANN), "Ann", "image")
        first = after["faces"][0]
        assert "match" not in first
        assert first["candidates"] == [ben]
        assert first["best_similarity"] == 0.5
        assert first["not"] == ["Cara"]
        assert after["unplaced"] == [{"id": "x-2", "box": {}, "label": {"name": "Ben"}}]
        assert len(after["faces"]) == 2

    @pytest.mark.parametrize(
        ("sent", "left"),
        [
            ({"person": {"name": ["Ann", "Ben"]}}, {"person": {"name": ["Ben"]}}),
            ({"person.name": ["Ann", "Ben"]}, {"person.name": ["Ben"]}),
            ({"person": {"name": "Ben", "sent_name": "Ann"}}, {"person": {"name": "Ben"}}),
            ({"person": {"name": "Ann", "age": 9}}, {"person": {"age": 9}}),
        ],
    )
    def test_other_names_of_a_photo_stay(self, sent, left):
        found = place(photo(face(0, 50), face(1, 400), **sent))
        after = blanked(found, treatment_of(found, ANN), "Ann", "image")
        assert {key: value for key, value in after.items() if key.startswith("person")} == left


class TestPixels:
    def test_the_face_is_black_in_the_thumbnail_and_in_a_kept_photo(self):
        found = place(photo(face(0, 50), face(1, 400, **LABELLED), image=white()))
        after = blanked(found, treatment_of(found, ANN), "Ann", "image")
        for text, scale in ((after["image"], 1), (after["thumbnail"], 3)):
            seen = pixels(text)
            assert seen[100 // scale + 1 : 200 // scale - 1, 400 // scale + 1 : 480 // scale - 1].max() < 16
            assert seen[100 // scale : 200 // scale, 50 // scale : 130 // scale].min() > 240
        assert after["file"]["hash"]["sha256"] == image_hash(after["image"])

    def test_a_face_without_a_place_takes_the_pictures_with_it(self):
        """Also where another one that goes has a place."""
        unplaced = face(1, 400, **LABELLED)
        del unplaced["box"]
        found = place(photo(face(0, 50), unplaced, face(2, 200, **LABELLED), image=white()))
        after = blanked(found, treatment_of(found, ANN), "Ann", "image")
        assert not {"thumbnail", "image"} & after.keys()
        assert [list(one) for one in after["faces"]] == [["id", "vector", "box"]]

    def test_a_neighbour_that_the_margin_reaches_stays_visible(self):
        seen = pixels(
            blacken_photo(white(), (WIDTH, HEIGHT), [Box(100, 100, 80, 100)], [Box(182, 100, 80, 100)])
        )
        assert seen[110:190, 190:260].min() > 240
        assert seen[110:190, 102:178].max() < 16

    def test_a_neighbours_crop_loses_what_it_shows_of_the_face(self):
        own, gone = Box(100, 100, 100, 100), Box(205, 100, 60, 100)
        seen = pixels(blacken_crop(white(160, 160), own, [gone]))
        assert seen[60:100, 148:158].max() < 16
        assert seen[35:125, 35:120].min() > 240

    def test_a_crop_that_shows_nothing_of_the_face_is_not_written_anew(self):
        crop = white(160, 160)
        assert blacken_crop(crop, Box(0, 0, 50, 50), [Box(400, 0, 50, 50)]) == crop

    def test_a_turned_photo_is_blackened_where_the_face_is_seen(self):
        exif = Image.Exif()
        exif[0x0112] = 6
        turned = encoded(picture(Image.new("RGB", (300, 600), "white"), exif=exif))
        data = blacken_photo(turned, (600, 300), [Box(400, 100, 80, 100)], [])
        seen = Image.open(io.BytesIO(base64.b64decode(data)))
        assert seen.size == (600, 300)
        assert not seen.getexif()
        assert pixels(data)[110:190, 410:470].max() < 16

    def test_a_data_uri_stays_one(self):
        data = blacken_photo(f"data:image/jpeg;base64,{white()}", (WIDTH, HEIGHT), [Box(0, 0, 50, 50)], [])
        assert data.startswith("data:image/jpeg;base64,")
        assert pixels(data)[5:45, 5:45].max() < 16

    def test_what_is_no_picture_is_refused(self):
        with pytest.raises(NotAPicture):
            blacken_photo(encoded(b"not a picture"), (WIDTH, HEIGHT), [Box(0, 0, 50, 50)], [])


def test_a_face_is_found_again_at_its_place_in_a_smaller_copy():
    boxes = relative_boxes(place(photo(face(0, 50), face(1, 400))), (1,))
    small = photo(face(0, 25), face(1, 200))
    for one in small["faces"]:
        one["box"] |= {"y": 50, "width": 40, "height": 50}
    small["photo"] |= {"width": WIDTH // 2, "height": HEIGHT // 2}
    assert faces_at(place(small), boxes) == {"0123-1"}


def test_keyed_hashes_depend_on_the_key_and_on_what_they_are_of():
    some, others = KeyedHashes(b"a" * 32), KeyedHashes(b"b" * 32)
    assert some.of_photo("00") == KeyedHashes(b"a" * 32).of_photo("00")
    assert len({some.of_photo("00"), others.of_photo("00"), some.of_name("00"), some.of_picture("00")}) == 4
    assert "aaaa" not in repr(some)


def test_fields_are_found_in_every_spelling():
    for source in (
        {"a": {"b": {"c": 1}}},
        {"a.b": {"c": 1}},
        {"a": {"b.c": 1}},
        {"a.b.c": 1},
        {"a": [{"b.c": 1}]},
    ):
        assert get(source, "a.b.c") == 1
        put(source, "a.b.c", 2)
        assert get(source, "a.b.c") == 2
        put(source, "a.b.c", None)
        assert get(source, "a.b.c") is None
    assert without_name({"a": ["Ann", "Ben"], "b": "Ann", "c": None, "d": [" Ann "]}, "Ann") == {
        "a": ["Ben"],
        "c": None,
    }


@pytest.mark.parametrize(
    ("before", "after", "left"),
    [
        ({}, {"label": "Ann"}, ({}, {})),
        ({"label": "Ann"}, {"label": "Ben"}, ({"label": "Ben"}, {"label": "Ben"})),
        ({"label": "Ben"}, {"label": "Ann"}, ({"label": "Ben"}, {"label": "Ben"})),
        ({"not": ["Cara"]}, {"not": ["Cara", "Ann", "Dan"]}, ({"not": ["Cara"]}, {"not": ["Cara", "Dan"]})),
        (
            {"guess": {"match": "Ann", "candidates": ["Ann", "Ben"]}, "label": "Ben"},
            {"guess": {"match": "Anna", "candidates": ["Anna", "Ben"]}},
            ({"label": "Ben"}, {}),
        ),
        (
            {"unplaced": [{"id": "1", "label": "Ann"}, {"id": "2", "label": "Ben"}], "tags": ["x"]},
            {"unplaced": [{"id": "2", "label": "Ben"}]},
            (
                {"unplaced": [{"id": "2", "label": "Ben"}], "tags": ["x"]},
                {"unplaced": [{"id": "2", "label": "Ben"}]},
            ),
        ),
    ],
)
def test_a_change_that_a_forgotten_name_was_part_of_is_no_change_any_more(before, after, left):
    assert tuple(blanked_change(before, after, "Ann").values()) == left
