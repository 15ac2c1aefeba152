"""`faces index` over folders as people have them: exports, network drives, scans."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from PIL import Image
from tools import landscape, line_with, numbers, picture

CHANGED = 1_000_000_000  # 2001-09-09


def scan(path, seed: int = 0) -> None:
    """A photo without EXIF, whose file was last changed in 2001."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(landscape(320 + seed)))
    os.utime(path, (CHANGED, CHANGED))


@pytest.fixture
def dated(run, es, faces):
    """Indexes a folder; returns path -> date and where it comes from."""

    def index(folder) -> dict[str, tuple[str, str | None]]:
        status, _, err = run("index", folder)
        assert status == 0, err
        hits = es.search(index=faces, size=50)["hits"]["hits"]
        found = {hit["_source"]["file"]["path"]: hit["_source"] for hit in hits}
        return {
            path: (source["@timestamp"], source["photo"].get("dated_by")) for path, source in found.items()
        }

    return index


def test_the_last_line_counts_everything_and_what_is_skipped_is_named(run, faces, tmp_path, portrait):
    shutil.copy(portrait, tmp_path / "a.jpg")
    shutil.copy(portrait, tmp_path / "a-edited.jpg")
    scan(tmp_path / "@eaDir" / "a.jpg" / "SYNOPHOTO_THUMB_M.jpg")
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    (tmp_path / "cloud.jpg").write_bytes(b"")
    (tmp_path / "film.jpg").write_bytes(b"\0\0\0\x20ftypisom")
    status, out, err = run("index", tmp_path)
    assert status == 0
    assert numbers(out.splitlines()[-1]) == [2, 0, 0, 0, 0, 5, 0]
    for reason in ("system folder @eaDir", "edited copy", "video", "empty"):
        assert reason in err
    status, out, _ = run("index", tmp_path, "--json")
    report = json.loads(out)
    assert (report["unchanged"], report["unreadable"], report["skipped"]) == (2, 1, 5)
    assert sorted(report["skipped_files"]["video"]) == ["film.jpg", "film.mp4"]
    _, out, _ = run("index", tmp_path, "--list-skipped")
    assert "edited copy" in line_with("a-edited.jpg", out)


def test_no_person_is_named_after_a_system_folder(run, es, faces, tmp_path, portrait):
    for folder in ("Ann", "@eaDir", "#recycle"):
        (tmp_path / folder).mkdir()
    shutil.copy(portrait, tmp_path / "Ann" / "1.jpg")
    scan(tmp_path / "@eaDir" / "x.jpg", 1)
    scan(tmp_path / "#recycle" / "y.jpg", 2)
    run("index", tmp_path, "--labels", "folder")
    assert es.count(index=faces)["count"] == 1
    status, out, _ = run("index", tmp_path, "--labels", "folder", "--include-all", "--json")
    assert (status, json.loads(out)["new"]) == (0, 2)
    people = es.search(index=faces, size=0, aggs={"people": {"terms": {"field": "people"}}})["aggregations"]
    assert [bucket["key"] for bucket in people["people"]["buckets"]] == ["Ann"]


def test_photos_with_other_endings_are_indexed_by_their_content(run, es, faces, tmp_path, portrait):
    with Image.open(portrait) as image:
        image.save(tmp_path / "scan", "PNG")
        image.save(tmp_path / "photo.txt", "WEBP")
        image.save(tmp_path / "photo.jfif", "JPEG", quality=80)
        image.save(tmp_path / "photo.mpo", "JPEG", quality=81)
    status, out, _ = run("index", tmp_path, "--json")
    assert status == 0
    report = json.loads(out)
    assert (report["new"], report["with_faces"], report["unreadable"]) == (4, 4, 0)


def test_a_photo_without_exif_gets_its_date_from_takeout_xmp_or_its_file(dated, tmp_path):
    scan(tmp_path / "takeout.jpg", 1)
    sidecar = {"photoTakenTime": {"timestamp": "900277200"}}
    (tmp_path / "takeout.jpg.supplemental-metad.json").write_text(json.dumps(sidecar))
    scan(tmp_path / "xmp.jpg", 2)
    (tmp_path / "xmp.xmp").write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><d xmlns:e="http://ns.adobe.com/exif/1.0/" '
        'e:DateTimeOriginal="1999-12-31T23:59:59+01:00"/></x:xmpmeta>'
    )
    scan(tmp_path / "scan.jpg", 3)
    assert dated(tmp_path) == {
        "takeout.jpg": ("1998-07-12T21:00:00+00:00", "takeout"),
        "xmp.jpg": ("1999-12-31T23:59:59+01:00", "xmp"),
        "scan.jpg": ("2001-09-09T01:46:40.000+00:00", "file"),
    }


def test_exifs_date_and_one_that_stands_come_first(dated, es, faces, tmp_path):
    scan(tmp_path / "scan.jpg")
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2010:05:06 07:08:09"
    (tmp_path / "exif.jpg").write_bytes(picture(landscape(400), exif=exif))
    sidecar = {"photoTakenTime": {"timestamp": "900277200"}}
    (tmp_path / "exif.jpg.json").write_text(json.dumps(sidecar))
    assert dated(tmp_path)["exif.jpg"] == ("2010-05-06T07:08:09", None)
    (hit,) = es.search(index=faces, query={"term": {"file.path": "scan.jpg"}})["hits"]["hits"]
    es.update(index=faces, id=hit["_id"], doc={"@timestamp": "1950-01-01"})
    (tmp_path / "scan.jpg.json").write_text(json.dumps(sidecar))
    assert dated(tmp_path)["scan.jpg"][0] == "1950-01-01"


def test_a_replaced_scan_gets_the_date_of_the_new_photo(run, es, faces, tmp_path):
    scan(tmp_path / "scan.jpg")
    run("index", tmp_path)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2010:05:06 07:08:09"
    (tmp_path / "scan.jpg").write_bytes(picture(landscape(400), exif=exif))
    status, out, _ = run("index", tmp_path, "--replace", "--json")
    assert (status, json.loads(out)["replaced"]) == (0, 1)
    (hit,) = es.search(index=faces)["hits"]["hits"]
    assert hit["_source"]["@timestamp"] == "2010-05-06T07:08:09"
    assert not hit["_source"]["photo"].get("dated_by")


def test_a_folder_without_photos_says_what_it_has(run, tmp_path):
    (tmp_path / "film.mp4").write_bytes(b"\0\0\0\x20ftypisom")
    status, _, err = run("index", tmp_path)
    assert status == 1
    assert str(tmp_path) in err
    assert "1 video" in err


def test_where_a_photo_lies_on_the_machine_is_not_stored(run, es, faces, tmp_path):
    scan(tmp_path / "secret place" / "scan.jpg")
    run("index", tmp_path / "secret place")
    (hit,) = es.search(index=faces)["hits"]["hits"]
    assert "secret" not in json.dumps(hit["_source"])


def test_the_dates_of_many_photos_do_not_refresh_the_index_for_each(dated, es, faces, tmp_path):
    def refreshes() -> int:
        return es.indices.stats(index=faces, metric="refresh")["_all"]["primaries"]["refresh"][
            "external_total"
        ]

    for number in range(24):
        scan(tmp_path / f"{number}.jpg", number)
    before = refreshes()
    assert set(dated(tmp_path).values()) == {("2001-09-09T01:46:40.000+00:00", "file")}
    assert refreshes() - before < 24
