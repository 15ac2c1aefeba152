"""Three nodes, one replica, and what goes wrong while documents stream in.

Every time: what was acknowledged is found with its faces; what wasn't was refused with a status that says try
again; the same command run again completes the set; and nothing stays behind in any node.
"""

from __future__ import annotations

import base64
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan, streaming_bulk
from fake_service import MODEL, FakeService, face_of
from tools import face_stats, innermost, wait_until

from es_setup.connection import ConnectionFailed, Service
from es_setup.embedded.local_node import Node, free_port, running_cluster
from es_setup.install import install
from faces.indexing import RETRIES
from faces.local_service import running_service

NODES = 3
OUTAGE = 20
TIMEOUT = "2s"
THREADS = 40
"""By how many a node's threads may grow: pools that were not yet full, a new master's, the HTTP client's. A
thread lost with each refusal or each outage would be hundreds."""


class Cluster:
    """Three nodes and a client that knows all of them, as the docs recommend it."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.es = Elasticsearch(
            [node.url for node in nodes], request_timeout=120, max_retries=5, retry_on_timeout=True
        )

    def set(self, **values: object) -> None:
        """Settings below ``face``; None takes one back."""
        self.es.cluster.put_settings(persistent={"face": values})

    def point_at(self, *urls: str) -> None:
        self.set(endpoint={"default": {"urls": list(urls)}})

    def master(self) -> Node:
        name = self.es.cat.master(format="json")[0]["node"]
        return next(node for node in self.nodes if node.folder.name == name)

    def whole(self) -> None:
        """Waits until all nodes are there and every copy of every shard too."""
        for node in self.nodes:
            node.wait_until_ready(NODES)
        self.es.cluster.health(wait_for_status="green", wait_for_no_relocating_shards=True, timeout="120s")


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


@dataclass
class Told:
    """What a client was told about its documents.

    Attributes:
        acknowledged: the ids with a 2xx.
        refused: the items of the others, by id, as Elasticsearch last answered.
    """

    acknowledged: set[str] = field(default_factory=set)
    refused: dict[str, dict[str, Any]] = field(default_factory=dict)

    @property
    def reasons(self) -> set[str]:
        return {innermost(item["error"]) for item in self.refused.values()}


Watcher = Callable[[Told], object]


def send(
    es: Elasticsearch,
    index: str,
    photos: list[bytes],
    ids: range,
    watch: Watcher = lambda told: None,
    **retries: Any,
) -> Told:
    """Streams documents in; ``watch`` is called after each answer, and may do harm."""
    encoded = [base64.b64encode(photo).decode() for photo in photos]
    actions = (
        {"_index": index, "_id": str(number), "image": encoded[number % len(encoded)]} for number in ids
    )
    told = Told()
    for ok, answer in streaming_bulk(
        es, actions, chunk_size=64, raise_on_error=False, raise_on_exception=False, **retries
    ):
        item = next(iter(answer.values()))
        if ok:
            told.acknowledged.add(item["_id"])
        else:
            told.refused[item["_id"]] = item
        watch(told)
    assert len(told.acknowledged) + len(told.refused) == len(ids)
    return told


def once(after: int, harm: Callable[[], object]) -> Watcher:
    """Does harm when so many documents are acknowledged."""
    waiting = [harm]

    def watch(told: Told) -> None:
        if waiting and len(told.acknowledged) >= after:
            waiting.pop()()

    return watch


def found(es: Elasticsearch, index: str) -> dict[str, list[int]]:
    """Every document by its id: the length of each face's vector, as a search gives it."""
    es.indices.refresh(index=index)
    body = {"_source": ["face_count"], "fields": ["faces.vector"]}
    documents = {}
    for hit in scan(es, index=index, query=body, size=1000):
        vectors = [len(face["vector"]) for face in hit["fields"].get("faces", [])]
        assert len(vectors) == hit["_source"]["face_count"], hit["_id"]
        documents[hit["_id"]] = vectors
    return documents


def check(es: Elasticsearch, index: str, told: Told) -> None:
    """Every acknowledged document is there with its faces; every other one may be sent again."""
    documents = found(es, index)
    lost = [key for key in told.acknowledged if documents.get(key) != [MODEL["dims"]]]
    assert not lost
    assert {item["status"] for item in told.refused.values()} <= {429, 503}


