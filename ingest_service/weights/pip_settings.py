"""What the user has told pip about package indexes: mirrors, proxies, certificates."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

PYPI = "https://pypi.org/simple/"
SECTIONS = ("global", "download", ":env:")
"""Of pip's configuration, those that ``pip download`` reads; a later one wins."""


@dataclass(frozen=True)
class PipSettings:
    """Named as in pip's configuration.

    Attributes:
        indexes: base URLs in PyPI's simple form, or folders of that form; the first is asked first.
        find_links: pages or folders with files of releases.
        trusted_hosts: whose certificates aren't checked, as `host` or `host:port`.
        timeout: of a connection, and of each wait for bytes, in seconds.
    """

    indexes: tuple[str, ...] = (PYPI,)
    find_links: tuple[str, ...] = ()
    cert: str | None = None
    client_cert: str | None = None
    proxy: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    timeout: float = 60


def pip_settings() -> PipSettings:
    """From pip's files and the variables ``PIP_…``; without pip here, from those variables."""
    return parse(_listed() if find_spec("pip") else _variables())


def parse(settings: Mapping[str, str]) -> PipSettings:
    """
    Args:
        settings: name in pip's configuration, without its section -> value.
    """
    indexes = (settings.get("index-url", PYPI), *settings.get("extra-index-url", "").split())
    if settings.get("no-index", "").lower() in ("1", "true", "yes", "on", "t", "y"):
        indexes = ()
    return PipSettings(
        indexes=indexes,
        find_links=tuple(settings.get("find-links", "").split()),
        cert=settings.get("cert"),
        client_cert=settings.get("client-cert"),
        proxy=settings.get("proxy"),
        trusted_hosts=tuple(settings.get("trusted-host", "").split()),
        timeout=float(settings.get("timeout", settings.get("default-timeout", PipSettings.timeout))),
    )


def _listed() -> dict[str, str]:
    """By ``pip config list``, whose lines are such as ``global.index-url='https://…'``."""
    command = [sys.executable, "-m", "pip", "config", "list", "--disable-pip-version-check"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    found: dict[str, dict[str, str]] = {section: {} for section in SECTIONS}
    for line in result.stdout.splitlines() if result.returncode == 0 else ():
        name, _, value = line.partition("=")
        section, _, key = name.partition(".")
        if section in found:
            found[section][key] = str(ast.literal_eval(value))
    return {key: value for section in SECTIONS for key, value in found[section].items()}


def _variables() -> dict[str, str]:
    return {
        name.removeprefix("PIP_").lower().replace("_", "-"): value
        for name, value in os.environ.items()
        if name.startswith("PIP_")
    }
