"""How the local stack starts, with fake servers."""

from __future__ import annotations

import re
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from es_setup.install import InstallError
from faces import local_stack
from ingest_service.weights.cache import Cache

REFUSED = "[faces-000001] holds vectors of another model"


@pytest.fixture
def refused(monkeypatch):
    """Servers that start at once, and an installation that is refused because of existing data."""

    @contextmanager
    def started(*_arguments):
        yield SimpleNamespace(url="http://127.0.0.1:1", model="facenet-00000000", dims=128)

    def install(*_arguments, **_options):
        raise InstallError(REFUSED)
        yield

    monkeypatch.setattr(local_stack, "running_service", started)
    monkeypatch.setattr(local_stack.local_node, "running_node", started)
    monkeypatch.setattr(local_stack, "install", install)


def test_with_data_a_refused_installation_is_reported_and_the_servers_run(refused, tmp_path):
    said: list[str] = []
    with local_stack.running_stack(Cache(tmp_path), tmp_path, said.append, data=tmp_path) as running:
        assert running.connection.es_url == "http://127.0.0.1:1"
    assert REFUSED in said[-1]


def test_without_data_a_refused_installation_is_an_error(refused, tmp_path):
    with (
        pytest.raises(InstallError, match=re.escape(REFUSED)),
        local_stack.running_stack(Cache(tmp_path), tmp_path, lambda _: None),
    ):
        pytest.fail("started")
