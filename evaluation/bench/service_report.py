"""What ``./run bench service`` prints."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from evaluation.bench import yardstick
from evaluation.bench.bars import Bar
from evaluation.bench.contenders import BASELINES, Row, Server
from evaluation.bench.machine import Machine
from evaluation.bench.race import FACENET
from evaluation.bench.rounds import shown
from evaluation.bench.service_bars import BF16
from faces.shown.terminal import PlainConsole

FP32_ROW, BF16_ROW = Row(Server(FACENET)).name, Row(Server(FACENET, BF16)).name
SPREAD = len("0.583 (0.583, 0.583)")


def show(found: dict[str, Any]) -> None:
    out = PlainConsole(stderr=False, width=140)
    out.print(Machine.here().shown())
    out.print(_rows(found))
    for name, times in found["latency_ms"].items():
        out.print(f"{name}: p50 {times['p50']} ms, p99 {times['p99']} ms a request")
    for name, times in found["one_by_one_ms"].items():
        out.print(f"{name}, one photo at a time: p50 {times['p50']} ms, p99 {times['p99']} ms a request")
    for name, shares in found["stage_share"].items():
        listed = ", ".join(f"{stage} {share:.0%}" for stage, share in shares.items())
        out.print(f"{name}, time in stages: {listed}")
    for line in yardstick.lines(found["yardstick"]):
        out.print(line)
    out.print(_embedding(found["yardstick"]["embedding"]))
    out.print(
        f"ready in {shown(found['ready_seconds'])} s;"
        f" import tensorflow {shown(found['import_tensorflow_seconds'])} s"
    )
    for name, met in found["bars"].items():
        out.print(Bar(name, met, found["found"][name]).shown())


def _rows(found: dict[str, Any]) -> Table:
    """A row for each contender; how many times as fast as it `facenet` is, in both precisions."""
    judges = {FP32_ROW: "facenet fp32 is … times", BF16_ROW: "facenet bf16 is … times"}
    judges = {row: heading for row, heading in judges.items() if row in found["times_as_fast"]}
    table = Table(box=None)
    table.add_column("8 clients, 4 photos a request", no_wrap=True)
    for heading in ("photos/s (min, max)", *judges.values()):
        table.add_column(heading, min_width=SPREAD)
    for heading in ("12 MP: photos/s", "12 MP: CPU ms", "peak MB"):
        table.add_column(heading)
    for name, speed in found["photos_per_second"].items():
        times = [found["times_as_fast"][judge].get(name) for judge in judges]
        large = [found[kind].get(name) for kind in ("large_photos_per_second", "large_cpu_ms")]
        cells = [shown(values) if values else "" for values in times]
        cells += [f"{values['median']:.3g}" if values else "" for values in large]
        note = ", alone" if name in BASELINES else ""
        table.add_row(name + note, shown(speed), *cells, f"{found['peak_mb'][name]:.0f}")
    return table


def _embedding(rows: list[dict[str, Any]]) -> Table:
    headings = ("embedding alone", "faces/s", "one face, ms", "share of the fastest matrix product")
    table = Table(*headings, box=None)
    for row in rows:
        name = f"{row['network']}, {yardstick.runtime_of(row)}, {row['gflop_a_face']} GFLOP a face"
        table.add_row(name, shown(row["faces_per_second"]), shown(row["one_ms"]), shown(row["share"]))
    return table
