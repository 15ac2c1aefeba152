"""A person as the desk shows them: portraits, photos, with whom, and when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from faces.decisions.documents import face_id
from faces.desk.crops import FaceId, crops_of_faces, thumbnails
from faces.desk.settings import DeskSettings
from faces.gallery.people import Gallery
from faces.gallery.showing import ShownPortrait, portraits_of
from faces.listing.people import ListedPerson, people
from faces.listing.photos import ListedPhoto, photos, together
from faces.many_searches import search_all
from faces.names import all_names
from faces.people import names_of
from faces.reviewing.portraits import crops_of
from faces.searchable import NoFaces, Searchable, archives, below, searchable

A_PAGE = 24
COMPANIONS = 12
SUGGESTED = 20
"""Names that a form offers."""
FEW_DAYS = 400
"""Days from the first photo to the last up to which months are counted, and not years."""


@dataclass(frozen=True)
class ShownPhoto:
    """picture: the crop of the person's face on it; where it isn't known which that is, the thumbnail."""

    photo: ListedPhoto
    picture: str | None


@dataclass(frozen=True)
class Period:
    """A month or a year. share: of the fullest one's photos, 0 to 1."""

    name: str
    photos: int
    share: float


def gallery_of(es: Elasticsearch, settings: DeskSettings) -> Gallery | None:
    try:
        return Gallery.of(es, settings.gallery)
    except (NoFaces, NotFoundError):
        return None


def everybody(es: Elasticsearch, settings: DeskSettings, only: str | None = None) -> list[ListedPerson]:
    """
    Args:
        only: this person alone.
    """
    return people(es, searchable(es, settings.places), gallery_of(es, settings), only)


def names_like(es: Elasticsearch, settings: DeskSettings, text: str) -> list[str]:
    """Some people whose name has this text in it, those first whose name begins with it."""
    wanted, found = text.casefold(), set[str]()
    for where in (
        searchable(es, settings.places),
        *([one.where] if (one := gallery_of(es, settings)) else []),
    ):
        for field in where.fields:
            found |= names_of(es, where, field)
    fitting = [name for name in found if wanted in name.casefold()]
    return sorted(fitting, key=lambda name: (not name.casefold().startswith(wanted), name))[:SUGGESTED]


def faces_of_people(es: Elasticsearch, settings: DeskSettings, names: Sequence[str]) -> dict[str, str]:
    """A crop of each: of their newest portrait, else of the newest face that somebody named."""
    found: dict[str, str] = {}
    if gallery := gallery_of(es, settings):
        crop = gallery.field.at("face.crop")
        bodies = [_newest(gallery.portraits_of(name), [crop]) for name in names]
        for name, hits in zip(names, search_all(es, gallery.name, bodies), strict=True):
            if hits and isinstance(picture := below(hits[0]["_source"], crop), str):
                found[name] = picture
    missing = [name for name in names if name not in found]
    where = searchable(es, settings.places)
    parts = [field.at(f"faces.{part}") for field in archives(where) for part in ("crop", "label")]
    bodies = [_newest(together(where, [name], guesses=False), parts) for name in missing]
    for name, hits in zip(missing, search_all(es, where.name, bodies), strict=True):
        for hit in hits:
            for field in where.fields_of(hit["_index"]):
                each = below(hit["_source"], field.at("faces")) or []
                own = [one for one in each if name in all_names((one.get("label") or {}).get("name"))]
                crops = [one.get("crop") for one in own or (each if len(each) == 1 else [])]
                if crops and isinstance(crops[0], str):
                    found.setdefault(name, crops[0])
    return found


def _newest(query: dict[str, Any], source: list[str]) -> dict[str, Any]:
    newest = [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}]
    return {"query": query, "size": 1, "_source": source, "sort": newest, "track_total_hits": False}


@dataclass(frozen=True)
class Portraits:
    shown: list[ShownPortrait]
    crops: dict[str, str]


def portraits(es: Elasticsearch, settings: DeskSettings, name: str) -> Portraits:
    gallery = gallery_of(es, settings)
    found = portraits_of(gallery, name) if gallery else []
    return Portraits(found, crops_of(es, gallery.where, [one.id for one in found]) if gallery else {})


def photos_of(es: Elasticsearch, settings: DeskSettings, name: str, start: int) -> list[ShownPhoto]:
    """A page of their photos, newest first."""
    where = searchable(es, settings.places)
    found = list(islice(photos(es, where, [name], guesses=False), start, start + A_PAGE))
    ids = {photo.document.key: _own_face(photo, name) for photo in found}
    crops = crops_of_faces(es, where, [one for one in ids.values() if one])
    whole = thumbnails(es, where, [key for key, own in ids.items() if own not in crops])
    return [
        ShownPhoto(
            one, crops.get(own) if (own := ids[one.document.key]) in crops else whole.get(one.document.key)
        )
        for one in found
    ]


def _own_face(photo: ListedPhoto, name: str) -> FaceId | None:
    document = photo.document
    for place, face in enumerate(document.faces):
        if document.label_of(face) == name or len(document.faces) == 1:
            return FaceId(*document.key, face_id(face, place))
    return None


def companions(es: Elasticsearch, where: Searchable, name: str) -> list[tuple[str, int]]:
    """Who is on the same photos, as people said, and on how many."""
    found: Counter[str] = Counter()
    for field in archives(where):
        terms = {"terms": {"field": field.at("people"), "size": COMPANIONS + 1}}
        answer = es.search(
            index=where.name, size=0, query=together(where, [name], guesses=False), aggs={"with": terms}
        )
        for bucket in answer["aggregations"]["with"]["buckets"]:
            found[str(bucket["key"])] += int(bucket["doc_count"])
    del found[name]
    return found.most_common(COMPANIONS)


def periods(es: Elasticsearch, where: Searchable, person: ListedPerson) -> list[Period]:
    """How many of their photos are of each month or year, from the first to the last."""
    if not (person.first and person.last):
        return []
    first, last = (_moment(one) for one in (person.first, person.last))
    unit, form = ("month", "yyyy-MM") if (last - first).days <= FEW_DAYS else ("year", "yyyy")
    found: Counter[str] = Counter()
    for field in archives(where):
        times = {
            "date_histogram": {"field": field.at("@timestamp"), "calendar_interval": unit, "format": form}
        }
        answer = es.search(
            index=where.name,
            size=0,
            query=together(where, [person.name], guesses=False),
            aggs={"times": times},
        )
        for bucket in answer["aggregations"]["times"]["buckets"]:
            found[bucket["key_as_string"]] += int(bucket["doc_count"])
    most = max(found.values(), default=1)
    return [Period(name, number, number / most) for name, number in sorted(found.items()) if number]


def _moment(text: str) -> datetime:
    found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return found if found.tzinfo else found.replace(tzinfo=timezone.utc)
