"""What a sender writes into a document beside the photo costs the node no more than its size says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress

import pytest
from elasticsearch import AuthorizationException, BadRequestError, Elasticsearch
from PIL import Image
from secured import ROOT
from secured_stack import Secured
from tools import encoded, innermost, picture

GREY = encoded(picture(Image.new("RGB", (32, 32), (128, 128, 128)), "PNG"))
INDEX = "face-probes-bombs"


@pytest.fixture
def root(secured: Secured) -> Iterator[Elasticsearch]:
    es = secured.as_(ROOT)
    es.indices.create(index=INDEX)
    yield es
    es.indices.delete(index=INDEX)


@pytest.fixture
def sender(secured: Secured, root: Elasticsearch) -> Elasticsearch:
    return secured.as_("faces_sender").options(request_timeout=20)


def test_long_names_of_many_fields_cost_neither_memory_nor_a_long_answer(root, sender):
    """Each of the fields has a path of 120 kB, in a document of 121 kB."""
    forged: dict = {f"f{i}": i for i in range(50)}
    for _ in range(3):
        forged = {"k" * 40_000: forged}
    with pytest.raises(AuthorizationException) as raised:
        sender.index(index=INDEX, op_type="create", pipeline="_none", document={"faces": forged})
    assert len(innermost(raised.value.body["error"])) < 5_000
    with suppress(BadRequestError):
        sender.index(index=INDEX, op_type="create", document={"image": GREY, "faces": forged})
    root.indices.refresh(index=INDEX)
    hits = root.search(index=INDEX)["hits"]["hits"]
    assert "f49" not in json.dumps([hit["_source"].get("faces") for hit in hits])


@pytest.mark.parametrize("middle", ["\u0315\u0300" * 120_000, " " * 240_000], ids=["marks", "blanks"])
def test_names_that_are_slow_to_tidy_hold_no_thread(sender, middle):
    """The time grew with the square of their length: minutes on one of the node's few threads."""
    name = "Zoe" + middle + "Ann"
    said = {
        "person": {"name": name},
        "file": {"path": name},
        "faces": [{"label": {"name": name}, "not": name}],
    }
    # Elasticsearch refuses a name of more than 32,766 bytes.
    with pytest.raises(BadRequestError):
        sender.index(index=INDEX, op_type="create", document=said | {"image": GREY})