def complete(es: Elasticsearch, index: str, photos: list[bytes], ids: range) -> None:
    """The same command again, with the patience that `faces index` has."""
    assert send(es, index, photos, ids, **RETRIES).acknowledged == {str(number) for number in ids}
    assert found(es, index) == {str(number): [MODEL["dims"]] for number in ids}


class Residue:
    """What a node holds when nothing is under way, compared with what it held before."""

    def __init__(self, cluster: Cluster) -> None:
        self._es = cluster.es
        self._threads = self._count_threads()

    def _count_threads(self) -> dict[str, int]:
        nodes = self._es.nodes.stats(metric="jvm")["nodes"]
        return {node["name"]: node["jvm"]["threads"]["count"] for node in nodes.values()}

    def check(self, nodes: int = NODES) -> None:
        """Waits until no slot, buffer or thread is left over in any of the nodes."""
        assert len(self._count_threads()) == nodes, "a node is gone"
        try:
            wait_until(lambda: not self._left())
        except AssertionError:
            raise AssertionError(f"left over: {self._left()}") from None

    def _left(self) -> list[object]:
        left: list[object] = []
        for node in face_stats(self._es)["nodes"].values():
            endpoint = node["endpoints"]["default"]
            queues = (endpoint["queue"], endpoint["searches"]["queue"])
            left += [(node["name"], "queue", queue) for queue in queues if any(queue.values())]
            left += [(node["name"], "url", url) for url in endpoint["urls"] if url["in_flight"]]
        stats = self._es.nodes.stats(metric="thread_pool,indexing_pressure,breaker")["nodes"]
        for node in stats.values():
            name = node["name"]
            for pool, now in node["thread_pool"].items():
                # It is one of these that answers us.
                if pool != "management" and (now["active"] or now["queue"]):
                    left.append((name, pool, now["active"], now["queue"]))
            current = node["indexing_pressure"]["memory"]["current"]
            left += [(name, key, size) for key, size in current.items() if size]
            for breaker in ("request", "inflight_requests"):
                # Our own question is a request too, without a body.
                if (size := node["breakers"][breaker]["estimated_size_in_bytes"]) > 4096:
                    left.append((name, breaker, size))
        for name, threads in self._count_threads().items():
            if threads > self._threads.get(name, threads) + THREADS:
                left.append((name, "threads", threads, "before", self._threads[name]))
        return left


@pytest.fixture
def residue(cluster: Cluster, index: str, small_photos: list[bytes], fakes: list[FakeService]) -> Residue:
    """What the nodes hold now that pools are filled and classes loaded."""
    cluster.point_at(*(fake.url for fake in fakes))
    cluster.set(endpoint={"default": {"timeout": TIMEOUT}})
    send(cluster.es, "faces-warm-up", small_photos, range(128))
    cluster.es.indices.delete(index="faces-warm-up")
    return Residue(cluster)


