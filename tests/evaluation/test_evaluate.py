"""What `./run evaluate` measures, promises, and says of a folder that nothing can be measured with."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from evaluation import ways
from evaluation.curve import Interval
from evaluation.engine_search import INDEX, search_index
from evaluation.evaluate import bars, folder_task, measure, sample_task
from evaluation.query import answers, most_similar, query_photo
from evaluation.results import Bar, Row


@pytest.fixture(scope="module")
def task(cache):
    return sample_task(cache)


@pytest.fixture(scope="module")
def rows(cache, task):
    """Our default way and the one without detection, on the whole sample."""
    wanted = [way for way in ways.WAYS if way.name in ("whole photo", "facenet")]
    found = ways.side_by_side(wanted, cache, task.folder.photos, lambda *_: None)
    return {row.way.name: (row.embedded, measure(task, row.way, row.embedded)) for row in found}


def evaluated(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evaluation.evaluate", *map(str, arguments)]
    root = Path(__file__).parents[2]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=120, check=False)


def test_the_default_way_tells_the_samples_people_apart_and_a_whole_photo_does_not(rows):
    ours, whole = rows["facenet"][1], rows["whole photo"][1]
    assert ours.no_face == 0
    assert ours.verification.eer <= 0.02
    assert ours.retrieval.rank1.value == 1.0
    assert whole.verification.eer > 0.3
    assert ours.intervals.eer.low <= ours.verification.eer <= ours.intervals.eer.high


def test_elasticsearch_finds_what_an_exact_comparison_finds_and_leaves_nothing_behind(es, task, rows):
    vectors = rows["facenet"][0].vectors
    found = search_index(es, vectors, task.people, task.indexed, task.queries)
    assert found.searches == 25
    assert found.rank1 == 1.0
    assert found.recall_at_10 >= 0.99
    assert found.largest_error < 1e-4
    assert not es.indices.exists(index=INDEX)


def test_a_photo_without_a_face_is_a_search_that_found_nobody(es, task, rows):
    vectors = rows["facenet"][0].vectors.copy()
    vectors[task.queries[0]] = np.nan
    found = search_index(es, vectors, task.people, task.indexed, task.queries)
    assert found.failed == 1
    assert found.rank1 == pytest.approx(24 / 25)


def test_the_query_finds_itself_first(task, rows):
    query = query_photo(task)
    (first, similarity), *others = most_similar(rows["facenet"][0].vectors, query, 5)
    assert first == query
    assert similarity == pytest.approx(1, abs=1e-5)
    assert len(others) == 4


def test_the_query_is_the_reports_own_where_that_is_there_and_else_of_somebody_with_two(tmp_path, people):
    photos = iter(people["madonna"])
    for name in ("Aaron/Aaron_0001", "Al/Al_0001", "Al/Al_0002", "Alvaro_Noboa/Alvaro_Noboa_0001"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(next(photos), tmp_path / f"{name}.jpg")
    task = folder_task(tmp_path, None)
    assert task.name(query_photo(task)) == "Alvaro_Noboa/Alvaro_Noboa_0001"
    (tmp_path / "Alvaro_Noboa/Alvaro_Noboa_0001.jpg").unlink()
    task = folder_task(tmp_path, None)
    assert task.name(query_photo(task)) == "Al/Al_0001"


def test_the_reports_query_is_answered_as_the_report_answered_it(task, rows):
    query = query_photo(task)
    vectors = rows["facenet"][0].vectors
    itself, own, other = answers(vectors, task.people, query)
    assert (itself.photo, itself.reported) == (query, "1")
    assert own.photo != query
    assert task.people[own.photo] == task.people[query] != task.people[other.photo]
    assert 1 > own.similarity > other.similarity
    assert [own.reported, other.reported] == ["0.09", "0.08"]
    by_distance = answers(10 * vectors, task.people, query, ways.closeness)
    assert [one.photo for one in by_distance] == [query, own.photo, other.photo]
    assert by_distance[1].similarity < 0.2
    alone = np.where(task.people == task.people[query], np.nan, vectors.T).T
    assert answers(alone, task.people, query) == ()


def test_promises_are_kept_or_not(task, rows):
    names = {"facenet": "facenet", "deepface": "whole photo", "DeepFace default": "whole photo"}
    measured = {name: rows[source][1] for name, source in names.items()}
    found = type("Found", (), {"rank1": 24 / 25})
    promised = {bar.promise: bar for bar in bars(task, measured, found)}
    assert not promised.pop("rank 1 over val, through Elasticsearch").passed
    assert all(bar.passed for bar in promised.values())
    assert len(promised) == 3
    over_default = promised["EER over DeepFace's default way's"]
    eers = [measured[way].verification.eer for way in ("facenet", "DeepFace default")]
    assert over_default.measured == pytest.approx(eers[0] / eers[1])
    assert over_default.interval.low <= over_default.measured <= over_default.interval.high < 0.5
    measured["deepface"] = Row("deepface", "b", "missing")
    (absent,) = (bar for bar in bars(task, measured, found) if "deepface profile" in bar.promise)
    assert not absent.passed
    assert absent.said == "-"


def test_a_bar_says_its_interval():
    assert Bar("x", 0.52, 0.65, True, Interval(0.45, 0.59)).said == "0.5200 (0.4500, 0.5900)"
    assert Bar("x", 0.52, 0.65, True).said == "0.5200"
    assert not Bar("of a number that isn't there", None, 1, True).passed
    assert json.dumps(Bar("x", np.float32(1), np.float64(2), True).passed) == "true"
    assert Row("a", "b", "missing").misses(0.01) is None


def test_a_list_of_pairs_in_the_folder_is_used_unasked(tmp_path, people):
    for name in ("madonna", "elton_john"):
        (tmp_path / name).mkdir()
        for number, photo in enumerate(people[name][:2], start=1):
            shutil.copy(photo, tmp_path / name / f"{name}_{number:04}.jpg")
    assert len(folder_task(tmp_path, None).first) == 6
    (tmp_path / "pairs.txt").write_text("1\nmadonna\t1\t2\nmadonna\t1\telton_john\t1\n")
    found = folder_task(tmp_path, None)
    assert found.same.tolist() == [True, False]


def test_a_folder_that_nothing_can_be_measured_with_is_one_message_and_status_1(tmp_path, portrait):
    (tmp_path / "ann").mkdir()
    shutil.copy(portrait, tmp_path / "ann" / "1.jpg")
    for folder, words in ((tmp_path, "ann"), (tmp_path / "nowhere", "there is no folder")):
        run = evaluated(folder)
        assert run.returncode == 1
        assert run.stderr.startswith("error: ")
        assert words in run.stderr
        assert "Traceback" not in run.stderr
    assert evaluated("--pairs", tmp_path / "pairs.txt").returncode == 2
