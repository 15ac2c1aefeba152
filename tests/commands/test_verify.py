"""`faces verify`: whether two faces are one person's, of files and of what is stored."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from tools import CALIBRATION

NOWHERE = "http://127.0.0.1:1"


def test_two_photos_are_verified_and_their_similarity_is_that_of_the_stored_vectors(
    run, album, faces, store, unnamed
):
    def verified(*arguments: object) -> dict:
        status, out, err = run("verify", *arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    same = verified(album.files["ann-0"], album.files["ann-1"])
    one, other = (album.documents[key]["faces"][0]["vector"] for key in ("ann-0", "ann-1"))
    assert same["similarity"] == pytest.approx(float(np.dot(one, other)), abs=2e-3)
    assert same["verdict"] in ("strong", "possible")
    assert verified("ann-0", "ann-1")["similarity"] == pytest.approx(float(np.dot(one, other)), abs=1e-4)
    different = verified("ann-0", album.files["ben-0"])
    assert (different["verdict"], "probability" in different) == ("unlikely", False)
    for words, option in (
        (("ann-0", "team"), "--face-b"),
        (("team", "ann-0"), "--face-a"),
        ((album.files["team"], album.files["ann-0"]), "--face-a"),
    ):
        status, _, err = run("verify", *words)
        assert status == 2
        assert option in err
    assert verified("team", "team", "--face-a", 0, "--face-b", 1)["verdict"] == "unlikely"
    within = verified("team", album.files["team"], "--face-a", 1, "--face-b", 1)
    assert within["similarity"] == pytest.approx(1, abs=1e-3)
    assert [face["face"]["position"] for face in within["faces"]] == [1, 1]
    status, out, _ = run("verify", "ann-0", album.files["ben-0"])
    assert (status, "unlikely" in out) == (0, True)
    assert run("verify", "ann-0", "nobody.jpg")[0] == 1


def test_a_calibration_gives_a_probability(run, album, unnamed, calibrate):
    calibrate("faces", 0.6)
    status, out, err = run("verify", "ann-0", "ann-1", "--index", "faces", "--json")
    assert status == 0, err
    found = json.loads(out)
    slope, offset = CALIBRATION["logistic"].values()
    expected = 1 / (1 + math.exp(-(slope * found["similarity"] + offset)))
    assert found["probability"] == pytest.approx(expected, abs=1e-3)


def test_two_files_are_compared_without_elasticsearch(run, album):
    status, out, err = run("verify", album.files["ann-0"], album.files["ben-0"], "--json", ES_URL=NOWHERE)
    assert status == 0, err
    assert json.loads(out)["note"]
