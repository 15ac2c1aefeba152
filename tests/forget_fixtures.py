"""What scenes of `faces forget` share."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from elasticsearch import Elasticsearch
from tools import empty, encoded, processed


@pytest.fixture
def nothing_remembered(es: Elasticsearch) -> Iterator[None]:
    """Empties the journal and what is kept away."""
    yield
    for alias in ("face-forgotten", "face-decisions"):
        empty(es, alias)


@pytest.fixture
def forget(run) -> Callable[..., dict]:
    """Runs `faces forget ... --yes --json`; returns its report. Segments let go of what is deleted about half
    a minute later, so they are expunged only where that matters."""

    def command(*arguments: object, status: int = 0, expunge: bool = False) -> dict:
        options = ["--yes", "--json", *([] if expunge else ["--no-expunge"])]
        ended, out, err = run("forget", *arguments, *options)
        assert ended == status, err or out
        return json.loads(out) if out else {"error": err}

    return command


@pytest.fixture(scope="session")
def portrayed(es: Elasticsearch, people) -> dict[str, dict]:
    """The documents of ``portraits``."""
    documents = {
        "ann": {"image": encoded(people["mindy_kaling"][3]), "person": {"name": "Ann"}, "tags": ["watch"]},
        "ann-too": {"image": encoded(people["mindy_kaling"][4]), "person": {"name": "Ann"}},
        "ben": {"image": encoded(people["ben_afflek"][3]), "person": {"name": "Ben"}},
    }
    return processed(es, documents, "face-gallery-portrayed")


@pytest.fixture
def portraits(gallery: str, portrayed: dict[str, dict], bulk) -> str:
    """Two portraits of Ann, one of Ben, in the gallery."""
    assert all(item["status"] == 201 for item in bulk(portrayed, gallery).values())
    return gallery


def source(es: Elasticsearch, index: str, key: str) -> dict | None:
    found = es.options(ignore_status=404).get(index=index, id=key)
    return found.body.get("_source")


def left_to_right(document: dict) -> list[dict]:
    return sorted(document["faces"], key=lambda face: face["box"]["x"])


def label(run, key: str, position: int, name: str) -> None:
    status, _, err = run("label", key, "--face", position, "--name", name)
    assert status == 0, err


def named(es: Elasticsearch, run, key: str, *names: str, index: str = "faces") -> dict:
    """Labels the faces of a photo from left to right; returns the document."""
    document = source(es, index, key)
    for name, face in zip(names, left_to_right(document), strict=True):
        label(run, key, document["faces"].index(face), name)
    return source(es, index, key)


def counted(es: Elasticsearch, name: str) -> int:
    """Documents that have the name in any of the flat fields."""
    fields = ("people", "matched_people", "person.name", "candidate_people")
    query = {"bool": {"should": [{"term": {field: name}} for field in fields]}}
    es.indices.refresh(index="*")
    return es.count(index="faces,face-gallery,face-probes", query=query)["count"]


def copy_to(es: Elasticsearch, index: str) -> None:
    """All documents of the archive as they are, past the pipeline."""
    hits = es.search(index="faces", size=100, source={"includes": ["*"], "exclude_vectors": False})["hits"]
    operations: list[dict] = []
    for hit in hits["hits"]:
        operations += [{"index": {"_index": index, "_id": hit["_id"]}}, hit["_source"]]
    assert not es.bulk(operations=operations, pipeline="_none", refresh=True)["errors"]
