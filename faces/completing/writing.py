"""Writes faces, or why there are none, into a document: the plugin's ``FaceDocument``, from outside of
Elasticsearch. A test holds both equal."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from faces.completing.options import FaceOptions
from faces.completing.placing import Face, Placing
from faces.completing.spelling import Fields, collapsed, expanded, without
from faces.completing.times import Earlier, as_text, lag, sent_time
from faces.decisions.derived import follow, lone_face, tidy_face
from faces.decisions.documents import CHANGED, NO_FACE, Document
from faces.identifying.identifier import Candidate, guesses
from faces.names import nfc
from faces.photo_faces import PHOTO_FIELDS, PhotoFaces, PhotoRefused
from ingest_service.errors import UserError

Source = dict[str, Any]
MODEL_FIELDS = ("id", "digest", "precision")
OWN = (
    "face_count",
    "best_quality",
    "thumbnail",
    "error",
    *(f"model.{name}" for name in MODEL_FIELDS),
    "unplaced",
    *(f"photo.{name}" for name in PHOTO_FIELDS),
    "photo.faces_found",
)
"""What describes one photo and its faces: removed before each writing, as it may describe another photo."""
OWN_OF_FACES = ("faces", "unnamed_faces", "undecided_faces", "best_similarity")
OWN_OF_A_PORTRAIT = ("vector", "face")
SHARED = ("event.ingested", "event.lag", "event.duration", "event.outcome", "file.hash.sha256")
"""Overwritten each time."""
OF_FILE = ("file.size", "file.mime_type", "file.hash.sha256")


class Unwritable(UserError):
    """The document can't take faces; the message says why, and what to do."""


def with_faces(
    source: Source,
    index: str,
    options: FaceOptions,
    found: PhotoFaces,
    candidates: Sequence[Sequence[Candidate]] | None,
    took: int,
    now: datetime,
) -> Source:
    """The document with its faces.

    Args:
        source: the document as it stands, with its photo.
        candidates: of each face, most similar first; None where nobody is identified.
        took: nanoseconds until the service's answer.

    Raises:
        Unwritable: something else is where the faces would be.
    """
    writing = _Writing(source, index, options)
    sha256 = str(found.file["hash"]["sha256"])
    same = writing.fields.get("file.hash.sha256") == sha256
    placing = writing.placing()
    sent = writing.remove_other_photos(sha256)
    writing.remove_written()
    entries = _entries(found, placing.place(found.faces, found.photo, sha256[:16], same), sha256[:16])
    if candidates is not None:
        likely = map(guesses, candidates)
        entries = [entry | fields for entry, fields in zip(entries, likely, strict=True)]
    writing.write_found(entries, found)
    writing.fields.set("unplaced", placing.unplaced() or None)
    if options.remove_binary:
        Fields(writing.source).remove(options.field)
    if not entries:
        writing.set_no_face()
    writing.write_event("success", found.photo.get("taken"), sent, took, now)
    return writing.finished()


def with_error(
    source: Source,
    index: str,
    options: FaceOptions,
    error: PhotoRefused,
    thumbnail: str | None,
    took: int,
    now: datetime,
) -> Source:
    """The document with why it has no faces. The photo itself stays, so that nothing is lost.

    Args and raises: as `with_faces`.
        thumbnail: None if the photo can't be read.
    """
    writing = _Writing(source, index, options)
    placing = writing.placing()
    sent = writing.remove_other_photos(None)
    writing.remove_written()
    writing.fields.set("unplaced", placing.unplaced() or None)
    writing.fields.set("error", {"code": error.code, "message": error.reason})
    writing.fields.set("thumbnail", thumbnail)
    writing.write_event("failure", None, sent, took, now)
    return writing.finished()


def followed(source: Source, before: Source, index: str, options: FaceOptions) -> Source:
    """A changed document that keeps its photo, with names and numbers that follow.

    Args:
        before: as it was.
    """
    whole, dotted = expanded(copy.deepcopy(source))
    earlier, _ = expanded(copy.deepcopy(before))
    field = options.face_field(index)
    document = Document(index, "", 0, 0, field, whole)
    follow(document, Document(index, "", 0, 0, field, earlier))
    for name in CHANGED:
        if document.get(name) is None:
            Fields(whole, options.target).remove(name)
    return collapsed(whole, dotted)


def with_its_faces(source: Source, before: Source, index: str, options: FaceOptions) -> Source:
    """A document that has the faces of its photo already, as `followed`, without the photo if that goes."""
    whole = copy.deepcopy(source)
    if options.remove_binary:
        Fields(whole).remove(options.field)
    return followed(whole, before, index, options)


