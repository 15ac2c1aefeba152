"""The demo: a folder of photos in, searches out, as figures and as one picture."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from elasticsearch import ApiError, Elasticsearch

from es_setup.connection import ConnectionFailed, Service
from faces.calibration.record import Calibration
from faces.indexing import Indexed, index_photos
from faces.photos import PhotoFile, photos_below
from faces.plotting import Query
from faces.searching import calibrated, search
from ingest_service.errors import UserError

MAX_QUERIES = 25


class DemoError(UserError):
    """There is nothing to show; the message says why."""


@dataclass(frozen=True)
class Plan:
    """The photos to index, and those to search with."""

    to_index: list[PhotoFile]
    queries: list[PhotoFile]


@dataclass(frozen=True)
class Answer:
    """A query and what was found."""

    photo: PhotoFile
    query: Query

    @property
    def right(self) -> bool | None:
        """Whether the right person came first; None if nobody said who it is."""
        if self.photo.label is None:
            return None
        return bool(self.query.matches) and self.query.matches[0].name == self.photo.label


@dataclass
class Tally:
    """What became of the photos."""

    photos: int = 0
    with_faces: int = 0
    faces: int = 0
    unreadable: int = 0
    not_stored: int = 0
    seconds: float = 0.0

    def count(self, indexed: Indexed) -> None:
        self.photos += indexed.stored
        self.with_faces += indexed.faces > 0
        self.faces += indexed.faces
        self.unreadable += indexed.stored and indexed.error is not None
        self.not_stored += not indexed.stored


def plan_sample(sample: Path) -> Plan:
    """The sample's own split: its ``train`` photos are indexed, its ``val`` photos are the queries."""
    return Plan(photos_below(sample / "train", True), photos_below(sample / "val", True))


def plan_folder(folder: Path, labelled: bool, query: str | None) -> Plan:
    """
    With ``query``, that photo (below ``folder``, or anywhere) is searched for and nothing is left out;
    else with labels one photo of each of up to 25 people who have two or more is a query, and left out;
    else up to 25 of the indexed photos are queries.

    Raises:
        DemoError: the folder has no photos, or the query isn't there.
    """
    photos = photos_below(folder, labelled)
    if not photos:
        raise DemoError(f"no photos below {folder}")
    if query is not None:
        return Plan(photos, [_find(folder, query, photos)])
    if not labelled:
        return Plan(photos, _spread(photos, MAX_QUERIES))
    people = defaultdict(list)
    for photo in photos:
        if photo.label:
            people[photo.label].append(photo)
    held_out = [own[-1] for own in people.values() if len(own) > 1]
    queries = _spread(held_out, MAX_QUERIES)
    return Plan([photo for photo in photos if photo not in queries], queries)


def _find(folder: Path, query: str, photos: list[PhotoFile]) -> PhotoFile:
    for path in (folder / query, Path(query)):
        if path.is_file():
            known = [photo for photo in photos if photo.path.resolve() == path.resolve()]
            return known[0] if known else PhotoFile(path, path.name)
    raise DemoError(f"no photo [{query}], neither below {folder} nor here")


def _spread(photos: list[PhotoFile], most: int) -> list[PhotoFile]:
    """At most so many, evenly from the whole list."""
    if len(photos) <= most:
        return photos
    return [photos[position * len(photos) // most] for position in range(most)]


def index_all(
    es: Elasticsearch,
    plan: Plan,
    track: Callable[[Iterable[Indexed]], Iterable[Indexed]],
    say: Callable[[str], None],
) -> Tally:
    """Indexes the plan's photos; ``track`` is shown each as it is done."""
    tally = Tally()
    started = time.monotonic()
    for indexed in track(index_photos(es, plan.to_index)):
        tally.count(indexed)
        if indexed.error:
            say(f"{indexed.photo.name}: {indexed.error}")
    tally.seconds = time.monotonic() - started
    es.indices.refresh(index="faces")
    return tally


def search_all(
    es: Elasticsearch, service: Service, queries: Iterable[PhotoFile], calibration: Calibration | None
) -> Iterator[Answer]:
    """Searches for each photo, with verdicts by ``calibration``; one that can't be searched for keeps its
    reason."""
    for photo in queries:
        query = Query(photo.path, photo.label, matches=[])
        try:
            data = photo.path.read_bytes()
            matches = search(es, data, calibration=calibration)
            query = replace(query, matches=matches, box=query_box(service, data))
        except ApiError as error:
            query = replace(query, note=reason(error))
        except OSError as error:
            query = replace(query, note=f"the file can't be read: {error.strerror}")
        yield Answer(photo, query)


def query_box(service: Service, photo: bytes) -> tuple[float, float, float, float] | None:
    """The face that a search with ``photo`` looks for, if the service can be asked."""
    try:
        faces = service.faces(photo)
    except ConnectionFailed:
        return None
    box = faces[0]["box"] if faces else None
    return (box["x"], box["y"], box["width"], box["height"]) if box else None


def reason(error: ApiError) -> str:
    """Elasticsearch's innermost reason, which is the one that helps."""
    body: Any = error.body
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        cause = body["error"]
        root = (cause.get("root_cause") or [cause])[0]
        while isinstance(cause.get("caused_by"), dict):
            cause = cause["caused_by"]
        found = cause.get("reason") or root.get("reason")
        if found:
            index = root.get("index")  # which a closed one's reason, `closed`, doesn't name
            return str(found) if index is None or index in found else f"[{index}]: {found}"
    if isinstance(body, dict) and isinstance(body.get("error"), str):
        return str(body["error"])
    return f"status {error.status_code} without a reason: is that Elasticsearch?"


def figures(
    tally: Tally, answers: list[Answer], model: str, calibration: Calibration | None
) -> dict[str, Any]:
    """What the demo found, for ``--json``. ``top1``: the share of queries with the right person first."""
    judged = [answer.right for answer in answers if answer.right is not None]
    return {
        "photos": tally.photos,
        "with_faces": tally.with_faces,
        "faces": tally.faces,
        "unreadable": tally.unreadable,
        "not_stored": tally.not_stored,
        "seconds": round(tally.seconds, 2),
        "photos_per_second": round(tally.photos / tally.seconds, 1) if tally.seconds else None,
        "queries": len(answers),
        "right": sum(judged) if judged else None,
        "top1": round(sum(judged) / len(judged), 4) if judged else None,
        "model": model,
        **calibrated(calibration),
        "results": [
            {
                "query": answer.photo.name,
                "label": answer.photo.label,
                "matches": [match.as_json() for match in answer.query.matches],
                **({} if answer.query.matches else {"note": answer.query.note}),
            }
            for answer in answers
        ],
    }
