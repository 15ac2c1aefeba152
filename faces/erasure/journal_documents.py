"""Entries of the journal about what is gone: who, when and what kind of decision stay."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from elasticsearch import Elasticsearch

from es_setup.shipped_files import JOURNAL
from faces.decisions.entries import EVERYWHERE
from faces.erasure.journal_entries import BLANKED, blank, drop_digests, in_place_of
from faces.pages import count_of, every_hit

AT_ONCE = 500
Documents = dict[str, list[str]]
"""Each index -> ids."""
Faces = Sequence[Sequence[str]]
"""The index, the document and the id of each."""


def entries_about(es: Elasticsearch, documents: Documents, faces: Faces) -> int:
    """How many entries are about one of the documents or faces; 0 without a journal."""
    if not (documents or faces) or not es.indices.exists(index=JOURNAL):
        return 0
    es.indices.refresh(index=JOURNAL)
    return sum(count_of(es, JOURNAL, query) for query in _about(documents, faces))


def blank_documents(es: Elasticsearch, documents: Documents, faces: Faces) -> int:
    """Takes the document, the face and what was said out of every entry about one of the documents or faces,
    and returns how many there were. An undo finds nothing there.

    Raises:
        JournalNotBlanked: an entry can't be changed.
    """
    operations = set[str]()
    blanked = blank(
        es,
        lambda: entries_about(es, documents, faces),
        lambda: _changes(es, documents, faces, operations),
        "what is gone",
    )
    drop_digests(es, operations)
    return blanked


def _changes(
    es: Elasticsearch, documents: Documents, faces: Faces, operations: set[str]
) -> Iterator[dict[str, Any]]:
    """
    Args:
        operations: those that the entries are of are added.
    """
    for query in _about(documents, faces):
        for hit in every_hit(es, JOURNAL, query, seq_no_primary_term=True):
            entry = hit["_source"]
            entry.pop("face", None)
            operations.add(str(entry["operation"]["id"]))
            # An id is made from the photo's content, so whoever has the photo would know it.
            entry["document"]["id"] = EVERYWHERE
            yield in_place_of(hit, entry | {"before": {}, "after": {}, "names": [], BLANKED: True})


def _about(documents: Documents, faces: Faces) -> Iterator[dict[str, Any]]:
    """No entry is found by two of the queries."""
    of_faces = defaultdict[str, list[str]](list)
    for index, document, face in faces:
        if document not in documents.get(index, ()):
            of_faces[index].append(face)
    for what, wanted in (("document.id", documents), ("face.id", of_faces)):
        for index, ids in wanted.items():
            for start in range(0, len(ids), AT_ONCE):
                those = {"terms": {what: ids[start : start + AT_ONCE]}}
                yield {"bool": {"filter": [{"term": {"document.index": index}}, those]}}
