"""Who a face is, as people said."""

from __future__ import annotations

import pytest

from faces.explore.stored_faces import of_document
from faces.names import name_of_face
from faces.searchable import FaceField

ARCHIVE = FaceField(target="", nested=True, indices=("faces",))


@pytest.mark.parametrize(
    ("label", "photo_name", "faces", "found", "name"),
    [
        ("Ann", "Ben", 1, 1, "Ann"),
        (None, "Ben", 1, 1, "Ben"),
        (None, ["Ben"], 1, None, "Ben"),
        (None, "Ben", 2, 2, None),
        (None, "Ben", 1, 2, None),  # the other one was removed
        ("", "Zoe\u0308", 1, 1, "Zo\u00eb"),
        (["Ann", "Ben"], None, 2, 2, "Ann, Ben"),
        (None, [], 1, 1, None),
    ],
)
def test_a_label_comes_first_and_a_photos_name_is_for_the_only_face_that_was_found(
    label, photo_name, faces, found, name
):
    assert name_of_face(label, photo_name, faces, found) == name


@pytest.mark.parametrize(("found", "name"), [(1, "Ann"), (2, None)])
def test_explore_gives_the_photos_name_to_no_face_that_was_left_of_several(found, name):
    source = {"faces": [{"id": "a-0", "vector": [1.0]}], "photo": {"faces_found": found}}
    hit = {"_index": "faces", "_id": "a", "_source": source, "fields": {"person.name": ["Ann"]}}
    ((face, _),) = of_document(hit, ARCHIVE)
    assert face.name == name


def test_a_photos_name_is_not_of_a_face_that_a_person_drew():
    """Of a photo whose detected face somebody removed, before another one drew a box."""
    source = {"faces": [{"id": "a-1", "vector": [1.0], "drawn": True}], "photo": {"faces_found": 1}}
    hit = {"_index": "faces", "_id": "a", "_source": source, "fields": {"person.name": ["Ann"]}}
    ((face, _),) = of_document(hit, ARCHIVE)
    assert face.name is None
