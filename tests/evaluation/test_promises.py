"""What `./run evaluate` promises, on the sample and on LFW's protocol."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from evaluation import methods
from evaluation.all_pairs import true_accepts
from evaluation.bars import Bar, bars
from evaluation.results import MethodResult
from evaluation.task import sample_task
from faces.error_rates.interval import Interval
from faces.evaluating import measure
from ingest_service.embedding import unit


@pytest.fixture(scope="module")
def task(cache):
    return sample_task(cache)


@pytest.fixture(scope="module")
def runs(cache, task):
    """Our own methods and the one without detection, on the whole sample."""
    names = ("whole photo", "facenet", "sface", "facenet-sface")
    wanted = [method for method in methods.METHODS if method.name in names]
    found = methods.side_by_side(wanted, cache, task.folder.photos, lambda *_: None)
    return {one.method.name: (one.embedded, MethodResult.of(task, one.method, one.embedded)) for one in found}


def test_promises_are_kept_or_not(task, runs):
    names = {name: name for name in ("facenet", "sface", "facenet-sface")}
    names |= {"deepface": "whole photo", "DeepFace default": "whole photo"}
    measured = {name: runs[source][1] for name, source in names.items()}
    found = type("Found", (), {"rank1": 24 / 25})
    promised = {bar.promise: bar for bar in bars(task, measured, found)}
    assert not promised.pop("rank 1 over val, through Elasticsearch").passed
    assert all(bar.passed for bar in promised.values())
    assert len(promised) == 5
    assert promised["facenet-sface: EER"].limit == 0.0075
    over_default = promised["facenet: EER over DeepFace default's"]
    eers = [measured[method].rates.verification.eer for method in ("facenet", "DeepFace default")]
    assert over_default.measured == pytest.approx(eers[0] / eers[1])
    assert over_default.interval.low <= over_default.measured <= over_default.interval.high < 0.5
    measured["deepface"] = MethodResult("deepface", "b", "missing")
    (absent,) = (bar for bar in bars(task, measured, found) if "deepface's" in bar.promise)
    assert not absent.passed
    assert absent.measurement == "-"


def test_on_lfw_both_networks_together_have_promises_of_their_own_and_dlib_only_where_it_ran(task, runs):
    """With the sample's photos in folds, which are too few to state a FNIR."""
    folds = np.arange(len(task.pairs.first)) % 5
    listed = replace(task, sample=False, pairs=replace(task.pairs, folds=folds, listed=True))
    measured = {
        name: replace(result, rates=measure(run.vectors, task.people, listed.pairs))
        for name, (run, result) in runs.items()
    }
    measured["deepface"] = measured["whole photo"]
    measured["dlib"] = MethodResult("dlib", "d", "absent")
    found = type("Found", (), {"rank1": 1.0})
    promised = {bar.promise: bar for bar in bars(listed, measured, found)}
    limits = {
        "facenet-sface: accuracy of the folds": 0.995,
        "facenet-sface: rank 1": 0.990,
        "facenet-sface: TAR at FAR 0.001, all pairs": 0.990,
        "facenet-sface: FNIR at FPIR 0.01": 0.04,
        "facenet-sface: FNIR at FPIR 0.01 over facenet's": 0.25,
        "sface: FNIR at FPIR 0.01": 0.05,
    }
    assert {name: promised[name].limit for name in limits} == limits
    assert promised["facenet-sface: rank 1"].passed
    assert not promised["facenet-sface: FNIR at FPIR 0.01"].passed  # it can't be stated
    assert not any("dlib" in name for name in promised)
    measured["dlib"] = replace(measured["whole photo"], method="dlib")
    promised = {bar.promise: bar for bar in bars(listed, measured, found)}
    assert promised["dlib: accuracy of the folds"].limit == 0.985
    assert not promised["dlib: rank 1"].passed
    measured["facenet-sface"] = MethodResult("facenet-sface", "b", "absent")
    of_both = [bar for bar in bars(listed, measured, found) if bar.promise.startswith("facenet-sface")]
    assert len(of_both) == 5
    assert not any(bar.passed for bar in of_both)


def test_true_accepts_of_all_pairs_count_a_missing_face_as_an_error():
    """Against a plain count, of random vectors of 60 people."""
    random = np.random.default_rng(5)
    people = np.repeat(np.arange(60), 4)
    vectors = (random.normal(size=(60, 8))[people] + random.normal(0, 0.7, (240, 8))).astype(np.float32)
    first, second = np.triu_indices(240, 1)
    same = people[first] == people[second]

    def counted(far: float) -> float:
        scores = np.nan_to_num((unit(vectors) @ unit(vectors).T)[first, second], nan=-2)
        failed = np.isnan(vectors[first, 0]) | np.isnan(vectors[second, 0])
        others = np.sort(np.where(failed, np.inf, scores)[~same])[::-1]
        return float((scores[same] > others[int(far * len(others))]).mean())

    assert true_accepts(vectors, people, 0.01) == pytest.approx(counted(0.01))
    vectors[7] = np.nan
    assert true_accepts(vectors, people, 0.01) == pytest.approx(counted(0.01))
    assert 0 < true_accepts(vectors, people, 0.01) < 1
    assert true_accepts(vectors, people, 1e-4) is None


def test_a_bar_shows_its_interval():
    assert Bar("x", 0.52, 0.65, True, Interval(0.45, 0.59)).measurement == "0.5200 (0.4500, 0.5900)"
    assert Bar("x", 0.52, 0.65, True).measurement == "0.5200"
    assert not Bar("of a number that isn't there", None, 1, True).passed
    assert json.dumps(Bar("x", np.float32(1), np.float64(2), True).passed) == "true"
    assert MethodResult("a", "b", "missing").misses(0.01) is None
