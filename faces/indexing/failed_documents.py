"""The documents of an index that have an error, by its code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch

from faces.indexing.remedies import DOCUMENT_CODES
from faces.indexing.stored_photos import LEFT_OUT
from faces.pages import every_hit
from faces.searchable import Searchable, below
from ingest_service.errors import WrongArguments

PAGE = 64
"""Documents that are read at once; also of a bulk of changes, which the plugin makes as many at a time."""
MOST_CODES = 100


class UnknownCode(WrongArguments):
    """No document has, or could have, an error of this code; the message lists those that there are."""


@dataclass(frozen=True)
class FailedDocument:
    """
    seq_no, primary_term: its version, for a change that is based on it.
    routing: what it was sent with to choose its shard; None if that was its id.
    name: its ``file.path``, or else its id.
    source: what it has besides its photo and its faces.
    """

    index: str
    id: str
    seq_no: int
    primary_term: int
    routing: str | None
    code: str
    message: str
    name: str
    source: dict[str, Any] = field(repr=False)

    @property
    def key(self) -> tuple[str, str]:
        return self.index, self.id


@dataclass(frozen=True)
class FailedDocuments:
    """
    codes: those of the wanted documents; None: any.
    ids: of the wanted documents; None: any.
    """

    es: Elasticsearch
    where: Searchable
    codes: Collection[str] | None = None
    ids: Collection[str] | None = None

    def by_code(self) -> dict[str, int]:
        """Code -> number of documents, the most frequent first."""
        names = {f"code{number}": name for number, name in enumerate(self._code_fields())}
        terms = {key: {"terms": {"field": name, "size": MOST_CODES}} for key, name in names.items()}
        answer = self.es.search(index=self.where.name, size=0, query=self.query(), aggs=terms)
        counts: Counter[str] = Counter()
        for key in names:
            for bucket in answer["aggregations"][key]["buckets"]:
                counts[bucket["key"]] += bucket["doc_count"]
        return dict(counts.most_common())

    def require_known(self, codes: Collection[str]) -> None:
        """
        Raises:
            UnknownCode: we don't know one of these codes, and no document has it, of a newer plugin.
        """
        if not set(codes) <= DOCUMENT_CODES:
            known = DOCUMENT_CODES | self.by_code().keys()
            if unknown := sorted(set(codes) - known):
                listed = [", ".join(f"[{code}]" for code in some) for some in (unknown, sorted(known))]
                raise UnknownCode(f"no error has the code {listed[0]}: name one of {listed[1]}")

    def pages(self) -> Iterator[list[FailedDocument]]:
        """The documents as they are when the first page is read, none twice."""
        hits = every_hit(
            self.es,
            self.where.name,
            self.query(),
            size=PAGE,
            source={"excludes": LEFT_OUT},
            seq_no_primary_term=True,
        )
        with closing(hits):
            while page := [self._of(hit) for hit in islice(hits, PAGE)]:
                yield page

    def query(self) -> dict[str, Any]:
        """For the wanted documents."""
        with_code = [
            {"terms": {name: sorted(self.codes)}} if self.codes else {"exists": {"field": name}}
            for name in self._code_fields()
        ]
        filters: list[dict[str, Any]] = [{"bool": {"should": with_code, "minimum_should_match": 1}}]
        if self.ids is not None:
            filters.append({"ids": {"values": sorted(self.ids)}})
        return {"bool": {"filter": filters}}

    def _code_fields(self) -> list[str]:
        return [found.at("error.code") for found in self.where.fields]

    def _of(self, hit: dict[str, Any]) -> FailedDocument:
        source = hit["_source"]
        error: dict[str, Any] = next(
            (found for field in self.where.fields if (found := below(source, field.at("error")))), {}
        )
        path = below(source, "file.path") or hit["_id"]
        return FailedDocument(
            hit["_index"],
            hit["_id"],
            hit["_seq_no"],
            hit["_primary_term"],
            hit.get("_routing"),
            str(error.get("code")),
            str(error.get("message")),
            str(path[0] if isinstance(path, list) else path),
            source,
        )
