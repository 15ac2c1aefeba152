"""Lists of photos: which line is which photo, with which fields, and what is wrong with the other lines."""

from __future__ import annotations

import base64
import io
import json
import os
import re
from pathlib import Path

import pytest
from tools import encoded, folder_of, landscape, picture

from faces.indexing.outcomes import IndexedPhoto, Outcome
from faces.photo_lists.listed import PhotoList
from faces.photo_lists.own_fields import MACHINE_FIELDS
from faces.photo_lists.rows import ListUnreadable, read_rows
from faces.photos import SentPhoto

JPEG = picture(landscape())
MACHINE = (
    Path(__file__).parents[2] / "es_setup/plugin/src/main/java/org/ingestface/document/MachineFields.java"
)


@pytest.fixture
def root(tmp_path) -> Path:
    return folder_of(tmp_path / "photos", "a.jpg", "Ann/b.jpg", "c d.jpg", "film.mp4")


def read(text: str | bytes, root: Path, form: str = "csv", **options) -> list[SentPhoto | IndexedPhoto]:
    stream = io.BytesIO(text.encode() if isinstance(text, str) else text)
    return list(PhotoList(root, **options).photos(read_rows(stream, form)))


def problems(found: list[SentPhoto | IndexedPhoto]) -> list[tuple[int | None, str | None]]:
    """(line, code) of each line that is no photo."""
    return [(one.photo.line, one.code) for one in found if isinstance(one, IndexedPhoto)]


def test_a_csv_has_paths_and_fields_by_their_dotted_names(root):
    text = (
        "path,person.name,@timestamp,tags,observer.name,id\n"
        "a.jpg,Ann,2026-01-01T10:00:00Z,stage; tour,gate 1,first\n"
        "Ann/b.jpg,,,,,\n"
    )
    first, second = read(text, root)
    assert (first.path, first.name, first.label, first.id, first.line) == (
        root / "a.jpg",
        "a.jpg",
        "Ann",
        "first",
        2,
    )
    assert first.fields == {
        "@timestamp": "2026-01-01T10:00:00Z",
        "tags": ["stage", "tour"],
        "observer.name": "gate 1",
    }
    assert (second.name, second.label, second.id, second.fields) == ("Ann/b.jpg", None, None, {})


def test_ndjson_has_the_same_fields_as_objects_or_with_dots(root):
    lines = [
        {"path": "a.jpg", "person": {"name": "Ann"}, "tags": ["x;y"], "rating": 5, "observer.name": "gate 1"},
        {"image": encoded(JPEG), "person.name": "Ben", "file.path": "old/b.jpg"},
        {"image": f"data:image/jpeg;base64,{encoded(JPEG)}", "album": None},
    ]
    first, second, third = read("\n".join(map(json.dumps, lines)), root, "ndjson")
    assert (first.label, first.fields) == ("Ann", {"tags": ["x;y"], "rating": 5, "observer.name": "gate 1"})
    assert (second.data, second.label) == (JPEG, "Ben")
    assert second.fields == {"file.path": "old/b.jpg", "file.name": "b.jpg"}
    assert (third.data, third.fields, third.line) == (JPEG, {}, 3)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_csv_of_any_spreadsheet_is_read(root, separator, start, end):
    text = (
        start
        + separator.join(("path", "person.name"))
        + end
        + separator.join(('"c d.jpg"', '"Lee, Ann"'))
        + end
    )
    (photo,) = read(text, root)
    assert (photo.name, photo.label) == ("c d.jpg", "Lee, Ann")


def test_a_bad_line_of_a_csv_fails_alone_with_its_number(root):
    text = (
        b"path,image,person.name\n"
        b"a.jpg,,Ann\n"
        b"gone.jpg,,Ann\n"
        b",not base64!,Ann\n"
        b"a.jpg,,Ann,more,cells\n"
        b"a.jpg,,Zo\xeb\n"
        b"a.jpg,QUJD,Ann\n"
        b",,Ann\n"
        b'a.jpg,,"A"nn\n'
        b"a\0.jpg,,Ann\n"
        b"\n"
        b"Ann/b.jpg,,Ann\n"
    )
    found = read(text, root)
    assert [photo.name for photo in found if isinstance(photo, SentPhoto)] == ["a.jpg", "Ann/b.jpg"]
    assert problems(found) == [
        (3, "missing_file"),
        (4, "not_base64"),
        (5, "bad_row"),
        (6, "bad_row"),
        (7, "bad_row"),
        (8, "bad_row"),
        (9, "bad_row"),
        (10, "bad_row"),
    ]
    assert found[-1].line == 12


def test_a_cell_of_several_lines_counts_as_these_lines(root):
    (first, second) = read('path,note\na.jpg,"two\nlines"\nAnn/b.jpg,\n', root)
    assert (first.fields, second.line) == ({"note": "two\nlines"}, 4)
    assert problems(read('path,note\n"a.jpg,\nAnn/b.jpg,\n', root)) == [(2, "bad_row")]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"[]",
        b'"a.jpg"',
        b"\xff\xfe{}",
        b'{"path": 1}',
        b'{"path": "a.jpg", "rating": NaN}',
        b'{"path": "a.jpg", "note": "\\ud800"}',
        b'{"path": "a.jpg", "id": ["x"]}',
        b'{"path": "a.jpg", "id": "' + b"x" * 513 + b'"}',
        b'{"path": "a.jpg", "album": 1, "album.name": "x"}',
        b'{"path": "a.jpg", "album": {"a": 1}, "album.a": 2}',
        b'{"path": "a.jpg", ".x": 1}',
        b'{"path": "a.jpg", "a": ' + b'{"a": ' * 3000 + b"1" + b"}" * 3001,
        b'{"path": "a.jpg", "a": ' + b'{"a": ' * 40 + b"1" + b"}" * 41,
        b'{"image": ["x"]}',
        b"{}",
    ],
)
def test_a_bad_line_of_ndjson_fails_alone(root, line):
    found = read(b'{"path": "a.jpg"}\n' + line + b'\n{"path": "Ann/b.jpg"}\n', root, "ndjson")
    assert [photo.name for photo in found if isinstance(photo, SentPhoto)] == ["a.jpg", "Ann/b.jpg"]
    ((number, code),) = problems(found)
    assert (number, code) in {(2, "bad_row"), (2, "not_base64")}


