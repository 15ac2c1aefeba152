"""Draws prepared panels with Vega in Chromium, in a Node process (``renderer/draw.mjs``)."""

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

from board_preview.errors import RendererError
from board_preview.prepared_panel import PreparedPanel

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


@dataclass(frozen=True)
class Action:
    """What the mouse does in the middle of an item of the mark ``mark``: of the first whose datum has the
    values of ``where``, or else of the one at ``index``."""

    kind: Literal["click", "hover"]
    mark: str
    index: int = 0
    where: dict[str, Any] | None = None


@dataclass(frozen=True)
class Size:
    """Of a panel including its title, in pixels."""

    width: int = 800
    height: int = 400


@dataclass(frozen=True)
class Item:
    """
    datum: long texts in it are truncated.
    x, y, width, height: in pixels of the picture.
    text: of a text mark; None for others.
    loaded: whether an image mark's picture was loaded; None for others.
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
    """``role``: ``mark`` for a mark of the specification; others are Vega's own, such as ``axis-label``."""

    name: str | None
    type: str
    role: str
    items: list[Item]


@dataclass(frozen=True)
class KibanaCall:
    """A call of one of Kibana's functions by the drawing, such as ``kibanaAddFilter``."""

    name: str
    args: list[Any]


@dataclass(frozen=True)
class Drawing:
    """What is in the picture.

    rows: data set -> its number of rows.
    active: elements that lead somewhere, run something or load something; a panel needs none.
    page_title: of the page, which only a script would change.
    """

    errors: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    calls: list[KibanaCall] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    tooltip: str | None = None
    active: list[str] = field(default_factory=list)
    page_title: str = ""

    def items(self, mark: str) -> list[Item]:
        """All items of the marks with this name."""
        return [item for found in self.marks if found.name == mark for item in found.items]


class Renderer:
    """Draws one panel after another in one page."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def draw(
        self,
        panel: PreparedPanel | str,
        title: str = "",
        size: Size | None = None,
        file: Path | None = None,
        actions: Sequence[Action] = (),
        external_urls: bool = True,
        data_views: Sequence[str] | None = None,
    ) -> Drawing:
        """
        Args:
            panel: the panel, or an error to draw instead.
            file: the picture to write (PNG).
            actions: done in order before the picture is taken.
            external_urls: Kibana's setting ``vis_type_vega.enableExternalUrls``.
            data_views: the index patterns that a click may filter; None: any.

        Raises:
            RendererError: the browser has ended, also after ``DRAW_TIMEOUT``; or an action's item is missing.
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
        return Drawing(
            errors=answer["errors"],
            warnings=answer["warnings"],
            calls=[KibanaCall(**call) for call in answer["calls"]],
            rows=answer["rows"],
            marks=[
                Mark(mark["name"], mark["type"], mark["role"], [Item(**item) for item in mark["items"]])
                for mark in answer["marks"]
            ],
            tooltip=answer["tooltip"],
            active=answer["active"],
            page_title=answer["pageTitle"],
        )

    def _ask(self, job: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # Vega can loop for ever, and then the page doesn't answer.
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
                f"the browser has ended: [{job['title']}] wasn't drawn within {DRAW_TIMEOUT} s, or the "
                "messages above say why"
            )
        answer: dict[str, Any] = json.loads(line)
        if "failed" in answer:
            raise RendererError(answer["failed"])
        return answer


@contextmanager
def running_renderer(say: Callable[[str], None] = lambda _: None) -> Iterator[Renderer]:
    """Starts the browser, and stops it afterwards.

    Raises:
        RendererError: Node, npm or Chromium is missing, or npm can't install Vega.
    """
    node, browser = _found("node"), browser_path()
    install(say)
    process = subprocess.Popen(
        [node, str(HERE / "draw.mjs")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CHROMIUM": browser},
        # Ctrl-C in a terminal must not stop the browser before our own clean-up.
        start_new_session=True,
    )
    try:
        yield Renderer(process)
    finally:
        # The process and the browser end with its input.
        try:
            process.communicate(timeout=STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _described(panel: PreparedPanel | str) -> dict[str, Any]:
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


def install(say: Callable[[str], None]) -> None:
    """Installs Vega and the browser's driver from the lock file, once.

    Raises:
        RendererError: npm is missing, or fails.
    """
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
        raise RendererError(f"npm can't install Vega:\n{(run.stderr or run.stdout)[-2000:]}")
    stamp.write_text(wanted)


def _found(command: str) -> str:
    if (path := shutil.which(command)) is None:
        raise RendererError(f"[{command}] is missing: ./run boards installs it, or says how")
    return path


def browser_path() -> str:
    """The path of Chromium.

    Raises:
        RendererError: there is none.
    """
    named = os.environ.get("CHROMIUM")
    for path in map(shutil.which, [named] if named else BROWSERS):
        if path:
            return path
    raise RendererError(
        f"there is no browser [{named}]: set CHROMIUM to the path of one, or unset it"
        if named
        else "Chromium is missing: ./run boards installs it, or says how; or set CHROMIUM to another browser"
    )
