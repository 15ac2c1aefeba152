"""`faces duplicates`: what is in an index several times, by bytes and by fingerprint; nothing is deleted."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable

import pytest
from copy_fixtures import compressed, cut, resized, sent
from tools import numbers

from faces import buckets
from faces.copies import duplicates as finding
from faces.copies import pictures
from faces.searchable import searchable


@pytest.fixture
def doubled(unnamed, bulk, album) -> str:
    """Ann's photo three times, one of them smaller; Ben's twice; Cara's in one document with two files."""
    ann, ben, cara = (album.files[name] for name in ("ann-0", "ben-0", "cara-0"))
    stored = bulk(
        {
            "half": sent(resized(ann, 0.5), "web/ann.jpg"),
            "poor": sent(compressed(ann), "mail/ann.jpg"),
            "again": sent(ben, "=backup/ben.jpg"),
            "files": sent(cara, ["a/cara.jpg", "b/cara.jpg"]),
            "cut": sent(cut(album.files["ben-1"]), "web/cut.jpg"),
        }
    )
    assert all(item["status"] == 201 for item in stored.values())
    return unnamed


@pytest.fixture
def groups(run) -> Callable[..., list[dict]]:
    def ask(*arguments: object) -> list[dict]:
        status, out, err = run("duplicates", *arguments, "--json")
        assert status == 0, err
        return json.loads(out)["groups"]

    return ask


def ids(found: list[dict]) -> list[list[str]]:
    return [[photo["id"] for photo in group["photos"]] for group in found]


def test_groups_by_bytes_and_by_fingerprint_the_most_photos_first(doubled, groups, snapshot, run, album):
    before = snapshot("faces")
    found = groups()
    assert {len(group) for group in ids(found)[:2]} == {3}
    assert sorted(map(sorted, ids(found))) == [
        ["again", "ben-0"],
        ["ann-0", "half", "poor"],
        ["cara-0", "files", "files"],
    ]
    (ann,) = (group["photos"] for group in found if len(set(ids([group])[0])) == 3)
    assert ann[-1]["id"] == "half"
    assert ann[0]["known"] is None
    assert ann[0]["width"] == 2 * ann[-1]["width"] or ann[0]["width"] == 2 * ann[-1]["width"] - 1
    (cara,) = (group for group in found if "files" in ids([group])[0])
    assert {photo["path"] for photo in cara["photos"]} == {"2026/cara-0.jpg", "a/cara.jpg", "b/cara.jpg"}
    assert cara["bytes"] == 2 * album.files["cara-0"].stat().st_size
    status, out, _ = run("duplicates")
    assert status == 0
    last = out.splitlines()[-1].replace(",", "")
    assert numbers(last) == [3, 8, sum(group["bytes"] for group in found)]
    assert snapshot("faces") == before


def test_only_the_same_bytes(doubled, groups):
    assert sorted(map(sorted, ids(groups("--exact")))) == [["again", "ben-0"], ["cara-0", "files", "files"]]


def test_pages_change_nothing(doubled, groups, monkeypatch):
    whole = groups()
    for module in (finding, buckets, pictures):
        monkeypatch.setattr(module, "AT_ONCE", 2)
    monkeypatch.setattr(finding, "FEW", 2)
    assert sorted(map(sorted, ids(groups()))) == sorted(map(sorted, ids(whole)))


def test_a_csv_has_a_line_for_each_file_and_no_formula(doubled, run):
    status, out, err = run("duplicates", "--csv")
    assert status == 0
    rows = list(csv.DictReader(io.StringIO(out)))
    assert len(rows) == 8
    assert "'=backup/ben.jpg" in {row["path"] for row in rows}
    assert numbers(err.splitlines()[-1].replace(",", ""))[:2] == [3, 8]


def test_csv_or_json(faces, run):
    assert run("duplicates", "--csv", "--json")[0] == 2


def test_an_index_without_photos_or_copies(faces, run, groups, bulk, album):
    assert groups() == []
    bulk({"one": sent(album.files["ann-0"], "one.jpg"), "bad": {"image": "bm8gcGhvdG8="}})
    status, out, _ = run("duplicates")
    assert (status, numbers(out.splitlines()[-1])) == (0, [0, 0, 0])
    assert run("duplicates", "--index", "nowhere")[0] == 1


def test_what_is_deleted_meanwhile_is_no_copy(doubled, es):
    where = searchable(es, doubled)
    found = finding.grouped(es, where)
    es.delete(index="faces-000001", id="again", refresh=True)
    es.delete(index="faces-000001", id="half", refresh=True)
    left = [[file.photo.id for file in group.files] for group in finding.described(es, where, found)]
    assert sorted(map(sorted, left)) == [["ann-0", "poor"], ["cara-0", "files", "files"]]


def test_photos_without_a_fingerprint_are_compared_by_bytes_and_counted(bare, store, run, album):
    document = dict(album.documents["ann-0"])
    document["photo"] = {name: value for name, value in document["photo"].items() if name != "fingerprint"}
    store(bare, {"one": document, "two": document, "three": album.documents["ben-0"]})
    status, out, err = run("duplicates", "--json", "--index", bare)
    assert (status, sorted(ids(json.loads(out)["groups"])[0])) == (0, ["one", "two"])
    assert 2 in numbers(err)


def test_several_indices(doubled, groups, store, probes, album):
    store(probes, {"seen": album.documents["ben-2"]})
    found = groups("--index", f"{doubled},{probes}")
    (seen,) = (group["photos"] for group in found if "seen" in ids([group])[0])
    assert {(photo["index"], photo["id"]) for photo in seen} == {
        ("faces-000001", "ben-2"),
        ("face-probes-000001", "seen"),
    }


def test_without_the_plugin(there, plain, album):
    plain.index(index="faces", id="again", document=album.documents["ben-0"], refresh=True)
    status, out, err = there("duplicates", "--json")
    assert status == 0, err
    (group,) = json.loads(out)["groups"]
    assert sorted(photo["id"] for photo in group["photos"]) == ["again", "ben-0"]
