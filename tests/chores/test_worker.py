"""`faces worker` beside others of its kind, beside people, and on bad days. The service is mostly a fake that
answers at once; what is stored is compared with the plugin's in `test_worker_document.py`."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from command_fixtures import at_once
from elasticsearch import Elasticsearch
from fake_service import MODEL, SLOW_PHOTO, FakeService
from tools import empty, encoded, picture, side_by_side, wait_until

from es_setup.connection import Connection, Service
from es_setup.models import record
from faces.completing import asking
from faces.completing.storing import Place
from faces.working import keeping, worker
from faces.working.keeping import Manner, keep_working
from faces.working.leases import DURATION, LEASES, Leases
from faces.working.worker import Outcome, Worked, Worker

PHOTOS = 40
NOWHERE = "http://127.0.0.1:1"
"""An address at which nothing listens."""


@pytest.fixture
def fake() -> Any:
    service = FakeService()
    yield service
    service.stop()


@pytest.fixture
def waiting(plain: Elasticsearch, without) -> list[str]:
    """Photos without faces in the archive, which no worker has in hand; their ids."""
    plain.options(ignore_status=404).indices.delete(index=LEASES)
    ids = [f"photo-{number}" for number in range(PHOTOS)]
    put(plain, {key: photo(number) for number, key in enumerate(ids)})
    return ids


def photo(number: int) -> str:
    return base64.b64encode(f"photo {number}".encode()).decode()


def put(plain: Elasticsearch, images: dict[str, str], **fields: object) -> None:
    operations: list[dict] = []
    for key, image in images.items():
        operations += [{"index": {"_index": "faces", "_id": key}}, {"image": image, **fields}]
    assert not plain.bulk(operations=operations, refresh=True)["errors"]


def once(plain: Elasticsearch, service: FakeService, leases: Leases | None = None) -> list[Worked]:
    own = Worker(plain, Service(service.url), ["faces"], leases or Leases(plain), at_once=8)
    return list(keep_working(own, Manner(once=True, patience=0), lambda: False, print))


def counted(plain: Elasticsearch, query: str) -> int:
    plain.indices.refresh(index="faces")
    return int(plain.count(index="faces", q=query)["count"])


def test_several_workers_process_each_photo_once(plain, fake, waiting):
    fake.behaviour = "unhurried"
    with ThreadPoolExecutor(3) as pool:
        done = [one for some in pool.map(lambda _: once(plain, fake), range(3)) for one in some]
    assert sorted(one.id for one in done) == sorted(waiting)
    assert {one.outcome for one in done} == {Outcome.COMPLETED}
    assert sum(fake.batches) == PHOTOS
    assert counted(plain, "face_count:1") == PHOTOS


def test_two_processes_process_each_photo_once(plain, fake, waiting):
    fake.behaviour = "unhurried"
    (url,) = (str(node.base_url) for node in plain.transport.node_pool.all())
    words = ("worker", "--once", "--json", "--at-once", 4)
    ended = at_once(Connection(es_url=url, faces_url=fake.url), words, words)
    assert [status for status, _, _ in ended] == [0, 0], ended
    done = [json.loads(line) for _, out, _ in ended for line in out.splitlines()[:-1]]
    assert sorted(one["id"] for one in done) == sorted(waiting)
    assert {one["outcome"] for one in done} == {"completed"}


def test_a_killed_workers_documents_are_taken_over_when_its_leases_end(plain, fake, waiting):
    killed = Leases(plain)
    mine = [Place("faces-000001", key) for key in waiting[:3]]
    assert killed.take(mine) == mine
    assert len(once(plain, fake)) == PHOTOS - 3
    assert counted(plain, "face_count:1") == PHOTOS - 3
    assert Leases(plain).take(mine) == []
    later = Leases(plain, clock=lambda: time.time() + DURATION + 1)
    assert {one.id for one in once(plain, fake, later)} == set(waiting[:3])
    plain.indices.refresh(index=LEASES)
    assert not plain.count(index=LEASES)["count"]


def test_what_somebody_changes_meanwhile_is_read_again(plain, fake, waiting, monkeypatch):
    original, pending = worker.replace, ["change", "delete"]

    def meddled(es: Elasticsearch, documents: list) -> list[dict]:
        ids = {version.place.id for version, _ in documents}
        if pending and {"photo-0", "photo-1"} & ids:
            for key in {"photo-0", "photo-1"} & ids:
                pending.pop()
                if key == "photo-0":
                    es.update(index="faces", id=key, doc={"title": "mine", "tags": ["kept"]}, refresh=True)
                else:
                    es.delete(index="faces", id=key, refresh=True)
        return original(es, documents)

    monkeypatch.setattr(worker, "replace", meddled)
    done = once(plain, fake)
    assert {one.id for one in done if one.outcome is Outcome.CHANGED} == {"photo-0", "photo-1"}
    source = plain.get(index="faces", id="photo-0")["_source"]
    assert (source["title"], source["tags"], source["face_count"]) == ("mine", ["kept"], 1)
    assert not plain.exists(index="faces", id="photo-1")


def test_killed_in_the_middle_and_run_again_ends_the_same(plain, fake, waiting, monkeypatch):
    original, begun = worker.replace, []

    def until_the_second(es: Elasticsearch, documents: list) -> list[dict]:
        begun.append(1)
        if len(begun) == 2:
            raise KeyboardInterrupt
        return original(es, documents)

    with monkeypatch.context() as patched:
        patched.setattr(worker, "replace", until_the_second)
        with pytest.raises(KeyboardInterrupt):
            once(plain, fake)
    assert counted(plain, "face_count:1") == 8
    assert len(once(plain, fake)) == PHOTOS - 8
    assert counted(plain, "face_count:1") == PHOTOS


def test_while_the_service_is_away_documents_stay_as_they_are(plain, without, fake, waiting, monkeypatch):
    fake.stop()
    code, out, err = without("worker", "--once", "--patience", 0, FACES_URL=fake.url)
    assert code == 1
    assert out.startswith("0 completed")
    assert err.count("waiting: no inference service") == 1
    assert "gave up" in err
    assert counted(plain, "event.outcome:*") == 0
    paused: list[float] = []

    def back_after_the_second(seconds: float, _: object) -> None:
        paused.append(seconds)
        if len(paused) == 2:
            fake.start()

    monkeypatch.setattr(keeping, "pause", back_after_the_second)
    code, out, err = without("worker", "--once", FACES_URL=fake.url)
    assert code == 0, err
    assert paused == [1, 2]
    assert (err.count("waiting:"), err.count("going on")) == (1, 1)
    assert counted(plain, "face_count:1") == PHOTOS


def test_elasticsearch_that_is_away_or_full_is_waited_for(plain, without, fake, waiting):
    code, out, err = without("worker", "--once", "--patience", 0, ES_URL=NOWHERE, FACES_URL=fake.url)
    assert (code, err.count("waiting: no Elasticsearch")) == (1, 1)
    full = "index.blocks.read_only_allow_delete"
    plain.indices.put_settings(index="faces-000001", settings={full: True})
    try:
        code, out, err = without("worker", "--once", "--patience", 0, FACES_URL=fake.url)
    finally:
        plain.indices.put_settings(index="faces-000001", settings={full: None})
    assert (code, out.partition(" ")[0]) == (1, "0")
    assert "disk" in err
    assert len(once(plain, fake)) == PHOTOS


@pytest.mark.parametrize(
    ("behaviour", "status", "words"),
    [("busy", 1, "too many photos"), ("wrong key", 1, "the key"), ("another model", 1, "facenet-00000000")],
)
def test_a_service_that_refuses_changes_nothing(plain, without, fake, waiting, behaviour, status, words):
    fake.behaviour = behaviour
    code, _, err = without("worker", "--once", "--patience", 0, FACES_URL=fake.url)
    assert code == status
    assert words in err
    assert counted(plain, "event.outcome:*") == 0


def test_an_index_of_another_model_or_of_two_is_refused_before_anything_is_done(plain, without, fake):
    try:
        record(plain, "faces-000001", model="sface-12345678")
        code, _, err = without("worker", "--once", FACES_URL=fake.url)
        assert code == 1
        assert "sface-12345678" in err
        assert MODEL["id"] in err
    finally:
        record(plain, "faces-000001", model=MODEL["id"], thresholds={"strong": 0.6, "possible": 0.46})
    other = {"model": {"id": "sface-12345678"}, "face_count": 0, "event": {"outcome": "success"}}
    plain.index(index="faces", id="other", document=other, refresh=True)
    code, _, err = without("worker", "--once", FACES_URL=fake.url)
    assert code == 1
    assert "several models" in err


def test_a_photo_that_takes_too_long_alone_gets_an_error_and_its_neighbours_faces(
    plain, fake, waiting, monkeypatch
):
    put(plain, {"slow": base64.b64encode(SLOW_PHOTO).decode()})
    monkeypatch.setattr(asking, "TIMEOUT_ALONE", 0.5)
    monkeypatch.setattr(asking, "TIMEOUT", 0.5)
    done = {one.id: one for one in once(plain, fake)}
    assert (done["slow"].outcome, done["slow"].code) == (Outcome.FAILED, "too_slow")
    assert counted(plain, "face_count:1") == PHOTOS
    assert plain.get(index="faces", id="slow")["_source"]["image"]


def test_a_document_without_a_photo_is_left_alone(plain, without, fake):
    plain.index(index="faces", id="empty", document={"title": "no photo"}, refresh=True)
    code, out, err = without("worker", "--once", FACES_URL=fake.url)
    assert code == 0, err
    assert out.startswith("0 completed")
    found = plain.get(index="faces", id="empty")
    assert (found["_source"], found["_version"]) == ({"title": "no photo"}, 1)
    plain.update(index="faces", id="empty", doc={"image": photo(1)}, refresh=True)
    assert without("worker", "--once", FACES_URL=fake.url)[1].startswith("1 completed (1 face)")


def test_json_has_a_line_for_each_document_and_one_with_the_counts(plain, without, fake, waiting):
    put(plain, {"bad": "%%%"})
    code, out, err = without("worker", "faces", "--once", "--json")
    assert code == 0, err
    *lines, counts = map(json.loads, out.splitlines())
    assert {line["id"] for line in lines} == {*waiting, "bad"}
    assert counts["completed"] + counts["failed"] == PHOTOS + 1
    assert counts["errors"]["not_base64"] == 1


def test_sigterm_ends_after_the_photos_in_hand(plain, fake, waiting):
    fake.behaviour = "unhurried"
    (url,) = (str(node.base_url) for node in plain.transport.node_pool.all())
    process = subprocess.Popen(
        [sys.executable, "-m", "faces", "worker", "--json", "--at-once", "2"],
        env=os.environ | {"ES_URL": url, "FACES_URL": fake.url},
        stdout=subprocess.PIPE,
        text=True,
    )
    wait_until(lambda: counted(plain, "face_count:1"))
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    *lines, counts = map(json.loads, out.splitlines())
    assert counts["completed"] == len(lines) == counted(plain, "face_count:1")


def test_what_was_forgotten_does_not_come_back(plain, without, photos, tmp_path):
    ann, group = (
        encoded(photos["Ann"][0]),
        encoded(picture(side_by_side([photos["Ann"][1], photos["Ben"][0]]), quality=92)),
    )
    put(plain, {"ann": ann, "group": group})
    assert without("worker", "--once")[0] == 0
    first = plain.get(index="faces", id="group")["_source"]["faces"]
    left = min(range(2), key=lambda position: first[position]["box"]["x"])
    assert without("label", "ann", "--name", "Ann")[0] == 0
    assert without("label", "group", "--face", left, "--name", "Ann")[0] == 0
    code, _, err = without("forget", "--person", "Ann", "--yes", "--no-expunge")
    assert code == 0, err
    put(plain, {"ann": ann, "again": group})
    code, out, err = without("worker", "--once", "--json")
    assert code == 0, err
    counts = json.loads(out.splitlines()[-1])
    assert (counts["completed"], counts["forgotten"]) == (1, 1)
    assert not plain.exists(index="faces", id="ann")
    (face,) = plain.get(index="faces", id="again")["_source"]["faces"]
    assert face["id"] == first[1 - left]["id"]
    empty(plain, "face-forgotten")
