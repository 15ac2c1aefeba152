"""A cluster of its own for `faces reembed`, which changes pipelines, templates and endpoints; and the
services of both models."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import node9
import pytest
from elasticsearch import Elasticsearch
from tools import encoded
from typer.testing import CliRunner

from es_setup.connection import Connection, Service
from es_setup.embedded import distribution, plugins
from es_setup.embedded.local_node import Node, running_node
from es_setup.install import install
from faces.cli import app
from faces.local_service import RunningService, running_service
from faces.local_stack import LocalStack, working_folder

NEW = "facenet-sface"
ANSWER = tuple[int, str, str]


@dataclass(frozen=True)
class Cluster:
    """
    old, new: addresses of the two services.
    """

    es: Elasticsearch
    url: str
    old: RunningService
    new: RunningService

    def run(self, *arguments: object, faces_url: str | None = None) -> ANSWER:
        """`faces ...` there; by default beside the old service."""
        variables = {"ES_URL": self.url, "FACES_URL": faces_url or self.old.url}
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=variables)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    def reembed(self, *arguments: object, status: int = 0) -> dict:
        """To the new model; what it prints as JSON."""
        words = ("reembed", "--profile", NEW, "--to-url", self.new.url, "--json", *arguments)
        ended, out, err = self.run(*words)
        assert ended == status, err
        return json.loads(out) if out else {}

    def documents(self, index: str) -> dict[str, dict]:
        """By id, with their vectors."""
        self.es.indices.refresh(index=index)
        hits = self.es.search(
            index=index, size=100, source={"includes": ["*"], "exclude_vectors": False}, version=True
        )["hits"]["hits"]
        return {hit["_id"]: hit["_source"] for hit in hits}

    def behind(self, alias: str) -> list[str]:
        return sorted(self.es.indices.get_alias(name=alias))


@dataclass(frozen=True)
class NodeOf9:
    """One of Elasticsearch 9, which tests can't start again."""

    url: str


@pytest.fixture(scope="session")
def new_service(cache, tmp_path_factory) -> Iterator[RunningService]:
    environment = {"FACES_PROFILE": NEW, "FACES_RUNTIME": "onnxruntime"}
    with running_service(cache, tmp_path_factory.mktemp("new"), environment=environment) as service:
        yield service


@pytest.fixture(scope="session")
def own_node(cache, version: str, running: LocalStack) -> Iterator[Node | NodeOf9]:
    settings = {"face.endpoint.default.urls": running.service.url}
    with working_folder() as folder:
        if version != plugins.elasticsearch_version():
            with node9.running_node(version, folder, {"http.port": "0", **settings}) as url:
                yield NodeOf9(url)
            return
        with running_node(distribution.prepare(cache.root, print), folder, settings) as node:
            yield node


@pytest.fixture
def cluster(own_node, running: LocalStack, new_service) -> Iterator[Cluster]:
    """Empty indices of the old model."""
    es = Connection(es_url=own_node.url).elasticsearch()
    for _ in install(es, running.model, dims=running.service.dims):
        pass
    yield Cluster(es, own_node.url, running.service, new_service)
    es.indices.delete(index=",".join(es.indices.get(index="*", expand_wildcards="all")))
    set_back = dict.fromkeys(es.cluster.get_settings(flat_settings=True)["persistent"])
    if set_back:
        es.cluster.put_settings(persistent=set_back)


@pytest.fixture
def filled(cluster: Cluster, album) -> Cluster:
    """With the album in the archive, the team's photo among the probes, and Ann in the gallery. The photo of
    `cara-1` is kept."""
    documents = copy.deepcopy(album.documents)
    documents["cara-1"]["image"] = encoded(album.files["cara-1"])
    store(cluster.es, "faces", documents, pipeline="_none")
    assert cluster.run("enroll", album.files["ann-1"], "--name", "Ann")[0] == 0
    cluster.es.indices.refresh(index="face-gallery")
    probe = {"image": encoded(album.files["team"])}
    cluster.es.index(index="face-probes", id="team", document=probe, refresh=True)
    return cluster


@pytest.fixture
def few(cluster: Cluster, album) -> Cluster:
    """With three photos in the archive, of which the crops alone are kept."""
    store(cluster.es, "faces", {key: album.documents[key] for key in ("ann-0", "ben-0", "team")})
    return cluster


def store(es: Elasticsearch, index: str, documents: dict[str, dict], **options: object) -> None:
    operations: list[dict] = []
    for key, document in documents.items():
        operations += [{"index": {"_index": index, "_id": key}}, document]
    answer = es.bulk(operations=operations, refresh=True, **options)
    assert not answer["errors"], answer


@pytest.fixture(scope="session")
def fresh(new_service, album) -> Callable[[str], list[list[float]]]:
    """The vectors of an album's photo, as the new model finds them in it."""

    def vectors(name: str) -> list[list[float]]:
        service = Service(new_service.url)
        found = service.everything(album.files[name].read_bytes(), new_service.model)
        return [face["vector"] for face in found["faces"]]

    return vectors
