"""An album of photos that nobody has named, on the real servers, and how tests read and write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from command_fixtures import own_index, whole  # noqa: F401
from elasticsearch import Elasticsearch
from tools import empty, encoded, mapping_of, picture, processed, side_by_side

from es_setup.shipped_files import JOURNAL
from faces.decisions import changing

SHOWN = {"ann": "mindy_kaling", "ben": "ben_afflek", "cara": "madonna"}
"""The sample's people, by the names that the scenes give them."""


@dataclass(frozen=True)
class Album:
    """
    files: ``ann-0.jpg`` and so on, and ``team.jpg`` with Ann, Ben and Cara, by their names without ending.
    documents: as they are stored without a name, with their vectors; the ids are the same names.
    """

    files: dict[str, Path]
    documents: dict[str, dict]


@pytest.fixture(scope="session")
def album(es: Elasticsearch, people, tmp_path_factory) -> Album:
    """Embedded once; each test stores the documents as they are."""
    folder = tmp_path_factory.mktemp("album")
    files = {}
    for name, own in SHOWN.items():
        for number in range(3):
            files[f"{name}-{number}"] = folder / f"{name}-{number}.jpg"
            files[f"{name}-{number}"].write_bytes(people[own][number].read_bytes())
    files["team"] = folder / "team.jpg"
    files["team"].write_bytes(picture(side_by_side([people[own][3] for own in SHOWN.values()]), quality=92))
    sent = {
        key: {"image": encoded(file), "file": {"path": f"2026/{file.name}", "name": file.name}}
        for key, file in files.items()
    }
    documents = processed(es, sent, "faces-album")
    assert len(documents["team"]["faces"]) == len(SHOWN)
    return Album(files, documents)


@pytest.fixture
def store(es: Elasticsearch) -> Callable[..., None]:
    """Stores documents with their faces in an index: id -> document."""

    def put(index: str, documents: dict[str, dict]) -> None:
        operations: list[dict] = []
        for key, document in documents.items():
            operations += [{"index": {"_index": index, "_id": key}}, document]
        answer = es.bulk(operations=operations, refresh=True)
        assert not answer["errors"], answer

    return put


@pytest.fixture(autouse=True)
def emptied_journal(es: Elasticsearch) -> Iterator[None]:
    """No test reads what another decided."""
    yield
    empty(es, JOURNAL)


@pytest.fixture
def journal(es: Elasticsearch) -> Iterator[str]:
    """The alias of the journal, emptied at the end."""
    yield JOURNAL
    empty(es, JOURNAL)


@pytest.fixture
def unnamed(faces: str, probes: str, gallery: str, journal: str, album: Album, store) -> str:
    """The archive, with the album; probes, gallery and journal are empty."""
    store(faces, album.documents)
    return faces


@pytest.fixture
def bare(es: Elasticsearch, own_index) -> str:  # noqa: F811
    """An index like the archive that no pipeline guards or completes."""
    settings = {"index.default_pipeline": "_none", "index.final_pipeline": "_none"}
    return own_index("bare", mappings=mapping_of(es, "faces"), settings=settings)


@pytest.fixture
def said(whole) -> Callable[..., list[dict]]:  # noqa: F811
    """What people said of each face of a document."""

    def read(key: str, index: str = "faces-000001") -> list[dict]:
        faces = whole(index, key)["faces"]
        wanted = ("label", "not", "ignored")
        return [{name: face[name] for name in wanted if face.get(name)} for face in faces]

    return read


@pytest.fixture
def labels(said) -> Callable[..., list[str | None]]:
    """The label of each face of a document."""

    def read(key: str, index: str = "faces-000001") -> list[str | None]:
        return [face.get("label", {}).get("name") for face in said(key, index)]

    return read


@pytest.fixture
def snapshot(es: Elasticsearch) -> Callable[..., dict]:
    """Every document of indices, vectors and all, but for fields that are null: they aren't stored."""

    def read(*indices: str) -> dict:
        es.indices.refresh(index=",".join(indices))
        hits = es.search(
            index=",".join(indices), size=1000, source={"includes": ["*"], "exclude_vectors": False}
        )["hits"]["hits"]
        return {(hit["_index"], hit["_id"]): without_nulls(hit["_source"]) for hit in hits}

    return read


@pytest.fixture
def killed(monkeypatch) -> Callable[[], AbstractContextManager[None]]:
    """Within it a command ends in the middle: when two documents are changed, and before the next two are."""

    @contextmanager
    def within() -> Iterator[None]:
        bulk, begun = changing.streaming_bulk, []

        def until_the_second(*arguments: object, **options: object) -> object:
            begun.append(1)
            if len(begun) == 2:
                raise KeyboardInterrupt
            return bulk(*arguments, **options)

        with monkeypatch.context() as patched:
            patched.setattr(changing, "AT_ONCE", 2)
            patched.setattr(changing, "streaming_bulk", until_the_second)
            yield

    return within


def without_nulls(value: object) -> object:
    """Without fields that are null, and objects that this leaves empty."""
    if isinstance(value, dict):
        plain = {key: without_nulls(one) for key, one in value.items()}
        return {key: one for key, one in plain.items() if one not in (None, {})}
    return [without_nulls(one) for one in value] if isinstance(value, list) else value
