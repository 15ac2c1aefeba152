"""`faces status` tells which settings let Elasticsearch log vectors and photos."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch
from secured import PASSWORD, ROOT
from secured_stack import Secured
from typer.testing import CliRunner

from es_setup.request_logs import logged_requests
from faces.cli import app

QUERY = "index.search.slowlog.threshold.query.trace"
INDEX = "index.indexing.slowlog.threshold.index.info"
TRACER = "logger.org.elasticsearch.http.HttpBodyTracer"


@pytest.fixture
def root(secured: Secured) -> Iterator[Elasticsearch]:
    """All that a test switches on is off at the end."""
    es = secured.as_(ROOT)
    yield es
    es.indices.put_settings(index="face*", settings={QUERY: None, INDEX: None})
    es.cluster.put_settings(persistent={TRACER: None})
    es.options(ignore_status=404).indices.delete_index_template(name="a-slow-one")


def test_slow_logs_are_told_and_switched_off_ones_are_not(root):
    assert logged_requests(root) == []
    root.indices.put_settings(index="faces-000001", settings={QUERY: "0ms", INDEX: "-1"})
    root.indices.put_settings(index="face-gallery-000001", settings={INDEX: "10s"})
    assert logged_requests(root) == [f"[face-gallery-000001] {INDEX}", f"[faces-000001] {QUERY}"]


def test_so_are_those_of_the_next_index_of_a_template(root):
    template = {"settings": {"index": {"search.slowlog.threshold.query.trace": "0ms"}}}
    root.indices.put_index_template(
        name="a-slow-one", index_patterns=["face-probes-*"], template=template, priority=999
    )
    assert logged_requests(root) == [f"template of [face-probes] {QUERY}"]


def test_so_is_the_tracer_of_bodies(root):
    root.cluster.put_settings(persistent={TRACER: "TRACE"})
    assert logged_requests(root) == [TRACER]


@pytest.fixture
def status(secured: Secured) -> Callable[..., str]:
    """The output of `faces status`, of the admin."""
    environment = {
        "ES_URL": secured.node.url,
        "ES_USER": "faces_admin",
        "ES_PASSWORD": PASSWORD,
        "ES_CA_CERTS": str(secured.authority.certificate),
    }
    return lambda *options: CliRunner().invoke(app, ["status", *options], env=environment).output


def test_status_warns(root, status):
    assert json.loads(status("--json"))["elasticsearch"]["logged"] == []
    root.indices.put_settings(index="faces-000001", settings={QUERY: "0ms"})
    assert QUERY in status()
    assert json.loads(status("--json"))["elasticsearch"]["logged"] == [f"[faces-000001] {QUERY}"]
