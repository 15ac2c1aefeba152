"""`identify` with several portraits of a person: compared by the mean of their vectors, crowding out no one.

The portraits' vectors are made for it, at known angles to the face of a real photo.
"""

from __future__ import annotations

import itertools
import math
import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from tools import encoded

Enrol = Callable[..., None]
Identified = Callable[[], list[dict]]


@pytest.fixture
def directions(bulk, faces, photos, whole) -> np.ndarray:
    """(3, dims): the face of a probe, and two directions at right angles to it."""
    bulk({"ann": {"image": encoded(photos["Ann"][0])}})
    (face,) = whole(faces, "ann")["faces"]
    columns = np.column_stack(
        [face["vector"], *np.random.default_rng(0).normal(size=(2, len(face["vector"])))]
    )
    orthogonal = np.linalg.qr(columns)[0].T
    return orthogonal * np.sign(orthogonal[0] @ face["vector"])


@pytest.fixture
def enrol(gallery, bulk, running, directions) -> Enrol:
    """Stores a portrait for each direction: how far to the probe's face, and to both others."""

    def put(key: str, name: str | None, *toward: tuple[float, float, float], **more: object) -> None:
        person = {"person": {"name": name}} if name is not None else {}
        documents = {
            f"{key}-{number}": {
                "vector": (np.array(one) / np.linalg.norm(one) @ directions).tolist(),
                "model": {"id": running.model},
                **person,
                **more,
            }
            for number, one in enumerate(toward)
        }
        answers = bulk(documents, index=gallery, pipeline="_none")
        assert {item["status"] for item in answers.values()} == {201}

    return put


@pytest.fixture
def identified(probes, bulk, photos, whole) -> Identified:
    """The candidates of the face of a new probe."""
    numbers = itertools.count()

    def send() -> list[dict]:
        key = f"probe-{next(numbers)}"
        bulk({key: {"image": encoded(photos["Ann"][0])}}, index=probes)
        (face,) = whole(probes, key)["faces"]
        candidates = face.get("candidates", [])
        assert face.get("match") == (candidates[0] if candidates else None)
        return candidates

    return send


def at(similarity: float, turned: float = 0) -> tuple[float, float, float]:
    """A portrait of this similarity to the probe, whatever its angle around the probe's direction."""
    side = math.sqrt(1 - similarity**2)
    return similarity, side * math.cos(turned), side * math.sin(turned)


def test_a_person_is_compared_by_the_mean_of_their_portraits_not_by_the_best(enrol, identified):
    enrol("all-near", "Zoe", at(0.7), at(0.69, math.pi))
    enrol("one-nearer", "Max", at(0.8), at(0.2))
    first, second = identified()
    both = np.array(at(0.8)) + at(0.2)
    assert (first["name"], first["similarity"]) == ("Zoe", pytest.approx(1, abs=1e-3))
    assert (second["name"], second["similarity"]) == (
        "Max",
        pytest.approx(both[0] / np.linalg.norm(both), abs=1e-5),
    )
    assert [first["gallery_id"], second["gallery_id"]] == ["all-near-0", "one-nearer-0"]


def test_somebody_with_one_portrait_is_compared_with_that(enrol, identified):
    enrol("lone", "Zoe", at(0.65))
    (only,) = identified()
    assert (only["name"], only["similarity"]) == ("Zoe", pytest.approx(0.65, abs=1e-5))


def test_nobody_is_crowded_out_by_somebody_with_many_portraits(enrol, identified):
    enrol("many", "Zoe", *(at(0.8 + number / 1000) for number in range(120)))
    for number, name in enumerate(("Ada", "Bob", "Cy")):
        enrol(name, name, at(0.6 - number / 20))
    found = identified()
    assert [one["name"] for one in found] == ["Zoe", "Ada", "Bob", "Cy"]
    assert [one["similarity"] for one in found[1:]] == pytest.approx([0.6, 0.55, 0.5], abs=1e-5)


def test_of_very_many_portraits_the_newest_hundred_count(enrol, identified):
    enrol("old", "Zoe", *(at(0.5) for _ in range(20)), **{"@timestamp": "2001-01-01"})
    enrol("new", "Zoe", *(at(0.7) for _ in range(100)), **{"@timestamp": "2026-01-01"})
    (only,) = identified()
    assert only["similarity"] == pytest.approx(0.7, abs=1e-5)


