"""Vega: searches name indices with a data view and have tokens only where Kibana replaces them; clicks hit a
mark and a data view; nothing is fetched."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from kibana.build import Content

CLAUSES = (
    "%dashboard_context-must_clause%",
    "%dashboard_context-filter_clause%",
    "%dashboard_context-must_not_clause%",
)
KEYS = ("%timefilter%", "%autointerval%")
TOKEN = re.compile(r"%[a-z_-]+%?|[a-z_-]+_clause%")
"""A string that is a token, or a misspelt one."""
OUTSIDE = re.compile(r"\b(?:https?|ftp)://|^//")
CLICKED = re.compile(r"@([\w-]+):")
"""In a signal's events: the mark."""
FILTERED = re.compile(r"\bkibana(?:Add|Remove)Filter\(.*?, '([^']*)'")
"""The index pattern of a filter: the first string after a comma, as our filters have none."""


def problems(content: Content) -> Iterator[str]:
    patterns = [view.pattern for view in content.views]
    for board in content.dashboards:
        for panel in board.panels:
            if panel.type == "visualization" and panel.config["savedVis"]["type"] == "vega":
                spec = json.loads(panel.config["savedVis"]["params"]["spec"])
                at = f"dashboard [{board.id}], panel [{panel.id}]"
                yield from _specification(at, spec, patterns)


def _specification(at: str, spec: dict[str, Any], patterns: list[str]) -> Iterator[str]:
    for text in _strings({key: value for key, value in spec.items() if key != "$schema"}):
        if OUTSIDE.search(text):
            yield f"{at}: [{text[:80]}] is an address outside Kibana: a panel must not need one"
        for pattern in FILTERED.findall(text):
            if pattern not in patterns:
                yield f"{at}: a click filters [{pattern}], which is no data view's index pattern"
    marks = {mark.get("name") for mark in spec["marks"]}
    for text in _strings(spec.get("signals", [])):
        for name in CLICKED.findall(text):
            if name not in marks:
                yield f"{at}: a signal listens for clicks on the mark [{name}], which isn't there"
    covered = {index for pattern in patterns for index in pattern.split(",")}
    for data in spec["data"]:
        if url := data.get("url"):
            yield from _search(f"{at}, data [{data['name']}]", url, covered)


def _search(at: str, url: dict[str, Any], covered: set[str]) -> Iterator[str]:
    for index in url["index"].split(","):
        if index not in covered:
            yield f"{at}: no data view covers the index [{index}]: add one, or name another index"
    body = url["body"]
    if "query" in body and ("%context%" in url or "%timefield%" in url):
        yield (
            f"{at}: Kibana refuses %context% and %timefield% beside body.query: put {', '.join(CLAUSES)} "
            "into the query"
        )
    for name, value in body.items():
        allowed = {"query": (*CLAUSES, *KEYS), "aggs": KEYS}.get(name, ())
        for text in _strings(value):
            if TOKEN.fullmatch(text) and text not in allowed:
                known = text in (*CLAUSES, *KEYS)
                why = f"isn't replaced in body.{name}" if known else "isn't a token of Kibana's"
                yield f"{at}: {text} {why}: put one of {', '.join((*CLAUSES, *KEYS))} into body.query"


def _strings(value: Any) -> Iterator[str]:
    """Every string of a value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, one in value.items():
            yield key
            yield from _strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from _strings(one)
