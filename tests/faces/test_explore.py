"""`./run explore` and its notebook: what is counted, read and suspected, in a real index and by hand."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import nbformat
import numpy as np
import pytest
from elasticsearch import Elasticsearch
from nbclient import NotebookClient
from PIL import Image
from tools import CALIBRATION, encoded, landscape, picture, side_by_side
from typer.testing import CliRunner

from es_setup.shipped_files import shipped_model
from faces.cli import app
from faces.explore import exploration, face_map, index_faces, suspects
from faces.explore.index_faces import Face, Faces
from faces.explore.overview import overview
from faces.explore.summary import comparison

NOTEBOOK = Path(__file__).parents[2] / "docs" / "explore.ipynb"
INDEX = "faces-explored"
EACH = 9
"""Photos of each of five people."""


@pytest.fixture(scope="module")
def planted(es, people) -> Iterator[str]:
    """An archive of five people, in which something is wrong: Ben's photo `wrong` is named Ann, Cara's photo
    `alias` has another name of hers, `copy` is Dan's photo `dan-2` once more, and named Ed."""
    named = dict(zip(("Ben", "Dan", "Ed", "Cara", "Ann"), sorted(people), strict=True))
    photos = {name: people[folder] for name, folder in named.items()}
    documents = {
        f"{name.lower()}-{number}": photo(own[number], name, number)
        for name, own in photos.items()
        for number in range(EACH)
    }
    documents["wrong"] = photo(photos["Ben"][10], "Ann", 20)
    documents["alias"] = photo(photos["Cara"][10], "Cara M.", 21)
    documents["copy"] = photo(photos["Dan"][2], "Ed", 22)
    together = picture(side_by_side([photos["Ann"][11], photos["Ben"][11]]), quality=92)
    documents["team"] = photo(together, "Ann", 23)
    documents["view"] = photo(picture(landscape()), None, 24)
    documents["broken"] = photo(b"no photo", None, 25)
    drop(es, INDEX, documents)
    yield INDEX
    es.indices.delete(index=INDEX)


@pytest.fixture(scope="module")
def found(es, planted) -> Faces:
    return index_faces.read(es, planted)


@pytest.fixture
def index(es) -> Iterator[str]:
    """An empty archive of the test's own."""
    es.indices.create(index="faces-own")
    yield "faces-own"
    es.indices.delete(index="faces-own")


def photo(data: bytes | Path, name: str | None, day: int) -> dict:
    return {
        "image": encoded(data),
        "@timestamp": f"2026-03-{day + 1:02}T12:00:00Z",
        "observer": {"name": "gate" if day % 2 else "lobby"},
        **({"person": {"name": name}} if name else {}),
    }


def drop(es: Elasticsearch, index: str, documents: dict[str, dict], pipeline: str | None = None) -> None:
    operations: list[dict] = []
    for key, body in documents.items():
        operations += [{"index": {"_index": index, "_id": key}}, body]
    answer = es.bulk(operations=operations, pipeline=pipeline, refresh=True)
    assert not answer["errors"], answer


