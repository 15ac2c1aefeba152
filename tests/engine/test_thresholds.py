"""The thresholds that an index records until it is calibrated: who writes them, and what judges by them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch
from tools import encoded, install_all, mapping_of

from es_setup import models
from es_setup.install import missing
from es_setup.shipped_files import ALIASES, shipped_model
from faces.explore.index_faces import match_threshold
from ingest_service.verdicts import of_profile

PAIR = {"strong": 0.7, "possible": 0.2}


@pytest.fixture
def record(es: Elasticsearch) -> Iterator[Callable[..., None]]:
    """Writes facts into the `_meta` of indices; at the end the previous `_meta` is back."""
    before: dict[str, dict] = {}

    def write(*indices: str, **facts: object) -> None:
        for index in indices:
            before.setdefault(index, mapping_of(es, index).get("_meta", {}))
            models.record(es, index, **facts)

    yield write
    for index, meta in before.items():
        es.options(ignore_status=404).indices.put_mapping(index=index, meta=meta)


def pair_of(es: Elasticsearch, index: str) -> object:
    return models.recorded(mapping_of(es, index)).get("thresholds")


def candidates(es: Elasticsearch, photo: dict, gallery: str, **options: object) -> list[float]:
    pipeline = {"processors": [{"face": {"identify": {"index": gallery, **options}}}]}
    (answer,) = es.ingest.simulate(pipeline=pipeline, docs=[{"_source": photo}])["docs"]
    (face,) = answer["doc"]["_source"]["faces"]
    return [one["similarity"] for one in face.get("candidates", [])]


def test_the_files_have_the_thresholds_of_their_profile(es):
    thresholds = of_profile(shipped_model().rpartition("-")[0])
    shipped = {"strong": thresholds.strong, "possible": thresholds.possible}
    assert models.recorded_in_template(es)["thresholds"] == shipped
    assert [pair_of(es, alias) for alias in ALIASES] == [shipped] * 3


@pytest.mark.parametrize("before", [None, "0.6", {"strong": 0.6}, {"strong": 0.4, "possible": 0.5}], ids=str)
def test_an_index_that_lacks_them_or_whose_arent_valid_gets_them(es, running, record, before):
    shipped = pair_of(es, "faces")
    record("faces-000001", thresholds=before)
    assert missing(es) == ["/faces-000001/_mapping (_meta.ingest_face.thresholds)"]
    outcomes = install_all(es, running.model)
    assert "strong from 0.60, possible from 0.46" in outcomes["PUT /faces-000001/_mapping"]
    assert pair_of(es, "faces") == shipped
    assert missing(es) == []


def test_what_somebody_chose_is_kept_until_there_is_another_model(es, running, record, run, reinstalled):
    record("faces-000001", thresholds=PAIR)
    models.record_in_template(es, thresholds=PAIR)
    assert run("install")[0] == run("install", "--overwrite")[0] == 0
    assert pair_of(es, "faces") == models.recorded_in_template(es)["thresholds"] == PAIR
    assert run("install", "--model", "facenet-00000000")[0] == 0
    shipped = pair_of(es, "face-gallery")
    assert pair_of(es, "faces") == models.recorded_in_template(es)["thresholds"] == shipped != PAIR


def test_an_attached_index_has_them_and_keeps_what_somebody_chose(es, own_index, attach):
    own_index("own")
    status, _, err = attach("own", "--field", "picture")
    assert status == 0, err
    assert pair_of(es, "own") == pair_of(es, "faces")
    models.record(es, "own", thresholds=PAIR)
    assert attach("own", "--field", "picture")[0] == 0
    assert pair_of(es, "own") == PAIR


@pytest.fixture
def portraits(es, own_index, people) -> str:
    own_index("face_recognition-one")
    for name in ("madonna", "ben_afflek", "elton_john", "mindy_kaling"):
        portrait = {"image": encoded(people[name][0]), "person": {"name": name}}
        es.index(index="face_recognition-one", document=portrait, refresh=True)
    return "face_recognition-one"


def test_identify_matches_by_the_gallerys_own_thresholds(es, portraits, people, record):
    photo = {"image": encoded(people["madonna"][5])}
    alike = candidates(es, photo, portraits, similarity=-1)
    assert candidates(es, photo, portraits) == alike[:1]
    for possible, count in (((alike[1] + alike[2]) / 2, 2), (alike[0] + 0.01, 0)):
        record(portraits, thresholds={"strong": 1, "possible": possible})
        assert candidates(es, photo, portraits) == alike[:count]
        assert candidates(es, photo, portraits, similarity=-1) == alike, "a pipeline's own threshold wins"


@pytest.mark.parametrize(
    "wrong",
    ["0.1", {"strong": 0.1}, {"strong": 0.1, "possible": "low"}, {"strong": 0.1, "possible": 0.2}],
    ids=str,
)
def test_identify_ignores_thresholds_that_arent_valid(es, portraits, people, record, wrong):
    photo = {"image": encoded(people["madonna"][5])}
    usual = candidates(es, photo, portraits)
    record(portraits, thresholds=wrong)
    assert candidates(es, photo, portraits) == usual


def test_of_several_galleries_the_highest_count_and_one_of_another_model_doesnt(
    es, portraits, people, record, own_index
):
    photo = {"image": encoded(people["madonna"][5])}
    alike = candidates(es, photo, portraits, similarity=-1)
    record(portraits, thresholds={"strong": 1, "possible": -1})
    own_index("face_recognition-two")
    both = f"{portraits},face_recognition-two"
    assert candidates(es, photo, both) == alike[:1], "an empty one with the thresholds of its model"
    record("face_recognition-two", model="other-00000000", thresholds={"strong": 1, "possible": 1})
    assert candidates(es, photo, both) == alike


def test_searches_status_and_reports_go_by_them(es, archive, people, record, run):
    record("faces-000001", thresholds=PAIR)
    _, out, _ = run("search", people["madonna"][4])
    assert "strong from 0.70, possible from 0.20, unlikely below; not calibrated" in out
    found = json.loads(run("search", people["madonna"][4], "-k", 13, "--json")[1])
    assert (found["calibrated"], found["thresholds"]) == (False, PAIR)
    for match in found["matches"]:
        similarity = match["similarity"]
        verdict = "strong" if similarity >= 0.7 else "possible" if similarity >= 0.2 else "unlikely"
        assert match["verdict"] == verdict
    assert any(0.6 <= match["similarity"] < 0.7 for match in found["matches"])
    status = json.loads(run("status", "--json")[1])["elasticsearch"]
    assert status["thresholds"]["faces-000001"] == PAIR
    assert status["thresholds"]["face-gallery-000001"] == {"strong": 0.6, "possible": 0.46}
    assert str(match_threshold(es, "faces")) == "0.70 (not calibrated)"


def test_a_search_names_thresholds_that_arent_valid_or_differ(es, archive, people, record, run):
    record("faces-000001", thresholds={"strong": "high", "possible": 0.4})
    status, out, _ = run("search", people["madonna"][4])
    assert status == 0
    assert "[faces-000001]: [thresholds.strong] is [high]" in out
    assert "`faces install`" in out
    assert "strong from 0.60" in out
    record("faces-000001", thresholds=PAIR)
    _, out, _ = run("search", people["madonna"][4], "--index", "faces,face-gallery")
    assert "strong from 0.70, possible from 0.46" in out
    assert "the thresholds of [face-gallery-000001], [faces-000001] differ" in out