class _Writing:
    """One document that is written.

    Attributes:
        fields: everything that the processor writes, below its target.
    """

    def __init__(self, source: Source, index: str, options: FaceOptions) -> None:
        self.source, self._dotted = expanded(copy.deepcopy(source))
        self._options = options
        self.fields = Fields(self.source, options.target)
        self._document = Document(index, "", 0, 0, options.face_field(index), self.source)
        for holder in (options.target, options.at("model"), options.at("photo")):
            if holder and not Fields(self.source).is_object(holder):
                raise Unwritable(
                    f"field [{holder}] isn't an object, so nothing can be written into it: choose another "
                    "[target_field]"
                )

    def placing(self) -> Placing:
        """What people said about the faces that the document has."""
        document, name = self._document, self._document.name
        faces = [dict(face) for face in document.faces]
        waiting = [dict(face) for face in document.unplaced]
        for face in (*faces, *waiting):
            tidy_face(face)
        if name is not None and lone_face(document) is not None and faces[0].get("label") == {"name": name}:
            # The name stays in the document, and doesn't say which face of another photo it means.
            del faces[0]["label"]
        size = {side: self.fields.get(f"photo.{side}") for side in ("width", "height")}
        return Placing(faces, size, waiting)

    def remove_other_photos(self, sha256: str | None) -> Any:
        """Removes from fields that senders share with us what describes the photo of an earlier run, if that
        was another one; returns the sender's own ``@timestamp``, if there is one.

        Args:
            sha256: of the photo now; None if it can't be read.
        """
        fields, earlier = self.fields, self._earlier(sha256)
        ours = (fields.get("event.ingested"), fields.get("photo.taken"))
        sent = sent_time(fields.get("@timestamp"), earlier, fields.get("event.lag") is not None, ours)
        if earlier == "other_photo":
            if sent is None:
                fields.remove("@timestamp")
            if self._has_faces:
                for name in OF_FILE:
                    fields.remove(name)
        return sent

    def remove_written(self) -> None:
        """Everything that a run writes, however it is spelled, also what a sender wrote there."""
        own = (*OWN, *SHARED, *(OWN_OF_A_PORTRAIT if self._options.single_face else OWN_OF_FACES))
        without(self.source, [self._options.at(name) for name in own])
        tags = self._tags()
        if tags is not None and NO_FACE in tags:
            self.fields.replace("tags", [tag for tag in tags if tag != NO_FACE] or None)

    def write_found(self, entries: list[Face], found: PhotoFaces) -> None:
        fields = self.fields
        fields.set("photo.faces_found", sum(face.get("drawn") is not True for face in entries))
        fields.set("face_count", len(entries))
        fields.set("best_quality", _highest((face.get("quality") or {}).get("score") for face in entries))
        if self._options.single_face:
            fields.set("vector", entries[0].pop("vector"))
            fields.set("face", entries[0])
        else:
            fields.set("best_similarity", _highest(face.get("best_similarity") for face in entries))
            fields.set("faces", entries)
        for name in MODEL_FIELDS:
            fields.set(f"model.{name}", found.model.get(name))
        for name in PHOTO_FIELDS:
            fields.set(f"photo.{name}", found.photo.get(name))
        fields.set("thumbnail", found.thumbnail)
        fields.set_if_absent("file.size", found.file.get("size"))
        fields.set_if_absent("file.mime_type", found.file.get("mime_type"))
        fields.replace("file.hash.sha256", found.file["hash"]["sha256"])

    def set_no_face(self) -> None:
        if (tags := self._tags()) is not None:
            self.fields.replace("tags", [*tags, NO_FACE])

    def write_event(self, outcome: str, taken: Any, sent: Any, took: int, now: datetime) -> None:
        fields = self.fields
        fields.set_if_absent("@timestamp", taken or as_text(now))
        fields.replace("event.ingested", as_text(now))
        fields.replace("event.lag", None if sent is None else lag(sent, now))
        fields.replace("event.duration", took)
        fields.replace("event.outcome", outcome)

    def finished(self) -> Source:
        """With names in one form, labels that follow from them, and numbers that follow from both."""
        follow(self._document, self._document.copy())
        for name in (*OWN, *OWN_OF_FACES):
            if self.fields.get(name) is None:
                self.fields.remove(name)
        if self.source.get("person") == {}:
            del self.source["person"]  # nothing was in its name
        self._copy_path()
        if self._options.target is None:
            # With a target, [file] is a field of the sender's own.
            for name in ("file.path", "file.name"):
                self.fields.replace(name, _nfc(self.fields.get(name)))
        return collapsed(self.source, self._dotted)

    def _copy_path(self) -> None:
        """Into ``file.path``, and what is behind its last slash into ``file.name``, as the plugin does."""
        path = Fields(self.source).get(self._options.path_field) if self._options.path_field else None
        if isinstance(path, str) and path.strip():
            name = path[max(path.rfind("/"), path.rfind("\\")) + 1 :]
            self.fields.replace("file.path", path)
            self.fields.replace("file.name", name if name.strip() else None)

    def _earlier(self, sha256: str | None) -> Earlier:
        if self._has_faces:
            before = self.fields.get("file.hash.sha256")
            return "same_photo" if before in (None, sha256) else "other_photo"
        failed = self.fields.get("error.code") is not None and self.fields.get("event.outcome") == "failure"
        return "other_photo" if failed else "none"

    @property
    def _has_faces(self) -> bool:
        holder = "face" if self._options.single_face else "faces"
        return self.fields.get("model.id") is not None and self.fields.get(holder) is not None

    def _tags(self) -> list[Any] | None:
        """None where they are an object, which isn't ours."""
        tags = self.fields.get("tags")
        if isinstance(tags, dict):
            return None
        return list(tags) if isinstance(tags, list) else [] if tags is None else [tags]


def _entries(found: PhotoFaces, kept: Sequence[Face], prefix: str) -> list[Face]:
    """The entries of ``faces``: an earlier face's id, or the next free one."""
    taken = {face.get("id") for face in kept}
    free = (key for number in range(2 * len(kept)) if (key := f"{prefix}-{number}") not in taken)
    entries = []
    for face, said in zip(found.faces, kept, strict=True):
        entries.append({"id": said.get("id") or next(free), **said, **face})
    return entries


def _highest(numbers: Any) -> float | None:
    return max((float(number) for number in numbers if number is not None), default=None)


def _nfc(value: Any) -> Any:
    if isinstance(value, list):
        return [_nfc(one) for one in value]
    return nfc(value) if isinstance(value, str) else value
