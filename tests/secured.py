"""A node with security, for tests: users and roles in files, certificates of our own."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from es_setup.embedded.local_node import Security

ROOT = "root"
PASSWORD = "not secret"
EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


class Authority:
    """A certificate authority for loopback; its own certificate is ``certificate``."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = name
        self.certificate = folder / f"{name}.crt"
        self._key = folder / f"{name}.key"
        subject = ("-subj", f"/CN={name}", "-addext", "keyUsage=critical,keyCertSign")
        _openssl("req", "-x509", *EC, *subject, "-keyout", self._key, "-out", self.certificate)

    def issue(self, name: str, hosts: str = "IP:127.0.0.1,DNS:localhost") -> tuple[Path, Path]:
        """(certificate, key) for 127.0.0.1, or for other hosts."""
        certificate, key, request, names = (
            self._folder / f"{name}.{kind}" for kind in ("crt", "key", "csr", "cnf")
        )
        names.write_text(f"subjectAltName={hosts}\n")
        _openssl("req", *EC, "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        signing = ("-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial", "-days", "2")
        _openssl("x509", "-req", "-in", request, *signing, "-extfile", names, "-out", certificate)
        return certificate, key


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


def password_hash(password: str) -> str:
    """The hash in the file realm's format."""
    salt = b"a salt for the tests of 32 bytes"
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 10_000, 32)
    return "{PBKDF2}10000$" + "$".join(base64.b64encode(part).decode() for part in (salt, digest))


def security(
    authority: Authority,
    roles: Mapping[str, Mapping[str, Any]],
    files: Mapping[str, str] | None = None,
    keystore: Mapping[str, str] | None = None,
    several: Mapping[str, Sequence[str]] | None = None,
) -> Security:
    """A user for each role, of the same name, and a superuser `root`; all passwords are ``PASSWORD``.

    Args:
        several: more users, each with several of the roles.
    """
    certificate, key = authority.issue("http")
    users = {ROOT: ["superuser"]} | {name: [name] for name in roles} | dict(several or {})
    holders = {role: [user for user, own in users.items() if role in own] for role in ("superuser", *roles)}
    return Security(
        user=ROOT,
        password=PASSWORD,
        certificate_authority=authority.certificate,
        files={
            "users": "".join(f"{user}:{password_hash(PASSWORD)}\n" for user in users),
            "users_roles": "".join(f"{role}:{','.join(own)}\n" for role, own in holders.items()),
            "roles.yml": "".join(f"{name}: {json.dumps(body)}\n" for name, body in roles.items()),
            "http.crt": certificate.read_text(),
            "http.key": key.read_text(),
            **(files or {}),
        },
        keystore=keystore or {},
    )
