"""`faces label --similar-to`: a page of faces is named at once."""

from __future__ import annotations

import numpy as np
from command_fixtures import counts
from tools import line_with, numbers, picture, side_by_side


def test_similar_faces_are_named_at_once_after_they_were_shown(unnamed, run, album, labels, said):
    """Only those that nobody named or ruled out, and of the group photo only Ann."""
    of_ann = np.array(album.documents["ann-0"]["faces"][0]["vector"])
    cosines = [float(of_ann @ np.array(face["vector"])) for face in album.documents["team"]["faces"]]
    ann = int(np.argmax(cosines))
    assert run("label", "ann-1", "--name", "Anna")[0] == 0
    least = min(max(cosines), 0.5)
    arguments = ("label", "--similar-to", album.files["ann-0"], "--min-similarity", least, "--name", "Ann")
    status, out, _ = run(*arguments, stdin="n\n")
    assert status == 1
    assert "ann-2.jpg" in out
    assert "ann-1.jpg" not in out
    assert labels("ann-0") == [None]
    status, out, err = run(*arguments, "--yes", "--json")
    assert status == 0, err
    assert {"ann-0", "team"} <= set(counts(out)["changed"]) <= {"ann-0", "ann-2", "team"}
    assert labels("team") == ["Ann" if position == ann else None for position in range(3)]
    assert labels("ann-1") == ["Anna"]
    assert run("unlabel", "team", "--face", ann)[0] == 0
    assert run("not-this-person", "team", "--face", ann, "--name", "Ann")[0] == 0
    status, out, _ = run(*arguments, "--yes", "--json")
    assert (status, counts(out)["faces"]) == (0, 0)
    assert said("team")[ann] == {"not": ["Ann"]}


def test_without_a_strong_match_the_possible_ones_are_counted(unnamed, run, album, calibrate):
    calibrate(unnamed, 0.9999, logistic={"slope": 20, "offset": -4})
    of_ann = np.array(album.documents["ann-0"]["faces"][0]["vector"])
    others = [document["faces"] for key, document in album.documents.items() if key != "ann-0"]
    possible = [any(float(of_ann @ np.array(face["vector"])) >= 0.2 for face in faces) for faces in others]
    assert sum(possible) >= 2
    assert run("label", "ann-0", "--name", "Ann")[0] == 0
    options = ("--similar-to", "ann-0", "--name", "Ann", "--index", unnamed)
    status, _, err = run("label", *options, "--yes")
    assert status == 0
    assert numbers(line_with("--min-similarity", err)) == [0.2, sum(possible)]
    status, out, _ = run("label", *options, "--min-similarity", 0.2, "--yes", "--json")
    assert (status, counts(out)["faces"]) == (0, sum(possible))


def test_similar_faces_are_also_found_by_a_photo_that_is_not_indexed(unnamed, run, people, tmp_path, labels):
    """Also while nobody but Elasticsearch reaches the service."""
    other, group = tmp_path / "other.jpg", tmp_path / "group.jpg"
    other.write_bytes(people["mindy_kaling"][5].read_bytes())
    group.write_bytes(picture(side_by_side([people["mindy_kaling"][5], people["madonna"][5]])))
    options = ("--name", "Ann", "--min-similarity", 0.4, "--yes", "--json")
    assert run("label", "--similar-to", group, *options)[0] == 2
    status, out, err = run(
        "label", "--similar-to", other, *options, "--dry-run", FACES_URL="http://127.0.0.1:1"
    )
    assert status == 0, err
    would = counts(out)["changed"]
    status, out, err = run("label", "--similar-to", other, *options)
    assert status == 0, err
    assert counts(out)["changed"] == would
    assert "Ann" in {labels(key)[0] for key in ("ann-0", "ann-1", "ann-2")}
    assert {labels(key)[0] for key in ("ben-0", "ben-1", "cara-0")} == {None}
