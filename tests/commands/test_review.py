"""`faces review`: a person decides about uncertain matches, here by letters on standard input."""

from __future__ import annotations

import json
import re

import pytest
from elasticsearch import Elasticsearch
from tools import encoded, picture, side_by_side

from faces.cli import asking
from faces.decisions.journal import Journal
from faces.reviewing import queue


@pytest.fixture
def uncertain(es, gallery, probes, bulk, photos, calibrate) -> str:
    """Two probes, `alone` with Ann, `together` with Ann and Ben: three faces with candidates and no match."""
    bulk(
        {
            "ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}, "tags": ["watch"]},
            "ben": {"image": encoded(photos["Ben"][0]), "person": {"name": "Ben"}},
        },
        index=gallery,
    )
    calibrate(gallery, 0.95)
    together = picture(side_by_side([photos["Ann"][4], photos["Ben"][4]]), quality=92)
    documents = {
        "alone": {"image": encoded(photos["Ann"][3]), "file": {"path": "alone.jpg"}},
        "together": {"image": encoded(together), "file": {"path": "together.jpg"}},
    }
    assert all(item["status"] == 201 for item in bulk(documents, index=probes).values())
    return probes


@pytest.fixture
def left(run, uncertain):
    """What is left to review."""

    def listed(*options: object) -> list[dict]:
        status, out, err = run("review", "--json", *options)
        assert status == 0, err
        found = json.loads(out)
        assert found["total"] >= len(found["faces"])
        return found["faces"]

    return listed


def faces_of(es: Elasticsearch, document: str) -> list[dict]:
    """With candidates."""
    found = es.get(index="face-probes", id=document)["_source"]["faces"]
    return [face for face in found if "candidates" in face]


def test_the_queue_has_every_uncertain_face_once_with_its_candidates_the_most_similar_first(
    left, monkeypatch
):
    faces = left()
    assert sorted(face["id"] for face in faces) == ["alone", "together", "together"]
    by_name = [face["candidates"][0]["name"] for face in faces]
    assert sorted(by_name) == ["Ann", "Ann", "Ben"]
    for face in faces:
        best = face["candidates"][0]
        assert best["verdict"] == "possible"
        assert 0 < best["probability"] < 1
        assert [one["similarity"] for one in face["candidates"]] == sorted(
            (one["similarity"] for one in face["candidates"]), reverse=True
        )
    monkeypatch.setattr(queue, "AT_ONCE", 1)
    assert left() == faces
    assert left("--limit", 2) == faces[:2]
    assert {face["id"] for face in left("--order", "date")} == {"alone", "together"}


@pytest.mark.parametrize("order", ["similarity", "date"])
def test_photos_of_one_file_and_one_moment_are_all_in_the_queue(
    es, uncertain, left, whole, monkeypatch, order
):
    alone = whole(uncertain, "alone")
    operations: list[dict] = []
    for number in range(3):
        operations += [{"index": {"_index": uncertain, "_id": f"copy-{number}"}}, alone]
    assert not es.bulk(operations=operations, pipeline="_none", refresh=True)["errors"]
    monkeypatch.setattr(queue, "AT_ONCE", 1)
    listed = {face["id"] for face in left("--order", order)}
    assert listed == {"alone", "together", "copy-0", "copy-1", "copy-2"}


def test_confirming_and_rejecting_empties_the_queue_everywhere(run, es, left):
    answers = {"Ann": "1", "Ben": "r"}
    typed = "".join(f"{answers[face['candidates'][0]['name']]}\n" for face in left())
    status, out, err = run("review", stdin=typed)
    assert status == 0, err
    assert out.splitlines()[-1] == "3 decided (2 confirmed, 1 rejected); 0 left to review"
    assert left() == []
    (alone,) = faces_of(es, "alone")
    assert alone["label"] == {"name": "Ann"}
    said = {face.get("label", {}).get("name"): face.get("not") for face in faces_of(es, "together")}
    assert said == {"Ann": None, None: ["Ben"]}
    assert es.get(index="face-probes", id="together")["_source"]["undecided_faces"] == 0
    last = Journal(es).operations(size=3)
    assert sorted(one.operation.action for one in last) == ["label", "label", "not"]
    assert run("review", stdin="")[1].splitlines()[-1] == "0 decided; 0 left to review"


def test_each_answer_is_written_at_once_and_the_rest_is_left_for_the_next_time(run, left):
    before = left()
    status, out, _ = run("review", stdin="s\n1\nq\n")
    assert status == 0
    assert out.splitlines()[-1] == "1 decided (1 confirmed, 1 skipped); 2 left to review"
    assert left() == [before[0], before[2]]


