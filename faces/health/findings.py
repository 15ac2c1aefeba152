"""What is wrong, how bad that is, and the line that mends it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from es_setup.connection import Connection, without_password

Severity = Literal["error", "warning", "hint"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "hint")
"""From bad to harmless. An error: something doesn't work, or soon won't. A warning: it works, and shouldn't
stay so. A hint: something to know or to do."""


@dataclass(frozen=True)
class Finding:
    """
    code: in words with hyphens, which stay the same from release to release.
    problem: what is wrong, on one line.
    remedy: a command to paste, or the request or setting that mends it.
    """

    severity: Severity
    code: str
    problem: str
    remedy: str

    def as_json(self) -> dict[str, str]:
        return {
            "severity": self.severity,
            "code": self.code,
            "problem": self.problem,
            "remedy": self.remedy,
        }


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first; of one severity in the order in which they were found."""
    return sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))


@dataclass(frozen=True)
class Requests:
    """Requests to Elasticsearch as lines for a shell. No line has a key or a password: they are read from the
    environment, as the commands do."""

    connection: Connection

    def line(self, method: str, path: str, body: dict[str, Any] | None = None) -> str:
        url = without_password(self.connection.es_url).rstrip("/")
        # The address alone in double quotes, which the shell looks into: a path has names from outside.
        target = f'"$ES_URL"{shlex.quote(path)}' if "***" in url else shlex.quote(url + path)
        words = ["curl -sS -X", method, *self._access(), target]
        if body is not None:
            words += ["-H 'Content-Type: application/json' -d", shlex.quote(json.dumps(body))]
        return " ".join(words)

    def _access(self) -> list[str]:
        found = []
        if self.connection.es_ca_certs:
            found.append(f"--cacert {shlex.quote(str(self.connection.es_ca_certs))}")
        if self.connection.es_api_key:
            found.append('-H "Authorization: ApiKey $ES_API_KEY"')
        elif self.connection.es_user:
            found.append('-u "$ES_USER:$ES_PASSWORD"')
        return found
