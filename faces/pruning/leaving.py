"""Takes a folder's places from documents whose photo is gone there, and was indexed in another folder too.

Nobody can see from one folder whether the photo is still in the other. So the document says from then on that
it is there alone, and goes by that one's `faces index --prune` once it is gone there, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from faces.decisions.documents import Document, read
from faces.partial_documents import document_of
from faces.pruning.missing import AT_ONCE, Kept, texts
from faces.pruning.source_folder import SourceFolder
from faces.searchable import Searchable, below


def leave(es: Elasticsearch, where: Searchable, folder: SourceFolder, kept: Sequence[Kept]) -> None:
    """Changes those of the documents that are kept for another folder. One that somebody changes at the same
    moment stays as it is: the next run tries again.

    Args:
        folder: that hasn't looked yet.
    """
    waiting = iter([one.key for one in kept if one.why == "elsewhere"])
    while keys := list(islice(waiting, AT_ONCE)):
        updates = _updates(read(es, where, keys, {"includes": ["file*"]}), folder)
        bulk(es, updates, raise_on_error=False, raise_on_exception=False, refresh=True)


def _updates(documents: Sequence[Document], folder: SourceFolder) -> Iterator[dict[str, Any]]:
    for document in documents:
        if fields := without_folder(
            texts(below(document.source, "file.path")),
            texts(below(document.source, "file.path_hash")),
            folder,
        ):
            yield {
                "_op_type": "update",
                **document.if_unchanged,
                "doc": document_of(fields, document.dotted),
            }


def without_folder(paths: Sequence[str], locations: Sequence[str], folder: SourceFolder) -> dict[str, Any]:
    """What a document says where its photo is, without a folder in which it isn't: full name -> value. Empty
    where nothing changes: its file is there after all, or nothing else says where the photo is.

    The paths stay, behind the others: as where the photo was before.
    """
    names = [path for path in paths if folder.below(path, locations)]
    if any(folder.place_of(name) not in ("gone", "empty_folder") for name in names):
        return {}
    places = {folder.location(name) for name in names}
    rest = [location for location in locations if location not in places]
    if not names or not rest:
        return {}
    return {"file.path": [*(path for path in paths if path not in names), *names], "file.path_hash": rest}
