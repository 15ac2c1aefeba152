"""Draws prepared panels in Chromium, by Vega: a process of Node beside us (``renderer/draw.mjs``)."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from board_preview.vega_rules import Panel

HERE = Path(__file__).parent / "renderer"
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
DRAW_TIMEOUT = 60
"""Seconds for one panel; a second is usual."""
STOP_TIMEOUT = 30


class RendererError(Exception):
    """Nothing can be drawn; the message says what is missing."""


@dataclass(frozen=True)
class Action:
    """What the mouse does in the middle of one item of the mark named ``mark``: the first whose datum has the
    values of ``where``, else the one at ``index``."""

    kind: Literal["click", "hover"]
    mark: str
    index: int = 0
    where: dict[str, Any] | None = None


@dataclass(frozen=True)
class Size:
    """Of a panel with its title, in pixels."""

    width: int = 800
    height: int = 400


@dataclass(frozen=True)
class Item:
    """
    datum: long texts in it are cut off.
    x, y, width, height: in pixels of the picture.
    text: of a text mark.
    loaded: of an image mark: whether its picture is there.
    """

    datum: Any
    x: float
    y: float
    width: float
    height: float
    opacity: float
    text: str | None
    loaded: bool | None


@dataclass(frozen=True)
class Mark:
    """``role``: ``mark`` for those of the specification; others are Vega's own, such as ``axis-label``."""

    name: str | None
    type: str
    role: str
    items: list[Item]


@dataclass(frozen=True)
class Call:
    """A function of Kibana that the drawing called, such as ``kibanaAddFilter``."""

    name: str
    args: list[Any]


@dataclass(frozen=True)
class Drawn:
    """What is in the picture. ``rows``: how many each data set has."""

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    tooltip: str | None = None

    def items(self, mark: str) -> list[Item]:
        """All items of the marks with this name."""
        return [item for found in self.marks if found.name == mark for item in found.items]


class Renderer:
    """Draws one panel after the other in one page."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def draw(
        self,
        panel: Panel | str,
        title: str = "",
        size: Size | None = None,
        file: Path | None = None,
        actions: Sequence[Action] = (),
        external_urls: bool = True,
        data_views: Sequence[str] | None = None,
    ) -> Drawn:
        """
        Args:
            panel: the panel, or the error that is shown in its place.
            file: where the picture (PNG) goes.
            actions: done in order, before the picture is taken.
            external_urls: Kibana's setting ``vis_type_vega.enableExternalUrls``.
            data_views: the titles that a click can name; any by default.

        Raises:
            RendererError: the browser is gone, or was stopped because it drew for longer than
                ``DRAW_TIMEOUT``; or an action's item isn't there.
        """
        size = size or Size()
        job = {
            "title": title,
            **_described(panel),
            "externalUrls": external_urls,
            "dataViews": None if data_views is None else list(data_views),
            "width": size.width,
            "height": size.height,
            "file": None if file is None else str(file.resolve()),
            "actions": [vars(action) for action in actions],
        }
        answer = self._ask(job)
        return Drawn(
            errors=answer["errors"],
            warnings=answer["warnings"],
            calls=[Call(**call) for call in answer["calls"]],
            rows=answer["rows"],
            marks=[
                Mark(mark["name"], mark["type"], mark["role"], [Item(**item) for item in mark["items"]])
                for mark in answer["marks"]
            ],
            tooltip=answer["tooltip"],
        )

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # Vega may loop for ever in a page, which then answers nobody.
        limit = threading.Timer(DRAW_TIMEOUT, self._process.kill)
        limit.start()
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            limit.cancel()
        if not line:
            raise RendererError(
                "the browser has ended, by itself (what it said is above) or because "
                f"[{job['title']}] wasn't drawn within {DRAW_TIMEOUT} s"
            )
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise RendererError(answer["failed"])
        return answer


@contextmanager
def running_renderer(say: Callable[[str], None] = lambda _: None) -> Iterator[Renderer]:
    """Starts the browser, and stops it at the end.

    Raises:
        RendererError: Node, npm or Chromium is missing, or npm can't bring Vega.
    """
    node, browser = _found("node"), _browser()
    _install(say)
    process = subprocess.Popen(
        [node, str(HERE / "draw.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CHROMIUM": browser},
        # A terminal's Ctrl-C is for us: the browser ends when our own work is wound up.
        start_new_session=True,
    )
    try:
        yield Renderer(process)
    finally:
        # The end of its input is the end of it, and of the browser.
        try:
            process.communicate(timeout=STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _described(panel: Panel | str) -> dict[str, Any]:
    if isinstance(panel, str):
        return {"spec": {}, "errors": [panel], "warnings": []}
    return {
        "spec": panel.spec,
        "renderer": "svg" if panel.config.get("renderer") == "svg" else "canvas",
        "tooltips": panel.config.get("tooltips") is not False,
        "resize": panel.resize,
        "errors": [],
        "warnings": panel.warnings,
    }


def _install(say: Callable[[str], None]) -> None:
    """Vega and the browser's driver, as the lock file names them; brought once."""
    stamp = HERE / "node_modules" / ".stamp"
    wanted = str(zlib.crc32((HERE / "package-lock.json").read_bytes()))
    if stamp.is_file() and stamp.read_text() == wanted:
        return
    say("Vega: installing with npm")
    run = subprocess.run(
        [_found("npm"), "ci", "--silent", "--no-audit", "--no-fund"],
        cwd=HERE,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise RendererError(f"npm can't bring Vega:\n{(run.stderr or run.stdout)[-2000:]}")
    stamp.write_text(wanted)


def _found(command: str) -> str:
    if (path := shutil.which(command)) is None:
        raise RendererError(f"{command} is missing: ./run boards installs it, or says how")
    return path


def _browser() -> str:
    named = os.environ.get("CHROMIUM")
    for path in map(shutil.which, [named] if named else BROWSERS):
        if path:
            return path
    raise RendererError(
        f"there is no browser [{named}]: CHROMIUM must be the path of one, or empty"
        if named
        else "Chromium is missing: ./run boards installs it, or says how; CHROMIUM names another"
    )
