"""One model an index: recorded, pinned by the pipelines, and never mixed with another."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from elasticsearch import ApiError, Elasticsearch
from tools import bracketed, install_all

from es_setup.install import InstallError, install
from es_setup.models import MixedModels, declared, model_of
from es_setup.shipped_files import ALIASES

OTHER = "facenet-00000000"


def refusal(es: Elasticsearch) -> str:
    """The message of an installation for another model."""
    with pytest.raises(InstallError) as refused:
        install_all(es, OTHER)
    return str(refused.value)


def test_each_index_records_its_model_and_the_pipelines_pin_it(es, running):
    for alias in ALIASES:
        assert declared(es, alias) == {f"{alias}-000001": running.model}
        assert model_of(es, alias) == running.model
        (processor,) = es.ingest.get_pipeline(id=alias)[alias]["processors"]
        assert processor["face"]["model"] == running.model


def test_another_model_is_refused_while_an_index_holds_vectors_and_nothing_is_changed(
    es, running, faces, good
):
    es.index(index=faces, id="1", document=good, refresh=True)
    message = refusal(es)
    assert {OTHER, "faces-000001", f"'{running.model}'"} <= bracketed(message)
    assert "[face-gallery" not in message
    (processor,) = es.ingest.get_pipeline(id="faces")["faces"]["processors"]
    assert processor["face"]["model"] == running.model
    assert declared(es, faces) == {"faces-000001": running.model}


def test_new_indices_take_the_place_of_those_of_another_model_which_keep_their_documents(
    es, running, run, faces, good, reinstalled
):
    es.index(index=faces, id="1", document=good | {"tags": ["holiday"]}, refresh=True)
    assert "`faces install --new-indices`" in refusal(es)
    before = es.get(index=faces, id="1")["_source"]
    try:
        dry = run("install", "--model", OTHER, "--new-indices", "--dry-run")
        assert (dry[0], declared(es, faces)) == (0, {"faces-000001": running.model})
        status, out, err = run("install", "--model", OTHER, "--new-indices")
        assert status == 0, err
        assert out.splitlines()[0].startswith("PUT /faces-000001/_block/write: ")
        assert declared(es, faces) == {"faces-000002": OTHER}
        assert declared(es, "face-gallery") == {"face-gallery-000001": OTHER}, "it was empty"
        assert declared(es, "faces-000001") == {"faces-000001": running.model}
        assert es.get(index="faces-000001", id="1")["_source"] == before
        assert es.search(index="faces-000001")["hits"]["total"]["value"] == 1
        with pytest.raises(ApiError, match="block"):
            es.index(index="faces-000001", id="2", document={}, pipeline="_none")
        with pytest.raises(MixedModels) as mixed:
            model_of(es, "faces-*")
        assert f"'{running.model}'" in str(mixed.value)
        again = run("install", "--model", OTHER, "--new-indices")
        assert (again[0], declared(es, faces)) == (0, {"faces-000002": OTHER})
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": None})
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


@pytest.fixture
def as_before(es) -> Iterator[None]:
    """At the end `faces` is the alias of `faces-000001` alone, which is open."""
    yield
    later = [name for name in es.indices.get(index="faces-*") if name != "faces-000001"]
    es.indices.delete(index=later)
    es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": None})
    es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_an_installation_of_new_indices_that_is_broken_off_anywhere_can_be_run_again(
    es, running, faces, good, reinstalled, as_before
):
    es.index(index=faces, id="1", document=good, refresh=True)
    es.indices.rollover(alias=faces)
    es.index(index=faces, id="1", document=good, refresh=True)
    old = {"faces-000001": running.model, "faces-000002": running.model}
    planned = [step.request for step in install(es, OTHER, new_indices=True, dry_run=True)]
    moving = planned.index("POST /faces/_rollover/faces-000003")
    # Each run is broken off one step further on than the one before: closing, PUTs, moving.
    for steps in itertools.count(1):
        run = install(es, OTHER, new_indices=True)
        if len(done := list(itertools.islice(run, steps))) < steps:
            break
        run.close()
        assert set(declared(es, faces)) <= {*old, "faces-000003"}
    assert steps > moving
    assert not any("_rollover" in step.request for step in done), "the last run has nothing to move"
    assert declared(es, faces) == {"faces-000003": OTHER}
    assert {index: declared(es, index)[index] for index in old} == old
    assert not es.indices.exists(index="faces-000004")
    es.index(index=faces, id="2", document={}, pipeline="_none")


def test_an_old_index_that_is_closed_to_writing_leaves_its_alias_too(
    es, running, faces, good, reinstalled, as_before
):
    es.index(index=faces, id="1", document=good, refresh=True)
    es.indices.rollover(alias=faces)
    es.indices.add_block(index="faces-000001", block="write")
    assert {OTHER, "faces-000001"} <= bracketed(refusal(es)), "it would mix models"
    es.index(index=faces, id="2", document=good, refresh=True)
    for _ in install(es, OTHER, new_indices=True):
        pass
    assert declared(es, faces) == {"faces-000003": OTHER}
    assert model_of(es, faces) == OTHER


def test_an_index_outside_the_aliases_is_closed_and_the_output_says_what_to_do(
    es, running, run, own_index, good, reinstalled
):
    own_index("face_recognition")
    portrait = good | {"person": {"name": "Ann"}}
    es.index(index="face_recognition", id="1", document=portrait, refresh=True)
    status, out, err = run("install", "--model", OTHER, "--new-indices")
    assert status == 0, err
    said = next(line for line in out.splitlines() if line.startswith("PUT /face_recognition/_block/write"))
    assert {"face_recognition", f"'{running.model}'"} <= bracketed(said)
    own_index("face_recognition-2")
    assert "`PUT /face_recognition-2`" in said
    with pytest.raises(ApiError, match="block"):
        es.index(index="face_recognition", id="2", document={}, pipeline="_none")
    assert declared(es, "face_recognition-2") == {"face_recognition-2": OTHER}


def test_after_a_rollover_one_new_index_takes_the_place_of_all(es, running, faces, good, reinstalled):
    es.index(index=faces, id="1", document=good, refresh=True)
    es.indices.rollover(alias=faces)
    try:
        es.index(index=faces, id="1", document=good, refresh=True)
        # A name that somebody took already is left out.
        es.indices.create(index="faces-000003")
        for _ in install(es, OTHER, new_indices=True):
            pass
        assert list(es.indices.get_alias(name=faces)) == ["faces-000004"]
        closed = es.indices.get_settings(index="faces-*", name="index.blocks.write", flat_settings=True)
        assert sorted(name for name, found in closed.items() if found["settings"]) == [
            "faces-000001",
            "faces-000002",
        ]
    finally:
        es.indices.delete(index="faces-000002,faces-000003,faces-000004")
        es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": None})
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)
