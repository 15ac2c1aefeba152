"""The demo: indexes a folder of photos, searches with some of them, and reports the results."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from es_setup.connection import ConnectionFailed, Service, innermost_reason
from faces.calibration.indices import Shared
from faces.indexing.indexing import index_photos
from faces.indexing.outcomes import IndexedPhoto, IndexingCounts
from faces.photo_folders.reading import read_folder
from faces.photos import PhotoFile
from faces.searchable import searchable
from faces.searching import FaceQuery, QueryResult, judged_as_json, query_face, search
from ingest_service.errors import UserError

MAX_QUERIES = 25


class DemoError(UserError):
    """The demo has no photos, or no such query; the message says which."""


@dataclass(frozen=True)
class DemoPlan:
    """The photos to index, and those to search with."""

    to_index: list[PhotoFile]
    queries: list[PhotoFile]


@dataclass(frozen=True)
class Indexing:
    """What was indexed, in ``seconds``."""

    counts: IndexingCounts
    seconds: float

    @property
    def photos_per_second(self) -> float | None:
        return round(self.counts.stored / self.seconds, 1) if self.seconds else None


def plan_sample(sample: Path) -> DemoPlan:
    """Indexes the sample's ``train`` photos, and searches with its ``val`` photos."""
    return DemoPlan(read_folder(sample / "train", True).photos, read_folder(sample / "val", True).photos)


def plan_folder(folder: Path, labelled: bool, query: str | None) -> DemoPlan:
    """Chooses the queries:

    - with ``query`` that photo alone, below ``folder`` or elsewhere; all photos of the folder are indexed;
    - else with labels one photo of each of up to 25 people who have several; these aren't indexed;
    - else up to 25 of the indexed photos.

    Raises:
        DemoError: the folder has no photos, or there is no such query.
    """
    photos = read_folder(folder, labelled).photos
    if not photos:
        raise DemoError(f"no photos below {folder}")
    if query is not None:
        return DemoPlan(photos, [_find(folder, query, photos)])
    if not labelled:
        return DemoPlan(photos, _evenly(photos, MAX_QUERIES))
    people = defaultdict(list)
    for photo in photos:
        if photo.label:
            people[photo.label].append(photo)
    held_out = [own[-1] for own in people.values() if len(own) > 1]
    queries = _evenly(held_out, MAX_QUERIES)
    return DemoPlan([photo for photo in photos if photo not in queries], queries)


def _find(folder: Path, query: str, photos: list[PhotoFile]) -> PhotoFile:
    for path in (folder / query, Path(query)):
        if path.is_file():
            known = [photo for photo in photos if photo.path.resolve() == path.resolve()]
            return known[0] if known else PhotoFile(path, path.name)
    raise DemoError(f"no photo [{query}], neither below {folder} nor in the current folder")


def _evenly(photos: list[PhotoFile], most: int) -> list[PhotoFile]:
    """At most ``most`` photos, evenly spread over the list."""
    if len(photos) <= most:
        return photos
    return [photos[position * len(photos) // most] for position in range(most)]


def index_all(
    es: Elasticsearch,
    plan: DemoPlan,
    track: Callable[[Iterable[IndexedPhoto]], Iterable[IndexedPhoto]],
    say: Callable[[str], None],
) -> Indexing:
    """Indexes the plan's photos. ``track`` passes the outcomes on, to show the progress."""
    counts = IndexingCounts()
    started = time.monotonic()
    for indexed in track(index_photos(es, plan.to_index)):
        counts.add(indexed)
        if indexed.error:
            say(f"{indexed.photo.name}: {indexed.error}")
    seconds = time.monotonic() - started
    es.indices.refresh(index="faces")
    return Indexing(counts, seconds)


def search_all(es: Elasticsearch, service: Service, queries: Iterable[PhotoFile]) -> Iterator[QueryResult]:
    """Searches for each photo. If a search fails, its result has the reason as its note."""
    where = searchable(es, "faces")
    model = where.model(es)
    for photo in queries:
        result = QueryResult(photo.name, photo.label, b"", matches=[])
        try:
            result = replace(result, photo=photo.path.read_bytes())
            matches = search(es, FaceQuery(result.photo), where)
            result = replace(result, matches=matches)
            result = replace(result, face=query_face(service, result.photo, None, model))
        except ConnectionFailed as error:
            result = replace(result, note=str(error))
        except ApiError as error:
            result = replace(result, note=innermost_reason(error))
        except OSError as error:
            result = replace(result, note=f"the file can't be read: {error.strerror}")
        yield result


def figures(indexing: Indexing, results: list[QueryResult], model: str, shared: Shared) -> dict[str, Any]:
    """The demo's results, for ``--json``. ``top1``: share of labelled queries whose best match is right."""
    judged = [result.correct for result in results if result.correct is not None]
    return {
        **indexing.counts.as_json(),
        "seconds": round(indexing.seconds, 2),
        "photos_per_second": indexing.photos_per_second,
        "queries": len(results),
        "right": sum(judged) if judged else None,
        "top1": round(sum(judged) / len(judged), 4) if judged else None,
        "model": model,
        **judged_as_json(shared),
        "results": [
            {
                "query": result.name,
                "label": result.label,
                "face": result.face.as_json() if result.face else None,
                "matches": [match.as_json() for match in result.matches],
                **({} if result.matches else {"note": result.note}),
            }
            for result in results
        ],
    }
