"""What the tests of security share: a node with security on, a service with TLS and a key, and users."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from secured import Authority, security
from secured_stack import KEY, ROLES, SETTING, Secured

from es_setup.embedded.local_node import running_node
from es_setup.install import install
from faces import local_stack
from faces.local_service import running_service
from ingest_service.weights.cache import Cache


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    with local_stack.working_folder() as path:
        yield path


@pytest.fixture(scope="session")
def secured(
    cache: Cache, home: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Secured]:
    certificates = tmp_path_factory.mktemp("certificates")
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
