"""`faces identify`: who is it, by the gallery, as the plugin compares; and stored faces anew."""

from __future__ import annotations

import itertools
import json
import math
import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from tools import bracketed, empty, encoded, landscape, line_with, picture

from faces.identifying.identifier import Identifier, Lookup
from faces.searchable import searchable

NOWHERE = "http://127.0.0.1:1"


@pytest.fixture
def enrol(gallery, store, running, album, journal) -> Callable[..., None]:
    """Stores portraits with the vectors of the album's faces, as they are in the archive."""
    numbers = itertools.count()

    def put(name: str | None, *keys: str, position: int = 0, **more: object) -> None:
        documents = {}
        for key in keys:
            face = album.documents[key]["faces"][position]
            person = {"person": {"name": name}} if name is not None else {}
            kept = {"vector": face["vector"], "model": {"id": running.model}, "face": {"id": face["id"]}}
            documents[f"p{next(numbers)}-{key}"] = {**kept, **person, **more}
        store(gallery, documents)

    return put


@pytest.fixture
def answer(run) -> Callable[..., dict]:
    """The JSON of `faces identify`."""

    def ask(*arguments: object, **environment: str) -> dict:
        status, out, err = run("identify", *arguments, "--json", **environment)
        assert status == 0, err
        return json.loads(out)

    return ask


@pytest.fixture
def seen(es, probes, album, bulk) -> Callable[..., None]:
    """Sends the album's photos to the probes, where the plugin identifies them."""

    def send(*keys: str) -> None:
        documents = {
            key: {"image": encoded(album.files[key]), "file": {"path": f"{key}.jpg"}} for key in keys
        }
        assert {item["status"] for item in bulk(documents, index=probes).values()} == {201}

    return send


def alike(one: list[dict], other: list[dict]) -> bool:
    """Whether candidates are the same; numbers to 1e-4."""
    exact = [{key: value for key, value in each.items() if not isinstance(value, float)} for each in one]
    wanted = [{key: value for key, value in each.items() if not isinstance(value, float)} for each in other]
    numbers = [value for each in one for value in each.values() if isinstance(value, float)]
    expected = [value for each in other for value in each.values() if isinstance(value, float)]
    return exact == wanted and numbers == pytest.approx(expected, abs=1e-4)


def test_a_photo_gets_the_candidates_that_the_plugin_writes_into_a_probe(
    enrol, seen, answer, whole, probes, album, calibrate, gallery
):
    enrol("Ann", "ann-0", "ann-1", tags=["watch", "staff"])
    enrol("Zo\u00eb", "cara-0")
    enrol(unicodedata.normalize("NFD", "Zo\u00eb"), "cara-1")
    enrol(None, "ben-0")
    for threshold in (None, 0.9, -1):
        if threshold is not None:
            calibrate(gallery, threshold)
        key = f"team-{threshold}"
        album.files[key] = album.files["team"]
        seen(key)
        stored = whole(probes, key)["faces"]
        found = answer(album.files["team"])["faces"]
        assert [face["box"] for face in found] == [face["box"] for face in stored]
        for face, own in zip(found, stored, strict=True):
            plain = [
                {name: value for name, value in one.items() if name not in ("verdict", "match")}
                for one in face["candidates"]
            ]
            assert alike(plain, own.get("candidates", [])), (threshold, plain, own.get("candidates"))
            assert [one["match"] for one in face["candidates"]][:1] == ["match" in own][: len(plain)]
    assert {"Ann", "Zo\u00eb"} <= {one.get("name") for face in stored for one in face["candidates"]}
    assert all("probability" in one for face in stored for one in face["candidates"])


def at(similarity: float, turned: float = 0) -> tuple[float, float, float]:
    side = math.sqrt(1 - similarity**2)
    return similarity, side * math.cos(turned), side * math.sin(turned)


def test_many_people_with_many_portraits_are_compared_as_the_plugin_does(
    es, gallery, store, running, album, answer
):
    face = np.array(album.documents["ann-0"]["faces"][0]["vector"])
    columns = np.column_stack([face, *np.random.default_rng(0).normal(size=(2, len(face)))])
    directions = np.linalg.qr(columns)[0].T
    directions = directions * np.sign(directions[0] @ face)
    documents = {}
    for number in range(30):
        spread = math.cos(math.radians(10 + number))
        for turn in range(34):
            # One is nearer than the others, as no two are the nearest in a real gallery.
            toward = at(spread, 2 * math.pi * turn / 33) if turn else at(math.cos(math.radians(5)), number)
            vector = np.array(toward) @ directions
            documents[f"p{number}-{turn}"] = {
                "vector": vector.tolist(),
                "model": {"id": running.model},
                "person": {"name": f"person {number}"},
                "tags": [f"tag {turn % 3}"],
                "@timestamp": f"2026-01-01T00:00:{turn:02}Z",
            }
    store(gallery, documents)
    options = {"index": gallery, "k": 30, "similarity": 0.1}
    simulated = es.ingest.simulate(
        pipeline={"processors": [{"face": {"identify": options}}]},
        docs=[{"_source": {"image": encoded(album.files["ann-0"])}}],
    )["docs"][0]["doc"]["_source"]["faces"][0]
    ours = Identifier(es, Lookup.of(options), running.model).candidates([simulated["vector"]])[0]
    assert len(ours) == 30
    # Some differ by less than is compared, and so in their order.
    by_name = (
        {one["name"]: one for one in found}
        for found in (simulated["candidates"], [one.as_fields() for one in ours])
    )
    theirs, mine = by_name
    assert theirs.keys() == mine.keys()
    assert all(alike([mine[name]], [theirs[name]]) for name in theirs)


