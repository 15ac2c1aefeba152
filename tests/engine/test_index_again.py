"""`faces index` run again: over what people said, over moved, copied and changed files, beside other runs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys

import pytest
from indexed import documents, paths, say
from PIL import Image
from tools import encoded, landscape, picture, wait_until


def test_what_people_said_stands_after_the_folder_is_indexed_again(run, counted, es, faces, week, whole):
    assert counted(week) == {"new": 2}
    first, second = documents(es)
    es.update(index=faces, id=first, doc={"person": {"name": "Madonna"}, "tags": ["stage"], "album": "Tour"})
    say(es, whole, second, label={"name": "Elton"}, **{"not": ["Bernie"]})
    before = documents(es)
    assert counted(week) == {"unchanged": 2}
    assert documents(es) == before
    status, out, _ = run("index", week)
    assert status == 0
    assert "2 unchanged" in out.splitlines()[-1]


def test_an_indexed_photo_costs_no_second_look(counted, es, faces, week):
    counted(week)
    ingested = {key: document["event"]["ingested"] for key, document in documents(es).items()}
    counted(week)
    assert {key: document["event"]["ingested"] for key, document in documents(es).items()} == ingested


def test_two_folders_with_the_same_names_are_different_photos(counted, es, faces, week, people, tmp_path):
    other = tmp_path / "week2"
    other.mkdir()
    shutil.copy(people["madonna"][1], other / "IMG_1.jpg")
    assert counted(week) == {"new": 2}
    assert counted(other) == {"new": 1}
    assert paths(es) == [["IMG_1.jpg"], ["IMG_1.jpg"], ["IMG_2.jpg"]]
    assert counted(week) == {"unchanged": 2}
    assert counted(other) == {"unchanged": 1}


def test_a_renamed_and_a_moved_file_keep_their_documents(counted, es, faces, week):
    counted(week)
    keys = set(documents(es))
    (week / "IMG_1.jpg").rename(week / "Madonna.jpg")
    (week / "sub").mkdir()
    (week / "IMG_2.jpg").rename(week / "sub" / "IMG_2.jpg")
    assert counted(week) == {"moved": 2}
    assert set(documents(es)) == keys
    assert paths(es) == [["Madonna.jpg", "IMG_1.jpg"], ["sub/IMG_2.jpg", "IMG_2.jpg"]]
    assert counted(week) == {"unchanged": 2}


def test_a_copy_adds_its_path_to_the_document(counted, es, faces, week):
    shutil.copy(week / "IMG_1.jpg", week / "IMG_1 copy.jpg")
    assert counted(week) == {"new": 2, "copies": 1}
    assert paths(es) == [["IMG_1 copy.jpg", "IMG_1.jpg"], ["IMG_2.jpg"]]
    shutil.copy(week / "IMG_2.jpg", week / "later.jpg")
    assert counted(week) == {"unchanged": 3, "copies": 1}
    assert counted(week) == {"unchanged": 4}
    assert len(documents(es)) == 2


def test_the_folder_above_finds_the_same_files_under_longer_paths(counted, es, faces, week):
    counted(week)
    assert counted(week.parent) == {"unchanged": 2}
    assert paths(es) == [["IMG_1.jpg", "week1/IMG_1.jpg"], ["IMG_2.jpg", "week1/IMG_2.jpg"]]


def test_after_a_rollover_nothing_is_stored_twice(counted, es, faces, week, people):
    counted(week)
    es.indices.rollover(alias="faces")
    try:
        (week / "IMG_1.jpg").rename(week / "renamed.jpg")
        shutil.copy(people["madonna"][1], week / "IMG_3.jpg")
        assert counted(week) == {"new": 1, "moved": 1, "unchanged": 1}
        assert es.count(index="faces-000002")["count"] == 1
        assert len(documents(es)) == 3
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_a_photo_that_was_put_by_hand_is_known(counted, es, faces, week):
    es.index(index=faces, id="mine", document={"image": encoded(week / "IMG_1.jpg"), "file.path": "mine.jpg"})
    assert counted(week) == {"new": 1, "copies": 1}
    assert len(documents(es)) == 2
    found = es.search(index=faces, query={"ids": {"values": ["mine"]}}, fields=["file.path"])
    assert found["hits"]["hits"][0]["fields"]["file.path"] == ["mine.jpg", "IMG_1.jpg"]


def test_photos_of_an_earlier_version_are_known_by_content(counted, es, faces, week):
    """Its ids were those of the path, and a photo with an error has no hash."""
    (week / "broken.jpg").write_bytes(b"not a photo")
    for name in ("IMG_1.jpg", "broken.jpg"):
        document = {"image": encoded(week / name), "file": {"path": name, "name": name}}
        es.index(index=faces, id=hashlib.sha256(name.encode()).hexdigest()[:20], document=document)
    assert counted(week) == {"new": 1, "unchanged": 2}
    assert len(documents(es)) == 3


def test_a_changed_file_is_indexed_beside_its_old_content(run, counted, es, faces, week, people):
    counted(week)
    (old,) = (key for key, source in documents(es).items() if source["file"]["path"] == "IMG_1.jpg")
    es.update(index=faces, id=old, doc={"person": {"name": "Madonna"}})
    shutil.copy(people["elton_john"][1], week / "IMG_1.jpg")
    status, out, err = run("index", week, "--json")
    assert (status, json.loads(out)["new"], json.loads(out)["unchanged"]) == (0, 1, 1)
    assert "IMG_1.jpg" in err
    assert old in err
    assert "--replace" in err
    assert documents(es)[old]["person"]["name"] == "Madonna"
    assert counted(week) == {"unchanged": 2}


def test_replace_puts_the_new_content_into_the_old_document(counted, es, faces, week):
    counted(week)
    (old,) = (key for key, source in documents(es).items() if source["file"]["path"] == "IMG_1.jpg")
    es.update(index=faces, id=old, doc={"person": {"name": "Madonna"}, "tags": ["stage"], "album": "Tour"})
    with Image.open(week / "IMG_1.jpg") as image:
        image.save(week / "IMG_1.jpg", quality=90)
    assert counted(week, "--replace") == {"replaced": 1, "unchanged": 1}
    after = documents(es)
    assert len(after) == 2
    assert after[old]["person"]["name"] == "Madonna"
    assert after[old]["album"] == "Tour"
    assert "stage" in after[old]["tags"]
    assert after[old]["face_count"] == 1
    assert counted(week) == {"unchanged": 2}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_file_with_other_metadata_stays_the_same_photo(counted, es, faces, week, people, kind):
    """As after a program has written a date, a rating or a name into it."""
    shutil.rmtree(week)
    week.mkdir()
    photo = week / f"IMG_1.{kind.lower()}"
    exif = Image.Exif()
    with Image.open(people["madonna"][0]) as image:
        photo.write_bytes(picture(image, kind, quality=90))
        counted(week)
        (key,) = documents(es)
        es.update(index=faces, id=key, doc={"person": {"name": "Madonna"}})
        exif[0x010E] = "on stage"
        exif.get_ifd(0x8769)[0x9003] = "2010:05:06 07:08:09"
        photo.write_bytes(picture(image, kind, quality=90, exif=exif))
    assert counted(week) == {"replaced": 1}
    assert counted(week) == {"unchanged": 1}
    after = documents(es)
    assert list(after) == [key]
    assert after[key]["person"]["name"] == "Madonna"
    assert after[key]["@timestamp"] == "2010-05-06T07:08:09"


def test_content_that_was_replaced_and_returns_is_new(counted, es, faces, week):
    counted(week)
    original = (week / "IMG_1.jpg").read_bytes()
    (week / "IMG_1.jpg").write_bytes(picture(landscape()))
    assert counted(week, "--replace") == {"replaced": 1, "unchanged": 1}
    (week / "again.jpg").write_bytes(original)
    assert counted(week) == {"new": 1, "unchanged": 2}
    assert len(documents(es)) == 3


def test_replacing_never_touches_content_that_only_moved(counted, es, faces, week, people):
    """The camera counts from 1 again: a new IMG_1, while the old one was renamed."""
    counted(week)
    (week / "IMG_1.jpg").rename(week / "z.jpg")
    shutil.copy(people["elton_john"][1], week / "IMG_1.jpg")
    assert counted(week, "--replace") == {"new": 1, "moved": 1, "unchanged": 1}
    assert len(documents(es)) == 3


def test_two_runs_at_once_store_each_photo_once(running, es, faces, week, people):
    for number, path in enumerate(people["madonna"][1:7]):
        shutil.copy(path, week / f"more {number}.jpg")
    command = [sys.executable, "-m", "faces", "index", str(week), "--json"]
    environment = os.environ | {"ES_URL": running.connection.es_url}
    runs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    reports = [json.loads(run.communicate()[0]) for run in runs]
    assert [run.returncode for run in runs] == [0, 0]
    assert len(documents(es)) == 8
    assert [report["new"] + report["unchanged"] for report in reports] == [8, 8]
    assert sum(report["new"] for report in reports) == 8


def test_a_photo_whose_error_was_not_its_own_is_sent_again(counted, es, faces, week):
    counted(week)
    key, source = next(iter(documents(es).items()))
    failed = {
        "file": source["file"],
        "album": "Tour",
        "error": {"code": "internal", "message": "the service failed"},
        "event": {"outcome": "failure"},
    }
    es.index(index=faces, id=key, document=failed, pipeline="_none")
    assert counted(week) == {"new": 1, "unchanged": 1}
    found = documents(es)[key]
    assert "error" not in found
    assert (found["face_count"], found["album"]) == (1, "Tour")


def test_a_strict_index_of_ones_own_works_by_ids_alone(counted, pipeline, own_index, week):
    fields = {name: {"type": "object"} for name in ("event", "model", "photo", "faces", "error")}
    own_index(
        "own",
        settings={"default_pipeline": pipeline(field="image", endpoint="default")},
        mappings={
            "dynamic": "strict",
            "properties": {
                **fields,
                "@timestamp": {"type": "date"},
                "image": {"type": "binary"},
                "file": {
                    "properties": {
                        "path": {"type": "keyword"},
                        "name": {"type": "keyword"},
                        "size": {"type": "long"},
                        "mime_type": {"type": "keyword"},
                        "hash": {"type": "object", "enabled": False},
                    }
                },
                "thumbnail": {"type": "keyword", "index": False, "doc_values": False},
                "face_count": {"type": "integer"},
                "unnamed_faces": {"type": "integer"},
                "best_quality": {"type": "float"},
            }
            | {name: {"type": "object", "enabled": False} for name in fields},
        },
    )
    assert counted(week, "--index", "own") == {"new": 2}
    assert counted(week, "--index", "own") == {"unchanged": 2}


def test_ctrl_c_says_what_is_stored_and_the_next_run_sends_the_rest(running, es, faces, sample):
    command = [sys.executable, "-m", "faces", "index", str(sample[0].parents[2]), "--json"]
    environment = os.environ | {"ES_URL": running.connection.es_url}
    stopped = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: es.count(index=faces)["count"] > 0)
    stopped.send_signal(signal.SIGINT)
    report = json.loads(stopped.communicate()[0])
    assert stopped.returncode == 130
    assert report["new"] < len(sample)
    finished = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    rest = json.loads(finished.stdout)
    assert rest["unchanged"] >= report["new"]
    assert rest["new"] + rest["unchanged"] + rest["copies"] == len(sample)