def test_undo_takes_back_the_last_answers_one_by_one(run, es, left):
    before = left()
    stored = [es.get(index="face-probes", id=key)["_source"] for key in ("alone", "together")]
    status, out, _ = run("review", stdin="1\ni\nu\nu\nq\n")
    assert status == 0
    assert out.splitlines()[-1] == "0 decided (2 undone); 3 left to review"
    assert left() == before
    after = [es.get(index="face-probes", id=key)["_source"] for key in ("alone", "together")]
    for old, new in zip(stored, after, strict=True):
        new.get("person", {}).pop("sent_name", None)
        assert {key: value for key, value in new.items() if value} == {
            key: value for key, value in old.items() if value
        }
    undone = [one for one in Journal(es).operations(size=4) if one.operation.action != "undo"]
    assert [one.undone for one in undone] == [True, True]


def test_undo_then_another_answer_goes_on_with_the_face_that_was_shown(run, left):
    status, out, err = run("review", stdin="1\nu\nn\nZoë\ni\ns\n")
    assert status == 0, err
    assert out.splitlines()[-1] == "2 decided (1 named, 1 ignored, 1 skipped, 1 undone); 1 left to review"
    assert len(left()) == 1


def test_nothing_to_undo_an_unknown_key_and_a_blank_name_ask_again(run, left):
    status, out, err = run("review", stdin="u\nx\n9\n\nn\n\ns\nq\n")
    assert status == 0, err
    assert out.splitlines()[-1] == "0 decided (1 skipped); 3 left to review"
    assert len(left()) == 3


def test_a_face_that_somebody_else_decided_meanwhile_is_told_and_skipped(
    run, es, left, monkeypatch, uncertain
):
    keys = iter(["1", "s", "s"])

    def answer(_: str) -> str | None:
        pressed = next(keys)
        if pressed == "1":
            (first, *_) = left()
            faces = es.get(index=uncertain, id=first["id"])
            source = es.search(
                index=uncertain,
                query={"ids": {"values": [first["id"]]}},
                source={"includes": ["faces"], "exclude_vectors": False},
            )["hits"]["hits"][0]["_source"]["faces"]
            for face in source:
                if face["id"] == first["face"]["id"]:
                    face["label"] = {"name": "Somebody"}
            es.update(index=faces["_index"], id=first["id"], doc={"faces": source}, refresh=True)
        return pressed

    monkeypatch.setattr(asking, "key", answer)
    status, out, err = run("review")
    assert status == 0
    assert "[Somebody]" in err
    assert "1 decided meanwhile by somebody else" in out.splitlines()[-1]
    labels = [
        face["label"]["name"]
        for key in ("alone", "together")
        for face in faces_of(es, key)
        if "label" in face
    ]
    assert labels == ["Somebody"]


def test_matches_are_asked_about_only_if_they_are_wanted(run, left, calibrate, gallery, bulk, photos):
    calibrate(gallery, 0.5)
    bulk({"sure": {"image": encoded(photos["Ben"][3])}}, index="face-probes")
    assert "sure" not in {face["id"] for face in left()}
    (sure,) = [face for face in left("--include-matches") if face["id"] == "sure"]
    assert sure["match"] == "Ben"
    run("review", "--include-matches", stdin="s\n" * 3 + "1\n")


def test_a_watch_list_is_asked_about_alone(left):
    watched = left("--watch", "watch")
    assert watched
    assert all(any("watch" in one["tags"] for one in face["candidates"]) for face in watched)
    assert left("--watch", "nobody") == []


def test_ctrl_c_says_how_many_were_decided(run, left, monkeypatch):
    keys = iter(["i", None])

    def answer(_: str) -> str:
        pressed = next(keys)
        if pressed is None:
            raise KeyboardInterrupt
        return pressed

    monkeypatch.setattr(asking, "key", answer)
    status, out, _ = run("review")
    assert status == 130
    assert out.splitlines()[-1] == "1 decided (1 ignored); 2 left to review"
    assert len(left()) == 2


def test_a_dry_run_changes_nothing(run, left):
    before = left()
    status, out, _ = run("review", "--dry-run", stdin="1\nr\ni\n")
    assert status == 0
    assert out.splitlines()[-1].endswith("; 3 left to review")
    assert left() == before


def test_without_a_journal_nothing_is_decided(run, es, left):
    es.indices.delete(index="face-decisions-000001")
    try:
        status, _, err = run("review", stdin="1\n")
        assert status == 1
        assert "`faces install`" in err
        assert len(left()) == 3
    finally:
        run("install")


def test_a_name_cannot_act_in_the_terminal(run, es, gallery, probes, bulk, photos, calibrate):
    name = "Eve\x1b[31m\nconfirmed\u202e!"
    bulk({"eve": {"image": encoded(photos["Ann"][0]), "person": {"name": name}}}, index=gallery)
    calibrate(gallery, 0.95)
    bulk({"alone": {"image": encoded(photos["Ann"][3])}}, index=probes)
    _, out, err = run("review", stdin="q\n")
    assert r"Eve\x1b[31m\nconfirmed\u202e!" in out
    assert not re.search(r"[\x1b\u202e]", out + err)


def test_an_index_without_candidates_has_nothing_to_review(run):
    status, out, _ = run("review", "--index", "faces", stdin="")
    assert status == 0
    assert out.splitlines()[-1] == "0 decided; 0 left to review"
    assert run("review", "--index", "nowhere", stdin="")[0] == 1
