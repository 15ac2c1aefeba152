"""`faces index` over a folder, a CSV, NDJSON and standard input: what is stored, and what is said of it."""

from __future__ import annotations

import csv
import json
import shutil
import stat
from pathlib import Path

import pytest
from indexed import documents
from tools import encoded, landscape, line_with, numbers, picture, side_by_side

from faces.indexing import indexing

OUTCOMES = ("new", "unchanged", "moved", "copies", "replaced", "skipped", "failed")


@pytest.fixture
def counted(run):
    """Runs `faces index ... --json`; returns the outcomes that occurred."""

    def index(*arguments: object, status: int = 0, **options: object) -> dict[str, int]:
        ended, out, err = run("index", *arguments, "--json", **options)
        assert ended == status, err
        return {name: count for name, count in json.loads(out).items() if name in OUTCOMES and count}

    return index


@pytest.fixture
def album(tmp_path, people) -> Path:
    """Photos of two people, each in a folder of that name."""
    folder = tmp_path / "album"
    for name, person in (("Ann", "madonna"), ("Ben", "elton_john")):
        (folder / name).mkdir(parents=True)
        shutil.copy(people[person][0], folder / name / "1.jpg")
    return folder


def by_path(es, index: str = "faces") -> dict[str, dict]:
    return {str(source["file"]["path"]): source for source in documents(es, index).values()}


def test_a_csv_beside_its_photos_brings_names_dates_tags_and_fields_of_ones_own(counted, es, faces, album):
    (album / "photos.csv").write_text(
        "path,person.name,@timestamp,tags,observer.name,album,id\n"
        "Ann/1.jpg,Ann Lee,2020-05-06T07:08:09Z,stage; tour,gate 1,Tour,first\n"
        "Ben/1.jpg,,,,,,\n"
    )
    assert counted(album / "photos.csv") == {"new": 2}
    ann = by_path(es)["Ann/1.jpg"]
    assert ann["person"]["name"] == ann["faces"][0]["label"]["name"] == "Ann Lee"
    assert (ann["@timestamp"], ann["tags"]) == ("2020-05-06T07:08:09Z", ["stage", "tour"])
    assert (ann["observer"], ann["album"]) == ({"name": "gate 1"}, "Tour")
    assert ann["file"]["name"] == "1.jpg"
    assert "first" in documents(es)
    assert "person" not in by_path(es)["Ben/1.jpg"]
    assert counted(album / "photos.csv") == {"unchanged": 2}
    assert counted(album) == {"unchanged": 2, "skipped": 1}, "the same files, and the list itself"


def test_a_list_run_again_adds_what_is_missing_and_keeps_what_stands(run, counted, es, faces, album):
    photos = album / "photos.csv"
    photos.write_text("path\nAnn/1.jpg\n")
    assert counted(photos) == {"new": 1}
    (key,) = documents(es)
    es.update(index=faces, id=key, doc={"album": "mine", "tags": ["kept"]})
    photos.write_text("path,album,tags,observer.name,person.name\nAnn/1.jpg,theirs,new,gate 1,Ann\n")
    status, out, _ = run("index", photos, "--json")
    assert (status, json.loads(out)["unchanged"], json.loads(out)["kept"]) == (0, 1, {"album": 1})
    found = documents(es)[key]
    assert (found["album"], found["tags"]) == ("mine", ["kept", "new"])
    assert (found["observer"]["name"], found["person"]["name"]) == ("gate 1", "Ann")


def test_ndjson_from_standard_input_has_photos_in_base64(counted, es, faces, album, tmp_path, monkeypatch):
    monkeypatch.chdir(album)
    lines = [
        {"image": encoded(album / "Ann" / "1.jpg"), "person": {"name": "Ann"}, "file.path": "old/a.jpg"},
        {"path": "Ben/1.jpg", "id": "ben", "tags": ["x"]},
        {"image": encoded(album / "Ann" / "1.jpg"), "rating": 5},
    ]
    typed = "\n".join(json.dumps(line) for line in lines)
    assert counted("-", "--format", "ndjson", stdin=typed) == {"new": 2, "unchanged": 1}
    found = by_path(es)
    assert (found["old/a.jpg"]["person"]["name"], found["old/a.jpg"]["rating"]) == ("Ann", 5)
    assert found["old/a.jpg"]["face_count"] == 1
    assert documents(es)["ben"]["file"]["path"] == "Ben/1.jpg"
    assert counted("-", "--format", "ndjson", stdin=typed) == {"unchanged": 3}


