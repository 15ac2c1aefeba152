"""``./run bench resend``: what it costs to read and merge what stands under the ids of a bulk of photos.

The ways of sending take turns in rounds on one machine, and the ratio of their times in one round counts. The
spread over the rounds is printed next to the median.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from rich.table import Table

from evaluation.bench.ingest import INDEX, Photos
from evaluation.bench.rounds import seconds, shown, spread
from faces import local_stack
from faces.cli.output import say
from faces.shown.terminal import PlainConsole

NO_ID = "new photos, without an id"
CREATE = "new photos, with an id and op_type create"
NEW = "new photos, with an id"
KNOWN = "the same photos again"
UPDATES = "the same photos again, as updates in a bulk"


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench resend", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--rounds", type=int, default=5, help="of each way [5]")
    parser.add_argument("--photos", type=int, metavar="N", help="the first N of the sample [all]")
    arguments = parser.parse_args()
    found = measure(arguments.rounds, arguments.photos)
    report(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")


def measure(rounds: int, number: int | None = None) -> dict[str, Any]:
    """Photos per second of each way, and its time as a multiple of that without an id."""
    cache, home = local_stack.prepare_all(say)
    sample = Photos.sample(cache.sample)
    photos = Photos(sample.paths[:number], sample.documents[:number])
    with local_stack.running_stack(cache, home, lambda _: None) as running:
        es = running.connection.elasticsearch()
        ways: dict[str, Callable[[], float]] = {
            NO_ID: lambda: send(es, photos, "index", ids=False, again=False),
            CREATE: lambda: send(es, photos, "create", ids=True, again=False),
            # The later ones find what the one before has left.
            NEW: lambda: send(es, photos, "index", ids=True, again=False),
            KNOWN: lambda: send(es, photos, "index", ids=True, again=True),
            UPDATES: lambda: send(es, photos, "update", ids=True, again=True),
        }
        for work in ways.values():
            work()  # to warm up, not counted
        times: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, work in ways.items():
                times[name].append(work())
    return {
        "photos": len(photos.paths),
        "rounds": rounds,
        "cores": os.cpu_count(),
        "photos_per_second": {
            name: spread([len(photos.paths) / each for each in values]) for name, values in times.items()
        },
        "time_of_photos_without_id": {
            name: spread([own / base for own, base in zip(values, times[NO_ID], strict=True)])
            for name, values in times.items()
        },
    }


def send(es: Elasticsearch, photos: Photos, operation: str, *, ids: bool, again: bool) -> float:
    """Seconds for one bulk of all photos, into a new index unless they are sent again."""
    if not again:
        es.options(ignore_status=404).indices.delete(index=INDEX)
        es.indices.create(index=INDEX)
    operations: list[dict[str, Any]] = []
    for number, document in enumerate(photos.documents):
        body = {"doc": document, "doc_as_upsert": True} if operation == "update" else document
        operations += [{operation: {"_index": INDEX} | ({"_id": str(number)} if ids else {})}, body]
    answers = []
    elapsed = seconds(lambda: answers.append(es.bulk(operations=operations)))
    for item in answers[0]["items"]:
        if "error" in item[operation]:
            raise RuntimeError(f"a sample photo was refused: {item[operation]['error']}")
    return elapsed


def report(found: dict[str, Any]) -> None:
    table = Table("", "photos/s (min, max)", "time of a photo, without an id = 1", box=None)
    for name, speed in found["photos_per_second"].items():
        table.add_row(name, shown(speed), shown(found["time_of_photos_without_id"][name]))
    out = PlainConsole(stderr=False, width=140)
    out.print(table)
    out.print(f"{found['photos']} photos in one bulk, {found['rounds']} rounds, {found['cores']} cores")


if __name__ == "__main__":
    main()
