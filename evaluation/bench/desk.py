"""``./run bench desk``: how long a person waits for the desk, on the embedded stack with the sample faces.

From sending a photo to the whole page with boxes and matches, beside the service's answer and the searches
alone; they take turns on one machine, and the ratio in one round counts. Then fifty clicks in a real
Chromium, each up to the next page's load event.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.table import Table

from desk_preview import stock
from desk_preview.chromium import running_chromium
from evaluation.bench.bars import Bar, judged
from evaluation.bench.desk_asking import MOST_RATIO, asking
from evaluation.bench.desk_clicks import CLICKS, MOST_P50_MS, clicking
from evaluation.bench.machine import Machine
from evaluation.bench.rounds import shown
from faces import local_stack
from faces.cli.output import say, tracked
from faces.local_desk import running_desk
from faces.shown.terminal import PlainConsole


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench desk", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    parser.add_argument("--rounds", type=int, default=30, help="of asking with each photo [30]")
    arguments = parser.parse_args()
    found = measure(arguments.rounds)
    report(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if found["passed"] else 1)


def measure(rounds: int) -> dict[str, Any]:
    """Every figure, and whether each bar is met."""
    cache, home = local_stack.prepare_all(say)
    with local_stack.running_stack(cache, home, say) as running:
        es = running.connection.elasticsearch()
        photos = stock.fill(es, cache.sample, tracked)
        with running_desk(running.connection, running.folder / "desk") as desk:
            asked = {"one face": photos.single, "five faces": photos.party}
            pages = asking(running.connection, es, desk.url, asked, running.model, rounds)
            with running_chromium() as browser:
                chromium = browser.version
                clicked = clicking(browser, desk.url, photos)
    found: dict[str, Any] = {
        "machine": Machine.here().shown(),
        "chromium": chromium,
        "model": running.model,
        "rounds": rounds,
        "asking": pages,
        "clicking": clicked,
    }
    return found | judged(bars(found))


def bars(found: dict[str, Any]) -> list[Bar]:
    """What the desk promises of a person's time."""
    ratios = [
        Bar.at_most(
            f"page of a photo with {name}, as a multiple of the service's answer and the searches",
            one["ratio"]["median"],
            MOST_RATIO,
        )
        for name, one in found["asking"].items()
    ]
    clicked = found["clicking"]
    return [
        *ratios,
        Bar.at_least("clicks", clicked["clicks"], CLICKS),
        Bar.below(f"p50 of {clicked['clicks']} clicks, ms", clicked["p50_ms"], MOST_P50_MS),
    ]


def report(found: dict[str, Any]) -> None:
    out = PlainConsole(stderr=False, width=140)
    head = ("page s (min, max)", "service and searches s", "service s", "ratio")
    table = Table("a photo with", *head, box=None)
    for name, one in found["asking"].items():
        parts = ("page_s", "service_and_searches_s", "service_s", "ratio")
        table.add_row(name, *(shown(one[part]) for part in parts))
    out.print(table)
    clicked = found["clicking"]
    out.print(
        f"{clicked['clicks']} clicks, up to the next page's load event: p50 {clicked['p50_ms']:.0f} ms, "
        f"p90 {clicked['p90_ms']:.0f} ms, longest {clicked['max_ms']:.0f} ms"
    )
    for one in sorted(clicked["each"], key=lambda one: -float(one["ms"]))[:3]:
        out.print(f"  {one['ms']:.0f} ms: {one['click']}")
    for bar in bars(found):
        out.print(bar.shown())
    out.print(f"{found['machine']}; {found['rounds']} rounds, Chromium {found['chromium']}")


if __name__ == "__main__":
    main()
