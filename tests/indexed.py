"""What an index holds after `faces index`, and what a person says about it."""

from __future__ import annotations

from collections.abc import Callable

from elasticsearch import Elasticsearch


def documents(es: Elasticsearch, index: str = "faces") -> dict[str, dict]:
    """Id -> source, without faces' vectors and crops."""
    es.indices.refresh(index=index)
    hits = es.search(index=index, size=100, source_excludes=["*.vector", "*.crop", "thumbnail"])["hits"][
        "hits"
    ]
    return {hit["_id"]: hit["_source"] for hit in hits}


def say(es: Elasticsearch, whole: Callable[[str, str], dict], key: str, **decision: object) -> None:
    """A person decides about the photo's one face, as docs/queries.md shows."""
    (face,) = whole("faces", key)["faces"]
    es.update(index="faces", id=key, doc={"faces": [face | decision]})


def paths(es: Elasticsearch) -> list[list[str]]:
    found = [document["file"]["path"] for document in documents(es).values()]
    return sorted(path if isinstance(path, list) else [path] for path in found)
