"""A board as one looks at it: panels with a name, each at a place of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations

from kibana.checks.reading import Board, Export, Panel
from kibana.objects.dashboard import COLUMNS

TITLELESS = "links"
"""A row of links says what it is by itself."""


def check(export: Export) -> None:
    for board in export.boards:
        for one in (_ids, _grid, _titles):
            export.guarded(board.where, one, board)


def _ids(board: Board) -> Iterator[str]:
    for key, count in Counter(panel.id for panel in board.panels).items():
        if count > 1:
            yield f"{board.where}: {count} panels have the id [{key}]: give each its own"


def _grid(board: Board) -> Iterator[str]:
    for panel in board.panels:
        x, y, width, height = panel.grid
        if width <= 0 or height <= 0 or x < 0 or y < 0:
            yield f"{panel.where}: place ({x}, {y}) and size {width} by {height} must be positive"
        elif x + width > COLUMNS:
            yield f"{panel.where} ends at column {x + width}: the grid has {COLUMNS}, make it narrower"
    for one, other in combinations(board.panels, 2):
        if _overlap(one, other):
            yield f"{one.where} and panel [{other.id}] overlap: move one of them"


def _overlap(one: Panel, other: Panel) -> bool:
    (x, y, width, height), (left, top, across, down) = one.grid, other.grid
    return x < left + across and left < x + width and y < top + down and top < y + height


def _titles(board: Board) -> Iterator[str]:
    titled = [panel for panel in board.panels if panel.type != TITLELESS]
    for panel in titled:
        if not panel.title.strip():
            yield f"{panel.where} has no title: ask a question or name what it shows"
    for title, count in Counter(panel.title for panel in titled).items():
        if title and count > 1:
            yield f"{board.where}: {count} panels have the title [{title}]: say how they differ"
