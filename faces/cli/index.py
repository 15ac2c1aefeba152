"""The command `faces index`."""

from __future__ import annotations

import typer

from es_setup.connection import Connection
from faces.cli.options import FolderArgument, IndexOption, JsonFlag, Labels, connected_to_elasticsearch
from faces.cli.output import err, explained, fail, indexing_summary, out, print_json, tracked
from faces.indexing import IndexingCounts, index_photos
from faces.photos import photos_below


@connected_to_elasticsearch
def index_command(
    connection: Connection,
    folder: FolderArgument,
    labels: Labels = None,
    index: IndexOption = "faces",
    as_json: JsonFlag = False,
) -> None:
    """Index every photo below FOLDER. A second run adds nothing."""
    with explained():
        es = connection.elasticsearch()
        photos = photos_below(folder, labels == "folder")
        if not photos:
            fail(f"no photos below {folder}")
        counts = IndexingCounts()
        for indexed in tracked(index_photos(es, photos, index), len(photos), "indexing"):
            counts.add(indexed)
            if indexed.error:
                err.print(f"{indexed.photo.name}: {indexed.error}", markup=False)
        es.indices.refresh(index=index)
    if as_json:
        print_json(counts.as_json())
    else:
        out.print(indexing_summary(counts), markup=False)
    raise typer.Exit(1 if counts.not_stored else 0)
