"""Changes the documents of known photos, so that nothing is lost that somebody writes at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from elasticsearch import ApiError, ConflictError, Elasticsearch

from faces.completing.asking import ServiceAway
from faces.completing.writing import Unwritable
from faces.indexing.client_side import ClientSide
from faces.indexing.contents import PhotoContent, unreadable
from faces.indexing.known_photos import TIME, Change, change_of, folder_of, replacement_of
from faces.indexing.outcomes import IndexedPhoto, failed
from faces.indexing.sending import update, update_untouched
from faces.indexing.stored_photos import StoredPhoto, StoredPhotos
from faces.partial_documents import document_of
from faces.photo_dates.dates import PhotoDate, PhotoDates
from faces.refused import refusal_from

TRIES = 5
"""How often a change is made again because somebody else changed the document at the same moment."""

OTHER_ID = "the photo has the document [{id}] already, which is kept"


@dataclass
class KnownDocuments:
    """
    files: name -> path of each file that is indexed, as far as they are known in advance.
    refused: the parts of ``file`` that the index doesn't take.
    dry_run: change nothing, and yield the outcomes as if.
    here: completes what is changed, where no pipeline does.
    found: keys of the documents whose content was found in this run.
    """

    es: Elasticsearch
    stored: StoredPhotos
    files: Mapping[str, Path]
    refused: set[str]
    dry_run: bool
    here: ClientSide | None = None
    found: set[tuple[str, str]] = field(default_factory=set)
    dates: PhotoDates = field(default_factory=PhotoDates)

    def keep(self, content: PhotoContent, stored: StoredPhoto) -> IndexedPhoto:
        """The outcome of a photo whose content the index has, after what is new has been added to it."""
        self.found.add(stored.key)

        def is_there(name: str) -> bool:
            return content.is_in(self.files.get(name, folder_of(content) / name))

        def change(now: StoredPhoto) -> Change:
            change = change_of(content, now, is_there)
            date = None if TIME in change.fields else self._date_of(content, now)
            return replace(change, fields=change.fields | date.fields()) if date else change

        return self._change(content, stored, change)

    def replace(self, content: PhotoContent, old: StoredPhoto) -> IndexedPhoto:
        """The outcome of a photo that takes the place of another content."""
        self.found.add(old.key)
        outcome = self._change(content, old, lambda now: replacement_of(content, now))
        after = None if self.dry_run else self.stored.again(old)
        if outcome.stored and after and after.sha256 is None:
            # The pipeline writes no hash of a photo that can't be read, and it would be new each time.
            self._update_untouched([(after, {"file": {"hash": {"sha256": content.sha256}}})])
        return outcome

    def date(self, photos: Sequence[tuple[PhotoContent, StoredPhoto]]) -> None:
        """Gives those photos a date that have only the time of their ingest."""
        changes = []
        for content, stored in photos:
            if date := self._date_of(content, stored):
                changes.append((stored, document_of(date.fields())))
        self._update_untouched(changes)

    def _date_of(self, content: PhotoContent, stored: StoredPhoto) -> PhotoDate | None:
        if not content.is_file or not stored.undated or stored.error:
            return None
        return self.dates.of(content.photo.path)

    def _change(
        self, content: PhotoContent, stored: StoredPhoto, change_for: Callable[[StoredPhoto], Change]
    ) -> IndexedPhoto:
        """Changes a document; again if somebody else changes it at the same moment."""
        now: StoredPhoto | None = stored
        for _ in range(TRIES):
            if now is None:
                break
            try:
                change = self._without_refused(change_for(now))
                if self.dry_run or not (change.fields or change.send_image):
                    return _of(content, now, change)
                self._update(now, change.document(now, content.image))
            except (ServiceAway, Unwritable) as error:
                code = "not_reached" if isinstance(error, ServiceAway) else "refused"
                return failed(content.photo, code, str(error))
            except ConflictError:
                now = self.stored.again(now)
                continue
            except OSError as error:
                refusal = unreadable(error)
                return failed(content.photo, refusal.code, refusal.reason)
            except ApiError as error:
                refusal = refusal_from(error)
                return failed(content.photo, refusal.code, refusal.reason)
            if change.send_image:
                now = self.stored.again(now) or now
                self.date([(content, now)])
            return _of(content, now, change)
        problem = "its document is changed or deleted all the time: run this again"
        return failed(content.photo, "contested", problem)

    def _update(self, stored: StoredPhoto, document: dict[str, Any]) -> None:
        if self.here is None:
            update(self.es, stored, document)
        else:
            self.here.update(stored, document)

    def _without_refused(self, change: Change) -> Change:
        refused = {f"file.{name}" for name in self.refused}
        return replace(
            change, fields={name: change.fields[name] for name in change.fields if name not in refused}
        )

    def _update_untouched(self, changes: Sequence[tuple[StoredPhoto, dict[str, Any]]]) -> None:
        """Searches find the changes afterwards: by one refresh where the user may, else by one for each."""
        if changes:
            may_refresh = self.stored.refresh()
            update_untouched(self.es, changes, refresh=not may_refresh)
            if may_refresh:
                self.stored.refresh()


def _of(content: PhotoContent, stored: StoredPhoto, change: Change) -> IndexedPhoto:
    return IndexedPhoto(
        content.photo,
        change.outcome,
        stored.key,
        stored.faces,
        stored.error_code,
        stored.error,
        notice=OTHER_ID.format(id=stored.id) if content.photo.id not in (None, stored.id) else None,
        not_named=change.not_named,
        kept=change.kept,
    )
