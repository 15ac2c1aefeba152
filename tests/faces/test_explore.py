"""`faces explore` and its notebook: what is counted, read and suspected in a real index."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient
from photos_with_mistakes import drop, photo, with_mistakes
from PIL import Image
from tools import CALIBRATION, bracketed, landscape, line_with, picture
from typer.testing import CliRunner

from es_setup.shipped_files import shipped_model
from faces.cli import app
from faces.explore import exploration, face_map, index_faces, suspects
from faces.explore.index_faces import IndexFaces
from faces.explore.overview import overview
from faces.explore.summary import comparison

NOTEBOOK = Path(__file__).parents[2] / "docs" / "explore.ipynb"
INDEX = "faces-explored"


@pytest.fixture(scope="module")
def planted(es, people) -> Iterator[str]:
    """The archive ``with_mistakes``."""
    drop(es, INDEX, with_mistakes(people))
    yield INDEX
    es.indices.delete(index=INDEX)


@pytest.fixture(scope="module")
def found(es, planted) -> IndexFaces:
    return index_faces.read(es, planted)


@pytest.fixture
def index(es) -> Iterator[str]:
    """An empty archive of the test's own."""
    es.indices.create(index="faces-own")
    yield "faces-own"
    es.indices.delete(index="faces-own")


def run(es_url: str, *arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, output and errors of the command."""
    result = CliRunner().invoke(app, ["explore", *map(str, arguments)], env={"ES_URL": es_url})
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout, result.stderr


def documents(faces: IndexFaces, *positions: int) -> set[str]:
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
    monkeypatch.setattr(index_faces, "every_hit", partial(index_faces.every_hit, size=7))
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
        "4 of" in text and f"{len(found.faces)} faces" in text
        for text in comparison(exploration.explore(es, planted, limit=4))
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
    (copies,) = suspects.same_photos(found)
    assert documents(found, copies.first, copies.second) == {"copy", "dan-2"}
    assert (copies.bits, copies.same_file, copies.conflict) == (0, True, True)


def test_the_map_shows_people_apart(found):
    """By the face, not by its name: Ben's photo `wrong` is among Ben's."""
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
    assert written["threshold"] == {"similarity": 0.6, "calibrated": False}
    assert written["faces"]["read"] == written["faces"]["total"]
    assert max(map(len, re.findall(r'"[^"]*"', file.read_text()))) < 100


def test_numbers_go_to_standard_output_alone(running, planted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, said, _ = run(running.connection.es_url, "--index", planted, "--json", "-")
    assert status == 0
    assert json.loads(said)["threshold"] == {"similarity": 0.6, "calibrated": False}
    assert list(tmp_path.iterdir()) == []


def test_a_calibrated_index_has_a_threshold_of_its_own(es, running, planted):
    before = es.indices.get_mapping(index=planted)[planted]["mappings"]["_meta"]
    calibration = CALIBRATION | {"model": shipped_model(), "similarity": 0.75}
    ours = before["ingest_face"] | {"calibration": calibration}
    es.indices.put_mapping(index=planted, meta={"ingest_face": ours})
    try:
        status, said, _ = run(running.connection.es_url, "--index", planted)
    finally:
        es.indices.put_mapping(index=planted, meta=before)
    assert status == 0
    assert re.search(r"model \S+; .* 0\.75\n", said)
    assert re.search(r"different names.*: 1\n", said)


def test_an_index_that_is_not_there(running):
    status, _, said = run(running.connection.es_url, "--index", "nowhere")
    assert status == 1
    assert {"nowhere", "faces"} <= bracketed(line_with("error:", said))


def test_an_index_that_cannot_hold_faces(es, running):
    es.indices.create(index="plain", mappings={"properties": {"title": {"type": "keyword"}}})
    try:
        status, _, said = run(running.connection.es_url, "--index", "plain")
    finally:
        es.indices.delete(index="plain")
    assert status == 1
    assert {"plain", "faces"} <= bracketed(line_with("error:", said))


def test_an_index_without_faces_yet(es, running, index):
    status, _, said = run(running.connection.es_url, "--index", index)
    assert status == 1
    assert f"error: no faces in [{index}] yet, among 0 documents" in said
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
    assert "http://127.0.0.1:9 " in line_with("error:", said)


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
