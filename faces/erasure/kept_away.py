"""Keeps forgotten photos and faces away while photos are indexed or enrolled."""

from __future__ import annotations

import warnings
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from elasticsearch import ApiError, AuthorizationException, ConflictError, Elasticsearch

from es_setup.connection import innermost_reason
from faces.boxes import SAME_FACE, Box
from faces.decisions.documents import Key
from faces.erasure.blanking import faces_at
from faces.erasure.forgotten import Forgotten, Memory, opened
from faces.erasure.keyed_hashes import BadKey
from faces.erasure.pixels import NotAPicture
from faces.erasure.removing import MEANWHILE, UNDECODED, read_whole, rewritten, write_whole
from faces.erasure.scope import Scope, scope_of
from faces.erasure.subject import Place, Subject, Treatment, treatment_of
from ingest_service.errors import UserError

TRIES = 5
REASON = "forgotten"
"""Why a photo is skipped."""


class CameBack(UserError):
    """A forgotten face is in the index again; the message says what to do."""


class Content(Protocol):
    """A photo to index. sha256: of its bytes, in hex."""

    @property
    def sha256(self) -> str: ...

    @property
    def photo(self) -> Hashable: ...

    def picture_hash(self) -> str | None: ...


UNCHECKED = (
    "this user may not read what was forgotten, so it may come back: grant `read` on [face-forgotten*], as "
    "the role [faces_admin] has it"
)
Some = TypeVar("Some", bound=Content)


@dataclass
class KeptAway:
    """What was forgotten, for one run of `faces index` or `faces enroll`. Where nothing ever was, it asks for
    nothing more."""

    es: Elasticsearch
    _forgotten: Forgotten | None = None
    _boxes: dict[Hashable, tuple[Box, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        try:
            self._forgotten = opened(self.es)
        except (AuthorizationException, BadKey):
            warnings.warn(UNCHECKED, stacklevel=2)

    def divided(self, contents: Sequence[Some]) -> tuple[list[Some], list[Some]]:
        """Those to index, and those that were forgotten as a whole."""
        if self._forgotten is None:
            return list(contents), []
        memories = self._forgotten.among([_hashes(one, self._forgotten) for one in contents])
        known = list(zip(contents, memories, strict=True))
        self._boxes |= {one.photo: memory.boxes for one, memory in known if memory and memory.boxes}
        return (
            [one for one, memory in known if not _is_whole(memory)],
            [one for one, memory in known if _is_whole(memory)],
        )

    def is_forgotten(self, content: Content, box: dict[str, Any], photo: dict[str, Any]) -> bool:
        """Whether a face was forgotten, alone or with its whole photo.

        Args:
            box: of the face, in pixels; photo: its ``width`` and ``height``.
        """
        _, whole = self.divided([content])
        own = Box.of(box)
        if own is None or not (photo.get("width") and photo.get("height")):
            return bool(whole)
        relative = own.scaled(1 / photo["width"], 1 / photo["height"])
        gone = self._boxes.get(content.photo, ())
        return bool(whole) or any(relative.overlap(one) >= SAME_FACE for one in gone)

    def cleaned(self, photo: Hashable, hit: dict[str, Any]) -> dict[str, Any] | None:
        """The source of a document that is about to be stored, without the forgotten faces of its photo; None
        if there are no others.

        Args:
            hit: of the document, with the source that is to be stored.

        Raises:
            CameBack: a picture can't be decoded here, so a face's pixels would stay.
        """
        source: dict[str, Any] = hit["_source"]
        boxes = self._boxes.get(photo)
        if not boxes:
            return source
        scope = scope_of(self.es, hit["_index"])
        try:
            for place, treatment in _treated(scope, hit, list(boxes)):
                if treatment.delete:
                    return None
                source = rewritten(place, treatment, None, hit, scope)
        except NotAPicture:
            raise CameBack(f"it has a forgotten face, so it isn't stored: {UNDECODED}") from None
        return source

    def blank(self, photo: Hashable, key: Key | None) -> None:
        """Blanks again what was forgotten of a photo that has just been stored.

        Raises:
            CameBack: that failed.
        """
        boxes = self._boxes.get(photo)
        if not boxes or key is None:
            return
        try:
            problem = blank_faces(self.es, key, list(boxes))
        except ApiError as error:
            problem = innermost_reason(error)
        if problem:
            raise CameBack(f"a forgotten face is in document [{key[1]}] of [{key[0]}] again: {problem}")


def _hashes(content: Content, forgotten: Forgotten) -> list[str]:
    found = [forgotten.hashes.of_photo(content.sha256)]
    try:
        picture = content.picture_hash()
    except OSError:
        return found
    return found + ([forgotten.hashes.of_picture(picture)] if picture else [])


def _is_whole(memory: Memory | None) -> bool:
    return memory is not None and memory.whole


def blank_faces(es: Elasticsearch, key: Key, boxes: list[Box]) -> str | None:
    """Blanks the faces of a document that are at these places, shares of the photo's sides; returns why it
    couldn't, None if all are gone."""
    scope = scope_of(es, key[0])
    for _ in range(TRIES):
        es.indices.refresh(index=key[0])
        hit = read_whole(es, key)
        try:
            if hit:
                _blank(es, scope, hit, boxes)
        except ConflictError:
            continue
        except NotAPicture:
            return UNDECODED
        es.indices.refresh(index=key[0])
        return None
    return MEANWHILE


def _blank(es: Elasticsearch, scope: Scope, hit: dict[str, Any], boxes: list[Box]) -> None:
    version = {"if_seq_no": hit["_seq_no"], "if_primary_term": hit["_primary_term"]}
    for place, treatment in _treated(scope, hit, boxes):
        if treatment.delete:
            es.delete(index=hit["_index"], id=hit["_id"], routing=hit.get("_routing"), **version)
        else:
            write_whole(es, hit, rewritten(place, treatment, None, hit, scope))


def _treated(scope: Scope, hit: dict[str, Any], boxes: list[Box]) -> Iterator[tuple[Place, Treatment]]:
    """What becomes of a document whose faces at these places go; nothing where it has none."""
    key = (hit["_index"], hit["_id"])
    for kind in scope.where.fields_of(key[0]):
        place = Place(key, hit["_source"], kind)
        subject = Subject(faces=frozenset((key, face) for face in faces_at(place, boxes)))
        treatment = treatment_of(place, subject)
        if treatment.delete or treatment.is_needed:
            yield place, treatment
