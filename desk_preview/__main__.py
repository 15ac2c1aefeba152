"""``python -m desk_preview``: pictures of the desk's pages, over the sample faces."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from desk_preview import stock
from desk_preview.chromium import running_chromium
from desk_preview.shots import LOOKS, shots, take
from faces import local_stack
from faces.cli.output import busy, explained, out, tracked
from faces.cli.servers import desk_beside, starting, stopped_by_signals


def preview(
    folder: Annotated[Path, typer.Option("--shots", file_okay=False, help="the folder for the pictures")],
) -> None:
    """Start the stack with the sample faces, enrol, probe and group some, and write a picture of each page of
    the desk, light, dark and on a phone. Without users of Elasticsearch there is no page to sign in.
    """
    with explained(), stopped_by_signals():
        folder.mkdir(parents=True, exist_ok=True)
        with busy() as step:
            cache, home = local_stack.prepare_all(step)
        with starting(cache, home) as running, desk_beside(running) as desk, running_chromium() as browser:
            photos = stock.fill(running.connection.elasticsearch(), cache.sample, tracked)
            total = len(LOOKS) * len(shots(photos))
            for file in tracked(take(browser, desk.url, photos, folder), total, "taking pictures"):
                out.print(str(file), soft_wrap=True)


if __name__ == "__main__":
    typer.run(preview)
