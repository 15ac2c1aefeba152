"""Checks boards and data views as far as is possible without Kibana, and lists the fields that they need."""

from __future__ import annotations

from itertools import chain

from kibana.build import Content
from kibana.checks import field_uses, layout, lens, links, references, vega
from kibana.checks.template_fields import templates


def problems(content: Content) -> list[str]:
    """Each problem with its place and what to do about it; none if all is well."""
    found = chain(
        references.problems(content.saved_objects()),
        layout.problems(content.dashboards),
        lens.problems(content.dashboards),
        vega.problems(content),
        links.problems(content),
        field_uses.problems(content, templates()),
    )
    return list(dict.fromkeys(found))


def fields_used(content: Content) -> dict[str, set[str]]:
    """Index or alias -> every field that the boards and data views use of it."""
    return field_uses.by_index(content, templates())
