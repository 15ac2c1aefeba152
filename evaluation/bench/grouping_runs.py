"""What `faces group` makes of vectors in an archive of its own: how well, how fast, in how much memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_setup.connection import Connection
from es_setup.embedded.local_node import running_node
from es_setup.install import install
from evaluation.bench.rounds import seconds
from evaluation.pairwise import PairwiseScore, pairwise
from faces.error_rates.arrays import People, Vectors
from faces.error_rates.similarity import without_face
from faces.grouping import stored
from faces.grouping.neighbours import near
from faces.grouping.run import Least
from faces.local_stack import working_folder
from faces.pages import every_hit
from faces.searchable import searchable

INDEX = "faces-bench"
# The command line itself, in a process of its own; then the most memory that it had.
COMMAND = """
import resource, sys
from faces.cli import app
try:
    app()
finally:
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""
NOBODY = {"face.endpoint.default.urls": "http://127.0.0.1:1"}
"""The pipeline's endpoint, which isn't asked: documents come with their faces."""
UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes of the number that the system gives."""


@dataclass(frozen=True)
class GroupingRun:
    """
    seconds: of the command, from its start to its end; memory: the most of its process, in bytes.
    groups: how many it made.
    """

    score: PairwiseScore
    groups: int
    seconds: float
    memory: int


@contextmanager
def archive(home: Path, model: str, vectors: Vectors) -> Iterator[tuple[Elasticsearch, str]]:
    """A node, and its address, with an archive as `faces install` makes it: a face for each vector that isn't
    NaN.

    Args:
        home: Elasticsearch's, with the plugin.
        vectors: (n, dims); the position is the document's id.
    """
    with (
        working_folder() as folder,
        running_node(home, folder, NOBODY) as node,
    ):
        es = Connection(es_url=node.url).elasticsearch()
        for _ in install(es, model, dims=vectors.shape[1]):
            pass
        # As for any large load: few segments, which a search has to look through one by one.
        es.indices.create(index=INDEX, settings={"refresh_interval": -1})
        bulk(es.options(request_timeout=600), _documents(vectors, model), chunk_size=500)
        es.indices.put_settings(index=INDEX, settings={"refresh_interval": None})
        es.options(request_timeout=600).indices.refresh(index=INDEX)
        yield es, node.url


def searches_alone(es: Elasticsearch) -> float:
    """Seconds for the kNN searches of all faces, as the command makes them, one request after the other."""
    where = searchable(es, INDEX)
    model = stored.model_of(es, where)
    faces = stored.read(stored.every_document(es, where), where, model)
    least = Least.of(where).pair
    return seconds(lambda: [None for _ in near(es, where, faces, least)])


def grouped(es: Elasticsearch, url: str, people: People) -> GroupingRun:
    """Runs the command, and reads what it wrote.

    Raises:
        RuntimeError: it fails.
    """
    started = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-c", COMMAND, "group", "--index", INDEX, "--json", "--quiet"],
        env=os.environ | {"ES_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    elapsed = time.perf_counter() - started
    if ended.returncode:
        raise RuntimeError(f"`faces group` ended with status {ended.returncode}: {ended.stderr[-500:]}")
    found = json.loads(ended.stdout)
    memory = UNIT * int(ended.stderr.split()[-1])
    return GroupingRun(pairwise(_groups(es, len(people)), people), len(found["groups"]), elapsed, memory)


def _groups(es: Elasticsearch, count: int) -> People:
    """(count,): each photo's group, as a number; one of its own where it has none."""
    es.indices.refresh(index=INDEX)
    numbers: dict[str, int] = {}
    groups = -1 - np.arange(count)
    query = {"exists": {"field": "face_groups"}}
    for hit in every_hit(es, INDEX, query, size=1_000, source=False, fields=["face_groups"]):
        (group,) = hit["fields"]["face_groups"]
        groups[int(hit["_id"])] = numbers.setdefault(group, len(numbers))
    return groups


def _documents(vectors: Vectors, model: str) -> Iterator[dict[str, Any]]:
    for photo in np.flatnonzero(~without_face(vectors)).tolist():
        face = {"id": f"{photo:016x}-0", "vector": vectors[photo].tolist()}
        document = {"faces": [face], "face_count": 1, "model": {"id": model}}
        yield {"_index": INDEX, "_id": str(photo), **document}
