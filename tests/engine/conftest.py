"""What the scenes on the real Elasticsearch share."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch
from tools import Vector, encoded
from typer.testing import CliRunner

from es_setup.cli import app
from es_setup.stack import Stack


@pytest.fixture(scope="session")
def es(running: Stack) -> Elasticsearch:
    return running.connection.elasticsearch()


@pytest.fixture
def faces(es: Elasticsearch) -> Iterator[str]:
    """The alias `faces`, empty again at the end."""
    yield "faces"
    empty(es, "faces")


@pytest.fixture
def gallery(es: Elasticsearch) -> Iterator[str]:
    """The alias `face-gallery`, empty again at the end."""
    yield "face-gallery"
    empty(es, "face-gallery")


@pytest.fixture
def probes(es: Elasticsearch) -> Iterator[str]:
    """The alias `face-probes`, empty again at the end."""
    yield "face-probes"
    empty(es, "face-probes")


def empty(es: Elasticsearch, alias: str) -> None:
    es.indices.refresh(index=alias)
    for hit in es.search(index=alias, size=1000, source=False)["hits"]["hits"]:
        es.delete(index=hit["_index"], id=hit["_id"])
    es.indices.refresh(index=alias)


@pytest.fixture
def own_index(es: Elasticsearch) -> Iterator[Callable[..., str]]:
    """Makes indices of the test's own; at the end they are gone, with the pipelines attached to them."""
    names: list[str] = []

    def make(name: str, **body: object) -> str:
        names.append(name)
        es.indices.create(index=name, **body)
        return name

    yield make
    for name in names:
        es.options(ignore_status=404).indices.delete(index=name)
        es.options(ignore_status=404).ingest.delete_pipeline(id=f"faces-{name}")


@pytest.fixture
def pipeline(es: Elasticsearch) -> Iterator[Callable[..., str]]:
    """Makes pipelines with one face processor of the given options; they are gone at the end."""
    names: list[str] = []
    numbers = itertools.count()

    def make(**options: object) -> str:
        name = f"test-{next(numbers)}"
        es.ingest.put_pipeline(id=name, processors=[{"face": options}])
        names.append(name)
        return name

    yield make
    for name in names:
        es.ingest.delete_pipeline(id=name)


@pytest.fixture
def bulk(es: Elasticsearch) -> Callable[..., dict[str, dict]]:
    """Drops documents (id -> body) in one bulk; returns each one's answer (id -> item)."""

    def drop(
        documents: dict[str, dict], index: str = "faces", pipeline: str | None = None
    ) -> dict[str, dict]:
        operations: list[dict] = []
        for key, body in documents.items():
            operations += [{"index": {"_index": index, "_id": key}}, body]
        answer = es.bulk(operations=operations, pipeline=pipeline, refresh=True)
        return {item["index"]["_id"]: item["index"] for item in answer["items"]}

    return drop


@pytest.fixture
def whole(es: Elasticsearch, version: str) -> Callable[[str, str], dict]:
    """Reads a document's source with its vectors, which Elasticsearch 9 leaves out unless it is asked."""
    asked = "" if version.startswith("8.") else "?_source_exclude_vectors=false"

    def read(index: str, key: str) -> dict:
        answer = es.perform_request(
            "GET", f"/{index}/_doc/{key}{asked}", headers={"accept": "application/json"}
        )
        source = answer.body["_source"]
        for holder in [source, *(source.get("faces") or [])]:
            if "vector" in holder:
                holder["vector"] = Vector(holder["vector"])
        return source

    return read


@pytest.fixture(scope="session")
def good(portrait) -> dict:
    """A document that succeeds."""
    return {"image": encoded(portrait), "file": {"path": "good.jpg"}}


@pytest.fixture
def attach(running: Stack) -> Callable[..., tuple[int, str, str]]:
    """Runs `faces attach INDEX ...`; returns exit status, output and errors."""

    def invoke(*arguments: str) -> tuple[int, str, str]:
        connection = running.connection
        environment = {"ES_URL": connection.es_url, "FACES_URL": connection.faces_url}
        result = CliRunner().invoke(app, ["attach", *arguments], env=environment)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return invoke
