"""What `./run evaluate` measures, promises, and says of a folder that nothing can be measured with."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from evaluation import methods
from evaluation.engine_search import INDEX, search_index
from evaluation.evaluate import run
from evaluation.original_query import answers, most_similar, query_photo
from evaluation.results import MethodResult
from evaluation.task import folder_task, sample_task
from faces.error_rates.identification import open_set, roles, search
from faces.error_rates.ranking import leave_one_out
from faces.labelled_photos import FolderError
from ingest_service.embedding import unit


@pytest.fixture(scope="module")
def task(cache):
    return sample_task(cache)


@pytest.fixture(scope="module")
def runs(cache, task):
    """Our default method and the one without detection, on the whole sample."""
    wanted = [method for method in methods.METHODS if method.name in ("whole photo", "facenet")]
    found = methods.side_by_side(wanted, cache, task.folder.photos, lambda *_: None)
    return {one.method.name: (one.embedded, MethodResult.of(task, one.method, one.embedded)) for one in found}


def evaluated(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "evaluation.evaluate", *map(str, arguments)]
    root = Path(__file__).parents[2]
    return subprocess.run(
        command,
        cwd=root,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture
def labelled(tmp_path, people) -> Path:
    """A folder with two people, two photos of each."""
    folder = tmp_path / "labelled"
    for name in ("madonna", "elton_john"):
        (folder / name).mkdir(parents=True)
        for number, photo in enumerate(people[name][:2], start=1):
            shutil.copy(photo, folder / name / f"{name}_{number:04}.jpg")
    return folder


def test_the_default_method_tells_the_samples_people_apart_and_a_whole_photo_does_not(runs):
    result = runs["facenet"][1]
    ours, whole = result.rates, runs["whole photo"][1].rates
    assert result.no_face == 0
    assert ours.verification.eer <= 0.02
    assert ours.retrieval.rank1.value == 1.0
    assert whole.verification.eer > 0.3
    assert ours.intervals.eer.low <= ours.verification.eer <= ours.intervals.eer.high


def test_elasticsearch_finds_what_an_exact_comparison_finds_and_leaves_nothing_behind(es, task, runs):
    vectors = runs["facenet"][0].vectors
    found = search_index(es, vectors, task.people, task.indexed, task.queries)
    assert found.searches == 25
    assert found.rank1 == 1.0
    assert found.precision_at_5 > 0.95
    assert found.recall_at_10 >= 0.99
    assert found.largest_error < 1e-4
    assert found.misses == ()
    assert not es.indices.exists(index=INDEX)


def test_false_hits_and_misses_through_elasticsearch_are_those_of_exact_searches(es):
    """Sixty people with three photos each and 150 unenrolled people, some of whom look like them."""
    random = np.random.default_rng(0)
    numbers = np.concatenate([np.repeat(np.arange(60), 3), np.arange(60, 210)])
    faces = random.normal(size=(210, 128))
    faces[60:80] = faces[:20] + 0.6 * faces[60:80]
    vectors = unit((faces[numbers] + 0.8 * random.normal(size=(330, 128))).astype(np.float32))
    vectors[[4, 200]] = np.nan
    everything = np.arange(len(numbers))
    found = search_index(es, vectors, numbers, everything, np.arange(180))
    exact = open_set(search(vectors, numbers, roles(numbers)))
    ranked = leave_one_out(vectors, numbers).summary()
    assert 0 < exact.misses[0].fnir < 1
    assert [one.fpir for one in found.misses] == [one.fpir for one in exact.misses]
    assert found.misses[0].fnir == pytest.approx(exact.misses[0].fnir)
    assert found.misses[0].threshold == pytest.approx(exact.misses[0].threshold, abs=1e-5)
    assert found.rank1 == pytest.approx(ranked.rank1.value)
    assert found.precision_at_5 == pytest.approx(ranked.precision_at_5.value)
    assert "FNIR 0." in found.summary


def test_a_query_without_a_face_is_a_search_that_finds_no_one(es, task, runs):
    vectors = runs["facenet"][0].vectors.copy()
    vectors[task.queries[0]] = np.nan
    found = search_index(es, vectors, task.people, task.indexed, task.queries)
    assert found.failed == 1
    assert found.rank1 == pytest.approx(24 / 25)


def test_the_query_finds_itself_first(task, runs):
    query = query_photo(task)
    (first, similarity), *others = most_similar(runs["facenet"][0].vectors, query, 5)
    assert first == query
    assert similarity == pytest.approx(1, abs=1e-5)
    assert len(others) == 4


def test_the_query_is_the_reports_own_if_there_and_else_of_a_person_with_two(tmp_path, people):
    photos = iter(people["madonna"])
    for name in ("Aaron/Aaron_0001", "Al/Al_0001", "Al/Al_0002", "Alvaro_Noboa/Alvaro_Noboa_0001"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(next(photos), tmp_path / f"{name}.jpg")
    task = folder_task(tmp_path, None)
    assert task.name(query_photo(task)) == "Alvaro_Noboa/Alvaro_Noboa_0001"
    (tmp_path / "Alvaro_Noboa/Alvaro_Noboa_0001.jpg").unlink()
    task = folder_task(tmp_path, None)
    assert task.name(query_photo(task)) == "Al/Al_0001"


def test_the_reports_query_has_the_reports_kinds_of_answers(task, runs):
    query = query_photo(task)
    vectors = runs["facenet"][0].vectors
    itself, own, other = answers(vectors, task.people, query)
    assert (itself.photo, itself.reported) == (query, "1")
    assert own.photo != query
    assert task.people[own.photo] == task.people[query] != task.people[other.photo]
    assert 1 > own.similarity > other.similarity
    assert [own.reported, other.reported] == ["0.09", "0.08"]
    by_distance = answers(10 * vectors, task.people, query, methods.closeness)
    assert [one.photo for one in by_distance] == [query, own.photo, other.photo]
    assert by_distance[1].similarity < 0.2
    alone = np.where(task.people == task.people[query], np.nan, vectors.T).T
    assert answers(alone, task.people, query) == ()


def test_a_list_of_pairs_in_the_folder_is_used_unasked(labelled):
    assert len(folder_task(labelled, None).pairs.first) == 6
    (labelled / "pairs.txt").write_text("1\nmadonna\t1\t2\nmadonna\t1\telton_john\t1\n")
    found = folder_task(labelled, None)
    assert found.pairs.same.tolist() == [True, False]


def of_one_person(folder: Path) -> None:
    shutil.rmtree(folder / "madonna")


def one_photo_each(folder: Path) -> None:
    for photo in folder.glob("*/*_0002.jpg"):
        photo.unlink()


def no_photo_that_can_be_read(folder: Path) -> None:
    for photo in folder.glob("*/*.jpg"):
        photo.write_text("not a photo")


def no_photo(folder: Path) -> None:
    for photo in folder.glob("*/*.jpg"):
        photo.rename(photo.with_suffix(".txt")).write_text("not a photo")


def a_photo_in_no_folder(folder: Path) -> None:
    (folder / "madonna" / "madonna_0001.jpg").rename(folder / "loose.jpg")


def pairs_of(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "pairs.txt").write_text(text)


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (shutil.rmtree, ["no such folder [", "labelled]"]),
        (of_one_person, ["one person, [elton_john]", "two people"]),
        (one_photo_each, ["one photo of each of 2 people"]),
        (no_photo_that_can_be_read, ["none of the 4 photos in [", "labelled]"]),
        (no_photo, ["no photos in [", "labelled]", "a folder for each person"]),
        (a_photo_in_no_folder, ["labelled]", "person", ": loose.jpg"]),
        (
            pairs_of("madonna\t1\t2\nmadonna\t1\telton_john\t7\n"),
            ["pairs.txt]", "labelled]", ": elton_john/elton_john_0007"],
        ),
        (pairs_of("madonna\t1\t2\nmadonna 1 2\n"), ["line 2 of [", "can't be read: [madonna 1 2]"]),
        (pairs_of("2\t300\nmadonna\t1\t2\n"), ["says 2 x 600 pairs", " 1:"]),
        (pairs_of("madonna\t1\t2\n"), ["pairs.txt] has no pair of two people"]),
        (pairs_of("madonna\t1\telton_john\t1\n"), ["pairs.txt] has no pair of one person"]),
        (pairs_of(""), ["pairs.txt] has no pairs"]),
    ],
)
def test_what_nothing_can_be_measured_with_is_one_message_and_status_1(labelled, spoil, words):
    spoil(labelled)
    done = evaluated(labelled)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    for part in words:
        assert part in done.stderr


def test_a_named_list_of_pairs_takes_the_place_of_the_folders_own(labelled, tmp_path):
    pairs_of("madonna\t1\t2\nmadonna\t1\telton_john\t1\n")(labelled)
    done = evaluated(labelled, "--pairs", tmp_path / "absent.txt")
    assert done.returncode == 1
    assert re.fullmatch(r"error: .*\[.*absent.txt\].*: No such file or directory\n", done.stderr)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--lfw", "folder"], "--lfw goes without a FOLDER"),
        (["--pairs", "pairs.txt"], "--pairs goes with a FOLDER or --lfw"),
        (["folder", "--json", "nowhere/found.json"], "--json: there is no folder [nowhere]"),
        (["folder", "--vgg-weights", "nowhere.h5"], "--vgg-weights: there is no file [nowhere.h5]"),
        (["folder", "another"], "(another)"),
        (["folder", "--json"], "Option '--json'"),
    ],
)
def test_arguments_that_make_no_sense_are_status_2_at_once(arguments, message):
    done = evaluated(*arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_lfw_without_internet_is_one_message_and_leaves_nothing(tmp_path):
    nobody = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    done = evaluated("--lfw", **nobody, no_proxy="", NO_PROXY="", FACES_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 1
    assert re.search(r"^error: LFW .*\(.+\): .* FOLDER", done.stderr, re.M)
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "cache").iterdir()) == []


def test_for_scripts_standard_output_has_the_numbers_and_nothing_else(labelled, tmp_path):
    for photo in labelled.glob("*/*_0002.jpg"):
        Image.new("RGB", (160, 160), "grey").save(photo.with_name(photo.name.replace("0002", "0003")))
    (tmp_path / "no-weights.h5").touch()
    done = evaluated(
        labelled, "--json", "-", "--out", tmp_path / "out", "--vgg-weights", tmp_path / "no-weights.h5"
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["photos"], found["people"], found["pairs"], found["passed"]) == (6, 2, 15, True)
    rows = {row["method"]: row for row in found["rows"]}
    assert list(rows) == [method.name for method in methods.METHODS]
    assert rows["facenet"]["no_face"] == 2
    assert rows["facenet"]["verification"]["failed_same"] == 4
    itself, *_ = found["query"]["answers"]["report"]
    assert itself["similarity"] == pytest.approx(1, abs=1e-5)
    assert "doesn't hold VGG-16's weights" in found["vgg_knn"]
    assert "0 people have" in found["portraits"]["facenet"] in done.stderr
    assert "6 photos of 2 people" in done.stderr
    text = (tmp_path / "out" / "report.md").read_text()
    assert "found no face on 2 of 6 photos" in text
    assert "doesn't hold VGG-16's weights" in text


def test_a_method_that_finds_no_face_says_so_and_without_the_default_method_there_is_nothing(
    labelled, cache, es, monkeypatch
):
    for photo in labelled.glob("*/*.jpg"):
        Image.new("RGB", (160, 160), "grey").save(photo)
    ours = [method for method in methods.METHODS if method.name == "facenet"]
    monkeypatch.setattr("evaluation.evaluate.METHODS", ours)
    with pytest.raises(FolderError, match="facenet found a face on 0 of 4 photos"):
        run(folder_task(labelled, None), cache, es, Console())
