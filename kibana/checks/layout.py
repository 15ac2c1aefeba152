"""Every panel has an id, a title and a place of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from kibana.objects.dashboard import COLUMNS, Dashboard

TITLELESS = "links"
"""The type of a panel that needs no title."""


def problems(dashboards: Iterable[Dashboard]) -> Iterator[str]:
    for board in dashboards:
        yield from _places(board)
        yield from _names(board)


def _places(board: Dashboard) -> Iterator[str]:
    """Panels overlap or leave the grid only if a size isn't positive or a row's widths don't add up."""
    for number, row in enumerate(board.rows):
        widths = [width for _, width in row.panels]
        at = f"dashboard [{board.id}], row {number}"
        if row.height <= 0 or min(widths, default=1) <= 0:
            yield f"{at}: height {row.height} and widths {widths} must be positive: its panels would overlap"
        if sum(widths) != COLUMNS:
            yield f"{at} has {sum(widths)} columns: make its widths add up to {COLUMNS}"


def _names(board: Dashboard) -> Iterator[str]:
    at = f"dashboard [{board.id}]"
    for kind, parts in (("panels", board.panels), ("controls", board.controls)):
        for key, count in Counter(part.id for part in parts).items():
            if count > 1:
                yield f"{at}: {count} {kind} have the id [{key}]: give each its own"
    titles = Counter(panel.title for panel in board.panels if panel.type != TITLELESS)
    for title, count in titles.items():
        if not title.strip():
            yield f"{at}: {count} panels have no title: ask a question or name what they show"
        elif count > 1:
            yield f"{at}: {count} panels have the title [{title}]: say how they differ"
