"""What `faces install` made: what is missing of it, what somebody changed, what isn't safe."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import client_side, index_settings, keeping
from es_setup.install import missing
from es_setup.keeping import PutOutcome
from es_setup.models import recorded_in_template
from es_setup.other_models import written_to
from es_setup.request_logs import AUDIT, LoggedRequests, settings_that_log
from es_setup.shipped_files import JOURNAL
from faces.health.asking import Asking
from faces.health.findings import Finding, Requests
from faces.health.indices import Indices

AGAIN = "faces install"
ELSEWHERE = (f"/{JOURNAL}", "(index.default_pipeline)")
"""How paths end of what is missing and has a finding of its own."""


@dataclass(frozen=True)
class Unchecked:
    """An index that doesn't refuse forged faces. checking: its own final pipeline, with the check added."""

    why: str
    pipeline: str
    checking: dict[str, Any]


@dataclass(frozen=True)
class Installation:
    """Each part is None where it can't be seen.

    missing: paths of what an installation would add.
    edited: pipelines and templates that aren't as shipped.
    logged: places whose settings let requests be logged, with photos and vectors in them.
    unchecked: indices that don't refuse forged faces.
    journal: whether there is one.
    by_worker: whether it is made for a cluster without the plugin.
    """

    missing: tuple[str, ...] | None
    edited: tuple[PutOutcome, ...] | None
    logged: tuple[LoggedRequests, ...] | None
    unchecked: tuple[Unchecked, ...] | None
    journal: bool | None
    by_worker: bool = False

    @property
    def again(self) -> str:
        """The command that made it."""
        return f"{AGAIN} --without-plugin" if self.by_worker else AGAIN


def installation_of(asking: Asking, indices: Indices) -> Installation:
    """
    Args:
        indices: those that are known to be ours.
    """
    with_pipeline = [index for index in indices.ours if not (index.closed or index.is_workers)]
    attached = [index.name for index in with_pipeline if index.is_attached]
    return Installation(
        missing=asking.ask("what is installed", lambda es: tuple(missing(es)), None),
        edited=asking.ask("changes to pipelines and templates", _edited, None),
        logged=asking.ask("settings of logs", lambda es: tuple(settings_that_log(es)), None),
        unchecked=asking.ask("final pipelines", lambda es: tuple(_unchecked(es, attached)), None),
        journal=asking.ask("the journal", lambda es: bool(es.indices.exists_alias(name=JOURNAL)), None),
        by_worker=asking.ask("whether the plugin is wanted", client_side.is_chosen, False),
    )


def _edited(es: Elasticsearch) -> tuple[PutOutcome, ...]:
    model = recorded_in_template(es).get("model")
    puts = client_side.installed_requests(es, model)
    outcomes = (keeping.decide(es, put, None, overwrite=False) for put in puts)
    return tuple(outcome for outcome in outcomes if outcome.state in ("kept", "updated"))


def _unchecked(es: Elasticsearch, attached: list[str]) -> Iterator[Unchecked]:
    by_worker = client_side.templated(es)
    checks = {index: index_settings.CHECK for index in written_to(es) if index not in by_worker}
    checks |= {index: f"{index_settings.CHECK}-{index}" for index in attached}
    for index, check in checks.items():
        if why := index_settings.unchecked(es, index, check):
            settings = es.indices.get_settings(index=index, name=index_settings.FINAL, flat_settings=True)
            pipeline = str(settings[index]["settings"][index_settings.FINAL])
            checking = keeping.standing_at(es, f"/_ingest/pipeline/{pipeline}") or {}
            checking["processors"] = [*checking.get("processors", []), {"pipeline": {"name": check}}]
            yield Unchecked(f"[{index}]: {why}", pipeline, checking)


def findings(installation: Installation, requests: Requests) -> Iterator[Finding]:
    again = installation.again
    if absent := [path for path in installation.missing or () if not path.endswith(ELSEWHERE)]:
        yield Finding("error", "missing", f"not installed: {', '.join(absent)}", again)
    for outcome in installation.edited or ():
        changes = "; ".join(map(str, outcome.differences))
        if outcome.state == "updated":
            yield Finding(
                "hint", "older-release", f"[{outcome.path}] is of another release: {changes}", again
            )
        else:
            yield Finding(
                "hint",
                "edited",
                f"[{outcome.path}] was changed by somebody: {changes}. Keep that, or replace all changes:",
                f"{again} --overwrite",
            )
    for place in installation.logged or ():
        yield Finding(
            "warning",
            "logged-requests",
            f"Elasticsearch's logs can hold vectors and photos, by {place}: switch it off, or keep the logs "
            "as safe as the indices, see docs/operations.md",
            _switched_off(place, requests, again),
        )
    for one in installation.unchecked or ():
        line = requests.line("PUT", f"/_ingest/pipeline/{one.pipeline}", one.checking)
        yield Finding("warning", "unchecked-faces", one.why, line)
    if installation.journal is False:
        yield Finding(
            "error",
            "no-journal",
            f"there is no journal [{JOURNAL}]: nothing that people say can be written, reviewed or undone",
            again,
        )


def _switched_off(place: LoggedRequests, requests: Requests, again: str) -> str:
    if place.index:
        return requests.line("PUT", f"/{place.index}/_settings", {place.setting: None})
    if place.template:
        return f"{again} --overwrite"
    if place.setting == AUDIT:
        return f"echo '{AUDIT}: false' >> config/elasticsearch.yml  # on each node, then restart it"
    off = {place.setting: None}
    return requests.line("PUT", "/_cluster/settings", {"persistent": off, "transient": off})
