"""An Elasticsearch without the plugin, beside the one with it."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import node9
import pytest
from elasticsearch import Elasticsearch
from tools import empty

from es_setup.embedded import distribution, plugins
from es_setup.embedded.local_node import running_node
from es_setup.install import install
from es_setup.shipped_files import CREATED
from faces.local_stack import LocalStack, working_folder
from ingest_service.weights.cache import Cache

VARYING = ("ingested", "duration", "lag")
"""Times of ``event``."""


@pytest.fixture(scope="session")
def plain(cache: Cache, version: str, running: LocalStack) -> Iterator[Elasticsearch]:
    """A node without the plugin, installed for `faces worker`."""
    with plain_node(cache, version) as url, Elasticsearch(url) as client:
        for step in install(client, running.model, without_plugin=True):
            assert not step.kept, step
        yield client


@contextmanager
def plain_node(cache: Cache, version: str) -> Iterator[str]:
    """The URL of a node without the plugin."""
    if version != plugins.elasticsearch_version():
        with (
            working_folder() as folder,
            node9.running_node(version, folder, {"http.port": "0"}, with_plugin=False) as url,
        ):
            yield url
        return
    home = distribution.prepare(cache.root, print)
    # Beside the other, where the user that runs Elasticsearch can read.
    own = home.with_name(f"plain-{uuid.uuid4().hex[:8]}")
    shutil.copytree(home, own, copy_function=os.link, symlinks=True)
    shutil.rmtree(own / "plugins" / "ingest-face")
    with removed(own), working_folder() as folder, running_node(own, folder, {}) as node:
        yield node.url


@contextmanager
def removed(folder: Path) -> Iterator[None]:
    """At the end of the block."""
    try:
        yield
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def there(plain: Elasticsearch, album, without) -> Callable[..., tuple[int, str, str]]:
    """The album is in the archive, nobody is named; runs a command there."""
    operations: list[dict] = []
    for key, document in album.documents.items():
        operations += [{"index": {"_index": "faces", "_id": key}}, document]
    assert not plain.bulk(operations=operations, refresh=True)["errors"]
    return without


@pytest.fixture
def without(plain: Elasticsearch, run) -> Callable[..., tuple[int, str, str]]:
    """Runs a command on the node without the plugin, whose indices are empty."""
    for alias in CREATED:
        empty(plain, alias)
    (url,) = (str(node.base_url) for node in plain.transport.node_pool.all())
    return partial(run, ES_URL=url)


def comparable(source: dict) -> dict:
    """Without what differs from run to run, and with numbers as Elasticsearch keeps them."""
    whole = json.loads(json.dumps(source), parse_float=lambda text: pytest.approx(float(text), abs=2e-6))
    event = whole.get("event", {})
    if whole.get("@timestamp") == event.get("ingested"):
        whole["@timestamp"] = "now"
    return whole | {"event": {key: value for key, value in event.items() if key not in VARYING}}
