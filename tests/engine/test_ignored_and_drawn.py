"""Faces that nobody wants to see, and faces that the detector missed and a person drew."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from tools import encoded, picture

BOX = {"x": 20, "y": 30, "width": 70, "height": 90}
"""In a corner of the group photo, where no face is."""


def from_left(document: dict) -> list[dict]:
    return sorted(document["faces"], key=lambda face: face["box"]["x"])


def resized(photo: bytes, factor: float) -> str:
    image = Image.open(io.BytesIO(photo))
    return encoded(picture(image.resize((round(image.width * factor), round(image.height * factor)))))


@pytest.fixture
def override(pipeline, running) -> str:
    """A pipeline that processes each photo again."""
    return pipeline(endpoint="default", model=running.model, override=True)


@pytest.fixture
def ignored(es, faces, whole, group_photo) -> str:
    """The id of a photo of three faces, of which the left one is ignored."""
    es.index(index=faces, id="1", document={"image": encoded(group_photo)})
    document = whole(faces, "1")
    from_left(document)[0]["ignored"] = True
    es.update(index=faces, id="1", doc={"faces": document["faces"]}, refresh=True)
    return "1"


def which_are_ignored(document: dict) -> list[object]:
    return [face.get("ignored") for face in from_left(document)]


def test_an_ignored_face_is_not_unnamed_and_can_be_found(es, faces, whole, ignored):
    after = whole(faces, ignored)
    assert (after["unnamed_faces"], after["face_count"]) == (2, 3)
    query = {"nested": {"path": "faces", "query": {"term": {"faces.ignored": True}}}}
    assert es.count(index=faces, query=query)["count"] == 1
    for face in after["faces"]:
        face["ignored"] = False
    es.update(index=faces, id=ignored, doc={"faces": after["faces"]})
    assert (whole(faces, ignored)["unnamed_faces"], which_are_ignored(whole(faces, ignored))) == (
        3,
        [None] * 3,
    )


@pytest.mark.parametrize("how", ["again", "larger", "override", "put of the faces", "update", "edit"])
def test_it_stays_ignored(es, faces, whole, group_photo, ignored, override, how):
    photo = {"image": encoded(group_photo)}
    match how:
        case "again":
            es.index(index=faces, id=ignored, document=photo)
        case "larger":
            es.index(index=faces, id=ignored, document={"image": resized(group_photo, 2)})
        case "override":
            es.index(index=faces, id=ignored, document=photo, pipeline=override)
        case "put of the faces":
            sent = [
                {key: face[key] for key in face if key != "ignored"}
                for face in whole(faces, ignored)["faces"]
            ]
            es.index(
                index=faces, id=ignored, document={"faces": sent, "model": whole(faces, ignored)["model"]}
            )
        case "update":
            es.update(index=faces, id=ignored, doc={"mine": 1})
        case "edit":
            read = es.get(index=faces, id=ignored)
            version = {"if_seq_no": read["_seq_no"], "if_primary_term": read["_primary_term"]}
            es.index(index=faces, id=ignored, document=whole(faces, ignored) | {"mine": 1}, **version)
    after = whole(faces, ignored)
    assert which_are_ignored(after) == [True, None, None]
    assert after["unnamed_faces"] == 2


def test_it_waits_for_a_photo_with_the_face(es, faces, whole, group_photo, ignored):
    es.index(index=faces, id=ignored, document={"image": "?"}, refresh=True)
    ((waiting),) = whole(faces, ignored)["unplaced"]
    assert waiting["ignored"] is True
    assert es.count(index=faces, query={"term": {"unplaced.ignored": True}})["count"] == 1
    es.index(index=faces, id=ignored, document={"image": resized(group_photo, 0.8)})
    after = whole(faces, ignored)
    assert (which_are_ignored(after), "unplaced" in after) == ([True, None, None], False)


@pytest.fixture
def drawn(es, faces, whole, group_photo, running) -> str:
    """The id of a photo of three faces, to which a person added a fourth, Zoe."""
    es.index(index=faces, id="1", document={"image": encoded(group_photo)})
    document = whole(faces, "1")
    service = running.connection.service()
    *found, face = service.faces_at(group_photo, [BOX], running.model)["faces"]
    assert [one["box"] for one in found] == [one["box"] for one in document["faces"]]
    added = face | {"id": document["faces"][0]["id"][:-1] + "3", "label": {"name": "Zoe"}}
    es.update(index=faces, id="1", doc={"faces": [*document["faces"], added]}, refresh=True)
    return "1"


def test_a_drawn_face_is_a_face_like_any_other(es, faces, whole, drawn):
    after = whole(faces, drawn)
    assert (after["face_count"], after["unnamed_faces"], after["photo"]["faces_found"]) == (4, 3, 3)
    (face,) = [one for one in after["faces"] if one.get("drawn")]
    knn = {"field": "faces.vector", "k": 1, "num_candidates": 10, "query_vector": face["vector"]}
    (hit,) = es.search(index=faces, knn=knn | {"inner_hits": {"size": 1}})["hits"]["hits"]
    (matched,) = hit["inner_hits"]["faces"]["hits"]["hits"]
    assert matched["_source"]["label"] == {"name": "Zoe"}
    query = {"nested": {"path": "faces", "query": {"term": {"faces.drawn": True}}}}
    assert es.count(index=faces, query=query)["count"] == 1


def test_it_is_embedded_again_with_its_photo(es, faces, whole, group_photo, drawn, override):
    before = whole(faces, drawn)
    wrong = [face | {"confidence": 0.25} for face in before["faces"]]
    es.update(index=faces, id=drawn, doc={"faces": wrong})
    es.index(index=faces, id=drawn, document={"image": encoded(group_photo)}, pipeline=override)
    after = whole(faces, drawn)
    assert after["faces"] == before["faces"]
    assert (after["face_count"], after["unnamed_faces"], after["photo"]["faces_found"]) == (4, 3, 3)
    assert "unplaced" not in after


def test_limits_drop_no_drawn_face(es, faces, whole, group_photo, drawn, pipeline, running):
    largest = pipeline(endpoint="default", model=running.model, override=True, max_faces=1, min_quality=0.01)
    es.index(index=faces, id=drawn, document={"image": encoded(group_photo)}, pipeline=largest)
    after = whole(faces, drawn)
    assert [face.get("drawn") for face in after["faces"]] == [None, True]
    assert (after["face_count"], after["photo"]["faces_found"]) == (2, 1)
    assert after["faces"][1]["label"] == {"name": "Zoe"}


def test_in_another_photo_what_was_said_about_it_waits(es, faces, whole, group_photo, drawn):
    es.index(index=faces, id=drawn, document={"image": resized(group_photo, 0.9)})
    after = whole(faces, drawn)
    assert (after["face_count"], [face.get("drawn") for face in after["faces"]]) == (3, [None] * 3)
    ((waiting),) = after["unplaced"]
    assert (waiting["label"], "drawn" in waiting) == ({"name": "Zoe"}, False)


def test_a_copy_and_an_update_keep_it(es, faces, whole, drawn):
    es.index(index=faces, id="copy", document=whole(faces, drawn))
    es.update(index=faces, id=drawn, doc={"mine": 1})
    for key in ("copy", drawn):
        face = whole(faces, key)["faces"][3]
        assert (face["drawn"], face["box"], face["label"]) == (True, BOX, {"name": "Zoe"})


def test_a_box_that_the_service_would_refuse_spoils_no_photo(es, faces, whole, group_photo, drawn, override):
    entries = whole(faces, drawn)["faces"]
    entries[3]["box"] = BOX | {"x": 100_000}
    es.update(index=faces, id=drawn, doc={"faces": entries})
    es.index(index=faces, id=drawn, document={"image": encoded(group_photo)}, pipeline=override)
    after = whole(faces, drawn)
    assert (after["face_count"], after["event"]["outcome"]) == (3, "success")
    assert [waiting["label"] for waiting in after["unplaced"]] == [{"name": "Zoe"}]
