"""How full the nodes' disks are, by the watermarks at which Elasticsearch stops using them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from faces.health.asking import Asking
from faces.health.findings import Finding, Requests, Severity

PREFIX = "cluster.routing.allocation.disk."
LEVELS: tuple[tuple[str, Severity, str], ...] = (
    ("flood_stage", "error", "indices with a shard there refuse every photo and every change"),
    ("high", "warning", "Elasticsearch moves shards away; soon it refuses photos"),
    ("low", "hint", "no new shard goes there"),
)
"""The watermarks from the worst on: name, severity, and what happens above it."""
UNITS = {"b": 1, "kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40, "pb": 2**50}


@dataclass(frozen=True)
class Disk:
    """A node's disk, in bytes. above: the highest watermark that it is above, if any."""

    node: str
    total: int
    free: int
    above: str | None

    @property
    def used(self) -> float:
        """0 to 1."""
        return 1 - self.free / self.total if self.total else 0.0

    def as_json(self) -> dict[str, Any]:
        return {"node": self.node, "total": self.total, "free": self.free, "above": self.above}


def disks_of(asking: Asking) -> tuple[Disk, ...] | None:
    """The disk of each node; None if they can't be seen."""
    return asking.ask("disks of the nodes", _disks, None)


def _disks(es: Elasticsearch) -> tuple[Disk, ...]:
    settings = es.cluster.get_settings(
        flat_settings=True, include_defaults=True, filter_path=f"*.{PREFIX.rstrip('.')}.*,*.{PREFIX}*"
    )
    known: dict[str, str] = {}
    for place in ("defaults", "persistent", "transient"):
        known |= settings.body.get(place, {})
    watched = known.get(f"{PREFIX}threshold_enabled", "true") == "true"
    stats = es.nodes.stats(metric="fs", filter_path="nodes.*.name,nodes.*.fs.total")
    found = []
    for node in stats["nodes"].values():
        total, free = (int(node["fs"]["total"][f"{what}_in_bytes"]) for what in ("total", "available"))
        passed = (name for name, _, _ in LEVELS if watched and free < least_free(name, known, total))
        found.append(Disk(node["name"], total, free, next(passed, None)))
    return tuple(sorted(found, key=lambda disk: disk.node))


def least_free(level: str, settings: dict[str, str], total: int) -> float:
    """The bytes that must be free on a disk of ``total`` bytes to stay below a watermark.

    Args:
        settings: the cluster's, by their full names; a watermark is a share of what is used, such as ``85%``
            or ``0.85``, or what must be free, such as ``50gb``.
    """
    name = f"{PREFIX}watermark.{level}"
    value = str(settings.get(name, "100%")).lower()
    if size := _bytes(value):
        return size
    used = float(value[:-1]) / 100 if value.endswith("%") else float(value)
    free = (1 - used) * total
    most = _bytes(str(settings.get(f"{name}.max_headroom", "-1")).lower())
    return min(free, most) if most else free


def _bytes(value: str) -> int | None:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kmgtp]?b)", value)
    return int(float(found[1]) * UNITS[found[2]]) if found else None


def findings(disks: tuple[Disk, ...], requests: Requests) -> Iterator[Finding]:
    for disk in disks:
        for level, severity, consequence in LEVELS:
            if disk.above == level:
                yield Finding(
                    severity,
                    f"disk-{level.replace('_', '-')}",
                    f"the disk of node [{disk.node}] is {disk.used:.0%} full, above the watermark [{level}]: "
                    f"{consequence}. Delete what isn't needed, or add space or a node; what takes it:",
                    requests.line("GET", "/_cat/indices?v&s=store.size:desc"),
                )
