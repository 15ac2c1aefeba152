"""Links of Markdown panels and data views work in every space, lead to boards that exist, and are made of no
value that a sender chooses."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from kibana.build import Content

LINK = re.compile(r"\]\(\s*<?([^\s)>]*)")
GOOD = re.compile(r"(?:https?|mailto):.*|(?:\.\./app/)?[a-z_]+(?:[#/?].*)?|#/.*")
"""Into the web, or relative to a board's page (…/app/dashboards): a relative link stays in the reader's space
and below Kibana's base path."""
OWN_VALUES = ("file.hash.sha256",)
"""Fields whose values the plugin writes, in characters that mean nothing in an address."""
BOARD = re.compile(r"(?:dashboards)?#/view/([^?/&\s)\"\\]+)")


def problems(content: Content) -> Iterator[str]:
    yield from _made_of_values(content)
    boards = {board.id for board in content.dashboards}
    for at, text in _texts(content):
        for link in LINK.findall(text):
            if not GOOD.fullmatch(link):
                yield (
                    f"{at}: the link [{link[:60]}] leaves the space or Kibana's base path: write it as "
                    "dev_tools#/console or dashboards#/view/…"
                )
        for key in BOARD.findall(text):
            if key not in boards:
                yield f"{at} links to the dashboard [{key}], which isn't there: add it, or drop the link"


def _made_of_values(content: Content) -> Iterator[str]:
    """Kibana makes a link of any value: one within Kibana, or to a page that poses as the original."""
    for view in content.views:
        for name, field in view.fields.items():
            params = (field.format or {}).get("params", {})
            made = field.format is not None and field.format["id"] == "url" and params["type"] != "img"
            if made and (name not in OWN_VALUES or "{{rawValue}}" in params["urlTemplate"]):
                yield (
                    f"data view [{view.id}] links [{name}], whose values are a sender's: show them as text"
                )


def _texts(content: Content) -> Iterator[tuple[str, str]]:
    for board in content.dashboards:
        for panel in board.panels:
            if panel.type == "visualization" and panel.config["savedVis"]["type"] == "markdown":
                at = f"dashboard [{board.id}], panel [{panel.id}]"
                yield at, panel.config["savedVis"]["params"]["markdown"]
    for view in content.views:
        for name, field in view.fields.items():
            yield f"data view [{view.id}], field [{name}]", json.dumps(field.format)
