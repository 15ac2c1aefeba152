"""A node with security and a service with a key, as the tests of security share them."""

from __future__ import annotations

from dataclasses import dataclass

from elasticsearch import Elasticsearch
from secured import PASSWORD, Authority

from es_setup.embedded.local_node import Node
from es_setup.shipped_files import role_requests
from faces.local_service import RunningService

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
