"""A face that a person drew, when its document gets a photo: stored the same by the plugin and without it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch
from PIL import Image
from plain_fixtures import comparable
from tools import encoded, picture

from es_setup.client_side import WORKER
from es_setup.connection import Service
from es_setup.models import record, recorded
from faces.indexing.client_side import client_side_of
from faces.indexing.stored_photos import StoredPhotos

BOX = {"x": 20, "y": 30, "width": 70, "height": 90}
"""In a corner of the group photo, where no face is."""


@pytest.fixture
def overriding(es: Elasticsearch, plain: Elasticsearch, running) -> Callable[[], str]:
    """Lets both ways look again at a photo whose faces a document has; returns the plugin's pipeline."""
    (found,) = plain.indices.get_mapping(index="faces-000001").values()
    before = recorded(found["mappings"])[WORKER]

    def begin() -> str:
        record(plain, "faces-000001", **{WORKER: before | {"override": True}})
        face = {"endpoint": "default", "model": running.model, "override": True}
        es.ingest.put_pipeline(id="override", processors=[{"face": face}])
        return "override"

    yield begin
    record(plain, "faces-000001", **{WORKER: before})
    es.options(ignore_status=404).ingest.delete_pipeline(id="override")


@pytest.fixture
def drawn(es, plain, faces, journal, run, without, group_photo, tmp_path) -> Path:
    """A photo of three faces in both archives, as `1`, with a fourth that a person drew and named Zoe."""
    file = tmp_path / "group.jpg"
    file.write_bytes(group_photo)
    es.index(index=faces, id="1", document={"image": encoded(group_photo)}, refresh=True)
    box = ",".join(map(str, BOX.values()))
    assert run("add-face", file, "--box", box, "--name", "Zoe")[0] == 0
    source = {"includes": ["*"], "exclude_vectors": False}
    (hit,) = es.search(index=faces, source=source)["hits"]["hits"]
    plain.index(index="faces", id="1", document=hit["_source"], refresh=True)
    return file


@pytest.fixture
def updated(es, plain, running, drawn) -> Callable[..., dict]:
    """Merges a partial document into `1` both ways; returns what is stored then, which is equal."""

    def update(change: dict, pipeline: str | None = None) -> dict:
        stored = StoredPhotos(plain, "faces").with_ids(["1"])["1"]
        here = client_side_of(plain, Service(running.connection.faces_url), "faces")
        here.update(stored, change)
        if pipeline is None:
            es.update(index="faces", id="1", doc=change, refresh=True)
        else:
            source = {"includes": ["*"], "exclude_vectors": False}
            (hit,) = es.search(index="faces", source=source)["hits"]["hits"]
            es.index(index="faces", id="1", document=hit["_source"] | change, pipeline=pipeline, refresh=True)
        plugin, client = (comparable(one.get(index="faces", id="1")["_source"]) for one in (es, plain))
        assert client == plugin
        return client

    return update


def drawn_in(document: dict) -> list[tuple[object, object]]:
    return [(face.get("drawn"), face.get("label")) for face in document["faces"]]


FOUR = [(None, None)] * 3 + [(True, {"name": "Zoe"})]


def test_the_same_photo_keeps_it(updated, drawn):
    after = updated({"image": encoded(drawn), "observer": {"name": "gate 3"}})
    assert (drawn_in(after), after["observer"]) == (FOUR, {"name": "gate 3"})
    assert "image" not in after


def test_looked_at_again_it_is_found_in_its_box(updated, drawn, overriding):
    after = updated({"image": encoded(drawn)}, overriding())
    assert drawn_in(after) == FOUR
    assert after["faces"][3]["box"] == BOX
    assert (after["face_count"], after["photo"]["faces_found"], after["unnamed_faces"]) == (4, 3, 3)


def test_in_another_photo_what_was_said_about_it_waits(updated, drawn):
    image = Image.open(io.BytesIO(drawn.read_bytes()))
    smaller = picture(image.resize((round(image.width * 0.9), round(image.height * 0.9))))
    after = updated({"image": base64.b64encode(smaller).decode()})
    assert drawn_in(after) == FOUR[:3]
    assert [waiting["label"] for waiting in after["unplaced"]] == [{"name": "Zoe"}]


def test_a_box_that_the_service_would_refuse_spoils_no_photo(es, plain, updated, drawn, overriding, whole):
    entries = whole("faces", "1")["faces"]
    entries[3]["box"] = BOX | {"x": 100_000}
    for client in (es, plain):
        client.update(index="faces", id="1", doc={"faces": entries}, refresh=True)
    after = updated({"image": encoded(drawn)}, overriding())
    assert drawn_in(after) == FOUR[:3]
    assert [waiting["label"] for waiting in after["unplaced"]] == [{"name": "Zoe"}]


def test_completed_anew_as_if_it_had_no_faces_it_waits(es, plain, drawn, without):
    """As a document whose `model` somebody took away: its boxes count no more."""
    change = {"image": encoded(drawn), "model": None}
    for client in (es, plain):
        client.update(index="faces", id="1", doc=change, refresh=True)
    code, _, err = without("worker", "--once")
    assert code == 0, err
    plugin, client = (comparable(one.get(index="faces", id="1")["_source"]) for one in (es, plain))
    assert client == plugin
    assert drawn_in(client) == FOUR[:3]
    assert [waiting["label"] for waiting in client["unplaced"]] == [{"name": "Zoe"}]
