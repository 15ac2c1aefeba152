"""Deletes documents, and blanks faces and names in others; what mustn't come back is remembered before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from elasticsearch import ApiError, ConflictError, Elasticsearch

from es_setup.connection import innermost_reason
from faces.decisions.derived import follow
from faces.decisions.documents import CHANGED, Document, Key
from faces.erasure.blanking import blanked, image_hash, relative_boxes
from faces.erasure.fields import Source, get, put
from faces.erasure.finding import Found
from faces.erasure.forgotten import Forgotten
from faces.erasure.pixels import NotAPicture
from faces.erasure.scope import Scope
from faces.erasure.subject import Place, Subject, Treatment, treatment_of

AT_ONCE = 500
MEANWHILE = "somebody changed it meanwhile"
UNDECODED = "a picture in it can't be decoded here, so the face's pixels would stay"
RIGHT = "indices:data/write/index:faces"
"""The plugin's right to write faces as they are: a changed photo would be processed anew otherwise."""


@dataclass(frozen=True)
class Removed:
    """What became of a document. problem: why it still has what was to go; None if that is gone."""

    found: Found
    problem: str | None = None


@dataclass(frozen=True)
class Remover:
    """
    allow_again: don't remember photos, so that they may come back.
    operation: the id of the journal's line.
    """

    es: Elasticsearch
    scope: Scope
    forgotten: Forgotten
    subject: Subject
    operation: str
    allow_again: bool = False

    def remove(self, documents: list[Found]) -> Iterator[Removed]:
        """A document that somebody changed since it was found stays, and is to be found again."""
        whole = [found for found in documents if found.treatment.delete]
        for start in range(0, len(whole), AT_ONCE):
            yield from self._delete(whole[start : start + AT_ONCE])
        for found in documents:
            if not found.treatment.delete:
                yield self._blank(found)

    def _delete(self, documents: list[Found]) -> Iterator[Removed]:
        if not self.allow_again:
            hashes = [self._hashes(found, self._sha256(found)) for found in documents]
            self.forgotten.remember([one for one in hashes if one], [], self.operation)
        operations = []
        for found in documents:
            seq_no, term = found.version
            routing = {"routing": found.routing} if found.routing else {}
            where = {"_index": found.index, "_id": found.document, **routing}
            operations.append({"delete": {**where, "if_seq_no": seq_no, "if_primary_term": term}})
        answer = self.es.bulk(operations=operations, refresh=False)
        for found, item in zip(documents, answer["items"], strict=True):
            result = item["delete"]
            gone = result["status"] in (200, 404)
            yield Removed(found, None if gone else str(result["error"]["reason"]))

    def _blank(self, found: Found) -> Removed:
        try:
            hit = read_whole(self.es, found.key)
            if hit is None:
                return Removed(found)
            field = next(
                one for one in self.scope.where.fields_of(found.index) if one.nested != found.portrait
            )
            place = Place(found.key, hit["_source"], field)
            treatment = treatment_of(place, self.subject)
            if treatment.delete:
                return Removed(found, MEANWHILE)
            source = rewritten(place, treatment, self.subject.name, hit, self.scope)
            if treatment.faces and not self.allow_again:
                photo = get(source, self.scope.image_field(found.index))
                self._remember_faces(found, place, treatment.faces, photo)
            write_whole(self.es, hit, source)
        except ConflictError:
            return Removed(found, MEANWHILE)
        except NotAPicture:
            return Removed(found, UNDECODED)
        except ApiError as error:
            return Removed(found, _refusal(error))
        return Removed(found)

    def _remember_faces(self, found: Found, place: Place, faces: tuple[int, ...], photo: Any) -> None:
        """Under all hashes that the photo has had: a kept photo has another one without the face."""
        hashes = self._hashes(found, found.sha256)
        if hashes:
            earlier = self.forgotten.related(hashes)
            now = [self.forgotten.hashes.of_photo(image_hash(photo))] if isinstance(photo, str) else []
            every = list(dict.fromkeys([*hashes, *earlier, *now]))
            boxes = relative_boxes(place, faces)
            self.forgotten.remember([], [(every, box) for box in boxes], self.operation)

    def _hashes(self, found: Found, sha256: str | None) -> list[str]:
        """The keyed hashes of a document's photo; none if its content isn't known."""
        hashes = self.forgotten.hashes
        picture = [hashes.of_picture(found.picture_hash)] if found.picture_hash else []
        return [*([hashes.of_photo(sha256)] if sha256 else []), *picture]

    def _sha256(self, found: Found) -> str | None:
        """Of the content; a photo that was stored with an error has no hash, but itself."""
        if found.sha256:
            return found.sha256
        image = self.scope.image_field(found.index)
        hit = read_whole(self.es, found.key, [image])
        photo = get(hit["_source"], image) if hit else None
        try:
            return image_hash(photo) if isinstance(photo, str) else None
        except ValueError:
            return None


def read_whole(es: Elasticsearch, key: Key, only: list[str] | None = None) -> dict[str, Any] | None:
    """The document with its vectors and its version, as the last refresh has it; None if it is gone."""
    hits = es.search(
        index=key[0],
        query={"ids": {"values": [key[1]]}},
        size=1,
        source={"includes": only or ["*"], "exclude_vectors": False},
        seq_no_primary_term=True,
        # Else the document of a shard that doesn't answer would count as gone.
        allow_partial_search_results=False,
    )["hits"]["hits"]
    return hits[0] if hits else None


def write_whole(es: Elasticsearch, hit: dict[str, Any], source: Source) -> None:
    """In the place of what was read, past the pipeline: it would process a changed photo anew, and the other
    faces would get new ids. The final pipeline asks for the right to do that.

    Raises:
        ConflictError: somebody changed it meanwhile.
        ApiError: it is refused.
    """
    es.index(
        index=hit["_index"],
        id=hit["_id"],
        document=source,
        pipeline="_none",
        if_seq_no=hit["_seq_no"],
        if_primary_term=hit["_primary_term"],
        routing=hit.get("_routing"),
    )


def rewritten(
    place: Place, treatment: Treatment, name: str | None, hit: dict[str, Any], scope: Scope
) -> Source:
    """The source without what goes, with the numbers that follow, as the pipeline would write it.

    Raises:
        NotAPicture: as `blanked`.
    """
    source = blanked(place, treatment, name, scope.image_field(place.key[0]))
    document = Document.of({**hit, "_source": source}, scope.where)
    follow(document, document.copy())
    if not document.is_portrait:
        best = (face.get("best_similarity") for face in document.faces)
        document.replace("best_similarity", max((one for one in best if one is not None), default=None))
        for field in CHANGED:
            put(source, document.field.at(field), document.get(field))
    return source


def _refusal(error: ApiError) -> str:
    reason = innermost_reason(error)
    return (
        f"{reason}: this needs the right [{RIGHT}], as `write` has it" if error.status_code == 403 else reason
    )
