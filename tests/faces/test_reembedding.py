"""`faces reembed` without servers: which vector a face gets, what a document keeps, which files are read."""

from __future__ import annotations

import base64
import io
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from faces.erasure.subject import Place
from faces.photos import sha256_of
from faces.reembedding.copying import STEP, version_of
from faces.reembedding.documents import kept_vectors, missing_vectors, rewritten, with_words_of
from faces.reembedding.embedding import IN_CROP, Embedder
from faces.reembedding.photo_sources import BadPrefix, PhotoSources
from faces.searchable import FaceField
from ingest_service import renditions

ARCHIVE = FaceField("", True, ("faces-000001",))
PORTRAITS = FaceField("", False, ("face-gallery-000001",))
NEW = {"id": "sface-1", "digest": "d", "precision": "fp32"}
LEFT, RIGHT = (
    {"x": 10, "y": 10, "width": 40, "height": 50},
    {"x": 200, "y": 20, "width": 60, "height": 60},
)


def place(faces: list[dict], field: FaceField = ARCHIVE, **more: object) -> Place:
    source = {"model": {"id": "facenet-1"}, "faces": faces, **more}
    return Place(("faces-000001", "1"), source, field)


def face(number: int, box: dict, **more: object) -> dict:
    return {"id": f"a-{number}", "vector": [float(number), 1.0], "box": box, **more}


class Service:
    """Finds the same faces in every photo, and whatever is in the boxes that it is given."""

    def __init__(self, *found: dict) -> None:
        self.found = list(found)
        self.asked: list[list[dict]] = []

    def faces_at(self, photo: bytes, boxes: list[dict], model: str, in_bulk: bool) -> dict:
        assert in_bulk
        self.asked.append(boxes)
        drawn = [{"box": box, "vector": [9.0, float(number)]} for number, box in enumerate(boxes)]
        return {"faces": [*self.found, *drawn]}


def embedded(service: Service, of: Place, sources: PhotoSources | None = None) -> tuple[dict, Counter]:
    embedder = Embedder(service, "sface-1", sources or PhotoSources())
    found = embedder.embed(of, "image", missing_vectors(of, {}))
    return found.vectors, found.sources


def picture(side: int) -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side)).save(buffer, "JPEG")
    return base64.b64encode(buffer.getvalue()).decode()


def test_a_crop_is_as_much_larger_than_its_face_as_the_service_makes_it():
    assert pytest.approx(1 + 2 * renditions.CROP_MARGIN) == IN_CROP


def test_each_face_gets_the_vector_of_the_face_at_its_place_and_a_missed_one_that_of_its_box():
    moved = {**RIGHT, "x": RIGHT["x"] + 4}
    service = Service({"box": moved, "vector": [2.0, 2.0]})
    vectors, sources = embedded(service, place([face(0, LEFT), face(1, RIGHT)], image=picture(300)))
    assert vectors == {0: [9.0, 0.0], 1: [2.0, 2.0]}
    assert service.asked == [[], [LEFT]]
    assert sources == {"document": 2}


def test_a_drawn_box_is_named_at_once():
    service = Service()
    vectors, _ = embedded(service, place([face(0, LEFT, drawn=True)], image=picture(300)))
    assert (vectors, service.asked) == ({0: [9.0, 0.0]}, [[LEFT]])


def test_without_the_photo_a_face_is_looked_for_in_the_middle_of_its_crop():
    service = Service()
    one = place([face(0, LEFT, crop=picture(80))])
    vectors, sources = embedded(service, one)
    assert vectors == {0: [9.0, 0.0]}
    assert service.asked == [[{"x": 20, "y": 15, "width": 40, "height": 50}]]
    assert sources == {"crop": 1}


@pytest.mark.parametrize("crop", [None, "", "no picture", base64.b64encode(b"no picture").decode()])
def test_without_photo_and_crop_there_is_no_vector(crop):
    service = Service()
    assert embedded(service, place([face(0, LEFT, crop=crop)])) == ({}, {})
    assert service.asked == []


def test_a_photo_that_is_another_one_by_now_is_not_taken():
    other = place([face(0, LEFT)], image=picture(300), file={"hash": {"sha256": "0" * 64}})
    assert embedded(Service(), other) == ({}, {})


def test_a_document_keeps_all_but_vectors_and_guesses():
    one = face(0, LEFT, label={"name": "Ann"}, match={"name": "Ben"}, best_similarity=0.9, mine=1)
    stored = place(
        [one, face(1, RIGHT, ignored=True)],
        tags=["trip"],
        best_similarity=0.9,
        undecided_faces=0,
        **{"own.field": 3},
    )
    source = rewritten(stored, {0: [5.0], 1: [6.0]}, {}, None, NEW, from_crop=True)
    assert source == {
        "model": {**NEW, "source": "crop"},
        "faces": [
            {"id": "a-0", "vector": [5.0], "box": LEFT, "label": {"name": "Ann"}, "mine": 1},
            {"id": "a-1", "vector": [6.0], "box": RIGHT, "ignored": True},
        ],
        "tags": ["trip"],
        "own.field": 3,
    }
    assert stored.source["best_similarity"] == 0.9, "what was read isn't changed"


