"""A face whose box a person draws, because the detector missed it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.connection import Service
from faces.boxes import SAME_FACE, overlap
from faces.decisions.changing import Changed, change
from faces.decisions.choosing import described
from faces.decisions.documents import Document
from faces.decisions.journal import Journal
from faces.refusals import PHOTO
from faces.searchable import Searchable, below
from ingest_service.data_uris import photo_bytes
from ingest_service.drawn_boxes import MOST
from ingest_service.errors import FaceServiceError, UserError

DrawnBox = dict[str, int]
"""``x``, ``y``, ``width`` and ``height`` in pixels of the upright photo."""

MOST_BYTES = 100_000_000
"""Of a photo, as Elasticsearch takes no larger document."""
OF_A_FACE = ("vector", "box", "confidence", "quality", "landmarks", "crop")
"""What a document gets of the service's answer, as by the plugin."""


class NotAdded(UserError):
    """The face can't be added; the message says why, and what to do."""


@dataclass(frozen=True)
class DrawnFace:
    """A face in a drawn box, ready to be added.

    entry: of ``faces``, without its id.
    documents: of the photo.
    photo: its bytes.
    size: its ``width`` and ``height``, upright, in pixels.
    """

    entry: dict[str, Any]
    documents: tuple[Document, ...]
    photo: bytes
    size: dict[str, int]

    @property
    def is_detected(self) -> bool:
        """Whether the detector finds a face in the box, looking at its surroundings alone."""
        return float(self.entry["confidence"]) > 0


def drawn_face(
    es: Elasticsearch,
    service: Service,
    where: Searchable,
    documents: Sequence[Document],
    box: DrawnBox,
    given: str,
    file: bytes | None = None,
) -> DrawnFace:
    """The face in a box of a photo, embedded like any other. Changes nothing.

    Args:
        documents: of the photo.
        given: as the user named the photo.
        file: its bytes, if the user gave them; default: those that a document keeps.

    Raises:
        NotAdded: the documents take no such face, it is there already, the photo is nowhere, or the service
            can't read it, or refuses the box.
        ConnectionFailed: the service can't be reached, or serves another model.
    """
    for document in documents:
        _check(document, given)
        _require_new(document, box)
    models = {str(document.get("model.id")) for document in documents}
    if len(models) > 1:
        raise NotAdded(f"[{given}] has faces of several models, {sorted(models)}: name one index by --index")
    photo = _photo(es, where, given, documents, file)
    result = service.faces_at(photo, [box], models.pop())
    if "error" in result:
        raise NotAdded(f"[{given}]: {result['error']['message']}")
    # Not drawn: the detector finds it in the whole photo. So the box is around a stored face, though loosely,
    # or around one that somebody removed.
    found = max(result["faces"], key=lambda face: overlap(face["box"], box))
    for document in documents:
        _require_new(document, found["box"])
    entry = {name: found[name] for name in OF_A_FACE if name in found}
    return DrawnFace(entry | {"drawn": True}, tuple(documents), photo, result["photo"])


def add_face(
    es: Elasticsearch,
    journal: Journal,
    where: Searchable,
    face: DrawnFace,
    name: str | None = None,
    dry_run: bool = False,
) -> Iterator[Changed]:
    """Appends the face to each document of its photo; yields what became of each. A document that got a face
    there meanwhile stays unchanged.

    Args:
        name: who it is, if that is known.

    Raises: as `faces.decisions.changing.change`.
    """

    def append(document: Document) -> None:
        if there(document, face.entry["box"]) is not None:
            return
        entry = {"id": next_id(document), **face.entry}
        if name is not None:
            document.set_label(entry, name)
        document.replace("faces", [*document.faces, entry])

    operation = journal.begin("add-face")
    keys = [document.key for document in face.documents]
    yield from change(es, journal, operation, where, keys, append, dry_run)


def take_back(document: Document, face: str) -> None:
    """Removes a drawn face, by its id: the edit that undoes `add_face`. It does nothing without that face."""
    kept = [one for one in document.faces if not (one.get("drawn") is True and one.get("id") == face)]
    if len(kept) < len(document.faces):
        document.replace("faces", kept)


def next_id(document: Document) -> str:
    """A face's id as the plugin makes it, that no face of the photo has had."""
    prefix = str(document.get("file.hash.sha256"))[:16]
    ids = [str(face.get("id")) for face in (*document.faces, *document.unplaced)]
    numbers = [int(found[1]) for one in ids if (found := re.fullmatch(rf"{prefix}-(\d{{1,6}})", one))]
    found_first = document.get("photo.faces_found") or 0
    return f"{prefix}-{max([*(number + 1 for number in numbers), int(found_first)])}"


def there(document: Document, box: DrawnBox) -> int | None:
    """The position of the face that a box is around; None if there is none."""
    shares = [overlap(face.get("box"), box) for face in document.faces]
    best = max(shares, default=0.0)
    return shares.index(best) if best >= SAME_FACE else None


def _check(document: Document, text: str) -> None:
    if document.is_portrait:
        raise NotAdded(f"[{text}] is a portrait in [{document.index}], which has one face alone")
    if document.get("model.id") is None or document.get("file.hash.sha256") is None:
        raise NotAdded(
            f"[{text}] wasn't processed yet in [{document.index}]: send its photo with `faces index FOLDER`"
        )
    if sum(face.get("drawn") is True for face in document.faces) >= MOST:
        raise NotAdded(f"[{text}] has {MOST} drawn faces already, the most that a photo can have")


def _require_new(document: Document, box: DrawnBox) -> None:
    position = there(document, box)
    if position is not None:
        face = described(document.faces[position], document)
        raise NotAdded(f"there is a face at this place already, face {position} ({face}): label that one")


def _photo(
    es: Elasticsearch, where: Searchable, given: str, documents: Sequence[Document], file: bytes | None
) -> bytes:
    """The photo that the documents' faces come from: the file that was given, or one that a document keeps.
    Never a file or an address that only a document names."""
    wanted = {str(document.get("file.hash.sha256")) for document in documents}
    for data in _copies(es, where, documents, file):
        if {hashlib.sha256(data).hexdigest()} == wanted:
            return data
    raise NotAdded(f"the photo isn't kept in [{where.name}]: name its file in place of [{given}]")


def _copies(
    es: Elasticsearch, where: Searchable, documents: Sequence[Document], file: bytes | None
) -> Iterator[bytes]:
    if file is not None:
        yield file
    for document in documents:
        field = where.recorded[document.index].get("field", PHOTO)
        found = es.get(
            index=document.index, id=document.id, routing=document.routing, source_includes=[field]
        )
        kept = found.get("_source", {})
        try:
            yield photo_bytes(kept.get(field, below(kept, field)), MOST_BYTES)
        except FaceServiceError:
            continue