@pytest.fixture(autouse=True)
def discreet(cluster: Cluster, small_photos: list[bytes]) -> Iterator[None]:
    """No log of a node has a part of a photo or a vector."""
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
        told = send(cluster.es, index, small_photos, ids, once(count // 3, kill), **RETRIES)
        assert killed, "nobody was killed"
        assert cluster.master() is not killed[0]
        check(cluster.es, index, told)
        complete(cluster.es, index, small_photos, ids)
        residue.check(nodes=NODES - 1)
    finally:
        for node in killed:
            node.start()
        cluster.whole()


def test_one_of_two_services_is_killed(cluster, index, cache, folder, small_photos, real_count, residue):
    """Two real services."""
    ids = range(real_count)
    alone = {"FACES_WORKERS": "1"}
    with (
        running_service(cache, folder / "first", environment=alone) as first,
        running_service(cache, folder / "second", environment=alone) as second,
    ):
        assert first.model == second.model == MODEL["id"]
        cluster.point_at(first.url, second.url)
        cluster.set(endpoint={"default": {"timeout": None}})
        kill = once(len(ids) // 3, lambda: os.killpg(first.pid, signal.SIGKILL))
        told = send(cluster.es, index, small_photos, ids, kill, **RETRIES)
        with pytest.raises(ConnectionFailed):
            Service(first.url).model()
        check(cluster.es, index, told)
        complete(cluster.es, index, small_photos, ids)
        nodes = face_stats(cluster.es)["nodes"].values()
        urls = [url for node in nodes for url in node["endpoints"]["default"]["urls"]]
        assert {url["url"] for url in urls if url["failures_in_a_row"]} == {first.url}
        residue.check()


def test_both_services_are_gone_for_a_while(cluster, index, fakes, small_photos, count, residue):
    ids = range(count)
    back = threading.Timer(OUTAGE, lambda: [fake.start() for fake in fakes])

    def stop() -> None:
        for fake in fakes:
            fake.stop()
        back.start()

    told = send(cluster.es, index, small_photos, ids, once(count // 3, stop), **RETRIES)
    back.join()
    check(cluster.es, index, told)
    assert not told.refused, "the recommended patience outlasts the outage"
    complete(cluster.es, index, small_photos, ids)
    residue.check()


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        ("slow", rf"within \[{TIMEOUT}\]"),
        ("garbage", "it is not a JSON object"),
        ("half a batch", "entries for"),
        # Each photo is sent once more alone, and some wait too long for that.
        ("half an answer", rf"broke before the answer was complete|waited \[{TIMEOUT}\]"),
        ("too many results", "entries for"),
        # Whichever comes first.
        ("endless", rf"sent more than|no room for the answer|within \[{TIMEOUT}\]"),
        ("another model", r"it is of model \[facenet-00000000\]"),
        ("wrong model", r"\[409\]: model \[a\] was asked for, but \[b\] is served"),
        ("wrong key", r"\[401\]: the key is not one of this service's"),
        ("busy", r"\[503\]: too many photos are waiting"),
        ("wrong length", r"has \[127\] numbers, not \[model.dims\] = \[128\]"),
    ],
)
def test_both_services_answer_badly_for_a_while(
    cluster, index, fakes, small_photos, count, residue, behaviour, reason
):
    """The client has no patience, so that it is told."""
    ids = range(count)

    def behave(how: str) -> None:
        for fake in fakes:
            fake.behaviour = how

    spoil = once(count // 3, lambda: behave(behaviour))

    def watch(told: Told) -> None:
        spoil(told)
        if len(told.refused) >= 128:
            behave("good")

    told = send(cluster.es, index, small_photos, ids, watch)
    assert len(told.refused) >= 128
    assert {item["status"] for item in told.refused.values()} == {429}
    assert not [text for text in told.reasons if not re.search(reason, text)]
    check(cluster.es, index, told)
    complete(cluster.es, index, small_photos, ids)
    residue.check()


def test_more_clients_than_the_queue_has_room_for(cluster, index, fakes, small_photos, count, residue):
    """What there is no room for gets 429, and nothing else is touched by it."""
    clients = 16
    share = count // clients
    cluster.set(queue={"size": 40}, batch={"size": 4, "in_flight": 1})
    for fake in fakes:
        fake.behaviour = "unhurried"
    shares = [range(start, start + share) for start in range(0, clients * share, share)]
    with ThreadPoolExecutor(clients) as crowd:
        answers = list(crowd.map(lambda ids: send(cluster.es, index, small_photos, ids), shares))
    told = Told(set().union(*(answer.acknowledged for answer in answers)))
    for answer in answers:
        told.refused |= answer.refused
    assert told.refused, "nobody met a full queue"
    assert {item["status"] for item in told.refused.values()} == {429}
    check(cluster.es, index, told)
    residue.check()
    for fake in fakes:
        fake.behaviour = "good"
    complete(cluster.es, index, small_photos, range(clients * share))
    assert max(max(fake.batches) for fake in fakes) > 1
    residue.check()


def test_answers_without_an_end_fill_no_nodes_memory(cluster, index, fakes, small_photos, residue):
    """With time enough for each to grow as large as an answer may become."""
    cluster.set(endpoint={"default": {"timeout": "30s"}})
    for fake in fakes:
        fake.behaviour = "endless"
    told = send(cluster.es.options(max_retries=0), index, small_photos, range(64 * NODES))
    assert not told.acknowledged
    for fake in fakes:
        fake.behaviour = "good"
    complete(cluster.es, index, small_photos, range(64 * NODES))
    residue.check()
