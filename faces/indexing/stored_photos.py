"""What an index already has of a photo."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from elasticsearch import AuthorizationException, Elasticsearch

from faces.indexing.contents import PhotoContent
from faces.names import nfc
from faces.searchable import below
from ingest_service.errors import UserError

HASH = "file.hash.sha256"
FIELDS = [
    HASH,
    "file.path",
    "file.path_hash",
    "file.picture_hash",
    "person.name",
    "person.sent_name",
    "face_count",
    "error.code",
    "error.message",
    "@timestamp",
    "event.ingested",
    "photo.taken",
    "photo.dated_by",
    "faces.label.name",
    "faces.not",
]
LEFT_OUT = ["image", "thumbnail", "faces", "face", "vector"]
"""Of the source: what is large, and no sender's word."""
BY_CONTENT = "content"
AT_MOST = 20
"""Documents that are looked at if several have the same content."""


class LookupFailed(UserError):
    """The index can't be asked which photos it has; the message says why."""


@dataclass(frozen=True)
class StoredPhoto:
    """A document of a photo, as it stands.

    seq_no, primary_term: its version, for a change that is based on it.
    routing: what it was sent with to choose its shard; None if that was its id.
    known_by_content: whether a search for its content found it.
    paths: ``file.path``, in the order of the document.
    locations: digests of the absolute paths of its files.
    picture: the digest of the picture without its metadata.
    names: ``person.name``; corrected: names that it was sent with, and that somebody corrected.
    labels: people's names of its faces; ruled_out: names that people ruled out.
    undated: whether its ``@timestamp`` is only the time of the ingest.
    dated_by: where its ``@timestamp`` comes from, if that was an earlier ``faces index``.
    source: the document without ``LEFT_OUT``.
    """

    index: str
    id: str
    seq_no: int
    primary_term: int
    routing: str | None
    known_by_content: bool
    sha256: str | None
    paths: list[str]
    locations: list[str]
    picture: str | None
    names: set[str]
    corrected: set[str]
    labels: set[str]
    ruled_out: set[str]
    faces: int
    error_code: str | None
    error: str | None
    undated: bool
    dated_by: str | None
    source: dict[str, Any] = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.index, self.id

    @property
    def dotted(self) -> set[str]:
        """Fields that the document has under one key with dots, and not as objects."""
        return {key for key in self.source if "." in key}

    def value(self, name: str) -> Any:
        """That of a field by its full name; None if the document has none."""
        return self.source.get(name, below(self.source, name))

    @classmethod
    def of(cls, hit: dict[str, Any]) -> StoredPhoto:
        """From a hit of a search with ``FIELDS``."""
        fields = hit.get("fields", {})

        def first(name: str) -> Any:
            return next(iter(fields.get(name, [])), None)

        faces = [face for face in fields.get("faces", []) if isinstance(face, dict)]
        code, message = first("error.code"), first("error.message")
        ingested = first("event.ingested")
        return cls(
            index=hit["_index"],
            id=hit["_id"],
            seq_no=hit["_seq_no"],
            primary_term=hit["_primary_term"],
            routing=hit.get("_routing"),
            known_by_content=BY_CONTENT in hit.get("matched_queries", []),
            sha256=first(HASH),
            paths=[str(path) for path in fields.get("file.path", [])],
            locations=[str(location) for location in fields.get("file.path_hash", [])],
            picture=first("file.picture_hash"),
            names=_names(fields.get("person.name", [])),
            corrected=_names(fields.get("person.sent_name", [])),
            labels=_names(name for face in faces for name in face.get("label.name", [])),
            ruled_out=_names(name for face in faces for name in face.get("not", [])),
            faces=int(first("face_count") or 0),
            error_code=code,
            error=f"[{code}] {message}" if code else None,
            undated=ingested is not None and first("@timestamp") == ingested and not first("photo.taken"),
            dated_by=first("photo.dated_by"),
            source=hit.get("_source", {}),
        )


def _names(values: Any) -> set[str]:
    return {nfc(str(value)) for value in values if str(value).strip()}


