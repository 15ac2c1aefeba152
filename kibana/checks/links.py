"""Links of Markdown panels and data views: in a form that works in every space, to boards that exist."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from kibana.checks.reading import Export, Panel

LINK = re.compile(r"\]\(\s*<?([^\s)>]*)")
WITHIN_KIBANA = re.compile(r"(?:\.\./app/)?[a-z_]+(?:[#/?].*)?|#/.*")
"""Relative to a board's own page, …/app/dashboards: stays in its space and below Kibana's base path."""
WEB = re.compile(r"(?:https?|mailto):.*")
BOARD = re.compile(r"(?:dashboards)?#/view/([^?/&\s)\"\\]+)")


def check(export: Export) -> None:
    there = {board.id for board in export.boards}
    for board in export.boards:
        for panel in board.panels:
            if panel.type == "visualization" and not panel.by_reference:
                export.guarded(panel.where, _markdown, panel, there)
    for view in export.views.values():
        for field, shown in view.formats.items():
            where = f"{view.where}, field [{field}]"
            export.guarded(where, _boards, where, json.dumps(shown), there)


def _markdown(panel: Panel, there: set[str]) -> Iterator[str]:
    saved = panel.config["savedVis"]
    if saved["type"] != "markdown":
        return
    for link in LINK.findall(saved["params"]["markdown"]):
        if not (WITHIN_KIBANA.fullmatch(link) or WEB.fullmatch(link)):
            yield (
                f"{panel.where}: the link [{link[:60]}] leaves the space or Kibana's base path: write it as "
                "dev_tools#/console or dashboards#/view/…"
            )
    yield from _boards(panel.where, saved["params"]["markdown"], there)


def _boards(where: str, text: str, there: set[str]) -> Iterator[str]:
    for key in BOARD.findall(text):
        if key not in there:
            yield f"{where} links to the dashboard [{key}], which isn't in the file"
