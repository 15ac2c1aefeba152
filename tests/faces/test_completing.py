"""What the client side does without any server: spelling of fields, times, places of faces, errors."""

from __future__ import annotations

import copy
from datetime import datetime, timezone

import pytest

from faces.completing.options import FaceOptions
from faces.completing.placing import Placing
from faces.completing.spelling import Fields, collapsed, expanded, without
from faces.completing.times import lag, millis_of
from faces.completing.writing import Unwritable, with_error, with_faces
from faces.photo_faces import PhotoFaces, PhotoRefused

NOW = datetime(2026, 12, 1, 12, 0, 0, 250_000, tzinfo=timezone.utc)
SIZE = {"width": 100, "height": 100}
OPTIONS = FaceOptions("facenet-1")


def face(x: int, **fields: object) -> dict:
    return {"box": {"x": x, "y": 10, "width": 20, "height": 20}, **fields}


def found(*xs: int, sha256: str = "a" * 64) -> PhotoFaces:
    return PhotoFaces(
        {"id": "facenet-1"},
        tuple(face(x, vector=[1.0, 0.0], confidence=0.9, quality={"score": 0.5}) for x in xs),
        SIZE,
        {"size": 10, "mime_type": "image/jpeg", "hash": {"sha256": sha256}},
        "thumbnail",
    )


@pytest.mark.parametrize(
    ("value", "millis"),
    [
        ("1970-01-01T00:00:01Z", 1000),
        ("1970-01-01T01:00:00.5+01:00", 500),
        ("1970-01-01T00:00:00,123456789Z", 123),
        ("1970-01-02", 86_400_000),
        ("1970", 0),
        ("1970-01-01T00", 0),
        (1_500_000_000_000, 1_500_000_000_000),
        ("12345", 12345),
        ("yesterday", None),
        ("2026-13-01", None),
        (None, None),
    ],
)
def test_times_are_read_as_by_elasticsearch(value, millis):
    assert millis_of(value) == millis


def test_a_lag_is_in_nanoseconds_and_negative_for_a_future_time():
    assert lag("2026-12-01T12:00:00Z", NOW) == 250_000_000
    assert lag("2026-12-01T12:00:01.250Z", NOW) == -1_000_000_000
    assert lag("no time", NOW) is None
    assert lag("0001", NOW) is None


@pytest.mark.parametrize(
    ("source", "left"),
    [
        ({"model": {"id": 1, "own": 2}, "a": 1}, {"model": {"own": 2}, "a": 1}),
        ({"model.id": 1, "model": {"id": {"x": 1}}}, {}),
        ({"model": [{"id": 1}, {"own": 2}]}, {"model": [{"own": 2}]}),
        ({"model": {}, "modelid": 1, "m": None}, {"model": {}, "modelid": 1, "m": None}),
    ],
)
def test_a_field_is_removed_in_every_spelling(source, left):
    without(source, ["model.id"])
    assert source == left


def test_keys_with_dots_come_back_as_they_were():
    source = {"person.name": "Ann", "file": {"path": "a"}, "file.name": "b", "x": "y", "x.z": 1}
    objects, dotted = expanded(copy.deepcopy(source))
    assert objects["person"] == {"name": "Ann"}
    assert objects["file"] == {"path": "a", "name": "b"}
    assert objects["x.z"] == 1
    assert collapsed(objects, dotted) == source


def test_a_field_behind_something_that_is_no_object_is_left_alone():
    source = {"file": "a.jpg"}
    Fields(source).set("file.size", 3)
    assert source == {"file": "a.jpg"}


def test_what_people_said_goes_to_the_face_at_its_place_and_the_rest_waits():
    earlier = [
        face(10, id=f"{'a' * 16}-0", label={"name": "Ann"}),
        face(60, id=f"{'a' * 16}-1", **{"not": ["Ben"], "note": "left"}),
    ]
    placing = Placing(earlier, SIZE, [{"id": "old", "box": None, "label": {"name": "Cara"}}])
    kept = placing.place([face(12)], SIZE, "a" * 16, same_photo=True)
    assert kept == [{"id": f"{'a' * 16}-0", "label": {"name": "Ann"}}]
    waiting = placing.unplaced()
    assert [one["id"] for one in waiting] == ["old", f"{'a' * 16}-1"]
    assert waiting[1]["box"] == {"x": 0.6, "y": 0.1, "width": 0.2, "height": 0.2}
    placed = Placing([], SIZE, waiting).place([face(60)], SIZE, "b" * 16, same_photo=False)
    assert placed == [{"not": ["Ben"], "note": "left"}]


def test_another_photo_keeps_what_people_said_and_nothing_else_of_the_old_one():
    first = with_faces({"image": "x", "tags": ["own"]}, "faces", OPTIONS, found(10, 60), None, 7, NOW)
    first["faces"][0]["label"] = {"name": "Ann"}
    first["photo"]["taken"] = first["@timestamp"] = "2020-01-01T00:00:00Z"
    again = with_faces({**first, "image": "y"}, "faces", OPTIONS, found(11, sha256="b" * 64), None, 8, NOW)
    (kept,) = again["faces"]
    assert (kept["id"], kept["label"]) == (f"{'b' * 16}-0", {"name": "Ann"})
    assert (again["face_count"], again["unnamed_faces"], again["tags"]) == (1, 0, ["own"])
    assert again["@timestamp"] == again["event"]["ingested"] == "2026-12-01T12:00:00.250Z"
    assert again["file"]["hash"]["sha256"] == "b" * 64


def test_an_error_keeps_the_photo_and_what_people_said():
    first = with_faces({"image": "x"}, "faces", OPTIONS, found(10), None, 7, NOW)
    first["faces"][0]["label"] = {"name": "Ann"}
    failed = with_error(
        {**first, "image": "y"}, "faces", OPTIONS, PhotoRefused("damaged", "it ends"), None, 0, NOW
    )
    assert failed["error"] == {"code": "damaged", "message": "it ends"}
    assert (failed["image"], failed["event"]["outcome"]) == ("y", "failure")
    assert [one["label"] for one in failed["unplaced"]] == [{"name": "Ann"}]
    assert not {"faces", "model", "face_count", "thumbnail"} & failed.keys()


def test_a_document_with_something_else_where_faces_would_be_is_refused():
    with pytest.raises(Unwritable, match=r"\[model\]"):
        with_faces({"image": "x", "model": "EOS"}, "faces", OPTIONS, found(10), None, 7, NOW)


def test_below_a_target_the_senders_own_fields_stay():
    options = FaceOptions("facenet-1", field="media.photo", target="portrait", remove_binary=False)
    sent = {"media": {"photo": "x"}, "tags": {"own": 1}, "file": "a.jpg", "person": {"name": " Ann"}}
    stored = with_faces(sent, "own", options, found(10), None, 7, NOW)
    assert {name: stored[name] for name in ("media", "tags", "file")} == {
        name: sent[name] for name in ("media", "tags", "file")
    }
    assert stored["person"] == {"name": "Ann"}
    assert stored["portrait"]["faces"][0]["label"] == {"name": "Ann"}
    assert stored["portrait"]["model"] == {"id": "facenet-1"}
