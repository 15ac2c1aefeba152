"""One model an index: recorded, pinned by the pipelines, and never mixed with another."""

from __future__ import annotations

import json

import pytest
from elasticsearch import Elasticsearch
from tools import JSON, bracketed, install_all

from es_setup.install import InstallError
from es_setup.models import MixedModels, declared, model_of
from es_setup.shipped_files import ALIASES

OTHER = "facenet-00000000"


def refusal(es: Elasticsearch) -> str:
    """The message of an installation for another model."""
    with pytest.raises(InstallError) as refused:
        install_all(es, OTHER)
    return str(refused.value)


def requests_in(message: str) -> list[str]:
    """The lines of a refusal that are requests to send."""
    return [line.strip() for line in message.splitlines() if line.startswith("  ")]


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
    assert "face-gallery" not in message
    (processor,) = es.ingest.get_pipeline(id="faces")["faces"]["processors"]
    assert processor["face"]["model"] == running.model
    assert declared(es, faces) == {"faces-000001": running.model}


def test_the_requests_in_the_refusal_lead_to_an_index_of_the_new_model(es, running, faces, good, reinstalled):
    es.index(index=faces, id="1", document=good, refresh=True)
    asked = requests_in(refusal(es))
    try:
        assert [line.split(" ")[:2] for line in asked[:3]] == [
            ["PUT", "faces-000001/_block/write"],
            ["PUT", "faces-000002"],
            ["POST", "_aliases"],
        ]
        for line, body in ((asked[0], None), (asked[1], None), (asked[2], json.loads(asked[3]))):
            method, path = line.split(" ")
            es.perform_request(method, f"/{path}", headers=JSON, body=body)
        install_all(es, OTHER)
        assert declared(es, faces) == {"faces-000002": OTHER}
        assert declared(es, "faces-000001") == {"faces-000001": running.model}
        assert model_of(es, "faces-000001") == running.model
        with pytest.raises(MixedModels):
            model_of(es, "faces-*")
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_settings(index="faces-000001", settings={"index.blocks.write": None})
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_after_a_rollover_the_requests_create_one_index_and_only_block_the_older_ones(
    es, running, faces, good
):
    es.index(index=faces, id="1", document=good, refresh=True)
    es.indices.rollover(alias=faces)
    try:
        es.index(index=faces, id="1", document=good, refresh=True)
        asked = requests_in(refusal(es))
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)
    assert [line for line in asked if line.startswith("PUT")] == [
        "PUT faces-000001/_block/write",
        "PUT faces-000002/_block/write",
        "PUT faces-000003",
    ]
    moves = [move for line in asked if line.startswith("{") for move in json.loads(line)["actions"]]
    assert [(kind, move["index"]) for each in moves for kind, move in each.items()] == [
        ("remove", "faces-000001"),
        ("remove", "faces-000002"),
        ("add", "faces-000003"),
    ]