def test_somebody_who_is_not_enrolled_is_unknown(enrol, answer, run, album, es, faces, probes, gallery):
    enrol("Ann", "ann-0", "ann-1")
    before = es.count(index="*")["count"]
    found = answer(album.files["team"])["faces"]
    assert sorted(face["answer"] for face in found) == ["Ann", "unknown", "unknown"]
    status, out, _ = run("identify", album.files["team"])
    assert status == 0
    assert out.count("unknown") >= 2
    assert "Ann" in line_with("recognised", out)
    es.indices.refresh(index="*")
    assert es.count(index="*")["count"] == before
    (only,) = answer(album.files["team"], "--face", 1)["faces"]
    assert (only["position"], only["of"]) == (1, 3)


def test_an_empty_gallery_knows_nobody_and_says_so(gallery, run, album):
    status, out, _ = run("identify", album.files["ann-0"])
    assert status == 0
    assert "unknown" in out
    assert "face-gallery" in bracketed(line_with("note:", out))


def test_without_the_service_the_plugin_finds_the_faces_and_without_both_it_is_said(
    enrol, answer, run, album
):
    enrol("Ann", "ann-0")
    (face,) = answer(album.files["ann-1"], FACES_URL=NOWHERE)["faces"]
    assert face["answer"] == "Ann"
    status, out, _ = run("identify", album.files["ann-1"], ES_URL=NOWHERE, FACES_URL=NOWHERE)
    assert (status, out) == (1, "")


def test_a_photo_that_is_none_a_face_that_is_not_there_and_wrong_arguments(gallery, run, album, tmp_path):
    text = tmp_path / "text.jpg"
    text.write_text("no photo")
    status, _, err = run("identify", text)
    assert status == 1
    assert "not_an_image" in bracketed(err)
    (tmp_path / "empty.jpg").touch()
    assert run("identify", tmp_path / "empty.jpg")[0] == 1
    status, out, _ = run("identify", _landscape(tmp_path))
    assert (status, "no face" in out) == (0, True)
    assert run("identify", album.files["ann-0"], "--face", 7)[0] == 2
    for wrong in (
        (),
        (album.files["ann-0"], "--all"),
        (album.files["ann-0"], "--since", "now-1d"),
        ("--all", "--face", 1),
    ):
        assert run("identify", *wrong)[0] == 2, wrong
    assert run("identify", album.files["ann-0"], "--gallery", "nowhere")[0] == 1
    assert run("identify", album.files["ann-0"], "--gallery", "faces")[0] == 1
    assert run("identify", "--all", "--index", gallery)[0] == 1


def _landscape(folder):
    file = folder / "landscape.jpg"
    file.write_bytes(picture(landscape()))
    return file


def test_a_gallery_of_another_model_is_refused_with_both_models(enrol, run, album, es, running, own_index):
    own_index("face-gallery-old", mappings={"_meta": {"ingest_face": {"model": "sface-00000000"}}})
    status, _, err = run("identify", album.files["ann-0"], "--gallery", "face-gallery-old")
    assert status == 1
    assert {"sface-00000000", running.model} <= bracketed(err)


def test_stored_faces_are_identified_anew_after_somebody_is_enrolled(
    es, enrol, seen, run, whole, probes, gallery, journal, album
):
    seen("ann-0", "ben-0", "team")
    assert whole(probes, "team").get("best_similarity") is None
    enrol("Ann", "ann-1", "ann-2", tags=["watch"])
    status, out, err = run("identify", "--all", "--json")
    assert status == 0, err
    counts = json.loads(out)
    assert (counts["changed"], counts["unchanged"], counts["faces"]) == (2, 1, 2)
    for key in ("ann-0", "team"):
        album.files[f"{key}-new"] = album.files[key]
        seen(f"{key}-new")
        ours, theirs = whole(probes, key), whole(probes, f"{key}-new")
        for face, other in zip(ours["faces"], theirs["faces"], strict=True):
            assert alike(face.get("candidates", []), other.get("candidates", []))
            assert ("match" in face) == ("match" in other)
        assert ours["best_similarity"] == pytest.approx(theirs["best_similarity"], abs=1e-4)
        assert ours["undecided_faces"] == theirs["undecided_faces"] == 1
    assert es.search(index=probes, query={"term": {"matched_tags": "watch"}})["hits"]["total"]["value"] == 4
    again = json.loads(run("identify", "--all", "--json")[1])
    assert (again["changed"], again["unchanged"]) == (0, 5)
    assert es.count(index=journal)["count"] == 0


