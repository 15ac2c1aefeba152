"""`faces list people`, `list photos` and `export`: who is where, by what people said."""

from __future__ import annotations

import csv
import io
import json
import stat
from collections.abc import Callable

import pytest
from tools import bracketed, encoded


@pytest.fixture
def named(unnamed, run, es) -> str:
    """Ann, Ben and 李雷 are named on single photos, and Ann and Ben on the group's; 李雷's is a formula for a
    spreadsheet."""
    for photo, face, name in (
        ("ann-0", None, "Ann"),
        ("ann-1", None, "Ann"),
        ("ben-0", None, "Ben"),
        ("team", 0, "Ann"),
        ("team", 1, "Ben"),
        ("cara-0", None, "李雷"),
    ):
        which = [] if face is None else ["--face", face]
        assert run("label", photo, *which, "--name", name)[0] == 0
    es.update(
        index=unnamed,
        id="cara-0",
        doc={"file": {"path": '=HYPERLINK("http://x")\n.jpg'}, "observer": {"name": "+1"}},
        refresh=True,
    )
    return unnamed


@pytest.fixture
def answer(run) -> Callable[..., list]:
    def ask(*arguments: object) -> list:
        status, out, err = run(*arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    return ask


def test_everybody_is_listed_with_faces_photos_and_portraits(named, run, answer, gallery, album):
    assert run("enroll", "--from", "ben-0", "--tag", "watch")[0] == 0
    assert run("enroll", album.files["cara-1"], "--name", "Only Portrait")[0] == 0
    people = {person.pop("name"): person for person in answer("list", "people")}
    counts = {name: (one["faces"], one["photos"], one["portraits"]) for name, one in people.items()}
    assert counts == {"Ann": (3, 3, 0), "Ben": (2, 2, 1), "李雷": (1, 1, 0), "Only Portrait": (0, 0, 1)}
    assert people["Ben"]["tags"] == ["watch"]
    assert people["Ann"]["first_seen"] <= people["Ann"]["last_seen"]
    status, out, _ = run("list", "people")
    assert (status, "李雷" in out) == (0, True)


def test_photos_of_somebody_and_of_several_together(named, answer, run):
    assert {photo["id"] for photo in answer("list", "photos", "--name", "Ann")} == {"ann-0", "ann-1", "team"}
    (team,) = answer("list", "photos", "--name", " Ann ", "--with", "Ben")
    assert (team["id"], team["people"]) == ("team", ["Ann", "Ben"])
    assert answer("list", "photos", "--name", "Ann", "--with", "Ben", "--with", "李雷") == []
    assert run("list", "photos", "--name", "Ann", "--with", "李雷")[0] == 0


@pytest.mark.parametrize("verb", [("list", "photos"), ("export",)])
def test_of_an_unknown_name_near_ones_are_named(named, run, verb):
    status, out, err = run(*verb, "--name", "ANN")
    assert (status, out) == (1, "")
    assert "Ann" in bracketed(err)


def test_guesses_are_listed_only_where_they_are_asked_for(
    es, unnamed, run, answer, probes, bulk, album, whole
):
    assert run("enroll", album.files["ann-0"], "--name", "Ann")[0] == 0
    bulk({key: {"image": encoded(album.files[key])} for key in ("ann-1", "ann-2", "team")}, index=probes)
    assert answer("list", "photos", "--name", "Ann", "--index", probes) == []
    guessed = answer("list", "photos", "--name", "Ann", "--index", probes, "--guesses")
    assert {photo["id"] for photo in guessed} == {"ann-1", "ann-2", "team"}
    assert all((photo["people"], photo["guesses"]) == ([], ["Ann"]) for photo in guessed)
    assert run("label", "ann-1", "--name", "Ann", "--index", probes)[0] == 0
    assert run("not-this-person", "ann-2", "--name", "Ann", "--index", probes)[0] == 0
    rows = {row["id"]: row for row in answer("export", "--name", "Ann", "--index", probes)}
    assert {key: row["known"] for key, row in rows.items()} == {"ann-1": "label", "team": "guess"}
    match = next(face["match"] for face in whole(probes, "team")["faces"] if "match" in face)
    assert rows["team"]["similarity"] == pytest.approx(match["similarity"])
    assert rows["ann-1"]["similarity"] > 0.46


def test_an_export_has_a_row_for_each_face_and_who_decided_it(named, answer, es, whole, run):
    rows = {row["id"]: row for row in answer("export", "--name", "Ann")}
    assert set(rows) == {"ann-0", "ann-1", "team"}
    face = whole(named, "team")["faces"][0]
    row = rows["team"]
    assert (row["face"], row["position"], row["known"]) == (face["id"], 0, "label")
    assert {side: row[side] for side in ("x", "y", "width", "height")} == face["box"]
    assert row["path"] == "2026/team.jpg"
    assert all(row["decided_by"] and row["decided_at"] for row in rows.values())
    assert run("undo")[0] == 0
    assert run("label", "ann-1", "--name", "Ben")[0] == 0
    assert {row["id"] for row in answer("export", "--name", "Ann")} == {"ann-0", "team"}


def test_a_photo_whose_people_are_named_as_a_whole_has_a_row_without_a_face(es, named, answer):
    es.update(index=named, id="team", doc={"person": {"name": ["Dora", "Eve"]}}, refresh=True)
    (row,) = answer("export", "--name", "Dora")
    assert (row["id"], row["known"], row["face"], row["x"]) == ("team", "photo", None, None)
    assert [photo["id"] for photo in answer("list", "photos", "--name", "Dora", "--with", "Ann")] == ["team"]


def test_a_spreadsheet_reads_cells_as_text_and_the_file_is_private(named, run, tmp_path):
    target = tmp_path / "export.csv"
    assert run("export", "--name", "李雷", "--csv", "--out", target)[0] == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    (row,) = csv.DictReader(io.StringIO(target.read_text()))
    assert row["path"].startswith("'=")
    assert "\n" not in row["path"]
    assert row["observer"] == "'+1"
    status, out, _ = run("export", "--name", "李雷")
    assert (status, out) == (0, target.read_text())
    assert run("export", "--name", "Ann", "--csv", "--json")[0] == 2
    assert run("export", "--name", "Ann", "--out", tmp_path)[0] == 2


def test_more_documents_than_a_page_are_all_exported(es, named, store, album, answer, run):
    one = album.documents["ann-0"] | {"person": {"name": "Many"}}
    store(named, {f"many-{number}": one for number in range(450)})
    assert len(answer("export", "--name", "Many")) == 450
    assert len(answer("list", "photos", "--name", "Many")) == 450


def test_an_empty_archive_and_a_gallery_are_said(faces, gallery, answer, run):
    assert answer("list", "people") == []
    assert run("list", "photos", "--name", "Ann")[0] == 1
    status, _, err = run("list", "people", "--index", gallery)
    assert (status, gallery in bracketed(err)) == (1, True)
    assert run("list", "people", "--index", "nowhere")[0] == 1
    assert run("export", "--name", "Ann", ES_URL="http://127.0.0.1:1")[0] == 1
