"""Finds the settings by which Elasticsearch logs requests, with the vectors and photos in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from es_setup import models
from es_setup.shipped_files import ALIASES

SLOW_LOGS = ("index.search.slowlog.threshold.", "index.indexing.slowlog.threshold.")
AUDIT = "xpack.security.audit.logfile.events.emit_request_body"
HTTP_TRACERS = ("logger.org.elasticsearch.http.HttpTracer", "logger.org.elasticsearch.http.HttpBodyTracer")
OFF = ("-1", "-1ms", "")


@dataclass(frozen=True)
class LoggedRequests:
    """A setting that lets requests be logged: of ``index``, of the next index of the alias ``template``, or
    of the cluster."""

    setting: str
    index: str | None = None
    template: str | None = None

    def __str__(self) -> str:
        if self.template:
            return f"template of [{self.template}] {self.setting}"
        return f"[{self.index}] {self.setting}" if self.index else self.setting


def logged_requests(es: Elasticsearch) -> list[str]:
    """As `settings_that_log`, in words."""
    return [str(found) for found in settings_that_log(es)]


def settings_that_log(es: Elasticsearch) -> list[LoggedRequests]:
    """Each place whose settings let requests be logged, and the setting: slow logs of our indices, attached
    ones included, and of those that our templates create next; request bodies in the audit log; the tracer of
    HTTP bodies."""
    found = [LoggedRequests(setting, index=index) for index, setting in sorted(_slow_logs(es))]
    for alias in ALIASES:
        found += [LoggedRequests(setting, template=alias) for setting in sorted(_of_template(es, alias))]
    return found + [LoggedRequests(setting) for setting in sorted(_of_cluster(es))]


def _slow_logs(es: Elasticsearch) -> Iterator[tuple[str, str]]:
    mappings = es.indices.get_mapping(index="*", filter_path=f"*.mappings._meta.{models.OURS}")
    ours = {index for index, found in mappings.items() if models.recorded(found["mappings"])}
    settings = es.indices.get_settings(index="*", name="index.*.slowlog.*", flat_settings=True)
    for index, found in settings.items():
        if index in ours:
            for setting in _on(found["settings"]):
                yield index, setting


def _of_template(es: Elasticsearch, alias: str) -> Iterator[str]:
    """The slow logs of the next index of ``alias``, if it has a template that the user may read."""
    try:
        found = es.indices.simulate_index_template(name=f"{alias}-999999")
    except ApiError as error:
        if error.status_code != 403:
            raise
        return
    yield from _on(flat(found.get("template", {}).get("settings", {})))


def _of_cluster(es: Elasticsearch) -> Iterator[str]:
    found = es.cluster.get_settings(flat_settings=True, include_defaults=True)
    known: dict[str, Any] = found["defaults"] | found["persistent"] | found["transient"]
    if known.get(AUDIT) == "true" and known.get("xpack.security.audit.enabled") == "true":
        yield AUDIT
    yield from (name for name in HTTP_TRACERS if str(known.get(name, "")).lower() == "trace")


def _on(settings: dict[str, Any]) -> Iterator[str]:
    for name, value in settings.items():
        if name.startswith(SLOW_LOGS) and str(value) not in OFF:
            yield name


def flat(settings: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Nested settings by their full names."""
    found: dict[str, Any] = {}
    for name, value in settings.items():
        found |= flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return found
