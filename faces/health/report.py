"""All that `faces status` and `faces doctor` know."""

from __future__ import annotations

from dataclasses import dataclass

from elasticsearch import ApiError, TransportError

from es_setup.connection import Connection, ConnectionFailed, without_password
from faces.erasure.forgotten import Run
from faces.health import cluster, disk, endpoints, erasures, index_findings, installation, reembeddings
from faces.health.asking import Asking, Unseen
from faces.health.cluster import Cluster
from faces.health.disk import Disk
from faces.health.endpoints import Endpoints, ServiceState
from faces.health.findings import Finding, Requests, in_order
from faces.health.indices import Indices, indices_of
from faces.health.installation import Installation
from faces.reembedding.standing import Standing


@dataclass(frozen=True)
class ElasticsearchReport:
    """Each part is None if it can't be seen, or if Elasticsearch stopped answering before it.

    unfinished: runs of `faces forget`; reembeddings: of `faces reembed`, whose old indices are there.
    failure: why nothing more was asked; None if all was.
    """

    url: str
    cluster: Cluster | None = None
    disks: tuple[Disk, ...] | None = None
    indices: Indices | None = None
    installation: Installation | None = None
    endpoints: Endpoints | None = None
    unfinished: tuple[Run, ...] | None = None
    reembeddings: tuple[Standing, ...] | None = None
    unseen: tuple[Unseen, ...] = ()
    failure: ApiError | TransportError | ConnectionFailed | None = None

    @property
    def unfinished_reembeddings(self) -> int | None:
        """How many runs of `faces reembed` have something left to do; None if that can't be seen."""
        if self.reembeddings is None:
            return None
        return sum(not one.is_settled for one in self.reembeddings)

    @property
    def by_worker(self) -> bool:
        """Whether it is installed for nodes without the plugin."""
        return self.installation is not None and self.installation.by_worker


@dataclass(frozen=True)
class HealthReport:
    elasticsearch: ElasticsearchReport
    service: ServiceState


def report(connection: Connection) -> HealthReport:
    """Asks Elasticsearch and the service. No question waits for more than 10 seconds."""
    return HealthReport(_elasticsearch(connection), endpoints.service_of(connection))


def _elasticsearch(connection: Connection) -> ElasticsearchReport:
    found: dict[str, object] = {"url": without_password(connection.es_url)}
    try:
        asking = Asking(connection.elasticsearch())
    except ConnectionFailed as error:
        return ElasticsearchReport(without_password(connection.es_url), failure=error)
    try:
        version = asking.ask("Elasticsearch's version", cluster.version_of, None)
        if version and int(version.partition(".")[0]) < cluster.OLDEST:
            found["cluster"] = Cluster(version, None, None, None)
        else:
            _ask_all(asking, version, found)
    except (ApiError, TransportError) as error:
        found["failure"] = error
    return ElasticsearchReport(**found, unseen=tuple(asking.unseen))  # type: ignore[arg-type]


def _ask_all(asking: Asking, version: str | None, found: dict[str, object]) -> None:
    """Puts each part into ``found`` once it is known, so that it stays if a later question isn't answered."""
    found["cluster"] = cluster.cluster_of(asking, version)
    found["indices"] = indices = indices_of(asking)
    found["installation"] = made = installation.installation_of(asking, indices or Indices())
    found["disks"] = disk.disks_of(asking)
    # Without the plugin no node has any.
    found["endpoints"] = None if made.by_worker else endpoints.endpoints_of(asking)
    found["unfinished"] = erasures.unfinished_of(asking)
    found["reembeddings"] = reembeddings.reembeddings_of(asking)


def findings(
    health: HealthReport, connection: Connection, unreachable: str | None, target: str | None = None
) -> list[Finding]:
    """What is wrong, the worst first.

    Args:
        unreachable: why Elasticsearch doesn't answer, in words, if it doesn't.
        target: the version of Elasticsearch that the cluster will move to, if it is asked about.
    """
    requests, es = Requests(connection), health.elasticsearch
    served = health.service.served
    found = [Finding("error", "elasticsearch", unreachable, _reach(es))] if unreachable else []
    if es.cluster:
        found += cluster.findings(es.cluster, target, requests, es.by_worker)
    found += endpoints.findings(es.endpoints or Endpoints(), health.service, requests)
    if es.installation:
        found += installation.findings(es.installation, requests)
    if es.indices:
        found += index_findings.findings(es.indices, served.id if served else None, requests)
    found += disk.findings(es.disks or (), requests)
    found += erasures.findings(es.unfinished or ())
    found += reembeddings.findings(es.reembeddings or ())
    found += [_unseen(one) for one in es.unseen]
    return in_order(found)


def _reach(es: ElasticsearchReport) -> str:
    refused = isinstance(es.failure, ApiError) and es.failure.status_code in (401, 403)
    return "export ES_API_KEY=…  # or ES_USER and ES_PASSWORD" if refused else "export ES_URL=http://…"


def _unseen(one: Unseen) -> Finding:
    right = f"this user lacks the {one.privilege}" if one.privilege else one.why
    return Finding(
        "warning",
        "unseen",
        f"not looked at: {one.what}: {right}",
        "export ES_API_KEY=…  # of a user with the role [faces_admin]",
    )