def test_a_portrait_counts_from_its_next_probe_on_and_not_after_it_is_gone(es, gallery, enrol, identified):
    enrol("first", "Zoe", at(0.6))
    assert [one["similarity"] for one in identified()] == pytest.approx([0.6], abs=1e-5)
    enrol("second", "Zoe", at(0.6, math.pi), tags=["watch"])
    (both,) = identified()
    assert (both["similarity"], both["tags"]) == (pytest.approx(1, abs=1e-5), ["watch"])
    es.update(index=gallery, id="second-0", doc={"person": {"name": "Max"}, "tags": []}, refresh=True)
    found = identified()
    assert {one["name"] for one in found} == {"Zoe", "Max"}
    assert [one["similarity"] for one in found] == pytest.approx([0.6, 0.6], abs=1e-5)
    assert not any("tags" in one for one in found)
    es.delete(index=gallery, id="first-0", refresh=True)
    assert [one["name"] for one in identified()] == ["Max"]
    es.delete(index=gallery, id="second-0", refresh=True)
    assert identified() == []


def test_a_portrait_of_another_model_is_no_part_of_the_mean(enrol, identified):
    enrol("ours", "Zoe", at(0.6))
    enrol("another", "Zoe", at(0.6, math.pi), model={"id": "other"})
    (only,) = identified()
    assert only["similarity"] == pytest.approx(0.6, abs=1e-5)


def test_a_name_in_two_spellings_of_unicode_is_one_person(enrol, identified):
    enrol("typed", "Zo\u00eb", at(0.6))
    enrol("from-macos", unicodedata.normalize("NFD", "Zo\u00eb"), at(0.6, math.pi))
    (only,) = identified()
    assert (only["name"], only["similarity"]) == ("Zo\u00eb", pytest.approx(1, abs=1e-5))


def test_portraits_without_a_name_are_each_compared_alone(enrol, identified):
    enrol("unknown", None, at(0.7), at(0.6, math.pi))
    found = identified()
    assert [one["similarity"] for one in found] == pytest.approx([0.7, 0.6], abs=1e-5)
    assert all("name" not in one for one in found)


def test_only_the_portraits_that_pass_the_filter_make_the_mean(es, enrol, gallery, photos):
    enrol("passport", "Zoe", at(0.6), team="a")
    enrol("party", "Zoe", at(0.6, math.pi), team="b")
    face = {"identify": {"index": gallery, "filter": {"term": {"team.keyword": "a"}}}}
    documents = [{"_source": {"image": encoded(photos["Ann"][0])}}]
    (answer,) = es.ingest.simulate(pipeline={"processors": [{"face": face}]}, docs=documents)["docs"]
    (only,) = answer["doc"]["_source"]["faces"][0]["candidates"]
    assert (only["gallery_id"], only["similarity"]) == ("passport-0", pytest.approx(0.6, abs=1e-5))


def test_many_people_with_many_portraits_are_each_compared_by_all_of_theirs(
    es, enrol, gallery, photos, directions
):
    # More than one search finds at once, and more people than are compared at once.
    names = [f"person {number}" for number in range(30)]
    for number, name in enumerate(names):
        spread = math.radians(10 + number)
        turns = np.linspace(0, 2 * math.pi, 34, endpoint=False)
        enrol(f"p{number}", name, (1, 0.1, 0), *(at(math.cos(spread), turn) for turn in turns), tags=[name])
    face = {"identify": {"index": gallery, "k": 30, "similarity": 0.1}}
    documents = [{"_source": {"image": encoded(photos["Ann"][0])}}]
    (answer,) = es.ingest.simulate(pipeline={"processors": [{"face": face}]}, docs=documents)["docs"]
    found = answer["doc"]["_source"]["faces"][0]["candidates"]
    assert {one["name"]: one["tags"] for one in found} == {name: [name] for name in names}
    # The portraits around the probe's face make up for each other: what is left is the first one's distance.
    first = np.array((1, 0.1, 0)) / np.linalg.norm((1, 0.1, 0))
    for one in found:
        number = names.index(one["name"])
        mean = first + 34 * math.cos(math.radians(10 + number)) * np.array((1, 0, 0))
        assert one["similarity"] == pytest.approx(mean[0] / np.linalg.norm(mean), abs=1e-5)
        assert one["gallery_id"] == f"p{number}-0"
