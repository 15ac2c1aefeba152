"""Whether the inference service answers: the nodes of Elasticsearch, and this command."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from shlex import quote
from typing import Any

from elasticsearch import ConnectionTimeout, Elasticsearch

from es_setup.connection import (
    RETRYABLE,
    Connection,
    ConnectionFailed,
    ServedModel,
    ServiceRefused,
    without_password,
)
from es_setup.keeping import JSON
from es_setup.shipped_files import ALIASES
from faces.health.asking import TIMEOUT, Asking
from faces.health.findings import Finding, Requests
from faces.refusals import pixel, why_unanswered

START = "python -m ingest_service  # or: export FACES_URL=http://…"
DEFAULT = "default"
"""The endpoint of a `face` processor that names none."""
OUT = "out"
"""The state of a copy that failed."""
UNAUTHORIZED = 401


@dataclass(frozen=True)
class Endpoint:
    """An endpoint as one node has it.

    urls: address of each copy -> ``in`` or ``out``.
    problem: why it can't be used; None if it can.
    """

    node: str
    name: str
    urls: dict[str, str]
    problem: str | None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Endpoints:
    """
    known: None if they can't be seen, as without the plugin.
    without: nodes that have none.
    unanswered: why a node that was asked got no answer; None if it got one, or can't be asked.
    """

    known: tuple[Endpoint, ...] | None = None
    without: tuple[str, ...] = ()
    unanswered: str | None = None


@dataclass(frozen=True)
class ServiceState:
    """
    served: None if the service isn't ready; problem: why not, or why it refuses this command's photos.
    key_accepted: None if it isn't known.
    """

    url: str
    served: ServedModel | None = None
    key_accepted: bool | None = None
    problem: str | None = None


def endpoints_of(asking: Asking) -> Endpoints:
    stats = asking.ask("endpoints of the nodes", _stats, None)
    if stats is None:
        return Endpoints()
    known, without = [], []
    only_asked = _only_asked_for(asking, stats)
    for node in sorted(stats.values(), key=lambda node: str(node["name"])):
        name = str(node["name"])
        there = {one: facts for one, facts in node["endpoints"].items() if one not in only_asked}
        without += [] if there else [name]
        for endpoint, facts in there.items():
            urls = {without_password(copy["url"]): str(copy["state"]) for copy in facts.get("urls", [])}
            known.append(Endpoint(name, endpoint, urls, facts.get("message")))
    unanswered = asking.ask("whether the service answers Elasticsearch", _unanswered, None)
    return Endpoints(tuple(known), tuple(without), unanswered)


def _only_asked_for(asking: Asking, stats: dict[str, Any]) -> set[str]:
    """Names that no setting and no pipeline has: a search named them, perhaps by mistake, and the nodes
    remember what became of it."""
    unknown = {
        name
        for node in stats.values()
        for name, facts in node["endpoints"].items()
        if facts.get("configured") is False
    }
    if not unknown:
        return set()
    pipelines = asking.ask("endpoints of the pipelines", lambda es: es.ingest.get_pipeline().body, None)
    return set() if pipelines is None else unknown - set(_named_in(pipelines))


def _named_in(part: Any) -> Iterator[str]:
    """The endpoints of all `face` processors, those of `foreach` and `on_failure`, too."""
    if isinstance(part, dict):
        if isinstance(options := part.get("face"), dict):
            yield str(options.get("endpoint", DEFAULT))
        part = list(part.values())
    for one in part if isinstance(part, list) else []:
        yield from _named_in(one)


def _stats(es: Elasticsearch) -> dict[str, Any]:
    found: dict[str, Any] = es.perform_request("GET", "/_face/stats", headers=JSON).body["nodes"]
    return found


def _unanswered(es: Elasticsearch) -> str | None:
    """Through the first alias that there is."""
    alias = next((alias for alias in ALIASES if es.indices.exists_alias(name=alias)), None)
    try:
        return why_unanswered(es, alias) if alias else None
    except ConnectionTimeout:
        return f"no answer within {TIMEOUT} seconds"


def service_of(connection: Connection) -> ServiceState:
    service = connection.service()
    url = without_password(connection.faces_url)
    try:
        served = service.model()
    except ConnectionFailed as error:
        return ServiceState(url, problem=str(error))
    try:
        # By a photo: everything else may be open to all.
        service.check(pixel(), TIMEOUT)
    except ServiceRefused as error:
        if error.status == UNAUTHORIZED:
            return ServiceState(url, served, key_accepted=False, problem=f"{error}: set FACES_API_KEY")
        busy = error.status in RETRYABLE
        return ServiceState(url, served, key_accepted=True, problem=None if busy else str(error))
    except ConnectionFailed as error:
        return ServiceState(url, served, problem=str(error))
    return ServiceState(url, served, key_accepted=True)


def findings(endpoints: Endpoints, service: ServiceState, requests: Requests) -> Iterator[Finding]:
    configured = requests.line(
        "PUT", "/_cluster/settings", {"persistent": {"face.endpoint.default.urls": [service.url]}}
    )
    for node in endpoints.without:
        yield Finding(
            "error",
            "no-endpoint",
            f"node [{node}] has no endpoint: it doesn't know the address of the inference service",
            configured,
        )
    for endpoint in endpoints.known or ():
        where = f"endpoint [{endpoint.name}] of node [{endpoint.node}]"
        if endpoint.problem:
            yield Finding("error", "endpoint-unusable", f"{where}: {endpoint.problem}", configured)
        if out := [url for url, state in endpoint.urls.items() if state == OUT]:
            all_out = len(out) == len(endpoint.urls)
            yield Finding(
                "error" if all_out else "warning",
                "endpoint-out",
                f"{where} gets no answer from {', '.join(out)}: start the service there",
                f"curl -sS {quote(out[0])}/readyz",
            )
    if endpoints.unanswered:
        yield Finding(
            "error",
            "endpoint-unanswered",
            f"Elasticsearch gets no answer of the inference service: {endpoints.unanswered}",
            _answering(endpoints.unanswered, service, configured),
        )
    yield from _of_service(service)


def _answering(why: str, service: ServiceState, configured: str) -> str:
    """What lets the service answer Elasticsearch.

    Args:
        why: it doesn't, in the plugin's words.
        configured: sets the address by which this command reaches it.
    """
    if f"status [{UNAUTHORIZED}]" in why:
        return (
            "bin/elasticsearch-keystore add face.endpoint.default.api_key  # on each node; then POST "
            "_nodes/reload_secure_settings"
        )
    return configured if service.served else START


def _of_service(service: ServiceState) -> Iterator[Finding]:
    if service.key_accepted is False:
        yield Finding("error", "service-key", str(service.problem), "export FACES_API_KEY=…")
    elif service.problem:
        yield Finding(
            "error",
            "service-down" if service.served is None else "service-refuses",
            service.problem,
            START,
        )
