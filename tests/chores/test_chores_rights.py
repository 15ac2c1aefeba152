"""Which role each chore needs, on a node with security."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from secured import PASSWORD, ROOT, Authority, security
from typer.testing import CliRunner

from es_setup.connection import Connection
from es_setup.embedded.local_node import running_node
from es_setup.install import install
from es_setup.shipped_files import role_requests
from faces.cli import app
from faces.local_stack import LocalStack, working_folder

ROLES = {request.path.rsplit("/", 1)[1]: request.body for request in role_requests()}
ADMIN, REEMBEDDER = "faces_admin", "keeper_of_models"
Run = Callable[..., dict]


@pytest.fixture(scope="module")
def run_as(home: Path, running: LocalStack, tmp_path_factory) -> Iterator[Run]:
    """Runs a command as a user; returns what it prints as JSON. An admin has installed everything."""
    authority = Authority(tmp_path_factory.mktemp("tls"), "ours")
    guard = security(authority, ROLES, several={REEMBEDDER: [ADMIN, "faces_reembedder"]})
    settings = {"face.endpoint.default.urls": running.service.url}
    with working_folder() as folder, running_node(home, folder, settings, security=guard) as node:

        def run(user: str, *words: object, status: int = 0) -> dict:
            variables = {
                "ES_URL": node.url,
                "FACES_URL": running.service.url,
                "ES_USER": user,
                "ES_PASSWORD": PASSWORD,
                "ES_CA_CERTS": str(authority.certificate),
            }
            as_json = [] if words[0] == "install" else ["--json"]
            result = CliRunner().invoke(app, [*map(str, words), *as_json], env=variables)
            assert result.exit_code == status, f"{words}: {result.output}"
            return json.loads(result.stdout) if as_json and result.stdout else {}

        admin = Connection(node.url, es_user=ADMIN, es_password=PASSWORD, es_ca_certs=authority.certificate)
        for _ in install(admin.elasticsearch(), running.model):
            pass
        yield run


@pytest.fixture
def photos(people, tmp_path: Path) -> Path:
    """Three photos of Ann, one of them twice, and two of Ben."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, own, count in (("ann", "mindy_kaling", 3), ("ben", "ben_afflek", 2)):
        for number, photo in enumerate(people[own][:count]):
            shutil.copy(photo, folder / f"{name}-{number}.jpg")
    shutil.copy(folder / "ann-0.jpg", folder / "again.jpg")
    return folder


def test_the_admin_does_each_chore_and_another_role_gives_another_model(run_as, photos, new_service):
    assert run_as(ADMIN, "index", photos)["faces"] > 0
    assert run_as(ADMIN, "versions", photos / "ann-0.jpg")["versions"]
    run_as(ADMIN, "duplicates")
    groups = run_as(ADMIN, "group")["groups"]
    assert groups
    run_as(ADMIN, "group", "list")
    run_as(ADMIN, "group", "name", groups[0]["id"], "--name", "Ann", "--yes")
    (photos / "ben-1.jpg").unlink()
    run_as(ADMIN, "index", photos, "--prune", "--yes")

    words = ("reembed", "--profile", "facenet-sface", "--to-url", new_service.url, "--photos", photos)
    run_as(ADMIN, *words, "--dry-run")
    run_as(ADMIN, *words, status=1)
    found = [one["name"] for one in run_as(ADMIN, "status")["elasticsearch"]["indices"]]
    assert "faces-000002" not in found, "nothing was changed"
    assert run_as(REEMBEDDER, *words)["state"] == "settled"
    assert run_as(REEMBEDDER, "reembed", "--rollback")["state"] == "settled"
    assert run_as(REEMBEDDER, "reembed", "--finish", "--yes")["deleted"]

    run_as(ROOT, "install", "--without-plugin")
    run_as(ADMIN, "worker", "--once")
