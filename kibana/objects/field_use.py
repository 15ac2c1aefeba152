"""Which fields of which index a part of a board uses, and what for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Need = Literal["shown", "searched", "aggregated", "keyword", "number", "number or date", "date"]

AGGREGATIONS: dict[str, Need] = {
    "terms": "aggregated",
    "cardinality": "aggregated",
    "collapse": "aggregated",
    "min": "number or date",
    "max": "number or date",
    "sum": "number",
    "percentiles": "number",
    "date_histogram": "date",
}
"""What each aggregation needs of the field it names. Any other place that names a field only shows it."""

KEYED_BY_FIELD = ("match", "match_phrase", "prefix", "range", "term", "terms", "wildcard")
"""Queries whose keys are fields."""


@dataclass(frozen=True)
class FieldUse:
    """
    index: an index or alias, or several separated by commas.
    nested: whether a field of nested documents fits, as it does in the query DSL and nowhere else.
    part: the part of the panel that uses it, where there are several.
    """

    index: str
    field: str
    need: Need
    nested: bool = False
    part: str = ""


def fields_in_search(index: str, body: dict[str, Any], part: str = "") -> Iterator[FieldUse]:
    """Every field that a search (or one of its queries) names."""
    for field, need in _named(body, ""):
        yield FieldUse(index, field, need, nested=True, part=part)


def _named(value: Any, within: str) -> Iterator[tuple[str, Need]]:
    """
    Args:
        within: the key of ``value``.
    """
    if isinstance(value, list):
        for one in value:
            yield from _named(one, within)
    elif isinstance(value, dict):
        if within in KEYED_BY_FIELD and "field" not in value:
            for field, asked in value.items():
                yield field, "date" if isinstance(asked, dict) and "%timefilter%" in asked else "shown"
            return
        for key, one in value.items():
            yield from _of_entry(key, one, within)


def _of_entry(key: str, value: Any, within: str) -> Iterator[tuple[str, Need]]:
    if key in ("field", "path"):
        yield value, AGGREGATIONS.get(within, "shown")
    elif key in ("fields", "_source"):
        for field in value or []:
            yield field, "shown"
    elif key == "sort":
        for one in value if isinstance(value, list) else [value]:
            for field in [one] if isinstance(one, str) else one:
                yield field, "shown"
    elif key in ("aggs", "sources"):
        # The keys below are names that the author chose.
        for one in value if isinstance(value, list) else [value]:
            for aggregation in one.values():
                yield from _named(aggregation, "")
    elif key != "order":
        yield from _named(value, key)
