"""Three nodes, one replica, and faults while documents stream in.

After each fault: every acknowledged document is stored with its face; every other one was refused with a
status that means try again; sending the same documents again completes the set; no node holds on to memory.
"""

from __future__ import annotations

import base64
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bulk_client import BulkOutcome, check, complete, once, send
from fake_service import MODEL, FakeService, face_of
from fault_cluster import NODES, Cluster, Residue
from tools import bracketed, face_stats

from es_setup.connection import ConnectionFailed, Service
from es_setup.embedded.local_node import Node, free_port, running_cluster
from es_setup.install import install
from faces.indexing.sending import RETRIES
from faces.local_service import running_service

OUTAGE = 20
"""In seconds."""
TIMEOUT = "2s"


@pytest.fixture(scope="module")
def cluster(home: Path, folder: Path) -> Iterator[Cluster]:
    endpoint = {"face.endpoint.default.urls": f"http://127.0.0.1:{free_port()}"}
    with running_cluster(home, folder, endpoint, NODES) as nodes:
        started = Cluster(nodes)
        for _ in install(started.es):
            pass
        yield started


@pytest.fixture
def index(cluster: Cluster) -> Iterator[str]:
    """An index of three shards with one replica each, whose documents pass the pipeline `faces`."""
    name = "faces-volume"
    cluster.es.indices.create(
        index=name,
        settings={"number_of_shards": 3, "number_of_replicas": 1, "auto_expand_replicas": False},
        wait_for_active_shards="all",
    )
    yield name
    cluster.es.indices.delete(index=name)
    cluster.es.cluster.put_settings(persistent={"face.*": None})


@pytest.fixture
def residue(cluster: Cluster, index: str, small_photos: list[bytes], fakes: list[FakeService]) -> Residue:
    """Compares with what the nodes hold after a warm-up: pools are filled and classes loaded."""
    cluster.use_services(*(fake.url for fake in fakes))
    cluster.set(endpoint={"default": {"timeout": TIMEOUT}})
    send(cluster.es, "faces-warm-up", small_photos, range(128))
    cluster.es.indices.delete(index="faces-warm-up")
    return Residue(cluster)


