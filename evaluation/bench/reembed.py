"""``./run bench reembed``: another model for an index of labelled photos, by the command that a user gives,
while others search it all the time. It passes if no search fails and no document is missing."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from rich.table import Table

from es_setup.shipped_files import ARCHIVE
from evaluation.bench.machine import Machine
from faces import local_stack
from faces.cli.output import say
from faces.indexing.indexing import index_photos
from faces.local_service import running_service
from faces.pages import count_of
from faces.photo_folders.reading import read_folder
from faces.searching import FaceQuery, search
from faces.shown.terminal import PlainConsole
from faces.undisturbed import undisturbed

OLD, NEW = "facenet", "facenet-sface"
ROOT = Path(__file__).parents[2]
PAUSE_S = 0.05
"""Between two searches of one searcher: they shall not keep the machine from its work."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench reembed", description=__doc__)
    parser.add_argument("folder", type=Path, help="labelled photos in LFW's layout")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--photos", type=int, metavar="N", help="the first N of the folder [all]")
    parser.add_argument("--crops", action="store_true", help="from the stored crops, not from the files")
    arguments = parser.parse_args()
    found = measure(arguments.folder.resolve(), arguments.photos, arguments.crops)
    report(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    if not found["passed"]:
        sys.exit(1)


@dataclass
class Searchers:
    """Others who search meanwhile, each kind in a thread of its own.

    seconds: of each search that was answered; failed: why others weren't; empty: how many found nothing.
    """

    es: Elasticsearch
    photos: list[bytes]
    seconds: dict[str, list[float]] = field(default_factory=dict)
    failed: Counter[str] = field(default_factory=Counter)
    empty: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def searching(self) -> Iterator[None]:
        stopped = threading.Event()
        threads = [
            threading.Thread(target=self._search, args=(kind, ask, stopped))
            for kind, ask in self._kinds().items()
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stopped.set()
            for thread in threads:
                thread.join()

    def _kinds(self) -> dict[str, Callable[[], int]]:
        photos = cycle(self.photos)
        (hit,) = self.es.search(index=ARCHIVE, size=1, query={"range": {"face_count": {"gte": 1}}})["hits"][
            "hits"
        ]

        def by_photo() -> int:
            """As `faces search PHOTO`."""
            query = FaceQuery(next(photos))
            return len(undisturbed(self.es, ARCHIVE, lambda where: search(self.es, query, where)))

        def by_stored_face() -> int:
            """As a board does it."""
            face = {"document": {"index": ARCHIVE, "id": hit["_id"]}}
            knn = {
                "field": "faces.vector",
                "k": 5,
                "num_candidates": 100,
                "query_vector_builder": {"face": face},
            }
            return len(self.es.search(index=ARCHIVE, knn=knn, source=False)["hits"]["hits"])

        def by_name() -> int:
            query = {"exists": {"field": "people"}}
            return len(self.es.search(index=ARCHIVE, query=query, source=False)["hits"]["hits"])

        return {"a photo": by_photo, "a stored face": by_stored_face, "a name": by_name}

    def _search(self, kind: str, ask: Callable[[], int], stopped: threading.Event) -> None:
        while not stopped.wait(PAUSE_S):
            started = time.perf_counter()
            try:
                found = ask()
            except Exception as error:  # whatever it is, a search has failed
                self.failed[f"{kind}: {type(error).__name__} {str(error)[:200]}"] += 1
                continue
            self.seconds.setdefault(kind, []).append(time.perf_counter() - started)
            if not found:
                self.empty[kind] += 1


def measure(folder: Path, most: int | None, crops: bool) -> dict[str, Any]:
    """How long each part took, what the command printed, and what became of the searches."""
    cache, home = local_stack.prepare_all(say)
    photos = read_folder(folder, labels_from_folders=True).photos[:most]
    with (
        local_stack.running_stack(cache, home, say) as stack,
        local_stack.working_folder() as other,
        running_service(cache, other, environment={"FACES_PROFILE": NEW}) as service,
    ):
        es = stack.connection.elasticsearch()
        started = time.perf_counter()
        for _ in index_photos(es, photos):
            pass
        indexed_s = time.perf_counter() - started
        es.indices.refresh(index=ARCHIVE)
        before = count_of(es, ARCHIVE, {"match_all": {}})
        named = count_of(es, ARCHIVE, {"exists": {"field": "people"}})
        say(f"{before:,} photos indexed in {indexed_s:.0f} s")
        words = ["reembed", "--profile", NEW, "--to-url", service.url, "--json"]
        words += [] if crops else ["--photos", str(folder)]
        searchers = Searchers(es, [photo.path.read_bytes() for photo in photos[:50]])
        with searchers.searching():
            started = time.perf_counter()
            answer = subprocess.run(
                [sys.executable, "-m", "faces", *words],
                cwd=ROOT,
                env={"ES_URL": stack.connection.es_url, "FACES_URL": stack.connection.faces_url},
                stdout=subprocess.PIPE,
                check=True,
            )
            seconds = time.perf_counter() - started
        es.indices.refresh(index=ARCHIVE)
        after = count_of(es, ARCHIVE, {"term": {"model.id": service.model}})
        named_after = count_of(es, ARCHIVE, {"exists": {"field": "people"}})
    return {
        "machine": Machine.here().shown(),
        "photos": before,
        "from": OLD,
        "to": NEW,
        "indexed_s": round(indexed_s, 1),
        "reembedded_s": round(seconds, 1),
        "photos_per_second": round(before / seconds, 1),
        "command": json.loads(answer.stdout),
        "searches": {
            kind: {
                "answered": len(times),
                "empty": searchers.empty[kind],
                "p50_ms": round(1000 * float(np.percentile(times, 50)), 1),
                "p99_ms": round(1000 * float(np.percentile(times, 99)), 1),
            }
            for kind, times in searchers.seconds.items()
        },
        "failed": dict(searchers.failed),
        "passed": not searchers.failed
        and not searchers.empty.total()
        and before == after
        and named == named_after,
    }


def report(found: dict[str, Any]) -> None:
    table = Table("searches by", "answered", "empty", "p50 ms", "p99 ms", box=None)
    for kind, each in found["searches"].items():
        table.add_row(kind, *(str(each[name]) for name in ("answered", "empty", "p50_ms", "p99_ms")))
    out = PlainConsole(stderr=False, width=140)
    out.print(table)
    out.print(
        f"{found['photos']:,} photos from {found['from']} to {found['to']} in {found['reembedded_s']} s, "
        f"{sum(found['failed'].values())} searches failed"
    )
    for why, count in found["failed"].items():
        out.print(f"{count} x {why}")
    out.print(found["machine"])


if __name__ == "__main__":
    main()
