"""Vega: searches that Kibana fills in, over indices that the boards know, and nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kibana.checks.reading import Export, Json, Panel, loaded

SCHEMA = re.compile(r"https://vega\.github\.io/schema/vega/v5(\.\d+)*\.json")
CLAUSES = (
    "%dashboard_context-must_clause%",
    "%dashboard_context-filter_clause%",
    "%dashboard_context-must_not_clause%",
)
KEYS = ("%timefilter%", "%autointerval%")
OF_URL = ("%context%", "%timefield%", "%type%")
TOKEN = re.compile(r"%[a-z_-]+%?|[a-z_-]+_clause%")
"""Of a whole string: what is a token, or was meant to be one."""
OUTSIDE = re.compile(r"\b(?:https?|ftp)://|^//")
LISTENING = re.compile(r"@([\w-]+):")
"""In a signal's events: the mark that is clicked."""
FILTERING = re.compile(r"\bkibana(?:Add|Remove)Filter\(")


@dataclass(frozen=True)
class Search:
    """One data set that Kibana asks Elasticsearch for."""

    where: str
    index: str
    url: Json

    @property
    def body(self) -> Json:
        return self.url.get("body") or {}


def check(export: Export) -> None:
    known = {part for view in export.views.values() for part in view.parts}
    patterns = {view.pattern for view in export.views.values()}
    for board in export.boards:
        for panel in board.panels:
            if is_vega(panel):
                export.guarded(panel.where, _panel, panel, known, patterns)


def is_vega(panel: Panel) -> bool:
    saved = panel.config.get("savedVis")
    return panel.type == "visualization" and isinstance(saved, dict) and saved.get("type") == "vega"


def spec(panel: Panel) -> Json:
    found = loaded(panel.config["savedVis"]["params"]["spec"], "the Vega specification")
    if not isinstance(found, dict):
        raise TypeError("a Vega specification must be an object")
    return found


def searches(panel: Panel) -> Iterator[Search]:
    for entry in _data(spec(panel)):
        if isinstance(entry.get("url"), dict):
            where = f"{panel.where}, data [{entry.get('name')}]"
            yield Search(where, entry["url"].get("index") or "", entry["url"])


def _panel(panel: Panel, known: set[str], patterns: set[str]) -> Iterator[str]:
    whole = spec(panel)
    if not SCHEMA.fullmatch(str(whole.get("$schema"))):
        yield f"{panel.where}: its $schema must be Vega 5's, https://vega.github.io/schema/vega/v5.json"
    for entry in _data(whole):
        if isinstance(entry.get("url"), str):
            yield f"{panel.where}, data [{entry.get('name')}]: its url must be a search, not an address"
    for text in _strings({key: value for key, value in whole.items() if key != "$schema"}):
        if OUTSIDE.search(text):
            yield f"{panel.where}: [{text[:80]}] is an address outside of Kibana: no panel may need one"
        for title in _filtered(text):
            if title not in patterns:
                yield f"{panel.where}: a click filters [{title}], which is no data view's index pattern"
    marks = set(_names(whole.get("marks")))
    for text in _strings(whole.get("signals")):
        for name in LISTENING.findall(text):
            if name not in marks:
                yield f"{panel.where}: it waits for clicks on a mark [{name}], which isn't there"
    for search in searches(panel):
        yield from _search(search, known)


def _search(search: Search, known: set[str]) -> Iterator[str]:
    url, body = search.url, search.body
    if not search.index:
        yield f"{search.where}: its url names no index, and would search every one: name one"
    for part in search.index.split(",") if search.index else []:
        if part.strip() not in known:
            yield f"{search.where}: no data view of the file covers the index [{part}]"
    if "query" in body and ("%context%" in url or "%timefield%" in url):
        yield (
            f"{search.where}: Kibana refuses %context% and %timefield% beside body.query: put "
            f"{', '.join(CLAUSES)} into the query"
        )
    for name in url:
        if TOKEN.fullmatch(name) and name not in OF_URL:
            yield f"{search.where}: Kibana knows no {name} in a url: it knows {', '.join(OF_URL)}"
    for name, value in body.items():
        part = name if name in ("query", "aggs") else ""
        yield from _tokens(search.where, value, part, listed=False)


def _tokens(where: str, value: Any, part: str, listed: bool) -> Iterator[str]:
    """
    Args:
        part: ``query`` or ``aggs``, where Kibana fills tokens in; empty: elsewhere.
        listed: whether the value stands in a list, as clauses must.
    """
    if isinstance(value, list):
        for one in value:
            yield from _tokens(where, one, part, listed=True)
    elif isinstance(value, dict):
        for key, one in value.items():
            if TOKEN.fullmatch(key):
                yield from _key(where, key, one, part)
            yield from _tokens(where, one, part, listed=False)
    elif isinstance(value, str) and TOKEN.fullmatch(value):
        if value not in CLAUSES:
            yield f"{where}: Kibana knows no token {value}: it knows {', '.join((*CLAUSES, *KEYS))}"
        elif part != "query" or not listed:
            yield f"{where}: Kibana fills {value} in only in a list inside body.query: move it there"


def _key(where: str, key: str, value: Any, part: str) -> Iterator[str]:
    if key not in KEYS:
        yield f"{where}: Kibana knows no token {key}: it knows {', '.join((*CLAUSES, *KEYS))}"
    elif not part:
        yield f"{where}: Kibana fills {key} in only inside body.query and body.aggs: move it there"
    elif key == "%timefilter%" and value not in (True, "min", "max"):
        yield f"{where}: {key} must be true, min or max"


def _data(value: Any) -> Iterator[Json]:
    """Every data set of a specification, those of its groups too."""
    if isinstance(value, list):
        for one in value:
            yield from _data(one)
    elif isinstance(value, dict):
        sets = value.get("data")
        yield from (one for one in (sets if isinstance(sets, list) else [sets]) if isinstance(one, dict))
        yield from _data(value.get("marks"))


def _names(marks: Any) -> Iterator[str]:
    """Of every mark, those within groups too."""
    for mark in marks or []:
        yield mark.get("name", "")
        yield from _names(mark.get("marks"))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list | dict):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _strings(one)


def _filtered(expression: str) -> Iterator[str]:
    """The index pattern of each filter that an expression sets: the second argument."""
    for call in FILTERING.finditer(expression):
        depth, rest = 0, expression[call.end() :]
        for at, sign in enumerate(rest):
            depth += (sign in "({[") - (sign in ")}]")
            if sign == "," and depth == 0:
                if title := re.match(r"\s*'([^']*)'", rest[at + 1 :]):
                    yield title[1]
                break
