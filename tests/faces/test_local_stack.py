"""Starting both servers, with neither of them."""

from __future__ import annotations

from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from es_setup.install import InstallError
from faces import local_stack
from ingest_service.weights.cache import Cache


@pytest.fixture
def refused(monkeypatch):
    """Servers that start at once, and data that is in the way of pipelines and templates."""

    @contextmanager
    def started(*_arguments):
        yield SimpleNamespace(url="http://127.0.0.1:1", model="facenet-00000000")

    def install(*_arguments):
        raise InstallError("[faces-000001] holds vectors of another model")
        yield

    monkeypatch.setattr(local_stack, "running_service", started)
    monkeypatch.setattr(local_stack.nodes, "running_node", started)
    monkeypatch.setattr(local_stack, "install", install)


def test_servers_run_on_when_their_data_is_in_the_way_so_that_it_can_be_moved(refused, tmp_path):
    said: list[str] = []
    with local_stack.running_stack(Cache(tmp_path), tmp_path, said.append, data=tmp_path) as running:
        assert running.connection.es_url == "http://127.0.0.1:1"
    assert "[faces-000001] holds vectors of another model" in said[-1]


def test_without_data_of_ones_own_what_is_in_the_way_is_an_error(refused, tmp_path):
    with (
        pytest.raises(InstallError),
        local_stack.running_stack(Cache(tmp_path), tmp_path, lambda _: None),
    ):
        pytest.fail("started")
