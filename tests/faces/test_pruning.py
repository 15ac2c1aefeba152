"""Which photos are gone at their source, and what people said in their documents."""

from __future__ import annotations

import os
import unicodedata

import pytest
from tools import folder_of

from faces.decisions.documents import Document
from faces.indexing.contents import location_of
from faces.pruning.said import name_of_folder, said_in
from faces.pruning.source_folder import SourceFolder
from faces.searchable import FaceField

ARCHIVE = FaceField("", True, ("faces-1",))


def document(**source: object) -> Document:
    file = {"path": "Ann/1.jpg", "path_hash": "x", "hash": {"sha256": "y"}, "size": 5}
    whole = {"file": file, "face_count": 1, "photo": {"faces_found": 1, "width": 9}, "@timestamp": "2026"}
    return Document("faces-1", "1", 3, 1, ARCHIVE, whole | source)


def face(**said: object) -> dict:
    return {"id": "a-0", "box": {"x": 1}, "match": {"name": "Guess"}, "candidates": [], **said}


def test_a_photo_is_there_gone_or_nobody_can_tell(tmp_path):
    folder_of(tmp_path, "Ann/1.jpg", "Ben/2.jpg", "file")
    (tmp_path / "share").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    look = SourceFolder(tmp_path).place_of
    places = {
        "Ann/1.jpg": "there",
        "Ann": "there",
        "Ann/9.jpg": "gone",
        "Cara/1.jpg": "gone",
        "file/1.jpg": "gone",
        "share/1.jpg": "empty_folder",
        "link/1.jpg": "unreadable",
        "a\0b": "unreadable",
    }
    assert {name: look(name) for name in places} == places
    assert SourceFolder(tmp_path / "nowhere").place_of("1.jpg") == "unreadable"
    assert SourceFolder(tmp_path / "share").place_of("1.jpg") == "empty_folder"


def test_a_file_is_found_whatever_the_form_of_its_name(tmp_path):
    folder_of(tmp_path, unicodedata.normalize("NFD", "Zoë/é.jpg"), os.fsdecode(b"bad\xff.jpg"))
    folder = SourceFolder(tmp_path)
    assert folder.place_of("Zoë/é.jpg") == "there"
    assert folder.place_of("bad�.jpg") == "there"
    assert folder.place_of("Zoë/è.jpg") == "gone"


def test_what_is_below_a_folder_that_cannot_be_read_is_not_gone(tmp_path):
    folder_of(tmp_path, "closed/1.jpg")

    class Closed(type(tmp_path)):
        def iterdir(self):
            if self.name == "closed":
                raise PermissionError(13, "closed")
            return super().iterdir()

    folder = SourceFolder(Closed(tmp_path))
    assert folder.place_of("closed/2.jpg") == "unreadable"
    assert folder.place_of("3.jpg") == "gone"


def test_a_path_is_of_a_folder_by_its_digest_or_as_it_is_absolute(tmp_path):
    here, other = folder_of(tmp_path / "a", "1.jpg"), folder_of(tmp_path / "b", "1.jpg")
    folder = SourceFolder(here)
    ours = [location_of(here / "1.jpg")]
    assert folder.below("1.jpg", ours) == "1.jpg"
    assert folder.below("1.jpg", [location_of(other / "1.jpg")]) is None
    assert folder.below("1.jpg", []) is None, "a relative path alone says nothing"
    assert folder.below(f"{here}/x/2.jpg", []) == "x/2.jpg"
    for elsewhere in (f"{other}/1.jpg", f"{here}er/1.jpg", f"{here}/../b/1.jpg", str(here), "", "."):
        assert folder.below(elsewhere, []) is None
    assert folder.below(f"{here}/1.jpg", ours) is None


def test_a_folder_is_known_through_a_link_too(tmp_path):
    real = folder_of(tmp_path / "real", "1.jpg")
    (tmp_path / "link").symlink_to(real)
    folder = SourceFolder(tmp_path / "link")
    assert folder.below("1.jpg", [location_of(real / "1.jpg")]) == "1.jpg"
    assert folder.below(f"{real}/1.jpg", []) == folder.below(f"{tmp_path}/link/1.jpg", []) == "1.jpg"


@pytest.mark.parametrize(
    ("said", "what"),
    [
        ({"faces": [face(label={"name": "Ann"})]}, {"a-0": {"label": "Ann"}}),
        ({"faces": [{**face(), "not": ["Ben"]}]}, {"a-0": {"not": ["Ben"]}}),
        ({"faces": [face(ignored=True, drawn=True)]}, {"a-0": {"ignored": True, "drawn": True}}),
        ({"tags": ["no_face", "best"]}, {None: {"tags": ["best"]}}),
        ({"person": {"name": "Ann"}}, {None: {"name": "Ann"}}),
        ({"unplaced": [{"id": "x", "label": {"name": "Ann"}}]}, None),
    ],
    ids=str,
)
def test_each_decision_is_seen(said, what):
    found = said_in(document(**said), None)
    assert found
    assert what is None or found.states == what


def test_a_guess_is_no_decision_and_a_field_that_somebody_added_is_one():
    assert not said_in(document(faces=[face()], model={"id": "m"}, error={"code": "x"}), None)
    added = said_in(
        document(album="Tour", photo={"caption": "x", "width": 1}, faces=[face(note="mine")]), None
    )
    assert set(added.own) == {"album", "photo.caption", "faces.note"}
    crawled = document(file={"path": "/a/1.jpg", "filename": "1.jpg"}, path={"real": "/a/1.jpg"})
    assert not said_in(crawled, None), "what a crawler sent isn't what a person said"


def test_the_name_of_a_folder_is_nobodys_decision_and_another_one_is():
    labelled = document(person={"name": "Ann Lee"}, faces=[face(label={"name": "Ann Lee"})])
    assert name_of_folder("x/Ann_Lee/1.jpg") == "Ann Lee"
    assert name_of_folder("1.jpg") is None
    assert not said_in(labelled, "Ann Lee")
    assert said_in(labelled, "Ben").is_named
    assert said_in(labelled, None).is_named
    corrected = document(person={"name": "Ann Lee"}, faces=[face(label={"name": "Cara"})])
    assert said_in(corrected, "Ann Lee").states == {"a-0": {"label": "Cara"}}
    pair = [face(id="a-0", label={"name": "Ann Lee"}), face(id="a-1")]
    assert said_in(document(person={"name": "Ann Lee"}, faces=pair), "Ann Lee").is_named
