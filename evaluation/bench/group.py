"""``./run bench group [LFW_FOLDER]``: how well and how fast `faces group` tells people apart.

Pairwise F-scores: on the sample with the profile `facenet`, and on LFW_FOLDER with `facenet-sface`; of each
photo the largest face. Then 100,000 synthetic vectors: the time of the whole command, from its start to its
end, beside that of its kNN searches alone on the same index, and the most memory that its process had.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from evaluation.bench.bars import Bar, judged
from evaluation.bench.grouping_runs import GroupingRun, archive, grouped, searches_alone
from evaluation.bench.machine import Machine
from evaluation.bench.rounds import shown, spread
from evaluation.bench.synthetic_people import SyntheticPeople
from evaluation.evaluate import photo_progress
from evaluation.methods import Method, profile_embedder
from evaluation.task import Task, folder_task, sample_task
from faces import local_stack
from faces.cli.output import say
from faces.error_rates.arrays import Vectors
from faces.labelled_photos import FolderError
from faces.shown.terminal import PlainConsole
from ingest_service import profiles
from ingest_service.settings import Settings
from ingest_service.weights.cache import Cache

LFW = Path(__file__).parents[3] / "shared" / "data" / "lfw"
"""Half of LFW, beside the checkout: where this project's own checks have it."""
SAMPLE_PROFILE, LFW_PROFILE = "facenet", "facenet-sface"
SAMPLE_F, LFW_F = 0.95, 0.90
MOST_TIMES, MOST_BYTES = 2.0, 2_000_000_000
FACES = 100_000


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench group", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=LFW, metavar="LFW_FOLDER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument(
        "--rounds", type=int, default=1, help="of the synthetic vectors, each in a new index [1]"
    )
    parser.add_argument("--faces", type=int, default=FACES, metavar="N", help="synthetic vectors [100,000]")
    arguments = parser.parse_args()
    try:
        lfw = folder_task(arguments.folder, None)
    except FolderError as problem:
        parser.error(f"{problem}; name a FOLDER in LFW's layout")
    found = measure(lfw, arguments.faces, arguments.rounds)
    report(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if found["passed"] else 1)


def measure(lfw: Task, faces: int, rounds: int) -> dict[str, Any]:
    """Every figure, and whether each bar is met."""
    cache, home = local_stack.prepare_all(say)
    sample = sample_task(cache)
    scores = {
        "sample": of_photos(sample, SAMPLE_PROFILE, cache, home),
        "lfw": of_photos(lfw, LFW_PROFILE, cache, home),
    }
    made = SyntheticPeople.of(faces)
    runs: list[tuple[float, GroupingRun]] = []
    for number in range(rounds):
        say(f"synthetic vectors, round {number + 1} of {rounds}")
        with archive(home, model_id(SAMPLE_PROFILE, cache), made.vectors) as (es, url):
            alone = searches_alone(es)
            say(f"  {alone:.0f} s for the searches alone")
            runs.append((alone, grouped(es, url, made.people)))
    synthetic = {
        "vectors": faces,
        "people": int(made.people.max()) + 1,
        "searches_s": spread([alone for alone, _ in runs]),
        "whole_s": spread([run.seconds for _, run in runs]),
        "times": spread([run.seconds / alone for alone, run in runs]),
        "memory_mb": spread([run.memory / 1e6 for _, run in runs]),
        "groups": runs[0][1].groups,
        **runs[0][1].score.as_json(),
    }
    figures = {"machine": asdict(Machine.here()), **scores, "synthetic": synthetic}
    return figures | judged(bars(figures)) | {"rounds": rounds}


def of_photos(task: Task, profile: str, cache: Cache, home: Path) -> dict[str, Any]:
    """The groups of labelled photos."""
    say(f"{len(task.people):,} photos by {profile}")
    vectors = embedded(task, profile, cache)
    with archive(home, model_id(profile, cache), vectors) as (es, url):
        run = grouped(es, url, task.people)
    say(f"  F {run.score.f:.3f}")
    people = int(task.people.max()) + 1
    counts = {"photos": len(task.people), "people": people, "groups": run.groups}
    return {"profile": profile, **counts, **run.score.as_json()}


def embedded(task: Task, profile: str, cache: Cache) -> Vectors:
    run = Method(profile, "", partial(profile_embedder, profile)).load(cache)
    with photo_progress(len(task.folder.photos)) as progress:
        return run(task.folder.photos, partial(progress, profile)).vectors


def model_id(profile: str, cache: Cache) -> str:
    return profiles.load(Settings(profile=profile, cache=cache.root)).model.id


def bars(figures: dict[str, Any]) -> list[Bar]:
    synthetic = figures["synthetic"]
    return [
        Bar.at_least(f"F on the sample at least {SAMPLE_F}", figures["sample"]["f"], SAMPLE_F),
        Bar.at_least(f"F on LFW at least {LFW_F}", figures["lfw"]["f"], LFW_F),
        Bar.below("at most twice the time of the searches", synthetic["times"]["median"], MOST_TIMES),
        Bar.below("under 2 GB", synthetic["memory_mb"]["max"] * 1e6, MOST_BYTES),
        Bar(f"{FACES:,} vectors", synthetic["vectors"] >= FACES, f"{synthetic['vectors']:,}"),
    ]


def report(found: dict[str, Any]) -> None:
    out = PlainConsole(stderr=False, width=140)
    out.print(Machine.here().shown())
    for name in ("sample", "lfw"):
        one = found[name]
        out.print(
            f"{name}, {one['profile']}: {one['photos']:,} photos of {one['people']:,} people in "
            f"{one['groups']:,} groups; precision {one['precision']:.3f}, recall {one['recall']:.3f}, "
            f"F {one['f']:.3f}"
        )
    synthetic = found["synthetic"]
    out.print(
        f"{synthetic['vectors']:,} synthetic vectors, F {synthetic['f']:.3f}: searches alone "
        f"{shown(synthetic['searches_s'])} s, the whole command {shown(synthetic['whole_s'])} s, "
        f"{shown(synthetic['times'])} times as long; {shown(synthetic['memory_mb'])} MB"
    )
    for name, met in found["bars"].items():
        out.print(Bar(name, met, found["found"][name]).shown())


if __name__ == "__main__":
    main()
