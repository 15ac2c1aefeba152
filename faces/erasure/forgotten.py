"""The index `face-forgotten`: which photos and faces mustn't come back, and what isn't finished.

It has no name and no vector, only keyed hashes (``keyed_hashes``), places of faces as shares of a photo's
sides, and, until a run is finished, the ids of the documents that it deletes.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError
from elasticsearch.helpers import bulk

from es_setup.shipped_files import FORGOTTEN
from faces.boxes import Box
from faces.erasure.finding import Found
from faces.erasure.keyed_hashes import KeyedHashes, existing
from faces.erasure.subject import Subject
from faces.pages import every_hit
from ingest_service.errors import UserError

AT_ONCE = 500
PHOTO, FACE, RUN = "photo", "face", "run"


class NotInstalled(UserError):
    """There is no place to remember what was forgotten; the message says what to do."""


@dataclass(frozen=True)
class Memory:
    """What is known of one photo.

    whole: whether it was deleted as a whole; boxes: the places of blanked faces, as shares of its sides.
    """

    whole: bool
    boxes: tuple[Box, ...]


@dataclass
class Run:
    """A run of `faces forget`, kept until it is finished, so that it can be taken up again.

    subject: the keyed hash of the name, the photo or the id that was given.
    operation: the id of its line in the journal.
    deleted: documents that are gone or will be, blanked: those that lose faces or names; each index -> ids.
    faces: index, document and id of each face that goes.
    entries: number of entries of the journal that lose the name, or are about a deleted document.
    done: whether it is finished and proved.
    """

    subject: str
    operation: str
    started: str = field(default_factory=lambda: datetime.datetime.now(datetime.timezone.utc).isoformat())
    deleted: dict[str, list[str]] = field(default_factory=dict)
    blanked: dict[str, list[str]] = field(default_factory=dict)
    faces: list[list[str]] = field(default_factory=list)
    entries: int = 0
    done: bool = False

    @property
    def indices(self) -> list[str]:
        return sorted(self.deleted.keys() | self.blanked.keys())

    def rest_of(self, subject: Subject) -> Subject:
        """With all that was found and confirmed when this run began."""
        documents = [(index, one) for index, ids in self.deleted.items() for one in ids]
        faces = [((index, document), face) for index, document, face in self.faces]
        return subject.and_also(faces, documents)

    def add(self, documents: list[Found]) -> None:
        """What was found now goes, too."""
        for found in documents:
            ids = (self.deleted if found.treatment.delete else self.blanked).setdefault(found.index, [])
            ids += [found.document] if found.document not in ids else []
            for face in found.faces:
                gone = [face.index, face.document, face.id]
                self.faces += [gone] if gone not in self.faces else []


@dataclass(frozen=True)
class Forgotten:
    """Reads and writes the index."""

    es: Elasticsearch
    hashes: KeyedHashes

    def remember(
        self, photos: Iterable[list[str]], faces: Iterable[tuple[list[str], Box]], operation: str
    ) -> None:
        """Keeps photos, and faces of photos, by their keyed hashes. Ids come from the content, so that a
        second run overwrites the first one's.

        Args:
            photos, faces: the keyed hashes of each photo: of its bytes, and of its picture if known.
        """
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        common = {"@timestamp": now, "operation": {"id": operation}}
        actions = [
            {"_id": f"{PHOTO}-{hashes[0]}", "kind": PHOTO, "photo": hashes, **common} for hashes in photos
        ]
        actions += [
            {
                "_id": f"{FACE}-{hashes[0]}-{'-'.join(f'{side:.3f}' for side in asdict(box).values())}",
                "kind": FACE,
                "photo": hashes,
                "box": asdict(box),
                **common,
            }
            for hashes, box in faces
        ]
        bulk(self.es, actions, index=FORGOTTEN, chunk_size=AT_ONCE, refresh=True)

    def among(self, photos: Sequence[list[str]]) -> list[Memory | None]:
        """What is known of each photo, by any of its keyed hashes; None if nothing is."""
        found: dict[str, list[dict[str, Any]]] = defaultdict(list)
        wanted = [one for hashes in photos for one in hashes]
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            for hit in self._hits({"terms": {"photo": some}}):
                for one in hit["photo"]:
                    found[one].append(hit)
        return [_memory([hit for one in hashes for hit in found[one]]) for hashes in photos]

    def related(self, hashes: list[str]) -> list[str]:
        """All keyed hashes that are known of a photo that has one of these."""
        hits = self._hits({"terms": {"photo": hashes}})
        return list(dict.fromkeys(one for hit in hits for one in hit["photo"]))

    def lift(self, hashes: list[str]) -> int:
        """Lets a photo and its faces come back; returns how many records there were."""
        hits = every_hit(self.es, FORGOTTEN, {"terms": {"photo": hashes}}, source=False)
        actions = [{"_op_type": "delete", "_index": hit["_index"], "_id": hit["_id"]} for hit in hits]
        return bulk(self.es, actions, raise_on_error=False, refresh=True)[0] if actions else 0

    def run_of(self, subject: str) -> Run | None:
        try:
            source = self.es.get(index=FORGOTTEN, id=f"{RUN}-{subject}")["_source"]
        except NotFoundError:
            return None
        stored: dict[str, Any] = source["run"]
        return Run(**stored)

    def keep(self, run: Run) -> None:
        """A finished run keeps no ids of documents."""
        stored = asdict(run)
        if run.done:
            stored |= {"deleted": {}, "blanked": {}, "faces": []}
        document = {"@timestamp": run.started, "kind": RUN, "done": run.done, "run": stored}
        self.es.index(index=FORGOTTEN, id=f"{RUN}-{run.subject}", document=document, refresh=True)

    def _hits(self, query: dict[str, Any]) -> Iterable[dict[str, Any]]:
        return (hit["_source"] for hit in every_hit(self.es, FORGOTTEN, query))


def opened(es: Elasticsearch) -> Forgotten | None:
    """For a reader; None where nothing was ever forgotten.

    Raises:
        BadKey: the key can't be read.
    """
    if not es.indices.exists(index=FORGOTTEN):
        return None
    hashes = existing(es)
    return Forgotten(es, hashes) if hashes else None


def unfinished(es: Elasticsearch) -> list[Run]:
    """The runs that were killed, or aren't proved, or left something in the segments; oldest first. It needs
    no key."""
    query = {"bool": {"filter": [{"term": {"kind": RUN}}, {"term": {"done": False}}]}}
    hits = every_hit(es, FORGOTTEN, query, [{"@timestamp": {"order": "asc"}}])
    try:
        return [Run(**hit["_source"]["run"]) for hit in hits]
    except NotFoundError:  # Asked for by HEAD, a missing right would have no reason.
        return []


def require_installed(es: Elasticsearch) -> None:
    """
    Raises:
        NotInstalled: the index is missing.
    """
    if not es.indices.exists(index=FORGOTTEN):
        raise NotInstalled(f"there is no index [{FORGOTTEN}]: run `faces install`")


def _memory(hits: list[dict[str, Any]]) -> Memory | None:
    if not hits:
        return None
    # Found by several hashes.
    boxes = dict.fromkeys(Box(**hit["box"]) for hit in hits if hit["kind"] == FACE)
    return Memory(whole=any(hit["kind"] == PHOTO for hit in hits), boxes=tuple(boxes))
