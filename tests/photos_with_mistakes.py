"""Documents of an archive in which some names are wrong, and one photo is there twice."""

from __future__ import annotations

from pathlib import Path

from elasticsearch import Elasticsearch
from tools import encoded, landscape, picture, side_by_side

EACH = 9
"""Photos of each of five people."""


def with_mistakes(people: dict[str, list[Path]]) -> dict[str, dict]:
    """An archive of five people with mistakes: Ben's photo `wrong` is named Ann, Cara's photo `alias` has
    another name of hers, `copy` is Dan's photo `dan-2` again, and named Ed."""
    named = dict(zip(("Ben", "Dan", "Ed", "Cara", "Ann"), sorted(people), strict=True))
    photos = {name: people[folder] for name, folder in named.items()}
    documents = {
        f"{name.lower()}-{number}": photo(own[number], name, number)
        for name, own in photos.items()
        for number in range(EACH)
    }
    documents["wrong"] = photo(photos["Ben"][10], "Ann", 20)
    documents["alias"] = photo(photos["Cara"][10], "Cara M.", 21)
    documents["copy"] = photo(photos["Dan"][2], "Ed", 22)
    together = picture(side_by_side([photos["Ann"][11], photos["Ben"][11]]), quality=92)
    documents["team"] = photo(together, "Ann", 23)
    documents["view"] = photo(picture(landscape()), None, 24)
    documents["broken"] = photo(b"no photo", None, 25)
    return documents


def photo(data: bytes | Path, name: str | None, day: int) -> dict:
    return {
        "image": encoded(data),
        "@timestamp": f"2026-03-{day + 1:02}T12:00:00Z",
        "observer": {"name": "gate" if day % 2 else "lobby"},
        **({"person": {"name": name}} if name else {}),
    }


def drop(es: Elasticsearch, index: str, documents: dict[str, dict], pipeline: str | None = None) -> None:
    operations: list[dict] = []
    for key, body in documents.items():
        operations += [{"index": {"_index": index, "_id": key}}, body]
    answer = es.bulk(operations=operations, pipeline=pipeline, refresh=True)
    assert not answer["errors"], answer
