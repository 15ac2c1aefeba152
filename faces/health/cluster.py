"""Elasticsearch's version and licence, its nodes, and the plugin on each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch, UnsupportedProductError

from es_setup.embedded.plugins import PLUGIN
from es_setup.keeping import JSON
from faces.calibration.indices import listed
from faces.health.asking import Asking
from faces.health.findings import Finding, Requests
from ingest_service import __version__

OLDEST = 8
"""The oldest major version whose answers are understood."""
TAGLINE = "You Know, for Search"
PLUGIN_CLASS = "org.ingestface.FacePlugin"
WITHOUT_PLUGIN = (
    "`faces search --person`, `faces explore` and all that reads still work; photos are not taken in, and no "
    "search by a photo is answered"
)


@dataclass(frozen=True)
class Node:
    """plugin: the version of ours, None without it; built_for: the Elasticsearch that it was built for."""

    name: str
    version: str
    plugin: str | None
    built_for: str | None

    @property
    def fits(self) -> bool:
        return self.built_for == self.version


@dataclass(frozen=True)
class Cluster:
    """
    version, licence, status: None where this user may not see it. status: ``green``, ``yellow`` or ``red``.
    nodes: None if they can't be seen.
    """

    version: str | None
    licence: str | None
    status: str | None
    nodes: tuple[Node, ...] | None

    @property
    def versions(self) -> list[str]:
        found = {node.version for node in self.nodes or ()}
        return sorted(found or {self.version} - {None})  # type: ignore[arg-type]

    @property
    def has_plugin(self) -> bool | None:
        """Whether every node has it; None if the nodes can't be seen."""
        return None if self.nodes is None else all(node.plugin for node in self.nodes)


def version_of(es: Elasticsearch) -> str:
    """Elasticsearch's, asked in a form that every version understands.

    Raises:
        UnsupportedProductError: what answers isn't Elasticsearch.
    """
    try:
        answer: Any = es.perform_request("GET", "/", headers=JSON).body
    except UnsupportedProductError as error:
        # Before 7.14 it didn't name itself in a header.
        answer = error.body
        if not isinstance(answer, dict) or answer.get("tagline") != TAGLINE or "version" not in answer:
            raise
    return str(answer["version"]["number"])


def cluster_of(asking: Asking, version: str | None) -> Cluster:
    """
    Args:
        version: as `version_of` says.
    """
    licence = asking.ask("licence", _licence, None)
    status = asking.ask("health of the cluster", lambda es: str(es.cluster.health()["status"]), None)
    nodes = asking.ask("nodes and their plugins", _nodes, None)
    return Cluster(version, licence, status, nodes)


def _licence(es: Elasticsearch) -> str | None:
    found = es.license.get()["license"]
    return str(found["type"]) + ("" if found["status"] == "active" else f", {found['status']}")


def _nodes(es: Elasticsearch) -> tuple[Node, ...] | None:
    found = []
    for node in es.nodes.info(metric="plugins")["nodes"].values():
        ours: dict[str, Any] = next(filter(_is_ours, node["plugins"]), {})
        found.append(
            Node(node["name"], node["version"], ours.get("version"), ours.get("elasticsearch_version"))
        )
    return tuple(sorted(found, key=lambda node: node.name))


def _is_ours(plugin: dict[str, Any]) -> bool:
    """Elasticsearch's test framework, in which no plugin is installed, names each by its class."""
    return plugin["name"] == PLUGIN or plugin.get("classname") == PLUGIN_CLASS


