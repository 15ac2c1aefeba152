"""What may still have a face after it is forgotten, and can't be reached from here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError

from es_setup.connection import innermost_reason
from es_setup.request_logs import logged_requests
from faces.erasure.scope import Scope

ALWAYS = (
    ("disks", "freed blocks and copies of the indices' files, and nodes that are away: docs/erasure.md"),
    ("files", "the original photos, and what people made: --plot, --out, exports, notebooks"),
    ("Kibana", "reports (CSV, PDF) that it made: Stack Management > Reporting"),
)
ALERTS = "face-alerts*"


@dataclass(frozen=True)
class Unreachable:
    """where: a kind of place; what: which one, and what ends it."""

    where: str
    what: str

    def as_json(self) -> dict[str, str]:
        return {"where": self.where, "what": self.what}


def unreachable(es: Elasticsearch, scope: Scope, indices: list[str]) -> list[Unreachable]:
    """
    Args:
        indices: those that had something that was forgotten.
    """
    found = [
        Unreachable("closed index", f"[{index}]: open it (POST /{index}/_open), and run this again")
        for index in scope.closed
    ]
    found += _asked("snapshots", lambda: list(_snapshots(es, indices)))
    found += _asked(
        "logs", lambda: [f"{one} is on: switch it off, delete the log" for one in logged_requests(es)]
    )
    found += _asked("other clusters", lambda: list(_clusters(es, indices)))
    found += _asked("alerts", lambda: list(_alerts(es)))
    return found + [Unreachable(*each) for each in ALWAYS]


def _asked(where: str, ask: Any) -> Iterator[Unreachable]:
    try:
        yield from (Unreachable(where, what) for what in ask())
    except (ApiError, TransportError) as error:
        reason = innermost_reason(error) if isinstance(error, ApiError) else str(error)
        yield Unreachable(where, f"not known, as this user may not ask: {reason}")


def _snapshots(es: Elasticsearch, indices: list[str]) -> Iterator[str]:
    for repository in sorted(es.snapshot.get_repository()):
        try:
            answer = es.snapshot.get(
                repository=repository, snapshot="_all", ignore_unavailable=True, verbose=False
            )
        except ApiError as error:
            yield f"repository [{repository}] can't be read: {innermost_reason(error)}"
            continue
        held = [one["snapshot"] for one in answer["snapshots"] if set(one.get("indices", ())) & set(indices)]
        if held:
            yield f"repository [{repository}]: {', '.join(f'[{one}]' for one in held)}: delete them all"


def _clusters(es: Elasticsearch, indices: list[str]) -> Iterator[str]:
    for index in indices:
        if not es.indices.exists(index=index):
            continue
        shards = es.indices.stats(index=index, level="shards")["indices"].get(index, {}).get("shards", {})
        sources = {
            lease["source"]
            for copies in shards.values()
            for copy in copies
            for lease in copy.get("retention_leases", {}).get("leases", [])
        }
        if "ccr" in sources:
            yield f"another cluster follows [{index}]: run this there too, or wait until it has followed"
    for alias in sorted(es.cluster.remote_info()):
        yield f"the remote cluster [{alias}] has indices of its own: run this there too"


def _alerts(es: Elasticsearch) -> Iterator[str]:
    count = es.count(index=ALERTS, ignore_unavailable=True)["count"]
    if count:
        yield f"{count} documents in [{ALERTS}] have ids and names: delete those about the person"
