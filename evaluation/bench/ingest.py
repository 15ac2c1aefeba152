"""``./run bench ingest``: a bulk through the pipeline, compared with the report's loop on the same photos.

The contenders take turns in rounds on one machine, and the ratio of their times in one round counts. The
spread over the rounds is printed next to the median.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import urllib3
from elasticsearch import Elasticsearch
from rich.progress import track
from rich.table import Table

from es_setup.connection import Service
from evaluation.bench.bars import Bar, judged
from evaluation.bench.machine import Machine
from evaluation.bench.rounds import JSON, deepface_environment, seconds, shown, spread, worker_process
from faces import local_stack
from faces.cli.output import say
from faces.indexing.contents import read_content
from faces.partial_documents import document_of
from faces.photo_folders.reading import read_folder
from faces.shown.terminal import PlainConsole

DOCS = Path(__file__).parents[2] / "docs" / "pipeline.md"
INDEX = "faces-bench"
REPORT_INDEX = "report"
TIMES = 3
"""Bulks in a round, so that it lasts some seconds where the service is fast."""
WARM_UPS = 2
"""Bulks that aren't counted: so many until a new node's code is compiled."""
MOST_SHARE, MOST_MS = 0.25, 4
LOOP = "the report's loop"
BULK = "one bulk through the pipeline"
SERVICE = "the service alone, the same batches"


@dataclass(frozen=True)
class Photos:
    """The same photos, in the form that each contender takes."""

    paths: list[Path]
    documents: list[dict[str, Any]]

    @classmethod
    def sample(cls, folder: Path) -> Photos:
        contents = [read_content(photo) for photo in read_folder(folder).photos]
        documents = [document_of(content.fields()) for content in contents]
        return cls([content.photo.path for content in contents], documents)

    def batches(self, size: int, model: str) -> list[bytes]:
        """Requests to the service, as the plugin sends them."""
        images = [{"image": document["image"]} for document in self.documents]
        head = {
            "model": model,
            "priority": "ingest",
            "return": ["vector", "crop", "thumbnail", "fingerprint"],
        }
        return [
            json.dumps(head | {"images": images[start : start + size]}).encode()
            for start in range(0, len(images), size)
        ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench ingest", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--rounds", type=int, default=5, help="of each contender [5]")
    arguments = parser.parse_args()
    found = measure(arguments.rounds)
    report(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if found["passed"] else 1)


def measure(rounds: int) -> dict[str, Any]:
    """Every figure, and whether each bar is met."""
    cache, home = local_stack.prepare_all(say)
    photos = Photos.sample(cache.sample)
    numbers = {LOOP: len(photos.paths)} | dict.fromkeys((BULK, SERVICE), TIMES * len(photos.paths))
    with local_stack.running_stack(cache, home, _quiet) as running:
        es = running.connection.elasticsearch()
        environment = deepface_environment(cache) | {"ES_URL": running.connection.es_url}
        paths = [str(path) for path in photos.paths]
        with (
            worker_process(report_loop(), paths, environment) as reports,
            ThreadPoolExecutor(4) as senders,
        ):
            connections = urllib3.connection_from_url(running.connection.faces_url, maxsize=4, block=True)
            bodies = photos.batches(16, running.model)

            def alone() -> float:
                return seconds(lambda: list(senders.map(lambda body: _post(connections, body), bodies)))

            contenders: dict[str, Callable[[], float]] = {
                LOOP: reports.round,
                BULK: lambda: sum(bulk(es, photos) for _ in range(TIMES)),
                SERVICE: lambda: sum(alone() for _ in range(TIMES)),
            }
            for _ in range(WARM_UPS):
                bulk(es, photos)
            before = batches(es)
            times: dict[str, list[float]] = {name: [] for name in contenders}
            for _ in track(range(rounds), "rounds", transient=True):
                for name, work in contenders.items():
                    times[name].append(work())
            sent = [after - start for after, start in zip(batches(es), before, strict=True)]
        indexed = es.count(index=REPORT_INDEX)["count"]
        served = Service(running.connection.faces_url).model()
    speeds = {name: [numbers[name] / each for each in values] for name, values in times.items()}
    figures = {
        "machine": asdict(Machine.here()),
        "runtime": f"{served.runtime} in {served.precision}",
        "photos": len(photos.paths),
        "report_found_faces_in": indexed // (rounds + 1),
        "photos_per_second": {name: spread(values) for name, values in speeds.items()},
        "times_as_fast_as_the_report": spread(_by_round(lambda bulk, loop: bulk / loop, speeds, LOOP)),
        "share_of_elasticsearch_and_plugin": spread(
            _by_round(lambda bulk, service: 1 - bulk / service, speeds, SERVICE)
        ),
        "ms_of_elasticsearch_and_plugin": spread(
            _by_round(lambda bulk, service: 1000 / bulk - 1000 / service, speeds, SERVICE)
        ),
        "mean_batch": round(sent[0] / sent[1], 2),
    }
    return figures | judged(bars(figures)) | {"rounds": rounds, "cores": Machine.here().cores}


def bars(figures: dict[str, Any]) -> list[Bar]:
    share, more = (figures[f"{kind}_of_elasticsearch_and_plugin"]["median"] for kind in ("share", "ms"))
    return [
        Bar.at_least("10 times the report's loop", figures["times_as_fast_as_the_report"]["median"], 10),
        Bar(
            f"Elasticsearch and plugin add less than {MOST_SHARE:.0%}, or {MOST_MS} ms a photo",
            share < MOST_SHARE or more < MOST_MS,
            f"{share:.1%}, {more:.3g} ms",
        ),
        Bar("more than 8 photos a request", figures["mean_batch"] > 8, str(figures["mean_batch"])),
    ]


def _by_round(
    compared: Callable[[float, float], float], speeds: dict[str, list[float]], other: str
) -> list[float]:
    """The bulk's photos/s beside another contender's."""
    return [compared(ours, theirs) for ours, theirs in zip(speeds[BULK], speeds[other], strict=True)]


def report_loop() -> str:
    """The report's code for indexing, from docs/pipeline.md."""
    found = re.search(r"<!-- the report's loop -->\n```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    assert found is not None
    return found.group(1)


def bulk(es: Elasticsearch, photos: Photos) -> float:
    """Seconds for one bulk of all photos into a new index."""
    es.options(ignore_status=404).indices.delete(index=INDEX)
    es.indices.create(index=INDEX)
    operations = [line for document in photos.documents for line in ({"index": {"_index": INDEX}}, document)]
    answers = []
    elapsed = seconds(lambda: answers.append(es.bulk(operations=operations)))
    if answers[0]["errors"]:
        raise RuntimeError("a sample photo was refused")
    return elapsed


def batches(es: Elasticsearch) -> tuple[int, int]:
    """Photos and requests that the plugin has sent."""
    answer = es.perform_request("GET", "/_face/stats", headers={"accept": "application/json"})
    (node,) = answer.body["nodes"].values()
    return node["endpoints"]["default"]["photos"], node["endpoints"]["default"]["batches"]


def _post(connections: urllib3.HTTPConnectionPool, body: bytes) -> None:
    answer = connections.request("POST", "/v1/faces", body=body, headers=JSON, timeout=60)
    if answer.status != 200 or b'"vector"' not in answer.data:
        raise RuntimeError("the service refused the sample photos")


def _quiet(_: str) -> None:
    pass


def report(found: dict[str, Any]) -> None:
    out = PlainConsole(stderr=False, width=140)
    out.print(Machine.here().shown())
    table = Table("", "photos/s (min, max)", box=None)
    for name, speed in found["photos_per_second"].items():
        table.add_row(name, shown(speed))
    out.print(table)
    out.print(
        f"{found['photos']} photos in a bulk, {TIMES} bulks in a round;"
        f" the report's loop finds a face in {found['report_found_faces_in']}"
    )
    out.print(f"the pipeline is {shown(found['times_as_fast_as_the_report'])} times as fast")
    share, more = (shown(found[f"{kind}_of_elasticsearch_and_plugin"]) for kind in ("share", "ms"))
    out.print(f"Elasticsearch and plugin take {share} of the pipeline's time, {more} ms a photo")
    out.print(f"{found['mean_batch']} photos a request; the service runs {found['runtime']}")
    for name, met in found["bars"].items():
        out.print(Bar(name, met, found["found"][name]).shown())


if __name__ == "__main__":
    main()
