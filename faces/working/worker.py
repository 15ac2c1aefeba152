"""Gives documents that wait for their faces what the plugin would have given them."""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import models
from es_setup.connection import Service
from faces.completing.asking import AT_ONCE, require_model
from faces.completing.completing import Completed, Completer, Unfinished
from faces.completing.options import FaceOptions, options_of
from faces.completing.storing import Place, Version, replace
from faces.decisions.adding import MOST_BYTES
from faces.erasure.kept_away import CameBack, KeptAway
from faces.indexing.picture_data import picture_hash
from faces.refused import IndexBlocked, refusal_of
from faces.searchable import NoFaces, searchable
from faces.working import queue
from faces.working.leases import Leases
from ingest_service.data_uris import photo_bytes
from ingest_service.errors import FaceServiceError

MOST_PASSED_OVER = 200_000
"""Documents of no use that are remembered: 40 MB."""
TOGETHER = 32_000_000
"""Characters of photos that are in memory at once, unless a single one has more."""
CONFLICT, BUSY = 409, (429, 503)


class Outcome(Enum):
    """What became of a document."""

    COMPLETED = "completed"
    """It has its faces, or was found to have none."""
    FAILED = "with an error"
    """Its photo can't be read; the document has the error."""
    FORGOTTEN = "forgotten"
    """Its photo was forgotten, so that the document was deleted."""
    CHANGED = "changed meanwhile"
    """Somebody changed or deleted it at the same moment: it is read again."""
    REFUSED = "refused"
    """It stays as it is: Elasticsearch refuses what it would become, or the document takes no faces."""


@dataclass(frozen=True)
class Worked:
    """
    faces: how many were found.
    code, reason: of its error, or why it was refused.
    """

    index: str
    id: str
    outcome: Outcome
    faces: int = 0
    code: str | None = None
    reason: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "index": self.index,
            "id": self.id,
            "outcome": self.outcome.name.lower(),
            "faces": self.faces,
            "code": self.code,
            "reason": self.reason,
        }


