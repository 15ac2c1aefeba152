"""Every field that a board or data view uses exists in the templates, and is of a fitting type."""

from __future__ import annotations

from collections.abc import Iterator

from kibana.build import Content
from kibana.checks.template_fields import META, MappedField, Template, find
from kibana.objects.field_use import FieldUse, Need

NUMBERS = (
    "byte",
    "short",
    "integer",
    "long",
    "unsigned_long",
    "half_float",
    "float",
    "double",
    "scaled_float",
)
KEYWORDS = ("keyword", "constant_keyword", "wildcard")
DATES = ("date", "date_nanos")
TYPES: dict[Need, tuple[str, ...]] = {
    "aggregated": (*NUMBERS, *KEYWORDS, *DATES, "boolean"),
    "keyword": KEYWORDS,
    "number": NUMBERS,
    "number or date": (*NUMBERS, *DATES),
    "date": DATES,
}
"""The types that fit; the field must have doc values, too."""
NOT_SEARCHABLE = ("object", "nested", "binary")


def problems(content: Content, known: dict[str, Template]) -> Iterator[str]:
    for view in content.views:
        for index in view.pattern.split(","):
            if index not in known:
                yield f"data view [{view.id}]: no template is for the index [{index}]: use {', '.join(known)}"
        for name in view.hidden:
            if not any(find(template, name) for template in known.values()):
                yield f"data view [{view.id}] hides the field [{name}], which no template has: check its name"
    for where, use in _all(content):
        yield from _unfit(f"{where}, {use.part}" if use.part else where, use, known)


def by_index(content: Content, known: dict[str, Template]) -> dict[str, set[str]]:
    """Index -> the fields that are used of it. A field used of several indices counts for those that have it,
    or for all if none has it."""
    used: dict[str, set[str]] = {}
    for _, use in _all(content):
        indices = use.index.split(",")
        having = [index for index in indices if find(known.get(index, {}), use.field)]
        for index in having or indices:
            names = used.setdefault(index, set())
            if use.field not in META:
                names.add(use.field)
    return used


def fits(field: MappedField, use: FieldUse) -> bool:
    if use.need == "shown":
        return True
    if field.nested and not use.nested:
        return False
    if use.need == "searched":
        return field.indexed and field.type not in NOT_SEARCHABLE
    return field.doc_values and field.type in TYPES[use.need]


def _all(content: Content) -> Iterator[tuple[str, FieldUse]]:
    """Each use, with the board and panel (or the data view) that it is part of."""
    for view in content.views:
        yield from ((f"data view [{view.id}]", use) for use in view.uses())
    for board in content.dashboards:
        yield from ((f"dashboard [{board.id}]", use) for use in board.control_uses())
        for panel in board.panels:
            yield from ((f"dashboard [{board.id}], panel [{panel.id}]", use) for use in panel.uses)


def _unfit(at: str, use: FieldUse, known: dict[str, Template]) -> Iterator[str]:
    templates = [known[index] for index in use.index.split(",") if index in known]
    found = [field for template in templates if (field := find(template, use.field))]
    if templates and not found:
        yield (
            f"{at}: no template of {use.index} has the field [{use.field}]: check its name, or add it to "
            "es_setup/component_templates"
        )
    elif not all(fits(field, use) for field in found):
        kind = ("nested " if found[0].nested else "") + found[0].type
        yield f"{at}: field [{use.field}] is {kind}, and must be [{use.need}]: use another field"