def findings(
    cluster: Cluster, target: str | None, requests: Requests, by_worker: bool = False
) -> Iterator[Finding]:
    """
    Args:
        target: the version that the cluster will move to, if it is asked about.
        by_worker: whether the templates are installed for nodes without the plugin.
    """
    nodes = cluster.nodes or ()
    for version in cluster.versions:
        if not is_supported(version):
            yield unsupported(version)
    lacking = [node for node in nodes if node.plugin is None]
    if by_worker:
        yield _by_worker(bool(nodes and not lacking))
    elif lacking:
        yield Finding(
            "error",
            "plugin-missing",
            f"{_named(lacking)} (of {len(nodes)}) without the plugin [{PLUGIN}]: {WITHOUT_PLUGIN}. To do "
            "without it: `faces install --without-plugin`",
            _install(lacking[0].version),
        )
    if unfit := [node for node in nodes if node.plugin and not node.fits]:
        yield Finding(
            "error",
            "plugin-unfit",
            f"{_named(unfit)}: the plugin is built for Elasticsearch {unfit[0].built_for}, the node is "
            f"{unfit[0].version}",
            _install(unfit[0].version),
        )
    if len(plugins := sorted({node.plugin for node in nodes if node.plugin})) > 1:
        yield Finding(
            "warning",
            "plugin-versions",
            f"the nodes have several versions of the plugin, {listed(plugins)}",
            _install(nodes[0].version),
        )
    elif plugins and plugins != [__version__]:
        yield Finding(
            "warning",
            "plugin-release",
            f"the plugin is {plugins[0]}, this command {__version__}: they are tested together only",
            _install(nodes[0].version),
        )
    if target:
        yield from _for_move(nodes, target)
    if cluster.status in ("red", "yellow"):
        red = cluster.status == "red"
        yield Finding(
            "error" if red else "warning",
            f"cluster-{cluster.status}",
            "shards are missing: what they hold isn't searched"
            if red
            else "copies of shards are missing: a node that ends takes what it alone holds with it",
            requests.line("GET", "/_cluster/allocation/explain?pretty"),
        )


def _by_worker(has_plugin: bool) -> Finding:
    if has_plugin:
        return Finding(
            "hint",
            "plugin-unused",
            "the templates are those for nodes without the plugin, and each node has it: it could do what "
            "`faces worker` does, at once",
            "faces install",
        )
    return Finding(
        "hint",
        "by-worker",
        "installed without the plugin: photos that are sent get their faces while `faces worker` runs, those "
        "of `faces index` at once; a query by a photo is `faces search` or `faces identify`",
        "faces worker",
    )


def _for_move(nodes: tuple[Node, ...], target: str) -> Iterator[Finding]:
    if not is_supported(target):
        yield Finding(
            "error",
            "target-unsupported",
            f"no plugin can be built for Elasticsearch {target}: this release supports 8.19.x, and 9.1 or "
            "newer",
            "faces doctor --target-version 9.1.0",
        )
    elif unfit := [node for node in nodes if node.built_for not in (None, target)]:
        yield Finding(
            "error",
            "plugin-target",
            f"{_named(unfit)}: the plugin is built for Elasticsearch {unfit[0].built_for}, and a node of "
            f"{target} doesn't start with it: remove it, and install one that is built for {target}, while "
            "the node is stopped for the move",
            _install(target),
        )


def unsupported(version: str) -> Finding:
    return Finding(
        "error",
        "elasticsearch-version",
        f"Elasticsearch {version} isn't supported: 8.19.x is, and 9.1 or newer",
        "export ES_URL=http://127.0.0.1:9200  # of a supported Elasticsearch",
    )


def is_version(text: str) -> bool:
    """Whether it has the form of a release's version, such as ``9.5.3``."""
    return bool(re.fullmatch(r"\d+\.\d+\.\d+", text))


def is_supported(version: str) -> bool:
    """Whether the plugin can be built for this version, such as ``9.5.3``."""
    found = re.match(r"(\d+)\.(\d+)\.\d+", version)
    pair = (int(found[1]), int(found[2])) if found else (0, 0)
    return pair == (8, 19) or (9, 1) <= pair < (10, 0)


def _install(version: str) -> str:
    """On each node, which is then restarted."""
    return f"./run build-plugin --es {version}  # its last line says how each node gets it; then restart them"


def _named(nodes: list[Node]) -> str:
    return f"node{'' if len(nodes) == 1 else 's'} {listed(node.name for node in nodes)}"