def run(es_url: str, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, output and errors of the command."""
    result = CliRunner().invoke(app, ["explore", *map(str, arguments)], env={"ES_URL": es_url})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def documents(faces: Faces, *positions: int) -> set[str]:
    return {faces.faces[position].document for position in positions}


def test_elasticsearch_counts_what_is_there(es, planted):
    counted = overview(es, planted)
    assert (counted.photos, counted.with_faces, counted.without_face, counted.failed) == (51, 49, 1, 1)
    assert counted.waiting == 0
    assert counted.errors == {"not_an_image": 1}
    assert counted.people == 6
    assert counted.by_person == {"Ann": 11, "Ed": 10, "Ben": 9, "Cara": 9, "Dan": 9, "Cara M.": 1}
    assert counted.by_observer == {"lobby": 28, "gate": 23}
    assert sum(counted.by_quality.values()) == 49
    assert min(counted.by_quality) == 0.0
    assert 0 <= counted.quality[0.05] < counted.quality[0.5] < counted.quality[0.95] <= 1
    # In weeks, for 26 days; the first was a Sunday.
    assert list(counted.by_time) == ["2026-02-23", "2026-03-02", "2026-03-09", "2026-03-16", "2026-03-23"]
    assert counted.by_time["2026-02-23"] == 5
    assert sum(counted.by_time.values()) == 51
    assert json.loads(json.dumps(counted.as_json()))["photos"] == 51


def test_the_frame_filters_in_elasticsearch_and_fetches_what_is_asked_for(es, planted):
    photos = index_faces.frame(es, planted)
    assert photos.shape[0] == 51
    failed = photos[photos["error.code"].notna()][["error.code"]].to_pandas()
    assert failed["error.code"].to_dict() == {"broken": "not_an_image"}


def test_every_vector_is_read_whatever_the_page(es, planted, found, monkeypatch):
    monkeypatch.setattr(index_faces, "DOCUMENTS_AT_ONCE", 7)
    again = index_faces.read(es, planted)
    assert again.faces == found.faces
    assert np.array_equal(again.vectors, found.vectors)
    assert found.vectors.dtype == np.float32
    assert found.vectors.shape == (found.total, 128)
    assert np.allclose(np.linalg.norm(found.vectors, axis=1), 1, atol=1e-4)
    assert not found.cut
    assert found.model == shipped_model()
    assert documents(found, *range(found.total)).isdisjoint({"view", "broken"})
    assert len(documents(found, *range(found.total))) == 49


def test_a_face_stands_beside_its_own_vector(es, planted, found):
    """Elasticsearch itself says which face the vector is of."""
    for position in (0, 17, len(found.faces) - 1):
        face, vector = found.faces[position], found.vectors[position].tolist()
        inner = {"_source": ["faces.id", "faces.box"]}
        query = {"field": "faces.vector", "k": 1, "num_candidates": 100, "query_vector": vector}
        own = {"ids": {"values": [face.document]}}
        (hit,) = es.search(index=planted, knn={**query, "filter": own, "inner_hits": inner})["hits"]["hits"]
        best = hit["inner_hits"]["faces"]["hits"]["hits"][0]["_source"]
        assert best["id"] == face.id
        assert tuple(best["box"][name] for name in ("x", "y", "width", "height")) == face.box


def test_a_limit_keeps_the_newest_photos_and_says_how_many_there_are(es, planted, found):
    few = index_faces.read(es, planted, limit=4)
    assert few.cut
    assert few.total == len(found.faces)
    assert {face.document for face in few.faces} == {"team", "copy", "alias"}
    assert any(
        "4 faces of the newest photos of" in line
        for line in comparison(exploration.explore(es, planted, limit=4))
    )


def test_a_group_photos_faces_have_no_name_until_somebody_says_so(found):
    assert [face.name for face in found.faces if face.document == "team"] == [None, None]
    assert found.people()[[face.document == "team" for face in found.faces]].tolist() == [-1, -1]
    (wrong,) = (face for face in found.faces if face.document == "wrong")
    assert wrong.name == "Ann"


def test_portraits_are_read_like_photos(es, gallery, people):
    drop(es, gallery, {"ann": photo(people["mindy_kaling"][0], "Ann", 1)})
    faces = index_faces.read(es, gallery)
    (face,) = faces.faces
    assert (face.document, face.name, face.index) == ("ann", "Ann", "face-gallery-000001")
    crop = Image.open(io.BytesIO(index_faces.crops(es, faces, [0])[0]))
    assert min(crop.size) > 40
    assert overview(es, gallery).unnamed_faces is None


def test_crops_of_all_faces_come_and_one_that_is_gone_is_left_out(es, found, monkeypatch):
    monkeypatch.setattr(index_faces, "CROPS_AT_ONCE", 3)
    pictures = index_faces.crops(es, found, range(len(found.faces)))
    assert set(pictures) == set(range(len(found.faces)))
    faces = replace(found, faces=(replace(found.faces[0], document="gone"), *found.faces[1:]))
    assert set(index_faces.crops(es, faces, [0, 1])) == {1}


def test_a_wrong_name_stands_out_and_whose_it_is_is_said(found):
    unlike = suspects.outliers(found)
    by_document = {found.faces[one.face].document: one for one in unlike}
    assert set(by_document) == {"wrong", "copy"}
    wrong = by_document["wrong"]
    assert (wrong.name, wrong.other) == ("Ann", "Ben")
    assert wrong.own < 0.2
    assert wrong.usual > 0.5
    assert found.faces[wrong.closest].name == "Ben"
    assert found.faces[wrong.typical].name == "Ann"
    assert by_document["copy"].other == "Dan"


def test_two_names_of_one_person_are_found(found):
    pairs = suspects.near_duplicates(found, 0.6)
    assert {frozenset(documents(found, pair.first, pair.second)) for pair in pairs} >= {
        frozenset({"copy", "dan-2"})
    }
    names = [{found.faces[pair.first].name, found.faces[pair.second].name} for pair in pairs]
    assert sorted(map(sorted, names)) == [["Ann", "Ben"], ["Cara", "Cara M."], ["Dan", "Ed"]]
    assert [pair.similarity for pair in pairs] == sorted((pair.similarity for pair in pairs), reverse=True)


def test_a_photo_that_is_there_twice_is_found_with_its_conflict(found):
    (twice,) = suspects.same_photos(found)
    assert documents(found, twice.first, twice.second) == {"copy", "dan-2"}
    assert (twice.bits, twice.same_file, twice.conflict) == (0, True, True)


def test_the_map_shows_people_apart(found):
    """By who it is, not by who somebody said: Ben's photo lies among Ben's."""
    positions = face_map.map_2d(found.vectors)
    right = {"wrong": "Ben", "copy": "Dan", "alias": "Cara"}
    names = np.array([right.get(face.document, face.name) for face in found.faces])
    known = np.array([face.name is not None for face in found.faces])
    positions, names = positions[known], names[known]
    apart = np.linalg.norm(positions[:, None] - positions[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert np.mean(names[apart.argmin(axis=1)] == names) > 0.9
    assert positions.min() >= 0
    assert positions.max() <= 1


def test_the_page_needs_nothing_else_and_nothing_is_written_beside_it(running, planted, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    folder = tmp_path / "new" / "out"
    status, said, _ = run(running.connection.es_url, "--index", planted, "--out", folder)
    assert status == 0
    assert "51 photos: 49 with faces, 1 without, 1 failed" in said
    assert "0.60 (not calibrated)" in said
    assert {path.name for path in tmp_path.iterdir()} == {"mine.txt", "new"}
    assert {path.name for path in folder.iterdir()} == {"explore.html", "explore.md", "explore-pictures"}
    text = (folder / "explore.html").read_text()
    without_pictures = re.sub(r'src="data:[^"]*"', "", text)
    assert not re.search(r"https?:|//|@import|url\(|<script", without_pictures)
    assert "Ann? " in text
    assert "closest to Ben" in text
    assert "can't be read" not in text
    map_of_faces = Image.open(folder / "explore-pictures" / "map.png")
    assert len(map_of_faces.convert("RGB").getcolors(2**24)) > 20_000, "no photos on the map"


def test_numbers_are_written_for_scripts_without_a_vector_or_a_photo(running, planted, tmp_path):
    file = tmp_path / "found.json"
    status, _, _ = run(running.connection.es_url, "--index", planted, "--json", file)
    assert status == 0
    assert list(tmp_path.iterdir()) == [file]
    written = json.loads(file.read_text())
    assert {one["document"] for one in written["outliers"]} >= {"wrong", "copy"}
    assert {face["document"] for face in written["same_photos"][0]["faces"]} == {"copy", "dan-2"}
    assert written["line"] == {"similarity": 0.6, "calibrated": False}
    assert written["faces"]["read"] == written["faces"]["total"]
    assert max(map(len, re.findall(r'"[^"]*"', file.read_text()))) < 100


def test_numbers_go_to_standard_output_alone(running, planted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, said, _ = run(running.connection.es_url, "--index", planted, "--json", "-")
    assert status == 0
    assert json.loads(said)["line"] == {"similarity": 0.6, "calibrated": False}
    assert list(tmp_path.iterdir()) == []


def test_a_calibrated_index_has_a_line_of_its_own(es, running, planted):
    before = es.indices.get_mapping(index=planted)[planted]["mappings"]["_meta"]
    calibration = CALIBRATION | {"model": shipped_model(), "similarity": 0.75}
    ours = before["ingest_face"] | {"calibration": calibration}
    es.indices.put_mapping(index=planted, meta={"ingest_face": ours})
    try:
        status, said, _ = run(running.connection.es_url, "--index", planted)
    finally:
        es.indices.put_mapping(index=planted, meta=before)
    assert status == 0
    assert "one person's from a similarity of 0.75\n" in said
    assert "faces of different names that are as similar as one person's: 1\n" in said


def test_an_index_that_is_not_there(running):
    status, _, said = run(running.connection.es_url, "--index", "nowhere")
    assert status == 1
    assert "error: there is no index [nowhere]: take one that holds faces, such as [faces]" in said


def test_an_index_that_cannot_hold_faces(es, running):
    es.indices.create(index="plain", mappings={"properties": {"title": {"type": "keyword"}}})
    try:
        status, _, said = run(running.connection.es_url, "--index", "plain")
    finally:
        es.indices.delete(index="plain")
    assert status == 1
    assert "error: [plain] can't hold faces: it has neither [faces.vector]" in said


def test_an_index_without_faces_yet(es, running, index):
    status, _, said = run(running.connection.es_url, "--index", index)
    assert status == 1
    assert f"error: no faces in [{index}] yet, among 0 documents: drop photos into it" in said
    drop(es, index, {"view": photo(picture(landscape()), None, 1)})
    status, _, said = run(running.connection.es_url, "--index", index)
    assert status == 1
    assert "among 1 documents" in said


def test_an_index_of_two_models(es, running, index):
    vectors = np.eye(128)[:2].tolist()
    mixed = {
        f"photo-{number}": {"faces": [{"id": "a", "vector": vector}], "model": {"id": f"model-{number}"}}
        for number, vector in enumerate(vectors)
    }
    drop(es, index, mixed, pipeline="_none")
    status, _, said = run(running.connection.es_url, "--index", index)
    assert status == 1
    assert f"error: [{index}] holds vectors of several models" in said


def test_wrong_use_is_status_2(running, planted, tmp_path):
    (tmp_path / "file").touch()
    for wrong in (["--limit", "0"], ["--out", tmp_path / "file"], ["--json", tmp_path], ["--index"]):
        status, _, said = run(running.connection.es_url, *wrong)
        assert status == 2, wrong
        assert said


def test_a_server_that_is_not_there_is_one_message():
    status, _, said = run("http://127.0.0.1:9", "--index", "faces")
    assert status == 1
    assert "Elasticsearch doesn't answer" in said


def test_the_notebook_runs_on_the_index_and_finds_what_is_wrong(running, planted, monkeypatch):
    monkeypatch.setenv("ES_URL", running.connection.es_url)
    monkeypatch.setenv("INDEX", planted)
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": NOTEBOOK.parent}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    said = "\n".join(output.get("text") or output["data"].get("text/plain", "") for output in outputs)
    assert re.search(r"photos +51\nwith faces +49\nwithout a face +1\nfailed +1\n", said)
    assert re.search(r"Ann .* Ben .* wrong", said)
    assert "Cara M." in said
    assert re.search(r"copy +dan-2 +0 +True +True", said)
    assert "0.60 (not calibrated)" in said
    pictures = [output["data"]["image/png"] for output in outputs if "image/png" in output.get("data", {})]
    assert len(pictures) >= 6


def test_no_photo_is_left_in_the_notebook():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert "attachments" not in cell
        if cell.cell_type == "code":
            assert (cell.outputs, cell.execution_count) == ([], None), "clear the notebook's outputs"


def drawn(names: list[str | None], degrees: list[float], fingerprints: list[str] | None = None) -> Faces:
    """Faces on a circle, a document each."""
    angles = np.radians(degrees)
    vectors = np.zeros((len(names), 128), dtype=np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    faces = [
        Face(
            "i", f"d{n}", f"f{n}", f"p{n}", name, (0, 0, 1, 1), 0.5, f"s{n}", (fingerprints or [None] * 99)[n]
        )
        for n, name in enumerate(names)
    ]
    return Faces("i", "m", vectors, tuple(faces), len(faces))


def test_outliers_by_hand():
    faces = drawn(["Ann", "Ann", "Ann", "Ann", "Ben", "Ben", None], [0, 10, 20, 90, 95, 100, 15])
    (one,) = suspects.outliers(faces)
    assert (one.face, one.name, one.other, one.typical, one.closest) == (3, "Ann", "Ben", 2, 4)
    assert one.own == pytest.approx(np.mean(np.cos(np.radians([90, 80, 70]))), abs=1e-6)
    assert one.similarity == pytest.approx(np.mean(np.cos(np.radians([5, 10]))), abs=1e-6)
    others = [np.mean(np.cos(np.radians(between))) for between in ([10, 20, 90], [10, 10, 80], [20, 10, 70])]
    assert one.usual == pytest.approx(np.median([*others, one.own]), abs=1e-6)
    assert one.score == pytest.approx(one.similarity - one.own)


def test_two_wrong_faces_of_one_stranger_do_not_vouch_for_each_other():
    faces = drawn(["Ann"] * 5 + ["Ben"] * 3, [0, 5, 10, 92, 94, 90, 91, 93])
    assert {one.face for one in suspects.outliers(faces)} == {3, 4}


def test_who_has_two_faces_or_is_alone_is_judged_with_care():
    assert suspects.outliers(drawn(["Ann", "Ann", "Ben"], [0, 90, 90])) == []
    (one,) = suspects.outliers(drawn(["Ann"] * 4, [0, 1, 2, 120]))
    assert (one.face, one.other, one.closest) == (3, None, None)
    assert suspects.outliers(drawn([None] * 4, [0, 1, 2, 120])) == []
    assert suspects.near_duplicates(drawn([None, "Ann", "Ann", "Ben"], [0, 0, 1, 60]), 0.6) == []


def test_two_names_for_one_person_are_near_duplicates_and_not_a_page_full_of_outliers():
    faces = drawn(["Ann"] * 3 + ["Anne"] * 3, [0, 40, 80, 1, 41, 79])
    assert suspects.outliers(faces) == []
    assert len(suspects.near_duplicates(faces, 0.6)) == 3


def test_a_face_is_in_one_pair_only_the_most_similar_first():
    faces = drawn(["Ann", "Ben", "Ben", "Cara", "Cara"], [0, 1, 4, 50, 170])
    (pair,) = suspects.near_duplicates(faces, 0.9)
    assert (pair.first, pair.second) == (0, 1)
    assert pair.similarity == pytest.approx(np.cos(np.radians(1)), abs=1e-5)


def test_blocks_change_nothing(monkeypatch):
    random = np.random.default_rng(3)
    names = [f"P{number}" for number in random.integers(0, 12, 80)]
    prints = [f"{number:016x}" for number in random.integers(0, 40, 80)]
    faces = drawn(names, random.uniform(0, 360, 80).tolist(), prints)
    whole = (
        suspects.outliers(faces),
        suspects.near_duplicates(faces, 0.6),
        suspects.same_photos(faces, 1),
    )
    monkeypatch.setattr(suspects, "ROWS_AT_ONCE", 7)
    assert all(whole)
    assert (
        suspects.outliers(faces),
        suspects.near_duplicates(faces, 0.6),
        suspects.same_photos(faces, 1),
    ) == whole


def test_same_photos_by_their_bits():
    prints = ["0000000000000000", "000000000000003f", "000000000000007f", "ffffffffffffffff"]
    faces = drawn(["Ann", "Ann", "Ben", "Ben"], [0, 0, 90, 90], prints)
    found = suspects.same_photos(faces)
    assert [(one.first, one.second, one.bits, one.conflict) for one in found] == [(0, 1, 6, False)]
    near = suspects.same_photos(faces, bits=7)
    assert [(one.first, one.second, one.conflict) for one in near] == [(0, 2, True), (0, 1, False)]
    assert suspects.same_photos(drawn(["Ann", "Ann"], [0, 0])) == []


@pytest.mark.parametrize("count", [1, 2, 10, 11, 40])
def test_a_map_of_any_number_of_faces_is_within_its_bounds_and_always_the_same(count):
    vectors = np.random.default_rng(count).normal(size=(count, 128)).astype(np.float32)
    positions = face_map.map_2d(vectors)
    assert positions.shape == (count, 2)
    assert np.isfinite(positions).all()
    assert positions.min() >= 0
    assert positions.max() <= 1
    assert np.array_equal(positions, face_map.map_2d(vectors))


def test_a_map_of_one_photo_many_times():
    vectors = np.eye(128, dtype=np.float32)[:1].repeat(20, axis=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(face_map.map_2d(vectors), np.zeros((20, 2)))


def test_a_map_of_few_faces_keeps_their_distances():
    vectors = drawn([None] * 6, [0, 5, 10, 60, 65, 180]).vectors
    positions = face_map.map_2d(vectors)
    between, true = (
        np.linalg.norm(points[:, None] - points[None], axis=2)[np.triu_indices(6, 1)]
        for points in (positions, vectors)
    )
    assert np.allclose(between / true, between[0] / true[0], rtol=1e-3)


def test_marked_faces_are_drawn_first_then_everybodys_in_turn():
    faces = drawn(["Ann"] * 6 + ["Ben"] * 2, list(range(8)))
    assert face_map.chosen(faces, {5}, most=4) == [5, 0, 6, 1]


def test_pictures_on_the_map_do_not_hide_each_other():
    places = np.random.default_rng(0).normal(500, 30, (60, 2)).astype(np.float32)
    apart = face_map._apart(places, 60)
    between = np.abs(apart[:, None] - apart[None]).max(axis=2)
    np.fill_diagonal(between, np.inf)
    assert between.min() > 55
    assert apart.min() >= 30
    assert (apart.max(axis=0) <= (face_map.WIDTH - 30, face_map.HEIGHT - 30)).all()


def test_a_crop_that_cannot_be_read_is_a_dot_and_a_dollar_is_a_dollar():
    faces = drawn([r"$_^$", "Ben", None], [0, 90, 180])
    good = picture(landscape(64, 64))
    data = face_map.draw(faces, face_map.map_2d(faces.vectors), {0: good, 1: b"no picture"}, {0: r"$_^$?"})
    assert Image.open(io.BytesIO(data)).size == (face_map.WIDTH + face_map.LEGEND, face_map.HEIGHT)
