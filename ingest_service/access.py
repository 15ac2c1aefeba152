"""The settings of who may reach and use the service, checked before it starts."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ingest_service.errors import SettingsError

LACKS = ("no-key", "no-tls")
"""Values of FACES_INSECURE: what a service beyond loopback may lack."""
PAGES = ("docs", "metrics", "models")
"""Values of FACES_OPEN_PAGES."""
KEY = re.compile(r"[!-~]+")
"""Characters that a header can carry, and no space, at which a client may cut it."""
HOST_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9])?\.?", re.IGNORECASE)


def read(environment: Mapping[str, str]) -> dict[str, Any]:
    """The fields of ``Settings`` that say who may use the service.

    Raises:
        SettingsError: one can't be used, is blank, or leaves the service open beyond loopback unasked.
    """
    keys = _api_keys(environment)
    certificate, key = _file(environment, "FACES_TLS_CERTIFICATE"), _file(environment, "FACES_TLS_KEY")
    if key and not certificate:
        raise SettingsError("FACES_TLS_KEY is set, but FACES_TLS_CERTIFICATE isn't: set both, or neither")
    host = _text(environment, "FACES_HOST") or "127.0.0.1"
    insecure = _choices(environment, "FACES_INSECURE", LACKS)
    address = _address(host)
    lacks = [lack for lack, found in zip(LACKS, (keys, certificate), strict=True) if not found]
    unasked = [lack for lack in lacks if lack not in insecure]
    if unasked and not ipaddress.ip_address(address).is_loopback:
        raise SettingsError(_beyond_loopback(host, unasked, ",".join(lacks)))
    return {
        "host": address,
        "allowed_hosts": _host_names(environment) | ({host.lower()} if host != address else set()),
        "open_pages": _choices(environment, "FACES_OPEN_PAGES", PAGES),
        "api_keys": keys,
        "tls_certificate": certificate,
        "tls_key": key,
    }


def _beyond_loopback(host: str, unasked: list[str], lacks: str) -> str:
    missing = {"no-key": "without a key", "no-tls": "without TLS"}
    described = " and ".join(missing[lack] for lack in unasked)
    return (
        f"FACES_HOST is [{host}], which other machines reach, {described}: set "
        "FACES_API_KEYS_FILE, FACES_TLS_CERTIFICATE and FACES_TLS_KEY; or, if something else protects the "
        f"service, FACES_INSECURE={lacks}"
    )


def _address(host: str) -> str:
    """Where to listen, IPv4 if the name has both: resolved once, so that what is checked is what is bound."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise SettingsError(
            f"FACES_HOST is [{host}], which is no address or name of this machine; 127.0.0.1 is loopback"
        ) from None
    *_, first = min(found, key=lambda one: one[0] != socket.AF_INET)
    return str(first[0])


def _api_keys(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The key of the environment, and those of the file, where empty lines and # comments don't count."""
    keys = []
    if key := _text(environment, "FACES_API_KEY"):
        _require_key("FACES_API_KEY", key)
        keys.append(key)
    if file := _file(environment, "FACES_API_KEYS_FILE"):
        lines = [line.strip() for line in file.read_text(errors="replace").splitlines()]
        found = [line for line in lines if line and not line.startswith("#")]
        if not found:
            raise SettingsError(f"FACES_API_KEYS_FILE is [{file}], but has no key: everybody would get in")
        for number, line in enumerate(lines, 1):
            if line in found:
                _require_key(f"FACES_API_KEYS_FILE [{file}], line {number},", line)
        keys += found
    return tuple(keys)


def _require_key(place: str, key: str) -> None:
    if not KEY.fullmatch(key):
        raise SettingsError(
            f"{place} has a character that no key may have: use letters, digits and punctuation of ASCII; "
            "`openssl rand -hex 32` makes one"
        )


def _choices(environment: Mapping[str, str], name: str, valid: tuple[str, ...]) -> frozenset[str]:
    chosen = _list(environment, name)
    for choice in chosen:
        if choice not in valid:
            raise SettingsError(f"{name} has [{choice}], valid values are {list(valid)}, separated by commas")
    return frozenset(chosen)


def _host_names(environment: Mapping[str, str]) -> set[str]:
    names = _list(environment, "FACES_ALLOWED_HOSTS")
    for name in names:
        if not HOST_NAME.fullmatch(name):
            raise SettingsError(
                f"FACES_ALLOWED_HOSTS has [{name}], which is no host's name: write it without scheme and port"
            )
    return {name.lower().rstrip(".") for name in names}


def _list(environment: Mapping[str, str], name: str) -> list[str]:
    return [part.strip() for part in (_text(environment, name) or "").split(",") if part.strip()]


def _text(environment: Mapping[str, str], name: str) -> str | None:
    """
    Raises:
        SettingsError: it is set, but blank: whoever meant to set it would get the default unasked.
    """
    text = environment.get(name)
    if text is not None and not text.strip():
        raise SettingsError(f"{name} is blank: give it a value, or unset it")
    return text


def _file(environment: Mapping[str, str], name: str) -> Path | None:
    text = _text(environment, name)
    if text is None:
        return None
    if not os.access(text, os.R_OK) or Path(text).is_dir():
        raise SettingsError(f"{name} is [{text}], which isn't a file that can be read")
    return Path(text)
