"""Checks saved objects as far as that goes without a Kibana, and says which fields they need."""

from __future__ import annotations

from typing import Any

from kibana.checks import layout, lens, links, objects, references, uses, vega
from kibana.checks.fields import templates
from kibana.checks.reading import read


def problems(saved: list[dict[str, Any]]) -> list[str]:
    """What is wrong with an export of Kibana 8.19, each with where it is and what to do; none if all is well.

    Args:
        saved: the parsed lines of the file, of whatever shape.
    """
    export = read(saved)
    for check in (objects.check, layout.check, references.check, lens.check, vega.check, links.check):
        check(export)
    uses.check(export, templates())
    return list(dict.fromkeys(export.problems))


def fields_used(saved: list[dict[str, Any]]) -> dict[str, set[str]]:
    """Alias of an index -> every field that boards and data views name of it.

    Args:
        saved: the parsed lines of a file without ``problems``.
    """
    return uses.used(read(saved), templates())