def test_bad_rows_fail_alone_and_the_file_of_failures_says_what_to_do(run, es, faces, album, tmp_path):
    (album / "broken.jpg").write_bytes(b"no photo")
    (album / "photos.csv").write_bytes(
        b"path,image,person.name,observer.geo,model.id\n"
        b"Ann/1.jpg,,Ann,,\n"
        b"gone.jpg,,,,\n"
        b"/etc/hostname,,,,\n"
        b",!!!,,,\n"
        b"Ben/1.jpg,,Zo\xeb,,\n"
        b"Ben/1.jpg,,,,facenet\n"
        b"Ben/1.jpg,,,,,more\n"
        b"broken.jpg,,,,\n"
    )
    failures = tmp_path / "failures.csv"
    status, out, err = run("index", album / "photos.csv", "--failures", failures)
    assert status == 1
    assert numbers(out.splitlines()[-1]) == [2, 0, 0, 0, 0, 0, 6]
    assert "line 3: gone.jpg" in err
    with failures.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["line"], row["code"]) for row in rows] == [
        ("3", "missing_file"),
        ("4", "outside_root"),
        ("5", "not_base64"),
        ("6", "bad_row"),
        ("7", "bad_row"),
        ("8", "bad_row"),
        ("9", "not_an_image"),
    ]
    assert all(row["reason"] and row["remedy"].endswith(".") for row in rows)
    assert rows[-1]["id"] in documents(es)
    assert stat.S_IMODE(failures.stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["failures.csv"]
    status, _, err = run("index", album / "photos.csv")
    assert "--failures" in err
    run("index", album / "photos.csv", "--failures", tmp_path / "failures.ndjson")
    found = [json.loads(line) for line in (tmp_path / "failures.ndjson").read_text().splitlines()]
    assert [row["code"] for row in found] == [row["code"] for row in rows]


def test_a_strangers_list_reads_no_file_outside_unless_the_root_is_widened(
    counted, es, faces, album, tmp_path
):
    elsewhere = tmp_path / "lists"
    elsewhere.mkdir()
    (elsewhere / "photos.csv").write_text(f"path\n{album / 'Ann' / '1.jpg'}\n")
    assert counted(elsewhere / "photos.csv", status=1) == {"failed": 1}
    assert documents(es) == {}
    assert counted(elsewhere / "photos.csv", "--root", album) == {"new": 1}
    assert list(by_path(es)) == ["Ann/1.jpg"]


def test_an_id_that_is_taken_is_refused_or_replaced(counted, es, faces, album):
    photos = album / "photos.csv"
    photos.write_text("path,id\nAnn/1.jpg,x\n")
    assert counted(photos) == {"new": 1}
    photos.write_text("path,id\nBen/1.jpg,x\n")
    assert counted(photos, "--dry-run", status=1) == {"failed": 1}
    assert counted(photos, status=1) == {"failed": 1}
    first = documents(es)["x"]["file"]["hash"]
    assert counted(photos, "--replace") == {"replaced": 1}
    assert documents(es)["x"]["file"]["hash"] != first
    photos.write_text("path,id\nAnn/1.jpg,y\nBen/1.jpg,y\n")
    assert counted(photos, status=1) == {"new": 1, "failed": 1}


def test_a_dry_run_counts_as_the_run_itself_and_sends_nothing(run, counted, es, faces, album):
    shutil.copy(album / "Ann" / "1.jpg", album / "copy.jpg")
    assert counted(album, "--dry-run") == {"new": 2, "copies": 1}
    assert documents(es) == {}
    assert counted(album) == {"new": 2, "copies": 1}
    (album / "Ben" / "1.jpg").rename(album / "Ben" / "2.jpg")
    (album / "Ann" / "1.jpg").write_bytes(picture(landscape()))
    before = documents(es)
    for options in ((), ("--replace",)):
        planned = counted(album, "--dry-run", *options)
        assert documents(es) == before
    assert planned == counted(album, "--replace")
    status, out, _ = run("index", album, "--dry-run")
    assert status == 0
    assert numbers(out.splitlines()[-1]) == [0, 3, 0, 0, 0, 0, 0]


def test_portraits_are_enrolled_by_folder_or_column_and_group_photos_are_told(
    run, counted, es, gallery, album, people
):
    group = side_by_side([people["madonna"][1], people["elton_john"][1]])
    (album / "Ann" / "group.jpg").write_bytes(picture(group, quality=92))
    (album / "Ann" / "meadow.jpg").write_bytes(picture(landscape()))
    shutil.copy(people["mindy_kaling"][0], album / "nobody.jpg")
    status, out, err = run("index", album, "--enroll", "--labels", "folder", "--json")
    assert status == 1
    report = json.loads(out)
    assert (report["new"], report["failed"], report["unreadable"]) == (4, 1, 2)
    assert "[several_faces]" in line_with("group.jpg", err)
    assert "[no_face]" in line_with("meadow.jpg", err)
    assert line_with("nobody.jpg", err)
    found = by_path(es, gallery)
    assert found["Ann/1.jpg"]["person"]["name"] == "Ann"
    assert "face" in found["Ann/1.jpg"]
    photos = album / "photos.csv"
    photos.write_text("path,person.name,tags\nnobody.jpg,Mindy,watch\nAnn/1.jpg,,\n")
    assert counted(photos, "--enroll", status=1) == {"new": 1, "failed": 1}
    assert by_path(es, gallery)["nobody.jpg"]["tags"] == ["watch"]


def test_portraits_are_enrolled_only_where_a_photo_has_one_face(run, faces, album):
    status, _, err = run("index", album, "--enroll", "--labels", "folder", "--index", "faces")
    assert status == 1
    assert "[faces]" in err


def test_links_to_the_photos_are_stored_and_follow_a_moved_one(counted, es, faces, album, people):
    shutil.copy(people["madonna"][1], album / "é 100%.jpg")
    prefix = "https://photos.example.org/archive"
    assert counted(album, "--url-prefix", prefix) == {"new": 3}
    links = {path: source["url"]["original"] for path, source in by_path(es).items()}
    assert links == {
        "Ann/1.jpg": f"{prefix}/Ann/1.jpg",
        "Ben/1.jpg": f"{prefix}/Ben/1.jpg",
        "é 100%.jpg": f"{prefix}/%C3%A9%20100%25.jpg",
    }
    (album / "Ben" / "1.jpg").rename(album / "Ben" / "2.jpg")
    assert counted(album, "--url-prefix", prefix) == {"moved": 1, "unchanged": 2}
    assert f"{prefix}/Ben/2.jpg" in {source["url"]["original"] for source in documents(es).values()}


def test_many_photos_of_a_list_go_in_batches(counted, es, faces, tmp_path, monkeypatch):
    """More than one batch, of which only some photos are new."""
    monkeypatch.setattr(indexing, "BULK_PHOTOS", 5)
    lines = [{"image": encoded(picture(landscape(64 + number // 2)))} for number in range(14)]
    (tmp_path / "many.ndjson").write_text("\n".join(map(json.dumps, lines)))
    assert counted(tmp_path / "many.ndjson") == {"new": 7, "unchanged": 7}
    assert es.count(index=faces)["count"] == 7


@pytest.mark.parametrize(
    "arguments",
    [
        ("photos.txt",),
        ("-",),
        (".", "--format", "csv"),
        (".", "--root", "."),
        (".", "--url-prefix", "photos.example.org"),
        (".", "--failures", "failures.txt"),
        (".", "--failures", "absent/failures.csv"),
        ("absent.csv",),
    ],
)
def test_options_that_do_not_fit_are_status_2(run, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos.txt").write_text("path\n")
    status, _, err = run("index", *arguments)
    assert status == 2
    assert err


def test_an_empty_list_and_one_that_is_none_are_errors(run, faces, tmp_path):
    for text in (b"path\n", b"\x00\x01\x02", b"name\nx\n"):
        (tmp_path / "photos.csv").write_bytes(text)
        status, _, err = run("index", tmp_path / "photos.csv")
        assert status == 1
        assert "Traceback" not in err


def test_the_bar_shows_a_rate(run, faces, album):
    _, _, err = run("index", album)
    assert "photos/s" in err
