"""The command `faces status`."""

from __future__ import annotations

from collections import Counter
from typing import Any

import typer
from rich.table import Table

from es_setup.connection import Connection
from faces.calibration.indices import listed
from faces.cli.options import JsonFlag, connected
from faces.cli.output import counted, explain, out, print_json, say, verdicts
from faces.health.as_json import elasticsearch_as_json, service_as_json
from faces.health.cluster import Cluster
from faces.health.findings import SEVERITIES, Finding
from faces.health.indices import Indices, OurIndex, by_place
from faces.health.report import ElasticsearchReport, HealthReport, findings, report
from faces.shown.terminal import table


@connected
def status(
    connection: Connection,
    as_json: JsonFlag = False,
) -> None:
    """Report what runs, what is installed and what is indexed. Exit status 1 if something is missing. What
    mends it is listed by `faces doctor`. Needs nothing: it says what is missing.
    """
    health = report(connection)
    es = health.elasticsearch
    unreachable = explain(es.failure, es.url) if es.failure else None
    facts = {
        "elasticsearch": elasticsearch_as_json(es, unreachable),
        "service": service_as_json(health),
    }
    if as_json:
        print_json(facts)
    else:
        _print(health, facts, unreachable)
        _print_count(findings(health, connection, unreachable))
    raise typer.Exit(0 if all(part["ok"] for part in facts.values()) else 1)


def _print(health: HealthReport, facts: dict[str, dict[str, Any]], unreachable: str | None) -> None:
    es, service = health.elasticsearch, facts["service"]
    if es.cluster:
        out.print(f"elasticsearch: {_cluster(es.cluster)} at {es.url}")
        by_worker = "; `faces worker` does its work" if es.by_worker else ""
        out.print(f"plugin: {_plugin(es.cluster)}{by_worker}")
    if problem := unreachable or facts["elasticsearch"].get("error"):
        out.print(f"elasticsearch: {es.url}: {problem}")
    for endpoint in (es.endpoints.known if es.endpoints else None) or ():
        copies = ", ".join(f"{url} {state}" for url, state in endpoint.urls.items())
        out.print(f"endpoint: [{endpoint.name}] of node [{endpoint.node}]: {endpoint.problem or copies}")
    if "model" in service:
        kind = ", ".join(service[name] for name in ("runtime", "precision") if name in service)
        key = {True: "takes our photos", False: "refuses our key", None: "gives our photos no answer"}
        out.print(
            f"service: {service['model']}{f' ({kind})' if kind else ''} at {service['url']}, "
            f"{key[health.service.key_accepted]}"
        )
    if "error" in service:
        out.print(f"service: {service['url']}: {service['error']}")
    if es.installation:
        _print_installation(es)
    for disk in es.disks or ():
        above = f", above the watermark [{disk.above}]" if disk.above else ""
        out.print(f"disk: node [{disk.node}]: {disk.used:.0%} of {size(disk.total)} used{above}")
    if es.indices and es.indices.ours:
        out.print(_held(es.indices))
        out.print(_judged(es.indices))
    if es.unfinished:
        out.print(f"forgetting: {counted(len(es.unfinished), 'run')} of `faces forget` not finished")
    if count := es.unfinished_reembeddings:
        out.print(f"re-embedding: {counted(count, 'run')} of `faces reembed` not finished")
    for one in es.unseen:
        say(f"not seen: {one.what}: {f'needs the {one.privilege}' if one.privilege else one.why}")


def _cluster(cluster: Cluster) -> str:
    nodes = "" if cluster.nodes is None else f", {len(cluster.nodes)} node{_s(len(cluster.nodes))}"
    known = (cluster.licence and f", licence {cluster.licence}", cluster.status and f", {cluster.status}")
    return f"{', '.join(cluster.versions) or 'of an unknown version'}{''.join(filter(None, known))}{nodes}"


def _plugin(cluster: Cluster) -> str:
    if cluster.nodes is None:
        return "unknown"
    lacking = [node.name for node in cluster.nodes if node.plugin is None]
    found = Counter(f"{node.plugin} for {node.built_for}" for node in cluster.nodes if node.plugin)
    words = [f"{kind} on {count} node{_s(count)}" for kind, count in sorted(found.items())]
    return ", ".join(words + ([f"missing on {listed(lacking)}"] if lacking else []))


def _print_installation(es: ElasticsearchReport) -> None:
    made = es.installation
    if made is None:
        return
    if made.missing is not None:
        out.print(f"installed: {'all' if not made.missing else 'missing: ' + ', '.join(made.missing)}")
    if edited := [outcome.path for outcome in made.edited or ()]:
        out.print(f"not as shipped: {', '.join(edited)}")
    if made.journal is not None:
        out.print(f"journal of decisions: {'there' if made.journal else 'missing'}")
    if made.logged:
        places = "; ".join(map(str, made.logged))
        say(
            f"warning: Elasticsearch's logs can hold vectors and photos, by {places}: switch it off, or keep "
            "the logs as safe as the indices, see docs/operations.md"
        )


def _held(indices: Indices) -> Table:
    """What each index holds."""
    found = table("index", "documents", "faces", "no face", "failed", "undecided", "size")
    for _, behind in by_place(indices):
        for index in behind:
            held = index.held
            counts = [
                f"{count:,}" if held else "-"
                for count in (
                    held.documents if held else 0,
                    held.faces if held else 0,
                    held.without_face if held else 0,
                    sum(held.failures.values()) if held else 0,
                    held.undecided if held else 0,
                )
            ]
            found.add_row(_name(index), *counts, "-" if index.size is None else size(index.size))
    return found


def _judged(indices: Indices) -> Table:
    found = table("index", "model", "verdicts")
    for _, behind in by_place(indices):
        for index in behind:
            found.add_row(index.name, ", ".join(index.models) or "-", verdicts(index.judged))
    return found


def _name(index: OurIndex) -> str:
    notes = ["closed"] * index.closed + [f"block: {block}" for block in index.blocks]
    return index.name + (f" ({', '.join(notes)})" if notes else "")


def _print_count(found: list[Finding]) -> None:
    if found:
        out.print(f"{summed_up(found)}: `faces doctor` lists them, with what mends each")


def summed_up(found: list[Finding]) -> str:
    """Such as ``1 error, 2 hints``; ``nothing to mend`` without any."""
    kinds = Counter(finding.severity for finding in found)
    words = [f"{kinds[kind]} {kind}{_s(kinds[kind])}" for kind in SEVERITIES if kinds[kind]]
    return ", ".join(words) or "nothing to mend"


def size(number: int) -> str:
    """Bytes in words, such as ``3.2 MB``."""
    value, units = float(number), ["B", "kB", "MB", "GB", "TB"]
    while value >= 1000 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.3g} {units[0]}"


def _s(count: int) -> str:
    return "" if count == 1 else "s"
