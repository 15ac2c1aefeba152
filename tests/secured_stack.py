"""A node with security and a service with a key, as the tests of security share them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from elasticsearch import Elasticsearch
from secured import PASSWORD, Authority, security

from es_setup.embedded.local_node import Node, running_node
from es_setup.install import install
from es_setup.shipped_files import role_requests
from faces.local_service import RunningService, running_service
from ingest_service.weights.cache import Cache

KEY = "the-key-of-the-service-e4b1c0"
WRONG_KEY = "another-key-77d1a9"
SETTING = "face.endpoint.default.api_key"
OURS = {request.path.rsplit("/", 1)[1]: request.body for request in role_requests()}
ROLES = OURS | {
    "pipeline_author": {"cluster": ["manage_ingest_pipelines"]},
    "blind_sender": {
        "indices": [
            {"names": ["face-probes*"], "privileges": ["create_doc"]},
            {"names": ["faces-open"], "privileges": ["read"]},
        ]
    },
    "copier": {
        "indices": [
            {"names": ["face-probes*"], "privileges": ["create_doc", "indices:data/write/index:faces"]}
        ]
    },
    "installer": {
        "cluster": ["monitor", "manage_index_templates", "manage_ingest_pipelines"],
        "indices": [{"names": ["*"], "privileges": ["read", "view_index_metadata", "monitor"]}],
    },
    "tinkerer": {
        "cluster": ["manage_ingest_pipelines"],
        "indices": [
            {"names": ["mine", "mine-*"], "privileges": ["all"]},
            {"names": ["face-probes*"], "privileges": ["index", "create_doc", "auto_configure"]},
        ],
    },
    "visitor": {"indices": [{"names": ["faces-open"], "privileges": ["read"]}]},
}


@dataclass(frozen=True)
class Secured:
    node: Node
    service: RunningService
    authority: Authority

    def as_(self, user: str) -> Elasticsearch:
        return Elasticsearch(
            self.node.url,
            basic_auth=(user, PASSWORD),
            ca_certs=str(self.authority.certificate),
            request_timeout=120,
            max_retries=0,
        )

    def use_key(self, key: str) -> None:
        """Changes the plugin's key for the service, without a restart."""
        self.node.store_secret(SETTING, key)
        self.as_("faces_admin").nodes.reload_secure_settings()


@contextmanager
def running_secured(cache: Cache, home: Path, folder: Path, certificates: Path) -> Iterator[Secured]:
    """A node with security on, and a service with TLS and a key; pipelines and templates are installed."""
    ours, other = Authority(certificates, "ours"), Authority(certificates, "other")
    certificate, key = ours.issue("service")
    environment = {
        "FACES_TLS_CERTIFICATE": str(certificate),
        "FACES_TLS_KEY": str(key),
        "FACES_API_KEY": KEY,
    }
    authorities = {path.name: path.read_text() for path in (ours.certificate, other.certificate)}
    with running_service(
        cache, folder / "service", environment=environment, certificate_authority=ours.certificate
    ) as service:
        settings = {
            "face.endpoint.default.urls": service.url,
            "face.endpoint.default.ssl.certificate_authorities": ours.certificate.name,
        }
        guard = security(ours, ROLES, files=authorities, keystore={SETTING: KEY})
        with running_node(home, folder / "node", settings, security=guard) as node:
            found = Secured(node, service, ours)
            for _ in install(found.as_("faces_admin"), service.model):
                pass
            yield found
