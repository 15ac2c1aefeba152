"""A cluster of three nodes for tests of faults, and what its nodes hold before and after a test."""

from __future__ import annotations

from collections import Counter

from elasticsearch import Elasticsearch
from tools import face_stats, wait_until

from es_setup.embedded.local_node import Node

NODES = 3
THREADS = 40
"""How many threads a node may gain: of pools that weren't full yet, a new master, the HTTP client. A thread
lost with each refusal or each outage would be hundreds."""


class Cluster:
    """Three nodes, and a client that knows all of them, as the docs recommend."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes
        self.es = Elasticsearch(
            [node.url for node in nodes], request_timeout=120, max_retries=5, retry_on_timeout=True
        )

    def set(self, **values: object) -> None:
        """Changes settings below ``face``; None resets one."""
        self.es.cluster.put_settings(persistent={"face": values})

    def use_services(self, *urls: str) -> None:
        """Points the default endpoint at these services."""
        self.set(endpoint={"default": {"urls": list(urls)}})

    def master(self) -> Node:
        name = self.es.cat.master(format="json")[0]["node"]
        return next(node for node in self.nodes if node.folder.name == name)

    def wait_until_green(self) -> None:
        """Waits until all nodes and all copies of all shards are there."""
        for node in self.nodes:
            node.wait_until_ready(NODES)
        self.es.cluster.health(wait_for_status="green", wait_for_no_relocating_shards=True, timeout="120s")

    def failures(self) -> Counter[str]:
        """The default endpoint's failed photos by the code of the fault, over all nodes."""
        counted: Counter[str] = Counter()
        for node in face_stats(self.es)["nodes"].values():
            counted.update(node["endpoints"]["default"]["failures"])
        return counted


class Residue:
    """What nodes still hold when no request is in progress, compared with the time of construction."""

    def __init__(self, cluster: Cluster) -> None:
        self._es = cluster.es
        self._threads = self._count_threads()

    def check(self, nodes: int = NODES) -> None:
        """Waits until the nodes have no slot, buffer or thread left over."""
        assert len(self._count_threads()) == nodes, "a node is gone"
        try:
            wait_until(lambda: not self._left())
        except AssertionError:
            raise AssertionError(f"left over: {self._left()}") from None

    def _count_threads(self) -> dict[str, int]:
        nodes = self._es.nodes.stats(metric="jvm")["nodes"]
        return {node["name"]: node["jvm"]["threads"]["count"] for node in nodes.values()}

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
                # A thread of [management] answers this very request.
                if pool != "management" and (now["active"] or now["queue"]):
                    left.append((name, pool, now["active"], now["queue"]))
            current = node["indexing_pressure"]["memory"]["current"]
            left += [(name, key, size) for key, size in current.items() if size]
            for breaker in ("request", "inflight_requests"):
                # This very request counts, too, though it has no body.
                if (size := node["breakers"][breaker]["estimated_size_in_bytes"]) > 4096:
                    left.append((name, breaker, size))
        for name, threads in self._count_threads().items():
            if threads > self._threads.get(name, threads) + THREADS:
                left.append((name, "threads", threads, "before", self._threads[name]))
        return left