@dataclass
class WorkedCounts:
    """How many documents had which outcome; errors: those with an error, by code."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    faces: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def add(self, worked: Worked) -> None:
        self.outcomes[worked.outcome] += 1
        self.faces += worked.faces
        if worked.outcome is Outcome.FAILED:
            self.errors[str(worked.code)] += 1

    def as_json(self) -> dict[str, Any]:
        named = {outcome.name.lower(): self.outcomes[outcome] for outcome in Outcome}
        return {**named, "faces": self.faces, "errors": dict(self.errors.most_common())}


@dataclass(frozen=True)
class _Content:
    """A photo, as what was forgotten is asked about."""

    photo: Place
    data: bytes = field(repr=False)

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()

    def picture_hash(self) -> str | None:
        return picture_hash(self.data)


@dataclass
class Worker:
    """
    names: the indices, aliases or patterns whose documents get faces.
    at_once: documents that are leased and sent together.
    held: documents of the last pass that another worker has in hand.
    """

    es: Elasticsearch
    service: Service
    names: Sequence[str]
    leases: Leases
    at_once: int = AT_ONCE
    held: int = 0
    _passed_over: dict[Place, int] = field(default_factory=dict)
    _checked: bool = False

    def work(self, stopped: Callable[[], bool]) -> Iterator[Worked]:
        """Goes once through the documents that wait now, and yields what became of each.

        Args:
            stopped: whether to end after the batch in hand.

        Raises:
            ServiceAway: the service can't answer at the moment; the documents in hand stay as they were.
            OtherModel, ServiceUnfit: it can't answer for an index as both are set up now.
            MixedModels: an index has vectors of two models.
            IndexBlocked: an index takes no changes.
            NoFaces: no index takes faces.
        """
        self.held = 0
        options = self._options()
        queue.refresh(self.es, options)
        places = queue.waiting(self.es, options, self._passed_over)
        if places or not self._checked:
            self._check(options)
        # So that several workers rarely want the same ones.
        random.shuffle(places)
        completer = Completer(self.es, self.service, options)
        for start in range(0, len(places), self.at_once):
            if stopped():
                return
            yield from self._batch(_Batch(completer, KeptAway(self.es)), places[start : start + self.at_once])

    def _options(self) -> dict[str, FaceOptions]:
        """Each index that takes faces -> how its documents get them. Closed to writing are those of a model
        that was switched from."""
        where = searchable(self.es, ",".join(self.names))
        options = options_of(self.es, where)
        settings = self.es.indices.get_settings(
            index=where.name, name="index.blocks.write", flat_settings=True
        )
        options = {
            index: how
            for index, how in options.items()
            if settings.get(index, {}).get("settings", {}).get("index.blocks.write") != "true"
        }
        if not options:
            raise NoFaces(
                f"[{where.name}] isn't prepared for faces: run `faces install`, or `faces attach` for an "
                "index of your own"
            )
        return options

    def _check(self, options: dict[str, FaceOptions]) -> None:
        """Before anything is done, so that the message is clear."""
        for index in options:
            models.model_of(self.es, index)
        require_model(self.service, {index: how.model for index, how in options.items()})
        self._checked = True

    def _batch(self, batch: _Batch, wanted: Sequence[Place]) -> Iterator[Worked]:
        ours = self.leases.take(wanted)
        self.held += len(wanted) - len(ours)
        try:
            # Another worker may have been faster, which a search doesn't see at once.
            left = queue.still_unfinished(self.es, batch.completer.options, ours)
            some: list[Version] = []
            for version in queue.whole(self.es, left):
                if batch.photo_of(version) is None:
                    self._pass_over(version)
                    continue
                if some and batch.size([*some, version]) > TOGETHER:
                    yield from self._complete(batch, some)
                    some = []
                some.append(version)
            yield from self._complete(batch, some)
        finally:
            self.leases.give_back(ours)

    def _complete(self, batch: _Batch, versions: Sequence[Version]) -> Iterator[Worked]:
        wanted, forgotten = batch.divided(versions)
        yield from (self._deleted(version) for version in forgotten)
        completed = batch.completer.complete([batch.unfinished(one) for one in wanted])
        storing: list[tuple[Version, Completed, dict[str, Any]]] = []
        for version, one in zip(wanted, completed, strict=True):
            if one.source is None:
                yield self._refused(version, str(one.reason))
                continue
            try:
                source = batch.cleaned(version, one.source)
            except CameBack as error:
                yield self._refused(version, str(error))
                continue
            if source is None:
                yield self._deleted(version)
            else:
                storing.append((version, one, source))
        items = replace(self.es, [(version, source) for version, _, source in storing]) if storing else []
        blocked = None
        for (version, one, _), item in zip(storing, items, strict=True):
            status = item["status"]
            if status < 300:
                outcome = Outcome.FAILED if one.code else Outcome.COMPLETED
                place = version.place
                yield Worked(place.index, place.id, outcome, one.faces, one.code, one.reason)
            elif status == CONFLICT:
                yield Worked(version.place.index, version.place.id, Outcome.CHANGED)
            else:
                refusal = refusal_of(item)
                if refusal.code == "read_only" or status in BUSY:
                    blocked = refusal.reason
                else:
                    yield self._refused(version, refusal.reason)
        if blocked:
            raise IndexBlocked(blocked)

    def _deleted(self, version: Version) -> Worked:
        place = version.place
        answer = self.es.options(ignore_status=(404, CONFLICT)).delete(
            index=place.index,
            id=place.id,
            routing=place.routing,
            if_seq_no=version.seq_no,
            if_primary_term=version.primary_term,
        )
        changed = answer.meta.status == CONFLICT
        return Worked(place.index, place.id, Outcome.CHANGED if changed else Outcome.FORGOTTEN)

    def _refused(self, version: Version, reason: str) -> Worked:
        self._pass_over(version)
        return Worked(version.place.index, version.place.id, Outcome.REFUSED, reason=reason)

    def _pass_over(self, version: Version) -> None:
        """Until somebody changes the document."""
        if len(self._passed_over) >= MOST_PASSED_OVER:
            self._passed_over.clear()
        self._passed_over[version.place] = version.seq_no


@dataclass(frozen=True)
class _Batch:
    """What a pass needs for its documents."""

    completer: Completer
    kept_away: KeptAway

    def unfinished(self, version: Version) -> Unfinished:
        return Unfinished(version.place.index, version.source)

    def photo_of(self, version: Version) -> Any:
        return self.completer.photo_of(self.unfinished(version))

    def size(self, versions: Sequence[Version]) -> int:
        photos = map(self.photo_of, versions)
        return sum(len(photo) for photo in photos if isinstance(photo, str))

    def divided(self, versions: Sequence[Version]) -> tuple[list[Version], list[Version]]:
        """Those to complete, and those whose photo was forgotten as a whole."""
        contents = []
        for version in versions:
            try:
                contents.append(_Content(version.place, photo_bytes(self.photo_of(version), MOST_BYTES)))
            except FaceServiceError:
                continue  # the service says what is wrong with it
        _, forgotten = self.kept_away.divided(contents)
        gone = {content.photo for content in forgotten}
        return (
            [version for version in versions if version.place not in gone],
            [version for version in versions if version.place in gone],
        )

    def cleaned(self, version: Version, source: dict[str, Any]) -> dict[str, Any] | None:
        """Without faces that were forgotten; None if there are no others."""
        hit = {
            "_index": version.place.index,
            "_id": version.place.id,
            "_seq_no": version.seq_no,
            "_primary_term": version.primary_term,
            "_source": source,
        }
        return self.kept_away.cleaned(version.place, hit)
