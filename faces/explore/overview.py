"""What an index holds, in numbers. Elasticsearch counts; no document is fetched."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from elasticsearch import Elasticsearch

from faces.explore.index_faces import columns, frame, where_faces_are

if TYPE_CHECKING:
    import eland
    import pandas as pd

TOP = 10
"""People, observers and error codes that are counted by name."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TENTH = 0.1
SPANS = {"hour": 1 / 24, "day": 1, "week": 7, "month": 31, "year": 366}
"""In days."""
MOST_SPANS = 24

Counts = dict[str, int]


@dataclass(frozen=True)
class Overview:
    """
    photos: documents; with_faces, without_face and failed are parts of them, waiting is the rest.
    faces: on all photos; unnamed_faces: those without a name, None where the index doesn't count them.
    quality: quantiles of the quality, 0 to 1, of a photo's best face; by_quality: photos by tenths of it.
    people, observers: how many there are; by_person, by_observer: photos of those with the most.
    errors: photos by error code.
    by_time: photos by the hour, day, week, month or year of their ``@timestamp``, oldest first.
    """

    photos: int
    with_faces: int
    without_face: int
    failed: int
    faces: int
    unnamed_faces: int | None
    quality: dict[float, float]
    by_quality: dict[float, int]
    people: int
    by_person: Counts
    observers: int
    by_observer: Counts
    errors: Counts
    by_time: Counts

    @property
    def waiting(self) -> int:
        """Photos that weren't searched for faces, such as those from before an index was attached."""
        return self.photos - self.with_faces - self.without_face - self.failed

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "waiting": self.waiting}


def overview(es: Elasticsearch, index: str) -> Overview:
    """
    Raises:
        NothingToExplore: there is no such index, or its documents can't hold faces.
    """
    photos = frame(es, index)
    names = columns(es, where_faces_are(es, index))
    count, error = names["face_count"], names["error.code"]
    time, quality = names["@timestamp"], names["best_quality"]
    # A photo that was replaced by one that failed may keep its faces; it counts as failed.
    fine = photos[photos[error].isna()]
    buckets = _buckets(es, index, photos[time].max() - photos[time].min(), time, quality)
    unnamed = names.get("unnamed_faces")
    observer = names.get("observer.name")
    return Overview(
        photos=len(photos),
        with_faces=len(fine[fine[count] > 0]),
        without_face=len(fine[fine[count] == 0]),
        failed=len(photos[photos[error].notna()]),
        faces=int(photos[count].sum()),
        unnamed_faces=int(photos[unnamed].sum()) if unnamed else None,
        quality=_quantiles(photos[quality]),
        by_quality={round(one["key"], 1): one["doc_count"] for one in buckets["quality"]},
        people=int(photos[names["people"]].nunique()),
        by_person=_most(photos[names["people"]]),
        observers=int(photos[observer].nunique()) if observer else 0,
        by_observer=_most(photos[observer]) if observer else {},
        errors=_most(photos[error]),
        by_time={one["key_as_string"]: one["doc_count"] for one in buckets["time"]},
    )


def _quantiles(quality: eland.Series) -> dict[float, float]:
    """Empty without a face."""
    found = quality.quantile(list(QUANTILES)).dropna()
    return {float(quantile): round(float(value), 4) for quantile, value in found.items()}


def _most(values: eland.Series) -> Counts:
    return {str(name): int(count) for name, count in values.value_counts(es_size=TOP).items()}


def _buckets(
    es: Elasticsearch, index: str, between: pd.Timedelta, timestamp: str, quality: str
) -> dict[str, list[dict[str, Any]]]:
    """Histograms with fixed bounds, which eland lacks. ``between``: from the first photo to the last."""
    days = between / timedelta(days=1)
    span = next((name for name, length in SPANS.items() if days / length < MOST_SPANS), "year")
    ends = {"min": 0, "max": 1 - TENTH}
    time = {
        "field": timestamp,
        "calendar_interval": span,
        "format": "yyyy-MM-dd HH:mm" if span == "hour" else "yyyy-MM-dd",
        "min_doc_count": 1,
    }
    aggs: dict[str, dict[str, Any]] = {
        "quality": {"histogram": {"field": quality, "interval": TENTH, "extended_bounds": ends}},
        "time": {"date_histogram": time},
    }
    found = es.search(index=index, size=0, aggs=aggs)["aggregations"]
    return {name: one["buckets"] for name, one in found.items()}
