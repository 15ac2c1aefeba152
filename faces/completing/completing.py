"""Documents with a photo become documents with faces."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.connection import Service
from faces.completing.asking import Answer, Photo, faces_of
from faces.completing.options import FaceOptions
from faces.completing.spelling import Fields
from faces.completing.stored_faces import are_of_photo, drawn_boxes, stay
from faces.completing.writing import Source, Unwritable, with_error, with_faces, with_its_faces
from faces.identifying.identifier import Candidate, Identifier
from faces.photo_faces import PhotoFaces, PhotoRefused

IDENTIFIER_KEPT = 60
"""Seconds for which a gallery's thresholds are taken as they were read."""
JAVA = {
    list: "java.util.ArrayList",
    int: "java.lang.Integer",
    float: "java.lang.Double",
    bool: "java.lang.Boolean",
}
"""A value's type in the plugin's words, so that its message is the same."""


@dataclass(frozen=True)
class Unfinished:
    """A document to complete, as it stands."""

    index: str
    source: Source = field(repr=False)


@dataclass(frozen=True)
class Completed:
    """
    source: the document to store; None if it is left as it is, for this ``reason``.
    faces: how many were found.
    code, reason: of the error that the document has now; None if its photo was read.
    """

    source: Source | None = field(repr=False)
    faces: int = 0
    code: str | None = None
    reason: str | None = None


class Completer:
    """
    Args:
        options: each index -> how its documents get their faces.
    """

    def __init__(self, es: Elasticsearch, service: Service, options: Mapping[str, FaceOptions]) -> None:
        self._es = es
        self._service = service
        self.options = options
        self._identifiers: dict[tuple[str, str], tuple[float, Identifier]] = {}

    def photo_of(self, document: Unfinished) -> Any:
        """As it was sent; None if the document has none."""
        return Fields(document.source).get(self.options[document.index].field)

    def complete(self, documents: Sequence[Unfinished]) -> list[Completed]:
        """What each document becomes, in order. Stores nothing.

        Raises:
            ServiceAway: the service can't answer at the moment, and each document stays as it is.
            OtherModel, ServiceUnfit: it can't answer for an index as both are set up now.
            OtherGallery, NoFaces, NotFoundError: a gallery can't be searched.
        """
        found: dict[int, Completed] = {}
        by_index: dict[str, list[int]] = defaultdict(list)
        for position, document in enumerate(documents):
            photo, options = self.photo_of(document), self.options[document.index]
            if isinstance(photo, str) and stay(document.source, options):
                whole = with_its_faces(document.source, document.source, document.index, options)
                found[position] = Completed(whole, int(Fields(whole, options.target).get("face_count") or 0))
            elif isinstance(photo, str):
                by_index[document.index].append(position)
            else:
                found[position] = self._not_text(document, photo)
        for index, positions in by_index.items():
            some = [documents[position] for position in positions]
            found |= dict(zip(positions, self._of_index(index, some), strict=True))
        return [found[position] for position in range(len(documents))]

    def _of_index(self, index: str, documents: Sequence[Unfinished]) -> list[Completed]:
        options = self.options[index]
        photos = [
            Photo(self.photo_of(document), options.limits, drawn_boxes(document.source, options))
            for document in documents
        ]
        answers = faces_of(self._service, photos, options.model, index)
        people = iter(self._identified(options, answers))
        now = datetime.now(timezone.utc)
        return [
            self._completed(document, options, answer, people, now)
            for document, answer in zip(documents, answers, strict=True)
        ]

    def _completed(
        self, document: Unfinished, options: FaceOptions, answer: Answer, people: Any, now: datetime
    ) -> Completed:
        source, index, found = document.source, document.index, answer.found
        thumbnail = None
        try:
            if isinstance(found, PhotoRefused):
                raise found
            likely = [next(people) for _ in found.faces] if options.identify else None
            thumbnail = found.thumbnail
            options.require_count(found)
            whole = with_faces(source, index, options, found, likely, answer.took, now)
            return Completed(whole, len(found.faces))
        except PhotoRefused as refused:
            return self._failed(document, refused, thumbnail, answer.took, now)
        except Unwritable as error:
            return Completed(None, reason=str(error))

    def _failed(
        self, document: Unfinished, refused: PhotoRefused, thumbnail: str | None, took: int, now: datetime
    ) -> Completed:
        options = self.options[document.index]
        if are_of_photo(document.source, options):
            # The error would take the place of its faces, and people may have said something about them.
            return Completed(None, reason=refused.reason)
        try:
            whole = with_error(document.source, document.index, options, refused, thumbnail, took, now)
        except Unwritable as error:
            return Completed(None, reason=str(error))
        return Completed(whole, code=refused.code, reason=refused.reason)

    def _not_text(self, document: Unfinished, photo: Any) -> Completed:
        name = self.options[document.index].field
        if photo is None:
            return Completed(None, reason=f"field [{name}] not present as part of path [{name}]")
        kind = JAVA.get(type(photo), type(photo).__name__)
        problem = f"field [{name}] of type [{kind}] is not a base64 string"
        problem += "; send one photo in each document" if isinstance(photo, list) else ""
        refused = PhotoRefused("not_base64", problem)
        return self._failed(document, refused, None, 0, datetime.now(timezone.utc))

    def _identified(self, options: FaceOptions, answers: Sequence[Answer]) -> list[list[Candidate]]:
        """Who each face may be, of all photos in order; nothing where nobody is identified."""
        found = [answer.found for answer in answers if isinstance(answer.found, PhotoFaces)]
        vectors = [face["vector"] for photo in found for face in photo.faces]
        if options.identify is None or not vectors:
            return []
        key = (options.identify.gallery, found[0].model_id)
        made, identifier = self._identifiers.get(key, (0.0, None))
        if identifier is None or time.monotonic() - made > IDENTIFIER_KEPT:
            identifier = Identifier(self._es, options.identify, found[0].model_id)
            self._identifiers[key] = (time.monotonic(), identifier)
        return identifier.candidates(vectors)
