"""What a page in somebody's browser may ask: nothing, unless the page is the service's own.

A browser sends a page's requests to any address that the person's machine reaches. It keeps the page from
reading the answers of other origins, unless a name of the page's own suddenly resolves to the service (DNS
rebinding). Without a key both have to be refused here: by Origin and Sec-Fetch-Site, which pages can't forge,
and by the name in Host.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from flask import Flask, request

from ingest_service.errors import FaceServiceError
from ingest_service.keys import is_authorized
from ingest_service.settings import Settings

FOREIGN_SITES = ("cross-site", "same-site")
DEFAULT_PORTS = {"http": 80, "https": 443}


def refuse_pages(app: Flask, settings: Settings) -> None:
    """Refuses requests of other origins' pages, also their questions beforehand (CORS), and, if there are no
    keys, those for a name that isn't the service's. A request with the key is no such page's."""

    @app.before_request
    def refuse() -> None:
        if request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            raise FaceServiceError("cross_origin", "a page of another address can't ask this service")
        if settings.api_keys and is_authorized(request.headers.get("Authorization", ""), settings.api_keys):
            return
        if not settings.api_keys and not _is_own_name(request.headers.get("Host"), settings.allowed_hosts):
            raise FaceServiceError("cross_origin", "the request's Host is no name of this service's")
        if not _is_own_page(settings):
            raise FaceServiceError("cross_origin", "a page of another address can't ask this service")


def _is_own_name(host: str | None, allowed: frozenset[str]) -> bool:
    """Addresses are: they can't be made to mean another machine. So is none, as browsers always send one."""
    if host is None:
        return True
    name = _name_and_port(host)[0]
    if name is None:
        return False
    return name == "localhost" or name in allowed or _is_address(name)


def _is_own_page(settings: Settings) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        is_link = (
            request.method in ("GET", "HEAD")
            and request.headers.get("Sec-Fetch-Mode") == "navigate"
            and request.headers.get("Sec-Fetch-Dest") == "document"
        )
        return is_link or request.headers.get("Sec-Fetch-Site") not in FOREIGN_SITES
    scheme, _, rest = origin.partition("://")
    name, port = _name_and_port(rest)
    if name is None or scheme not in DEFAULT_PORTS:
        return False
    if name in settings.allowed_hosts:
        return True
    own_name, own_port = _name_and_port(request.headers.get("Host", ""))
    default = DEFAULT_PORTS[scheme]
    # A proxy may speak TLS for us, but not the other way round.
    has_our_scheme = scheme == "https" or settings.tls_certificate is None
    return has_our_scheme and name == own_name and (port or default) == (own_port or default)


def _name_and_port(host: str) -> tuple[str | None, int | None]:
    """Of a Host header or of an origin without its scheme; no name if it is neither."""
    if "@" in host or "/" in host or "\\" in host:
        return None, None
    try:
        parts = urlsplit(f"//{host}")
        return (parts.hostname or "").rstrip(".") or None, parts.port
    except ValueError:
        return None, None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
