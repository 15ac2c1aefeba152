"""Probes that matched a person get the tags that the gallery has by now, and what is printed of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from elasticsearch import AuthorizationException, Elasticsearch

from es_setup.connection import innermost_reason
from es_setup.shipped_files import GALLERY, PROBES
from faces.cli.changes import Changes
from faces.cli.output import tracked
from faces.decisions.entries import Operation
from faces.decisions.journal import Journal
from faces.gallery import tagging
from faces.gallery.people import Gallery
from faces.names import all_names
from faces.searchable import NoFaces, searchable


def bring_tags(
    es: Elasticsearch, changes: Changes, probes: str | None, name: str, tags: Sequence[str]
) -> int:
    """Returns how many documents got the tags.

    Args:
        probes: index or alias; default: `PROBES`, if it is there.
    """
    if probes is None and not es.indices.exists(index=PROBES):
        return 0
    reached = 0
    try:
        where = searchable(es, probes or PROBES)
        total = es.count(index=where.name, query=tagging.probes_of(es, where, name))["count"]
        results = tagging.refresh_probes(es, where, name, tags, changes.dry_run)
        for one in tracked(results, total, "probes"):
            reached += one.outcome == "changed"
            if one.outcome == "failed":
                changes.add(one)
    except AuthorizationException as error:
        changes.problem(
            f"[{probes or PROBES}] keeps the tags of before: {innermost_reason(error)}. Run this again as "
            "somebody who may change it"
        )
    return reached


def bring_tags_back(es: Elasticsearch, journal: Journal, undone: Operation, changes: Changes) -> int:
    """After an operation was undone that had changed tags of a gallery. Returns how many documents of
    `PROBES` got those of before."""
    tagged: dict[str, set[str]] = defaultdict(set)
    for one in journal.decisions(undone.id):
        if one.face is None and one.before.get("tags") != one.after.get("tags"):
            for name in all_names(one.after.get("name")):
                tagged[one.index].add(name)
    reached = 0
    for index, names in tagged.items():
        if es.indices.exists(index=index) and (gallery := _gallery(es, index)):
            reached += sum(
                bring_tags(es, changes, None, name, tagging.tags_of(gallery, name)) for name in sorted(names)
            )
    return reached


def _gallery(es: Elasticsearch, index: str) -> Gallery | None:
    """The one that an index is of: by its alias, as newest portraits may be in another index of it. None if
    it is none."""
    aliases = es.indices.get_alias(index=index)[index]["aliases"]
    try:
        return Gallery.of(es, GALLERY if GALLERY in aliases else index)
    except NoFaces:
        return None
