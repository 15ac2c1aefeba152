"""Indexes photos in batches, and reports the outcome of each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from elasticsearch import ApiError, ConflictError, Elasticsearch

from es_setup.connection import innermost_reason
from faces.indexing.contents import PhotoContent, disputed, read_content
from faces.indexing.known_photos import Change, change_of, document_of, folder_of, replacement_of
from faces.indexing.outcomes import IndexedPhoto, Outcome
from faces.indexing.pipelines import refused_fields, require_pipeline
from faces.indexing.sending import BULK_PHOTOS, create, unreadable, update, update_untouched
from faces.indexing.stored_photos import StoredPhoto, StoredPhotos
from faces.photo_dates.dates import PhotoDates
from faces.photos import PhotoFile
from faces.refusals import require_our_fields

OPTIONAL = ("file.hash", "file.path_hash", "file.picture_hash")
"""Fields that a strict mapping may lack: then a photo is known by its id alone."""
CHANGED = (
    "the file was changed since it was indexed: document [{id}] keeps the old content, and the new content "
    "has a document of its own. With --replace it would have taken the old one's place"
)
TRIES = 5
"""How often a change is made again because somebody else changed the document at the same moment."""


def index_photos(
    es: Elasticsearch, photos: Sequence[PhotoFile], index: str = "faces", replace: bool = False
) -> Iterator[IndexedPhoto]:
    """Indexes each photo whose content ``index`` lacks as a document, and yields the outcome of each.

    Args:
        replace: a file that was changed on disk since it was indexed takes the place of its old content.

    Raises:
        NoPipeline: ``index`` doesn't send its documents through a pipeline.
        OtherFields: its pipeline reads photos from another field.
        ServiceUnfit: the inference service can't answer for this index.
    """
    require_pipeline(es, index)
    require_our_fields(es, index)
    refused = {name.split(".")[1] for name in refused_fields(es, index, OPTIONAL)}
    yield from _Run(es, index, replace, photos, refused).outcomes()


@dataclass
class _Run:
    """One run over a folder.

    photos: all of it.
    refused: the parts of ``file`` that the index doesn't take.
    found: keys of the documents whose content was found in this run.
    """

    es: Elasticsearch
    index: str
    replace: bool
    photos: Sequence[PhotoFile]
    refused: set[str]
    found: set[tuple[str, str]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.stored = StoredPhotos(self.es, self.index)
        self.files = {photo.name: photo.path for photo in self.photos}
        self.dates = PhotoDates()
        self.disputed = disputed(self.photos)
        self.labelled = {photo.path: photo for photo in self.photos if photo.path in self.disputed}

    def outcomes(self) -> Iterator[IndexedPhoto]:
        changed: list[PhotoContent] = []
        for batch in _batches(self.photos):
            contents = []
            for photo in batch:
                try:
                    content = read_content(self._without_disputed_label(photo))
                except OSError as error:
                    yield IndexedPhoto(photo, Outcome.FAILED, error=unreadable(error))
                    continue
                if content.no_photo:
                    yield IndexedPhoto(photo, Outcome.SKIPPED, notice=content.no_photo)
                else:
                    contents.append(content)
            for outcome in self._index(contents, changed):
                yield self._with_dispute(outcome)
        # Only now is known which of the old contents lie elsewhere.
        for batch in _batches(changed):
            for outcome in self._index_changed(batch):
                yield self._with_dispute(outcome)

    def _without_disputed_label(self, photo: PhotoFile) -> PhotoFile:
        return PhotoFile(photo.path, photo.name) if photo.path in self.disputed else photo

    def _with_dispute(self, outcome: IndexedPhoto) -> IndexedPhoto:
        others = self.disputed.get(outcome.photo.path)
        if not others:
            return outcome
        same = ", ".join(f"[{other.name}]" for other in others)
        why = f"the same photo is in somebody else's folder: {same}"
        return replace(outcome, photo=self.labelled[outcome.photo.path], not_named=why)

    def _index(self, contents: Sequence[PhotoContent], changed: list[PhotoContent]) -> Iterator[IndexedPhoto]:
        """Photos of one batch. Files whose document has another content by now are added to ``changed``."""
        first, repeated = _first_of_each(contents)
        stored = self.stored.with_content(first)
        known = [(content, found) for content, found in zip(first, stored, strict=True) if found]
        unknown = [content for content, found in zip(first, stored, strict=True) if not found]
        new = []
        for content, before in zip(unknown, self.stored.at_location(unknown), strict=True):
            if before:
                changed.append(content)
            else:
                new.append(content)
        yield from self._create(new)
        for content, found in known:
            yield self._known(content, found)
        if repeated:
            yield from self._index(repeated, changed)

    def _index_changed(self, contents: Sequence[PhotoContent]) -> Iterator[IndexedPhoto]:
        """Files that have documents of another content."""
        first, repeated = _first_of_each(contents)
        stored, before = self.stored.with_content(first), self.stored.at_location(first)
        beside: list[PhotoContent] = []
        notices = {}
        for content, found, documents in zip(first, stored, before, strict=True):
            old = next((document for document in documents if document.key not in self.found), None)
            if found:
                yield self._known(content, found)
            elif old and (self.replace or self._is_same_picture(content, old)):
                yield self._replace(content, old)
            else:
                beside.append(content)
                if old:
                    notices[content.sha256] = CHANGED.format(id=old.id)
        yield from self._create(beside, notices)
        if repeated:
            yield from self._index_changed(repeated)

    def _create(
        self, contents: Sequence[PhotoContent], notices: dict[str, str] | None = None, other_id: bool = False
    ) -> Iterator[IndexedPhoto]:
        if not contents:
            return
        documents = [(content, content.other_id if other_id else content.id) for content in contents]
        sent = create(self.es, self.index, documents, self._fields)
        there = [content for content in contents if content.sha256 in sent.there]
        made = [content for content in contents if content.sha256 in sent.stored]
        stored = self.stored.with_content([*made, *there])
        self._date([(content, found) for content, found in zip(made, stored, strict=False) if found])
        taken = []
        for content, found in zip([*made, *there], stored, strict=True):
            if content.sha256 in sent.there:
                if found:
                    yield self._known(content, found)
                elif self.stored.holds(*sent.there[content.sha256], content):
                    yield IndexedPhoto(content.photo, Outcome.UNCHANGED, sent.there[content.sha256])
                else:
                    taken.append(content)
            else:
                key = sent.stored[content.sha256]
                self.found.add(key)
                yield IndexedPhoto(
                    content.photo,
                    Outcome.NEW,
                    key,
                    found.faces if found else 0,
                    found.error if found else None,
                    notice=(notices or {}).get(content.sha256),
                )
        for content in contents:
            if content.sha256 in sent.refused:
                yield IndexedPhoto(content.photo, Outcome.FAILED, error=sent.refused[content.sha256])
        if taken and other_id:
            for content in taken:
                yield IndexedPhoto(
                    content.photo, Outcome.FAILED, error=f"the id [{content.other_id}] is taken"
                )
        elif taken:
            yield from self._create(taken, notices, other_id=True)

    def _fields(self, content: PhotoContent) -> dict[str, Any]:
        file = {name: value for name, value in content.file_fields().items() if name not in self.refused}
        label = content.photo.label
        return {"file": file, **({"person": {"name": label}} if label else {})}

    def _known(self, content: PhotoContent, stored: StoredPhoto) -> IndexedPhoto:
        self.found.add(stored.key)
        root = folder_of(content)

        def change(now: StoredPhoto) -> Change:
            change = change_of(content, now, lambda name: content.is_in(self.files.get(name, root / name)))
            date = self.dates.of(content.photo.path) if now.undated and not now.error else None
            return replace(change, fields=change.fields | date.fields()) if date else change

        return self._change(content, stored, change)

    def _is_same_picture(self, content: PhotoContent, old: StoredPhoto) -> bool:
        """Whether only metadata was changed in the file."""
        try:
            return old.picture is not None and old.picture == content.picture_hash()
        except OSError:
            return False  # reported when it is sent

    def _replace(self, content: PhotoContent, old: StoredPhoto) -> IndexedPhoto:
        self.found.add(old.key)
        outcome = self._change(content, old, lambda now: replacement_of(content, now))
        after = self.stored.again(old)
        if outcome.stored and after and after.sha256 is None:
            # The pipeline writes no hash of a photo that can't be read, and it would be new each time.
            update_untouched(self.es, [(after, {"file": {"hash": {"sha256": content.sha256}}})])
        return outcome

    def _change(
        self, content: PhotoContent, stored: StoredPhoto, change_for: Callable[[StoredPhoto], Change]
    ) -> IndexedPhoto:
        """Changes a document; again if somebody else changes it at the same moment."""
        now: StoredPhoto | None = stored
        for _ in range(TRIES):
            if now is None:
                break
            change = self._without_refused(change_for(now))
            if not change.fields and not change.send_image:
                return _of(content, now, change)
            try:
                update(self.es, now, change.document(now, content.image))
            except ConflictError:
                now = self.stored.again(now)
                continue
            except OSError as error:
                return IndexedPhoto(content.photo, Outcome.FAILED, error=unreadable(error))
            except ApiError as error:
                return IndexedPhoto(content.photo, Outcome.FAILED, error=innermost_reason(error))
            if change.send_image:
                now = self.stored.again(now) or now
                self._date([(content, now)])
            return _of(content, now, change)
        problem = "its document is changed or deleted all the time: run this again"
        return IndexedPhoto(content.photo, Outcome.FAILED, error=problem)

    def _without_refused(self, change: Change) -> Change:
        refused = {f"file.{name}" for name in self.refused}
        return replace(
            change, fields={name: change.fields[name] for name in change.fields if name not in refused}
        )

    def _date(self, photos: Sequence[tuple[PhotoContent, StoredPhoto]]) -> None:
        """Gives those photos a date that have only the time of their ingest."""
        changes = []
        for content, stored in photos:
            date = self.dates.of(content.photo.path) if stored.undated and not stored.error else None
            if date:
                changes.append((stored, document_of(date.fields())))
        update_untouched(self.es, changes)


def _of(content: PhotoContent, stored: StoredPhoto, change: Change) -> IndexedPhoto:
    return IndexedPhoto(
        content.photo, change.outcome, stored.key, stored.faces, stored.error, not_named=change.not_named
    )


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), BULK_PHOTOS):
        yield items[start : start + BULK_PHOTOS]


def _first_of_each(contents: Iterable[PhotoContent]) -> tuple[list[PhotoContent], list[PhotoContent]]:
    """The first photo of each content, and the others."""
    first: dict[str, PhotoContent] = {}
    repeated = [content for content in contents if first.setdefault(content.sha256, content) is not content]
    return list(first.values()), repeated
