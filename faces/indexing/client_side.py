"""What `faces index` and `faces retry` do where documents pass no pipeline: they ask the service themselves,
and store the documents that the plugin would."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import client_side, models
from es_setup.connection import Service
from faces.completing.asking import AT_ONCE, ServiceAway, require_model
from faces.completing.completing import Completed, Completer, Unfinished
from faces.completing.options import FaceOptions, recorded_options
from faces.completing.stored_faces import stay
from faces.completing.storing import Place, read, replace
from faces.completing.writing import Source, Unwritable, followed, with_its_faces
from faces.indexing.contents import PhotoContent
from faces.indexing.failed_documents import FailedDocument
from faces.indexing.stored_photos import StoredPhoto
from faces.refusals import require_fields
from faces.refused import Refusal
from faces.searchable import searchable

BUSY = 429
"""The status of a document whose photo the service can't look at now, as by the plugin."""

Sending = tuple[PhotoContent, str, Source | Refusal]
"""A content, the id of its document, and that document, or why it can't be sent."""


@dataclass(frozen=True)
class ClientSide:
    """
    name: the index or alias that documents are sent to.
    options: how its documents get their faces.
    """

    es: Elasticsearch
    completer: Completer
    name: str
    options: FaceOptions

    def require_fit(self, service: Service, dry_run: bool) -> None:
        """
        Raises:
            OtherFields: the index keeps photos and faces elsewhere than an archive does.
            OtherModel: the service serves another model than the index has.
            ServiceAway: it doesn't answer; not asked in a dry run.
        """
        require_fields(self.name, self.options.field, self.options.target)
        if not dry_run:
            require_model(service, {self.name: self.options.model})

    def completed(self, documents: Iterable[Sending]) -> Iterator[Sending]:
        """The documents with their faces; a refusal for each that the service can't look at now.

        Raises:
            OtherModel, ServiceUnfit: the service can't answer for this index.
        """
        waiting = iter(documents)
        while batch := list(islice(waiting, AT_ONCE)):
            sources = [source for _, _, source in batch if not isinstance(source, Refusal)]
            done = iter(self._complete(sources))
            for content, key, source in batch:
                yield content, key, source if isinstance(source, Refusal) else next(done)

    def _complete(self, sources: Sequence[Source]) -> list[Source | Refusal]:
        try:
            found = self.completer.complete([Unfinished(self.name, source) for source in sources])
        except ServiceAway as error:
            return [Refusal("not_reached", str(error)) for _ in sources]
        return [Refusal("refused", str(one.reason)) if one.source is None else one.source for one in found]

    def whole(self, source: Source, index: str | None = None) -> Source:
        """One document with its faces.

        Args:
            index: that it is in; default: it is new.

        Raises:
            ServiceAway: the service can't look at its photo now.
            Unwritable: the document takes no faces.
        """
        (done,) = self.completer.complete([Unfinished(index or self.name, source)])
        if done.source is None:
            raise Unwritable(str(done.reason))
        return done.source

    def update(self, stored: StoredPhoto, change: Source) -> None:
        """Merges a partial document into a document that is as it was read, as an ``_update`` through the
        pipeline: with a photo it gets that one's faces, else names and numbers follow.

        Raises:
            ConflictError: it isn't any more.
            ServiceAway: the service can't look at the photo now.
            Unwritable: the document takes no faces.
            ApiError: it is refused.
        """
        place = Place(stored.index, stored.id)
        found = next(iter(read(self.es, [place]).values()), None)
        before: Source = found.source if found else {}
        options = self.completer.options.get(stored.index, self.options)
        source = merged(before, change)
        if options.field in change and stay(source, options):
            source = with_its_faces(source, before, stored.index, options)
        elif options.field in change:
            source = self.whole(source, stored.index)
        else:
            source = followed(source, before, stored.index, options)
        self.es.index(
            index=stored.index,
            id=stored.id,
            document=source,
            routing=found.place.routing if found else None,
            if_seq_no=stored.seq_no,
            if_primary_term=stored.primary_term,
            refresh=True,
        )


def client_side_of(es: Elasticsearch, service: Service | None, name: str) -> ClientSide | None:
    """None where documents that are sent to an index or alias pass a pipeline, or aren't prepared for
    faces."""
    recorded = _recorded(es, name)
    told = client_side.options_in(recorded)
    if told is None or service is None:
        return None
    options = FaceOptions.of(told, recorded.get("model"))
    behind = recorded_options(searchable(es, name)) if es.indices.exists(index=name) else {}
    return ClientSide(es, Completer(es, service, {**behind, name: options}), name, options)


def try_here(
    es: Elasticsearch, completer: Completer, documents: Sequence[FailedDocument]
) -> dict[tuple[str, str], dict[str, Any]]:
    """Looks again at the photos that documents kept; returns the items of a bulk by the documents' keys."""
    items: dict[tuple[str, str], dict[str, Any]] = {}
    for start in range(0, len(documents), AT_ONCE):
        some = documents[start : start + AT_ONCE]
        found = {(place.index, place.id): one for place, one in read(es, _places(some)).items()}
        items |= {one.key: {"status": 404} for one in some if one.key not in found}
        versions = [found[one.key] for one in some if one.key in found]
        try:
            done = completer.complete([Unfinished(one.place.index, one.source) for one in versions])
        except ServiceAway as error:
            done = [Completed(None, reason=str(error), code="away") for _ in versions]
        keys = [(one.place.index, one.place.id) for one in versions]
        storing = []
        for key, version, one in zip(keys, versions, done, strict=True):
            if one.source is None:
                items[key] = {"status": BUSY if one.code else 400, "error": {"reason": one.reason}}
            else:
                storing.append((key, version, one.source))
        stored = replace(es, [(version, source) for _, version, source in storing], refresh=True)
        items |= {key: item for (key, _, _), item in zip(storing, stored, strict=True)}
    return items


def merged(source: Mapping[str, Any], change: Mapping[str, Any]) -> Source:
    """The source with what a partial document says, as Elasticsearch's ``_update`` merges them."""
    whole: Source = copy.deepcopy(dict(source))
    for name, value in change.items():
        before = whole.get(name)
        whole[name] = merged(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return whole


def _places(documents: Sequence[FailedDocument]) -> list[Place]:
    return [Place(one.index, one.id) for one in documents]


def _recorded(es: Elasticsearch, name: str) -> dict[str, Any]:
    """Our part of the ``_meta`` of the index that documents sent to a name go into, or that would be made."""
    if not es.indices.exists(index=name):
        simulated = es.indices.simulate_index_template(name=name)
        return models.recorded(simulated.get("template", {}).get("mappings", {}))
    found = es.indices.get_mapping(index=name)
    recorded = [models.recorded(facts["mappings"]) for facts in found.values()]
    # All or none: the commands must know what becomes of a document wherever it is.
    return recorded[-1] if all(map(client_side.options_in, recorded)) else {}
