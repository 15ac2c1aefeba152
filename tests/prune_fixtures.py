"""A folder whose photos are indexed and pruned, and how tests read what became of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from indexed import documents
from tools import landscape, picture

from faces.decisions.journal import JOURNAL

FIVE = ("a.jpg", "b.jpg", "trip/c.jpg", "trip/d.jpg", "e.jpg")


def photo(path: Path, seed: int) -> None:
    """A photo without a face, another one for each seed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(picture(landscape(200 + seed, 150)))


@pytest.fixture
def folder(tmp_path) -> Path:
    """Five photos without faces, two of them in `trip`."""
    for seed, name in enumerate(FIVE):
        photo(tmp_path / "photos" / name, seed)
    return tmp_path / "photos"


@pytest.fixture
def indexed(run, faces, journal, folder) -> Path:
    assert run("index", folder)[0] == 0
    return folder


@pytest.fixture
def pruned(run) -> Callable[..., dict]:
    """Runs `faces index ... --prune --yes --json`; returns what it says of the documents that went."""

    def call(source: Path, *more: object, status: int = 0, flag: str = "--prune") -> dict:
        ended, out, err = run("index", source, flag, "--yes", "--json", *more)
        assert ended == status, err
        said = json.loads(out)
        return said.get("prune", said)

    return call


def key_of(es, path: str) -> str:
    return next(key for key, source in documents(es).items() if path in source["file"]["path"])


def entries(es) -> list[dict]:
    es.indices.refresh(index=JOURNAL)
    query = {"bool": {"filter": [{"term": {"event.action": "prune"}}, {"exists": {"field": "document.id"}}]}}
    return [hit["_source"] for hit in es.search(index=JOURNAL, query=query, size=100)["hits"]["hits"]]


def why(said: dict) -> dict[str, str]:
    return {one["path"]: one["why"] for one in said["kept"]}
