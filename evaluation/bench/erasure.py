"""``./run bench erasure``: how long deleted faces can still be read from Elasticsearch's files.

Two nodes hold an index with a replica; its photos are deleted in three parts, and after each step the files
are searched for pieces of the deleted crops, thumbnails and vectors.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from rich.table import Table

from es_setup.connection import Connection
from es_setup.embedded.local_node import Node, free_port
from es_setup.install import install
from evaluation.bench.ingest import Photos
from evaluation.bench.traces import Traces, count
from faces import local_stack
from faces.cli.output import say
from faces.local_service import running_service
from faces.shown.terminal import PlainConsole

INDEX = "faces-erasure"
REPOSITORY = SNAPSHOT = "erasure"
PLACES = ("first copy", "second copy", "transaction logs", "snapshot")
PATIENCE_S = 180


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench erasure", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--photos", type=int, default=60, metavar="N", help="the first N of the sample [60]")
    arguments = parser.parse_args()
    found = measure(arguments.photos)
    report(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


def measure(photos: int) -> list[dict[str, Any]]:
    """Of each step: its name, the number of photos that it is about, and of how many of them something is
    found, by place and kind."""
    cache, home = local_stack.prepare_all(say)
    documents = Photos.sample(cache.sample).documents[:photos]
    with (
        local_stack.working_folder() as folder,
        running_service(cache, folder / "service") as service,
        two_nodes(home, folder, {"face.endpoint.default.urls": service.url}) as (first, second),
    ):
        es = Connection(es_url=first.url, faces_url=service.url).elasticsearch()
        for _ in install(es, service.model, dims=service.dims):
            pass
        run = Run(es, folder, first, second)
        few = max(1, photos // 20)
        run.store(documents[2 * few + 1 :])
        run.delete_a_few(few)
        run.delete_recent_ones(documents[: few + 1])
        run.delete_while_a_copy_is_away(documents[few + 1 : 2 * few + 1])
        run.delete_the_index()
    return run.steps


@contextmanager
def two_nodes(home: Path, folder: Path, settings: dict[str, str]) -> Iterator[tuple[Node, Node]]:
    """The second one is never the master, so that the first one goes on without it."""
    ports = {name: str(free_port()) for name in ("first", "second")}
    (folder / "snapshots").mkdir()
    # Elasticsearch runs as another user where we are root.
    (folder / "snapshots").chmod(0o777)
    together = settings | {
        "discovery.type": "multi-node",
        "discovery.seed_hosts": f"[{', '.join(f'127.0.0.1:{port}' for port in ports.values())}]",
        "path.repo": str(folder / "snapshots"),
    }
    own = {"first": {"cluster.initial_master_nodes": "[first]"}, "second": {"node.roles": "[data, ingest]"}}
    nodes = [
        Node(home, folder / name, {**together, **own[name], "node.name": name, "transport.port": port})
        for name, port in ports.items()
    ]
    try:
        for node in nodes:
            node.start()
        for node in nodes:
            node.wait_until_ready(2)
        yield nodes[0], nodes[1]
    finally:
        for node in nodes:
            node.stop()


@dataclass
class Run:
    """The steps, in their order; each ``look`` adds to ``steps``."""

    es: Elasticsearch
    folder: Path
    first: Node
    second: Node
    steps: list[dict[str, Any]] = field(default_factory=list)
    stored: dict[str, Traces] = field(default_factory=dict)
    deleted: dict[str, Traces] = field(default_factory=dict)
    latest: dict[str, Traces] = field(default_factory=dict)
    """What was deleted last."""

    def store(self, documents: list[dict[str, Any]]) -> None:
        copies = {"number_of_replicas": 1, "auto_expand_replicas": False}
        self.es.indices.create(index=INDEX, settings=copies, wait_for_active_shards=2)
        self._store(documents)
        self.look("stored", self.stored)
        self.es.indices.flush(index=INDEX)
        self.look("flush", self.stored)
        self._merge(max_num_segments=1)
        location = {"location": str(self.folder / "snapshots")}
        self.es.snapshot.create_repository(name=REPOSITORY, repository={"type": "fs", "settings": location})
        self.es.snapshot.create(
            repository=REPOSITORY, snapshot=SNAPSHOT, indices=INDEX, wait_for_completion=True
        )
        self._wait_for_leases()

    def delete_a_few(self, number: int) -> None:
        scroll = self.es.search(index=INDEX, size=1, scroll="5m")["_scroll_id"]
        self._delete(number)
        self.look("a few deleted, refresh, while a scroll is open")
        self._flush()
        self._merge(only_expunge_deletes=True)
        self.look("flush, _forcemerge?only_expunge_deletes")
        self._merge(max_num_segments=1)
        self.look("_forcemerge?max_num_segments=1")
        self.es.clear_scroll(scroll_id=scroll)
        self._flush()
        self.look("the scroll closed, flush")

    def delete_recent_ones(self, documents: list[dict[str, Any]]) -> None:
        """All but the last, whose part is that the leases move: then they stand still for a while."""
        self._store(documents[-1:])
        self._flush()
        self._wait_for_leases()
        recent = self._store(documents[:-1])
        self._flush()
        self._delete_these(recent)
        self._flush()
        self._merge(max_num_segments=1)
        self.look("others stored, and deleted at once, flush, merge")
        seconds = self._wait_for_leases()
        self._merge(max_num_segments=1)
        self.look(f"leases have moved on, {seconds:.0f} s later; merge")

    def delete_while_a_copy_is_away(self, documents: list[dict[str, Any]]) -> None:
        self.second.stop()
        wait_until(lambda: bool(self.es.cluster.health()["number_of_nodes"] == 1))
        self._delete(len(documents))
        earlier = self.latest
        self._flush()
        self._merge(max_num_segments=1)
        self.look("deleted while the second copy is away, flush, merge")
        later = self._store(documents)
        self._flush()
        self._delete_these(later)
        self._flush()
        self._wait_for_leases(absent=1)
        self._merge(max_num_segments=1)
        self.look("stored and deleted while it is away, flush, leases, merge")
        self._set_period("1s")
        seconds = self._wait_for_leases()
        self._merge(max_num_segments=1)
        self.look(f"retention_lease.period: 1s, {seconds:.0f} s later; merge")
        self.latest |= earlier
        self._set_period(None)
        self.second.start()
        self.second.wait_until_ready(2)
        self.es.cluster.health(index=INDEX, wait_for_status="green", timeout="60s")
        self._flush()
        self._wait_for_leases()
        self._merge(max_num_segments=1)
        self.look("the second copy is back, flush, leases, merge")

    def delete_the_index(self) -> None:
        self.es.indices.delete(index=INDEX)
        self.latest = self.stored
        self.look("the index deleted")
        self.es.snapshot.delete(repository=REPOSITORY, snapshot=SNAPSHOT)
        self.look("the snapshot deleted")

    def look(self, step: str, among: dict[str, Traces] | None = None) -> None:
        """Searches all files for what was deleted last."""
        traces = (self.latest if among is None else among).values()
        copies = [node.folder / "data" for node in (self.first, self.second)]
        logs = [count(traces, copy, translog=True) for copy in copies]
        places = [
            *(count(traces, copy) for copy in copies),
            {kind: max(log[kind] for log in logs) for kind in logs[0]},
            count(traces, self.folder / "snapshots"),
        ]
        self.steps.append(
            {"step": step, "photos": len(traces), "found": dict(zip(PLACES, places, strict=True))}
        )
        say(f"{step}: {[place['any'] for place in places]} of {len(traces)}")

    def _delete(self, number: int) -> None:
        self._delete_these([key for key in self.stored if key not in self.deleted][:number])

    def _delete_these(self, keys: list[str]) -> None:
        self._bulk([{"delete": {"_id": key}} for key in keys])
        self.latest = {key: self.stored[key] for key in keys}
        self.deleted |= self.latest

    def _store(self, documents: list[dict[str, Any]]) -> list[str]:
        """Their ids."""
        before = len(self.stored)
        keys = [str(before + number) for number in range(len(documents))]
        self._bulk(
            [
                line
                for key, each in zip(keys, documents, strict=True)
                for line in ({"index": {"_id": key}}, each)
            ]
        )
        for hit in self.es.search(index=INDEX, query={"ids": {"values": keys}}, size=len(keys))["hits"][
            "hits"
        ]:
            if hit["_source"].get("faces"):
                self.stored[hit["_id"]] = Traces.of(hit["_source"])
        return keys

    def _bulk(self, operations: list[dict[str, Any]]) -> None:
        answer = self.es.bulk(index=INDEX, operations=operations, refresh=True)
        if answer["errors"]:
            raise RuntimeError(f"[{INDEX}] refused an item: {answer['items'][0]}")

    def _flush(self) -> None:
        self.es.indices.flush(index=INDEX, force=True)

    def _merge(self, **options: Any) -> None:
        self.es.options(request_timeout=120).indices.forcemerge(index=INDEX, **options)

    def _set_period(self, period: str | None) -> None:
        self.es.indices.put_settings(
            index=INDEX, settings={"index.soft_deletes.retention_lease.period": period}
        )

    def _wait_for_leases(self, absent: int = 0) -> float:
        """Until no lease, but those of ``absent`` copies, retains what is deleted; its seconds."""

        def moved() -> bool:
            shards = self.es.indices.stats(index=INDEX, level="shards")["indices"][INDEX]["shards"]["0"]
            last = max(shard["seq_no"]["max_seq_no"] for shard in shards)
            behind = [
                sum(lease["retaining_seq_no"] <= last for lease in shard["retention_leases"]["leases"])
                for shard in shards
            ]
            return bool(max(behind) <= absent)

        return wait_until(moved)


def wait_until(condition: Callable[[], bool]) -> float:
    """The seconds that it took.

    Raises:
        RuntimeError: it doesn't hold within ``PATIENCE_S``.
    """
    started = time.monotonic()
    while not condition():
        if time.monotonic() - started > PATIENCE_S:
            raise RuntimeError(f"Elasticsearch didn't get there within {PATIENCE_S} s")
        time.sleep(0.5)
    return time.monotonic() - started


def report(steps: list[dict[str, Any]]) -> None:
    table = Table("after", "photos", *PLACES, box=None)
    for step in steps:
        counts = (str(step["found"][place]["any"]) for place in PLACES)
        table.add_row(step["step"], str(step["photos"]), *counts)
    out = PlainConsole(stderr=False, width=140)
    out.print(table)
    out.print("Photos of which a piece of a crop, a thumbnail or a vector was found.")


if __name__ == "__main__":
    main()