@pytest.fixture(autouse=True)
def discreet(cluster: Cluster, small_photos: list[bytes]) -> Iterator[None]:
    """No node's log contains a part of a photo or a vector."""
    yield
    photos = [base64.b64encode(photo).decode() for photo in small_photos]
    secrets = [photo[start : start + 40] for photo in photos for start in (0, len(photo) // 2)]
    secrets += [str(face_of(photo)["faces"][0]["vector"][0]) for photo in photos]
    for node in cluster.nodes:
        for log in (node.folder / "logs").glob("*"):
            text = log.read_text(errors="replace")
            assert not [secret for secret in secrets if secret in text], log.name


def test_the_master_is_killed(cluster, index, small_photos, count, residue):
    ids = range(count)
    killed: list[Node] = []

    def kill() -> None:
        killed.append(cluster.master())
        killed[0].kill()

    try:
        outcome = send(cluster.es, index, small_photos, ids, once(count // 3, kill), **RETRIES)
        assert killed, "no master was killed"
        assert cluster.master() is not killed[0]
        check(cluster.es, index, outcome)
        complete(cluster.es, index, small_photos, ids)
        residue.check(nodes=NODES - 1)
    finally:
        for node in killed:
            node.start()
        cluster.wait_until_green()


def test_one_of_two_services_is_killed(cluster, index, cache, folder, small_photos, real_count, residue):
    """With real services."""
    ids = range(real_count)
    alone = {"FACES_WORKERS": "1"}
    with (
        running_service(cache, folder / "first", environment=alone) as first,
        running_service(cache, folder / "second", environment=alone) as second,
    ):
        assert first.model == second.model == MODEL["id"]
        cluster.use_services(first.url, second.url)
        cluster.set(endpoint={"default": {"timeout": None}})
        kill = once(len(ids) // 3, lambda: os.killpg(first.pid, signal.SIGKILL))
        outcome = send(cluster.es, index, small_photos, ids, kill, **RETRIES)
        with pytest.raises(ConnectionFailed):
            Service(first.url).model()
        check(cluster.es, index, outcome)
        complete(cluster.es, index, small_photos, ids)
        nodes = face_stats(cluster.es)["nodes"].values()
        urls = [url for node in nodes for url in node["endpoints"]["default"]["urls"]]
        assert {url["url"] for url in urls if url["failures_in_a_row"]} == {first.url}
        residue.check()


def test_both_services_are_down_for_a_while(cluster, index, fakes, small_photos, count, residue):
    ids = range(count)
    back = threading.Timer(OUTAGE, lambda: [fake.start() for fake in fakes])

    def stop() -> None:
        for fake in fakes:
            fake.stop()
        back.start()

    outcome = send(cluster.es, index, small_photos, ids, once(count // 3, stop), **RETRIES)
    back.join()
    check(cluster.es, index, outcome)
    assert not outcome.refused, "the recommended retries outlast the outage"
    complete(cluster.es, index, small_photos, ids)
    residue.check()


@pytest.mark.parametrize(
    ("behaviour", "codes", "named"),
    [
        ("slow", {"timeout"}, {"face.endpoint.default.timeout"}),
        ("garbage", {"malformed"}, set()),
        ("half a batch", {"malformed"}, {"results"}),
        ("half an answer", {"connection_lost"}, set()),
        ("too many results", {"malformed"}, {"results"}),
        # Whichever comes first.
        ("endless", {"too_large", "no_room", "timeout"}, set()),
        ("another model", {"malformed"}, {"facenet-00000000", MODEL["id"]}),
        ("wrong model", {"status_409"}, {"409", "a", "b"}),
        ("wrong key", {"status_401"}, {"401"}),
        ("busy", {"status_503"}, {"503"}),
        ("wrong length", {"malformed"}, {"127", "model.dims", "128"}),
    ],
)
def test_both_services_answer_badly_for_a_while(
    cluster, index, fakes, small_photos, count, residue, behaviour, codes, named
):
    """The client doesn't retry, so that each refusal is seen."""
    ids = range(count)

    def behave(how: str) -> None:
        for fake in fakes:
            fake.behaviour = how

    spoil = once(count // 3, lambda: behave(behaviour))

    def watch(outcome: BulkOutcome) -> None:
        spoil(outcome)
        if len(outcome.refused) >= 128:
            behave("good")

    before = cluster.failures()
    outcome = send(cluster.es, index, small_photos, ids, watch)
    assert len(outcome.refused) >= 128
    assert outcome.statuses == {429}
    # While requests last until their timeout, or are sent again, some photos wait too long for their turn.
    counted = set(cluster.failures() - before) - {"queue_timeout"}
    assert counted
    assert counted <= codes
    assert not [reason for reason in outcome.reasons if not named <= bracketed(reason)]
    check(cluster.es, index, outcome)
    complete(cluster.es, index, small_photos, ids)
    residue.check()


def test_more_clients_than_the_queue_has_room_for_are_refused_and_lose_nothing(
    cluster, index, fakes, small_photos, count, residue
):
    """Documents beyond the queue's size get 429; the others are stored."""
    clients = 16
    share = count // clients
    cluster.set(queue={"size": 40}, batch={"size": 4, "in_flight": 1})
    for fake in fakes:
        fake.behaviour = "unhurried"
    shares = [range(start, start + share) for start in range(0, clients * share, share)]
    with ThreadPoolExecutor(clients) as crowd:
        answers = list(crowd.map(lambda ids: send(cluster.es, index, small_photos, ids), shares))
    outcome = BulkOutcome(set().union(*(answer.acknowledged for answer in answers)))
    for answer in answers:
        outcome.refused |= answer.refused
    assert outcome.refused, "the queue was never full"
    assert outcome.statuses == {429}
    check(cluster.es, index, outcome)
    residue.check()
    for fake in fakes:
        fake.behaviour = "good"
    complete(cluster.es, index, small_photos, range(clients * share))
    assert max(max(fake.batches) for fake in fakes) > 1
    residue.check()


def test_endless_answers_fill_no_nodes_memory(cluster, index, fakes, small_photos, residue):
    """The timeout is long enough for each answer to reach the largest allowed size."""
    cluster.set(endpoint={"default": {"timeout": "30s"}})
    for fake in fakes:
        fake.behaviour = "endless"
    outcome = send(cluster.es.options(max_retries=0), index, small_photos, range(64 * NODES))
    assert not outcome.acknowledged
    for fake in fakes:
        fake.behaviour = "good"
    complete(cluster.es, index, small_photos, range(64 * NODES))
    residue.check()
