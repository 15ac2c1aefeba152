"""Indexes photos in batches, and reports the outcome of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.connection import Service
from faces.erasure.kept_away import REASON, KeptAway
from faces.indexing.client_side import ClientSide, client_side_of
from faces.indexing.contents import PhotoContent, disputed, read_content, unreadable
from faces.indexing.known_documents import KnownDocuments
from faces.indexing.outcomes import IndexedPhoto, Outcome, failed
from faces.indexing.pipelines import refused_fields, require_gallery, require_pipeline
from faces.indexing.planned import Planned
from faces.indexing.sending import BULK_BYTES, BULK_PHOTOS, create
from faces.indexing.stored_photos import StoredPhoto, StoredPhotos
from faces.photos import PhotoFile, SentPhoto
from faces.refusals import require_our_fields
from faces.refused import IndexBlocked

OPTIONAL = ("file.hash", "file.path_hash", "file.picture_hash")
"""Fields that a strict mapping may lack: then a photo is known by its id alone."""
CHANGED = (
    "the file was changed since it was indexed: document [{id}] keeps the old content, and the new content "
    "has a document of its own. With --replace it would have taken the old one's place"
)
ID_TAKEN = "the id [{id}] is another photo's: with --replace this one takes its place"
ID_TWICE = "the id [{id}] was given to another photo of this list"


@dataclass(frozen=True)
class How:
    """How photos are indexed.

    replace: a photo takes the place of the content that its file had, or that the document of its id has.
    enroll: the photos are portraits, each of a person with a name.
    dry_run: send nothing, and yield the outcomes as if.
    """

    replace: bool = False
    enroll: bool = False
    dry_run: bool = False


def index_photos(
    es: Elasticsearch,
    photos: Iterable[PhotoFile | IndexedPhoto],
    index: str = "faces",
    how: How | None = None,
    service: Service | None = None,
) -> Iterator[IndexedPhoto]:
    """Indexes each photo whose content ``index`` lacks as a document, and yields the outcome of each.

    Args:
        photos: those of a folder as a sequence, or those of a list as they are read. An outcome among them,
            such as that of a line that can't be read, is passed on.
        service: that finds the faces where the plugin doesn't.

    Raises:
        NoPipeline: ``index`` neither sends its documents through a pipeline, nor is prepared for a cluster
            without the plugin.
        NoGallery: portraits are to be enrolled, and ``index`` isn't for portraits.
        OtherFields: its pipeline reads photos from another field.
        ServiceUnfit: the inference service can't answer for this index.
        OtherModel: it serves another model than the index has.
        IndexBlocked: it takes no more documents; raised after the outcomes of those that were sent.
    """
    how = how or How()
    here = client_side_of(es, service, index)
    if here and service:
        here.require_fit(service, how.dry_run)
    else:
        require_pipeline(es, index)
        require_our_fields(es, index)
    if how.enroll and not (here and here.options.single_face):
        require_gallery(es, index)
    refused = {name.split(".")[1] for name in refused_fields(es, index, OPTIONAL)}
    yield from _Run(es, index, how, photos, refused, here).outcomes()


@dataclass
class _Run:
    """One run over a folder or a list.

    refused: the parts of ``file`` that the index doesn't take.
    here: finds the faces, where no pipeline does.
    used_ids: that the sender gave to photos of this run.
    """

    es: Elasticsearch
    index: str
    how: How
    photos: Iterable[PhotoFile | IndexedPhoto]
    refused: set[str]
    here: ClientSide | None = None
    used_ids: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.stored = StoredPhotos(self.es, self.index)
        # What a list has is known only once it is read.
        whole = self.photos if isinstance(self.photos, Sequence) else []
        known = [photo for photo in whole if isinstance(photo, PhotoFile)]
        files = {photo.name: photo.path for photo in known}
        self.known = KnownDocuments(self.es, self.stored, files, self.refused, self.how.dry_run, self.here)
        self.planned = Planned()
        self.disputed = disputed(known)
        self.labelled = {photo.path: photo for photo in known if photo.path in self.disputed}
        self.kept_away = KeptAway(self.es)

    def outcomes(self) -> Iterator[IndexedPhoto]:
        changed: list[PhotoContent] = []
        for batch in _batches(self.photos):
            contents = []
            for photo in batch:
                found = photo if isinstance(photo, IndexedPhoto) else self._content(photo)
                if isinstance(found, IndexedPhoto):
                    yield found
                else:
                    contents.append(found)
            contents, forgotten = self.kept_away.divided(contents)
            yield from (IndexedPhoto(one.photo, Outcome.SKIPPED, notice=REASON) for one in forgotten)
            for outcome in self._index(contents, changed):
                yield self._with_dispute(outcome)
        # Only now is known which of the old contents lie elsewhere.
        for start in range(0, len(changed), BULK_PHOTOS):
            for outcome in self._index_changed(changed[start : start + BULK_PHOTOS]):
                yield self._with_dispute(outcome)

    def _content(self, photo: PhotoFile) -> PhotoContent | IndexedPhoto:
        """A photo's content; its outcome if it isn't sent."""
        if self.how.enroll and photo.label is None:
            return failed(photo, "no_name", "nobody is named: a portrait needs its person's name")
        if self.how.enroll and photo.path in self.disputed:
            others = ", ".join(f"[{other.name}]" for other in self.disputed[photo.path])
            return failed(photo, "no_name", f"the same photo is in somebody else's folder: {others}")
        try:
            content = read_content(self._without_disputed_label(photo))
        except OSError as error:
            refusal = unreadable(error)
            return failed(photo, refusal.code, refusal.reason)
        if content.no_photo:
            return IndexedPhoto(photo, Outcome.SKIPPED, notice=content.no_photo)
        wanted = content.photo.id
        if wanted in self.used_ids:
            return failed(photo, "id_taken", ID_TWICE.format(id=wanted))
        self.used_ids |= {wanted} if wanted else set()
        return content

    def _without_disputed_label(self, photo: PhotoFile) -> PhotoFile:
        return replace(photo, label=None) if photo.path in self.disputed else photo

    def _with_dispute(self, outcome: IndexedPhoto) -> IndexedPhoto:
        if not self.how.dry_run:
            self.kept_away.blank(outcome.photo, outcome.key)
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
        taken = self.stored.with_ids([content.photo.id for content in unknown if content.photo.id])
        new = []
        for content, before in zip(unknown, self.stored.at_location(unknown), strict=True):
            if content.photo.id in taken:
                yield self._at_taken_id(content, taken[content.photo.id])
            elif before:
                changed.append(content)
            else:
                new.append(content)
        yield from self._create(new)
        for content, found in known:
            yield self.known.keep(content, found)
        if repeated:
            yield from self._index(repeated, changed)

    def _at_taken_id(self, content: PhotoContent, old: StoredPhoto) -> IndexedPhoto:
        if self.how.replace:
            return self.known.replace(content, old)
        return failed(content.photo, "id_taken", ID_TAKEN.format(id=old.id))

    def _index_changed(self, contents: Sequence[PhotoContent]) -> Iterator[IndexedPhoto]:
        """Files that have documents of another content."""
        first, repeated = _first_of_each(contents)
        stored, before = self.stored.with_content(first), self.stored.at_location(first)
        beside: list[PhotoContent] = []
        notices = {}
        for content, found, documents in zip(first, stored, before, strict=True):
            old = next((document for document in documents if document.key not in self.known.found), None)
            if found:
                yield self.known.keep(content, found)
            elif old and (self.how.replace or self._is_same_picture(content, old)):
                yield self.known.replace(content, old)
            else:
                beside.append(content)
                if old:
                    notices[content.sha256] = CHANGED.format(id=old.id)
        yield from self._create(beside, notices)
        if repeated:
            yield from self._index_changed(repeated)

    def _is_same_picture(self, content: PhotoContent, old: StoredPhoto) -> bool:
        """Whether only metadata was changed in the file."""
        try:
            return old.picture is not None and old.picture == content.picture_hash()
        except OSError:
            return False  # reported when it is sent

    def _create(
        self, contents: Sequence[PhotoContent], notices: dict[str, str] | None = None, other_id: bool = False
    ) -> Iterator[IndexedPhoto]:
        if self.how.dry_run:
            yield from (self.planned.outcome(content, notices or {}) for content in contents)
            return
        if not contents:
            return
        ids = {content.sha256: content.other_id if other_id else content.id for content in contents}
        documents = [(content, ids[content.sha256]) for content in contents]
        sent = create(self.es, self.index, documents, self._fields, self.here)
        there = [content for content in contents if content.sha256 in sent.there]
        made = [content for content in contents if content.sha256 in sent.stored]
        stored = self.stored.with_content([*made, *there])
        self.known.date([(content, found) for content, found in zip(made, stored, strict=False) if found])
        for content, found in zip(made, stored, strict=False):
            notice = (notices or {}).get(content.sha256)
            yield self._made(content, sent.stored[content.sha256], found, notice)
        again = []
        for content, found in zip(there, stored[len(made) :], strict=True):
            if outcome := self._there(content, found, sent.there[content.sha256]):
                yield outcome
            elif other_id or content.photo.id:
                yield failed(content.photo, "id_taken", ID_TAKEN.format(id=ids[content.sha256]))
            else:
                again.append(content)
        for content in contents:
            if refusal := sent.refused.get(content.sha256):
                yield failed(content.photo, refusal.code, refusal.reason)
        if sent.blocked:
            raise IndexBlocked(sent.blocked)
        yield from self._create(again, notices, other_id=True)

    def _there(
        self, content: PhotoContent, found: StoredPhoto | None, key: tuple[str, str]
    ) -> IndexedPhoto | None:
        """The outcome of a photo whose id has a document; None if that one is another photo's."""
        if found:
            return self.known.keep(content, found)
        is_it = self.stored.holds(*key, content)
        return IndexedPhoto(content.photo, Outcome.UNCHANGED, key) if is_it else None

    def _made(
        self,
        content: PhotoContent,
        key: tuple[str, str],
        found: StoredPhoto | None,
        notice: str | None,
    ) -> IndexedPhoto:
        """The outcome of a photo that has a new document."""
        self.known.found.add(key)
        if found is None:
            return IndexedPhoto(content.photo, Outcome.NEW, key, notice=notice)
        return IndexedPhoto(
            content.photo, Outcome.NEW, key, found.faces, found.error_code, found.error, notice
        )

    def _fields(self, content: PhotoContent) -> dict[str, Any]:
        refused = tuple(f"file.{name}" for name in self.refused)
        ours = {
            name: value
            for name, value in content.fields().items()
            if not any(name == field or name.startswith(f"{field}.") for field in refused)
        }
        label = content.photo.label
        return {**content.photo.fields, **ours, **({"person.name": label} if label else {})}


def _batches(
    photos: Iterable[PhotoFile | IndexedPhoto],
) -> Iterator[list[PhotoFile | IndexedPhoto]]:
    """At most ``BULK_PHOTOS`` each, and about ``BULK_BYTES`` of photos that are in the list itself."""
    batch: list[PhotoFile | IndexedPhoto] = []
    size = 0
    for photo in photos:
        batch.append(photo)
        size += len(photo.data or b"") if isinstance(photo, SentPhoto) else 0
        if len(batch) == BULK_PHOTOS or size > BULK_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _first_of_each(contents: Iterable[PhotoContent]) -> tuple[list[PhotoContent], list[PhotoContent]]:
    """The first photo of each content, and the others."""
    first: dict[str, PhotoContent] = {}
    repeated = [content for content in contents if first.setdefault(content.sha256, content) is not content]
    return list(first.values()), repeated