def test_a_portrait_has_its_vector_at_the_top():
    stored = Place(
        ("g", "1"),
        {"vector": [1.0], "face": {"id": "a-0"}, "person": {"name": "Ann"}, "model": {"id": "facenet-1"}},
        PORTRAITS,
    )
    source = rewritten(stored, {0: [5.0]}, {}, None, NEW, from_crop=False)
    assert source == {"vector": [5.0], "face": {"id": "a-0"}, "person": {"name": "Ann"}, "model": NEW}


def test_what_was_not_processed_stays_as_it_is():
    waiting = Place(("faces-000001", "1"), {"image": "abc", "file": {"path": "a.jpg"}}, ARCHIVE)
    assert missing_vectors(waiting, {}) == []
    assert rewritten(waiting, {}, {}, None, NEW, from_crop=False) == waiting.source


def test_a_face_that_stayed_keeps_its_new_vector_and_guess():
    now = place([face(0, LEFT, label={"name": "Ann"}), face(1, RIGHT)])
    before = place(
        [face(0, LEFT) | {"vector": [7.0], "best_similarity": 0.5}, face(1, {**RIGHT, "x": 1})],
        model=dict(NEW),
    )
    kept = kept_vectors(now, before, "sface-1")
    assert list(kept) == [0]
    assert missing_vectors(now, kept) == [1]
    source = rewritten(now, {1: [8.0]}, kept, before, NEW, from_crop=False)
    assert [one["vector"] for one in source["faces"]] == [[7.0], [8.0]]
    assert (source["best_similarity"], source["undecided_faces"]) == (0.5, 0)
    assert kept_vectors(now, before, "another-1") == {}


def test_what_was_said_at_the_last_moment_in_the_old_index_is_added_to_what_stands():
    stands = place([face(0, LEFT, label={"name": "Ann"}, **{"not": ["Ben"]}), face(1, RIGHT)], tags=["a"])
    late = place(
        [
            face(0, LEFT, label={"name": "Cara"}, **{"not": ["Dan"]}),
            face(1, RIGHT, ignored=True),
        ],
        tags=["b"],
        person={"name": "Ann"},
    )
    merged = with_words_of(stands, late)
    assert merged["faces"] == [
        face(0, LEFT, label={"name": "Ann"}, **{"not": ["Ben", "Dan"]}),
        face(1, RIGHT, ignored=True),
    ]
    assert (merged["tags"], merged["person"]) == (["a", "b"], {"name": "Ann"})


def test_a_later_change_has_a_higher_version_whatever_was_guessed_meanwhile():
    assert version_of(7) + STEP - 1 < version_of(8)


def in_file(path: str, sha256: str) -> Place:
    return place([face(0, LEFT)], file={"path": path, "hash": {"sha256": sha256}})


def test_a_file_is_read_only_below_the_folder_that_was_named(tmp_path: Path):
    photos, outside = tmp_path / "photos", tmp_path / "secret.jpg"
    (photos / "2026").mkdir(parents=True)
    outside.write_bytes(b"secret")
    own = photos / "2026" / "é.jpg"
    own.write_bytes(b"photo")
    (photos / "link.jpg").symlink_to(outside)
    sources = PhotoSources((photos,))
    assert sources.photo(in_file("2026/é.jpg", sha256_of(own)), "image") == ("file", b"photo")
    for path in ("../secret.jpg", str(outside), "link.jpg", "2026/../../secret.jpg", "absent.jpg", "2026"):
        assert sources.photo(in_file(path, sha256_of(outside)), "image") is None, path
    assert PhotoSources().photo(in_file(str(own), sha256_of(own)), "image") is None
    assert sources.photo(in_file("2026/é.jpg", "0" * 64), "image") is None, "another content by now"


@pytest.mark.parametrize("prefix", ["photos/", "file:///photos/", "https://photos.example", "https:///a/"])
def test_what_is_no_prefix_of_addresses_is_refused(prefix):
    with pytest.raises(BadPrefix):
        PhotoSources(prefixes=(prefix,))


def test_an_address_is_fetched_only_below_a_prefix(monkeypatch):
    fetched: list[str] = []

    def fetch(url: str) -> bytes | None:
        fetched.append(url)
        return None

    monkeypatch.setattr("faces.reembedding.photo_sources._fetched", fetch)
    sources = PhotoSources(prefixes=("https://photos.example/a/",))
    for url in ("1.jpg", "../b/2.jpg", "%2e%2e/b/3.jpg", "sub/4.jpg"):
        sources.photo(place([], url={"original": f"https://photos.example/a/{url}"}), "image")
    sources.photo(place([], url={"original": "https://photos.example.evil/a/5.jpg"}), "image")
    assert fetched == ["https://photos.example/a/1.jpg", "https://photos.example/a/sub/4.jpg"]
