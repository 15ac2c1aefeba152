"""What people said about faces outlives the photo, and what is counted follows what they change."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from tools import encoded, landscape, picture

ANN = {"name": "Ann"}


@pytest.fixture
def group(es, faces, whole, group_photo):
    """Three faces under the id 1: the left one is Ann, the right one is not Bea."""
    es.index(index=faces, id="1", document={"image": encoded(group_photo)})
    document = whole(faces, "1")
    left, _, right = from_left(document)
    left |= {"label": ANN, "seen": "twice"}
    right["not"] = ["Bea"]
    es.update(index=faces, id="1", doc={"faces": document["faces"]}, refresh=True)
    return whole(faces, "1")


def from_left(document: dict) -> list[dict]:
    return sorted(document["faces"], key=lambda face: face["box"]["x"])


def said(document: dict) -> list[dict]:
    """What people said about each face, from left to right."""
    return [
        {name: face[name] for name in ("label", "not", "seen") if name in face}
        for face in from_left(document)
    ]


SAID = [{"label": ANN, "seen": "twice"}, {}, {"not": ["Bea"]}]


def resized(photo: bytes, factor: float) -> str:
    image = Image.open(io.BytesIO(photo))
    return encoded(picture(image.resize((round(image.width * factor), round(image.height * factor)))))


@pytest.mark.parametrize("factor", [0.7, 2])
def test_a_smaller_or_larger_export_of_the_photo_keeps_labels(es, faces, whole, group, group_photo, factor):
    es.index(index=faces, id="1", document=group | {"image": resized(group_photo, factor)}, refresh=True)
    after = whole(faces, "1")
    assert said(after) == SAID
    assert after["unnamed_faces"] == 2
    assert {face["id"] for face in after["faces"]}.isdisjoint(face["id"] for face in group["faces"])
    assert "unplaced" not in after
    assert es.count(index=faces, query={"term": {"people": "Ann"}})["count"] == 1


def test_bad_photos_and_photos_without_a_face_lose_no_label(es, faces, whole, group, group_photo):
    for image in ("?", encoded(picture(landscape())), "?", encoded(b"no photo")):
        stored = whole(faces, "1") | {"image": image}
        es.index(index=faces, id="1", document=stored, refresh=True)
        between = whole(faces, "1")
        assert not between.get("faces")
        assert between.get("tags", []) == ([] if "error" in between else ["no_face"])
        assert [face.get("label") for face in between["unplaced"]].count(ANN) == 1
        assert len(between["unplaced"]) == 2
        assert es.count(index=faces, query={"term": {"unplaced.label.name": "Ann"}})["count"] == 1
        assert es.count(index=faces, query={"term": {"people": "Ann"}})["count"] == 0
    es.index(index=faces, id="1", document=between | {"image": encoded(group_photo)}, refresh=True)
    after = whole(faces, "1")
    assert said(after) == SAID
    assert "unplaced" not in after
    assert "error" not in after
    assert es.count(index=faces, query={"term": {"people": "Ann"}})["count"] == 1


def test_a_photo_of_fewer_people_keeps_the_others_labels(es, faces, whole, group, group_photo):
    image = Image.open(io.BytesIO(group_photo))
    image.paste((90, 150, 230), (0, 0, image.width // 3, image.height))
    es.index(index=faces, id="1", document=group | {"image": encoded(picture(image, quality=92))})
    fewer = whole(faces, "1")
    assert said(fewer) == SAID[1:]
    ((waiting),) = fewer["unplaced"]
    assert (waiting["label"], waiting["seen"]) == (ANN, "twice")
    assert all(0 <= waiting["box"][side] <= 1 for side in ("x", "y", "width", "height"))
    es.index(index=faces, id="1", document=fewer | {"image": resized(group_photo, 0.8)})
    after = whole(faces, "1")
    assert (said(after), "unplaced" in after) == (SAID, False)


def test_below_a_target_too(es, own_index, attach, whole, group_photo):
    own_index("own")
    assert attach("own", "--field", "picture", "--target-field", "found")[0] == 0
    es.index(index="own", id="1", document={"picture": encoded(group_photo)})
    document = whole("own", "1")
    from_left(document["found"])[0]["label"] = ANN
    es.index(index="own", id="1", document=document | {"picture": "?"})
    between = whole("own", "1")
    assert between["found"]["unplaced"][0]["label"] == ANN
    assert "unplaced" not in between
    es.index(index="own", id="1", document=between | {"picture": resized(group_photo, 2)}, refresh=True)
    assert from_left(whole("own", "1")["found"])[0]["label"] == ANN
    assert es.count(index="own", query={"term": {"found.people": "Ann"}})["count"] == 1


def test_a_portrait_keeps_what_was_said_about_its_face(es, gallery, whole, portrait):
    es.index(index=gallery, id="1", document={"image": encoded(portrait), "person": {"name": "Ben"}})
    document = whole(gallery, "1")
    document["face"] |= {"seen": "twice"}
    es.index(index=gallery, id="1", document=document)
    es.index(index=gallery, id="1", document=whole(gallery, "1") | {"image": "?"})
    assert whole(gallery, "1")["unplaced"][0]["seen"] == "twice"
    larger = resized(portrait.read_bytes(), 2)
    es.index(index=gallery, id="1", document=whole(gallery, "1") | {"image": larger})
    after = whole(gallery, "1")
    assert (after["face"]["seen"], after["person"], "unplaced" in after) == ("twice", {"name": "Ben"}, False)


def test_one_face_of_two_is_removed_and_the_photos_name_is_not_given_to_the_other(es, archive, whole):
    document = whole(archive, "team")
    es.update(index=archive, id="team", doc={"person": ANN, "faces": [from_left(document)[1]]}, refresh=True)
    after = whole(archive, "team")
    (face,) = after["faces"]
    assert "label" not in face
    assert (after["face_count"], after["unnamed_faces"], after["photo"]["faces_found"]) == (1, 1, 2)
    assert after["best_quality"] == face["quality"]["score"]
    face["label"] = {"name": "Ben"}
    es.update(index=archive, id="team", doc={"faces": [face]})
    assert whole(archive, "team")["unnamed_faces"] == 0


def test_a_photo_of_an_older_release_had_as_many_faces_as_it_counts(es, archive, whole):
    document = whole(archive, "team")
    del document["photo"]["faces_found"]
    es.index(index=archive, id="team", document=document, pipeline="_none")
    es.update(index=archive, id="team", doc={"person": ANN, "faces": document["faces"][:1]})
    after = whole(archive, "team")
    assert "label" not in after["faces"][0]
    assert (after["face_count"], after["unnamed_faces"], after["photo"]["faces_found"]) == (1, 1, 2)


def test_the_last_face_is_removed_and_one_is_added(es, archive, whole):
    document = whole(archive, "team")
    es.update(index=archive, id="team", doc={"faces": [], "tags": ["mine"]})
    none = whole(archive, "team")
    assert (none["face_count"], none["unnamed_faces"], none["tags"]) == (0, 0, ["mine", "no_face"])
    assert "best_quality" not in none
    es.update(index=archive, id="team", doc={"faces": document["faces"]})
    again = whole(archive, "team")
    assert (again["face_count"], again["unnamed_faces"], again["tags"]) == (2, 2, ["mine"])
    assert again["best_quality"] == document["best_quality"]