@pytest.mark.parametrize(
    "text", ["", "a.jpg\n", "name,photo\nx,y\n", "path,tags,tags\na.jpg,,\n", "path,\na.jpg,\n"]
)
def test_a_csv_without_a_header_is_refused_as_a_whole(root, text):
    with pytest.raises(ListUnreadable):
        read(text, root)


def test_a_csv_in_utf_16_is_refused_as_a_whole(root):
    with pytest.raises(ListUnreadable, match="UTF-8"):
        read("path\na.jpg\n".encode("utf-16"), root)


def test_a_list_sends_no_file_from_outside_its_root(root, tmp_path):
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(JPEG)
    (root / "link.jpg").symlink_to(secret)
    (root / "folder").symlink_to(tmp_path)
    (root / "inside.jpg").symlink_to(root / "a.jpg")
    outside = [
        "../secret.jpg",
        str(secret),
        "link.jpg",
        "folder/secret.jpg",
        "/etc/passwd",
        "Ann/../../secret.jpg",
    ]
    found = read("\n".join(["path", *outside, "inside.jpg", str(root / "a.jpg"), "Ann/../a.jpg"]), root)
    assert problems(found) == [(line, "outside_root") for line in range(2, 2 + len(outside))]
    assert [photo.name for photo in found if isinstance(photo, SentPhoto)] == ["inside.jpg", "a.jpg", "a.jpg"]
    (all_allowed,) = read(f"path\n{secret}\n", Path("/"))
    assert all_allowed.path == secret
    assert all_allowed.name == str(secret)[1:]


def test_links_that_lead_to_each_other_and_pipes_are_left_alone(root):
    (root / "x.jpg").symlink_to(root / "y.jpg")
    (root / "y.jpg").symlink_to(root / "x.jpg")
    os.mkfifo(root / "pipe.jpg")
    found = read("path\nx.jpg\npipe.jpg\nAnn\n", root)
    assert problems(found) == [(2, "unreadable_file"), (3, "unreadable_file"), (4, "unreadable_file")]


def test_a_file_that_is_no_photo_is_skipped_as_in_a_folder(root):
    (film,) = read("path\nfilm.mp4\n", root)
    assert (film.outcome, film.notice, film.code) == (Outcome.SKIPPED, "video", None)


@pytest.mark.parametrize("name", ["写真", "фото", "صورة", "e\u0301te\u0301", "a\tb", "🙂"])
def test_names_in_any_script(root, name):
    folder_of(root, f"{name}/{name}.jpg")
    line = json.dumps({"path": f"{name}/{name}.jpg"}, ensure_ascii=False)
    (photo,) = read(line, root, "ndjson", labels_from_folders=True, url_prefix="https://x.org")
    assert photo.path.is_file()
    assert photo.label
    assert re.fullmatch(r"https://x\.org/[\w%.-]+/[\w%.-]+\.jpg", photo.fields["url.original"], re.ASCII)


def test_a_folder_names_whom_the_line_does_not(root):
    text = "path,person.name\nAnn/b.jpg,\nAnn/b.jpg,Zoe\na.jpg,\n"
    assert [photo.label for photo in read(text, root, labels_from_folders=True)] == ["Ann", "Zoe", None]


@pytest.mark.parametrize(
    "name", [*MACHINE_FIELDS, "faces.label.name", "model.id", "file.hash.sha256", "file.path"]
)
def test_no_list_writes_a_field_that_is_ours(root, name):
    (found,) = read(json.dumps({"path": "a.jpg", name: "x"}), root, "ndjson")
    assert isinstance(found, IndexedPhoto)
    assert name.partition(".")[0] in found.error or found.code in ("bad_row", "not_base64")


def test_ours_are_the_fields_that_the_plugin_keeps_for_itself():
    java = MACHINE.read_text().partition("private static final int MAX_NAMED")[0]
    names = set(re.findall(r'"([\w.]+)"', java.partition("PHOTO =")[2]))
    below = dict.fromkeys(("width", "height", "taken", "fingerprint"), "photo.")
    below |= dict.fromkeys(("id", "digest", "precision", "source"), "model.")
    names = {below.get(name, "") + name for name in names}
    assert len(names) > 15
    assert {
        name
        for name in names
        if not any(name == ours or name.startswith(f"{ours}.") for ours in MACHINE_FIELDS)
    } == {"photo."}


def test_a_photo_in_a_list_is_decoded_with_line_breaks_in_its_base64(root):
    text = base64.encodebytes(JPEG).decode()
    (photo,) = read(json.dumps({"image": text}), root, "ndjson")
    assert photo.data == JPEG