@dataclass(frozen=True)
class StoredPhotos:
    """Asks an index, or an alias of several, which photos it has."""

    es: Elasticsearch
    index: str

    def with_content(self, contents: Sequence[PhotoContent]) -> list[StoredPhoto | None]:
        """For each content the document that has it, one with the same path before others; None without one.

        Found are also documents that weren't sent by ``faces index``, by the hash that the pipeline wrote.
        """
        fields = self._hash_fields()
        queries = [
            {
                "bool": {
                    "should": [
                        *(
                            {"term": {field: {"value": content.sha256, "_name": BY_CONTENT}}}
                            for field in fields
                        ),
                        {"ids": {"values": [content.id, content.earlier_id]}},
                    ]
                }
            }
            for content in contents
        ]
        answers = self._search(queries)
        return [self._best(content, hits) for content, hits in zip(contents, answers, strict=True)]

    def at_location(self, contents: Sequence[PhotoContent]) -> list[list[StoredPhoto]]:
        """For each file the documents that were made from it, newest first, whatever it contained."""
        files = [content for content in contents if content.location]
        found = self._search([{"term": {"file.path_hash": content.location}} for content in files])
        by_location = dict(zip((content.location for content in files), found, strict=True))
        return [by_location.get(content.location, []) for content in contents]

    def with_ids(self, ids: Sequence[str]) -> dict[str, StoredPhoto]:
        """Those documents that there are, by id; of an alias of several indices the newest."""
        found = self._search([{"ids": {"values": [key]}} for key in ids])
        return {documents[0].id: documents[0] for documents in found if documents}

    def refresh(self) -> bool:
        """Lets searches find what was stored a moment ago. False if the user lacks the privilege for that."""
        try:
            self.es.indices.refresh(index=self.index, ignore_unavailable=True)
        except AuthorizationException:
            return False
        return True

    def holds(self, index: str, key: str, content: PhotoContent) -> bool:
        """Whether a document has this content, also if no search finds it yet."""
        found = self.es.options(ignore_status=404).get(index=index, id=key, source_includes=["file"])
        return bool(below(found.get("_source", {}), HASH) == content.sha256)

    def again(self, stored: StoredPhoto) -> StoredPhoto | None:
        """A document as it stands now; None if it is gone."""
        found = self._search([{"ids": {"values": [stored.id]}}])[0]
        return next((document for document in found if document.key == stored.key), None)

    def _best(self, content: PhotoContent, hits: list[StoredPhoto]) -> StoredPhoto | None:
        same = [hit for hit in hits if self._is_of(hit, content)]
        same.sort(key=lambda hit: (content.photo.name not in hit.paths, hit.id != content.id))
        return same[0] if same else None

    def _is_of(self, stored: StoredPhoto, content: PhotoContent) -> bool:
        if stored.known_by_content or stored.sha256 is not None:
            return stored.known_by_content
        if stored.id == content.id:
            return True
        # Known by its earlier id alone: stored with an error it has no hash, but it has its image.
        found = self.es.get(
            index=stored.index, id=stored.id, routing=stored.routing, source_includes=["image"]
        )
        source = found.get("_source", {})
        try:
            data = base64.b64decode(str(source.get("image", "")))
        except binascii.Error:
            return False
        return hashlib.sha256(data).hexdigest() == content.sha256

    def _hash_fields(self) -> list[str]:
        """The fields with the hash: an index of somebody's own may have it in an object of its own."""
        found = self.es.field_caps(index=self.index, fields=f"*{HASH}", ignore_unavailable=True)
        return [name for name in found["fields"] if name == HASH or name.endswith(f".{HASH}")]

    def _search(self, queries: list[dict[str, Any]]) -> list[list[StoredPhoto]]:
        if not queries:
            return []
        self.refresh()
        searches: list[dict[str, Any]] = []
        for query in queries:
            searches += [
                {"index": self.index, "ignore_unavailable": True},
                {
                    "query": query,
                    "size": AT_MOST,
                    "sort": [{"event.ingested": {"order": "desc", "unmapped_type": "date"}}],
                    "seq_no_primary_term": True,
                    "fields": FIELDS,
                    "_source": {"excludes": LEFT_OUT},
                },
            ]
        answer = self.es.msearch(searches=searches)
        for response in answer["responses"]:
            if "error" in response:
                raise LookupFailed(f"[{self.index}] can't be searched: {response['error'].get('reason')}")
        return [[StoredPhoto.of(hit) for hit in response["hits"]["hits"]] for response in answer["responses"]]