def test_decisions_stay_and_a_name_that_was_ruled_out_is_no_guess(es, enrol, seen, run, whole, probes):
    seen("ann-0", "ann-1", "team")
    labelled = whole(probes, "ann-0")["faces"]
    labelled[0]["label"] = {"name": "Someone"}
    es.update(index=probes, id="ann-0", doc={"faces": labelled})
    rejected = whole(probes, "ann-1")["faces"]
    rejected[0]["not"] = ["Ann"]
    es.update(index=probes, id="ann-1", doc={"faces": rejected}, refresh=True)
    enrol("Ann", "ann-2")
    assert run("identify", "--all")[0] == 0
    (face,) = whole(probes, "ann-0")["faces"]
    assert (face["label"]["name"], face["match"]["name"]) == ("Someone", "Ann")
    assert whole(probes, "ann-0")["undecided_faces"] == 0
    (face,) = whole(probes, "ann-1")["faces"]
    assert face["not"] == ["Ann"]
    assert "match" not in face


def test_somebody_who_is_gone_from_the_gallery_is_no_match_any_more(
    es, enrol, seen, run, whole, probes, gallery
):
    enrol("Ann", "ann-1")
    seen("ann-0")
    assert whole(probes, "ann-0")["best_similarity"] > 0.5
    empty(es, gallery)
    assert json.loads(run("identify", "--all", "--json")[1])["changed"] == 1
    stored = whole(probes, "ann-0")
    assert stored.get("best_similarity") is None
    assert stored.get("undecided_faces") is None
    assert not {"match", "candidates"} & set(stored["faces"][0])


def test_a_dry_run_and_a_date_limit_it(enrol, seen, run, whole, probes, es):
    seen("ann-0", "ann-1")
    es.update(index=probes, id="ann-1", doc={"@timestamp": "2020-01-01"}, refresh=True)
    enrol("Ann", "ann-2")
    assert json.loads(run("identify", "--all", "--dry-run", "--json")[1])["changed"] == 2
    assert "match" not in whole(probes, "ann-0")["faces"][0]
    assert json.loads(run("identify", "--all", "--since", "2021-01-01", "--json")[1])["changed"] == 1
    assert "match" not in whole(probes, "ann-1")["faces"][0]
    status, _, err = run("identify", "--all", "--since", "yesterday")
    assert (status, "--since" in err, "yesterday" in err) == (2, True, True)


def test_an_index_without_a_pipeline_gets_the_same_fields(
    es, enrol, seen, run, whole, probes, bare, store, album
):
    enrol("Ann", "ann-1", tags=["watch"])
    seen("ann-0", "team")
    store(bare, {key: album.documents[key] for key in ("ann-0", "team")})
    assert run("identify", "--all", "--index", bare, FACES_URL=NOWHERE)[0] == 0
    for key in ("ann-0", "team"):
        ours, theirs = whole(bare, key), whole(probes, key)
        for face, other in zip(ours["faces"], theirs["faces"], strict=True):
            assert alike(face.get("candidates", []), other.get("candidates", []))
        numbers = ("best_similarity", "undecided_faces", "unnamed_faces", "face_count")
        assert [ours[name] for name in numbers] == pytest.approx([theirs[name] for name in numbers], abs=1e-4)


def test_an_index_that_is_closed_to_writing_is_status_1(es, enrol, seen, run, probes, whole):
    seen("ann-0")
    enrol("Ann", "ann-1")
    es.indices.put_settings(index=probes, settings={"index.blocks.write": True})
    try:
        status, out, err = run("identify", "--all", "--json")
    finally:
        es.indices.put_settings(index=probes, settings={"index.blocks.write": None})
    assert status == 1
    assert "match" not in whole(probes, "ann-0")["faces"][0]
    assert "blocked" in err
    assert len(json.loads(out)["failed"]) == 1


def test_the_gallery_is_what_the_pipeline_of_the_probes_names(es, running):
    where = searchable(es, "face-probes")
    assert where.model(es) in (None, running.model)
    assert Lookup.of({"index": "a", "k": "7", "similarity": "0.5"}) == Lookup("a", 7, 0.5)
