"""What the desk serves, to whom, and within which limits."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from es_setup.connection import Connection
from es_setup.shipped_files import ARCHIVE, GALLERY, PROBES

BOARD = "ingest-face-exploration"
"""The dashboard that shows a person's or a photo's documents."""
MAX_PHOTO_BYTES = 30_000_000
"""Of a photo that is dropped: as the service takes by default, and a little more for the form around it."""


@dataclass(frozen=True)
class DeskSettings:
    """
    connection: addresses; its credentials are the desk's own only where nobody signs in.
    has_users: whether people sign in with a user of Elasticsearch. Without, everybody who reaches the page
        may do everything, so it listens on loopback alone.
    kibana_url: where the boards are, as a browser reaches them; None: the page links to none.
    hosts: names by which a browser may address the page, beside the addresses of loopback; with users any.
    """

    connection: Connection
    has_users: bool
    host: str = "127.0.0.1"
    port: int = 8502
    kibana_url: str | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    archive: str = ARCHIVE
    probes: str = PROBES
    gallery: str = GALLERY
    max_body_bytes: int = MAX_PHOTO_BYTES + 1_000_000
    request_timeout_s: int = 30
    max_connections: int = 200
    max_connections_per_address: int = 100
    api_keys: tuple[str, ...] = ()

    @property
    def places(self) -> str:
        """Where photos are whose faces are looked for and named."""
        return f"{self.archive},{self.probes}"

    @property
    def everywhere(self) -> str:
        return f"{self.places},{self.gallery}"

    @property
    def url(self) -> str:
        scheme = "https" if self.tls_certificate else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    def board(self, name: str, query: str | None = None) -> str | None:
        """The address of a shipped board, filtered by a query in KQL."""
        if self.kibana_url is None:
            return None
        state = f"?_a=(query:(language:kuery,query:{_rison(query)}))" if query else ""
        return f"{self.kibana_url.rstrip('/')}/app/dashboards#/view/{name}{state}"


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def kql(field: str, value: str) -> str:
    """A query of Kibana for one exact value."""
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{field} : "{quoted}"'


def _rison(text: str) -> str:
    """A string of Kibana's URL state."""
    return quote("'" + text.replace("!", "!!").replace("'", "!'") + "'", safe="'!")
