"""The settings by which an index refuses forged faces and takes any number of fields, if it has them."""

from __future__ import annotations

import json
from typing import Any

from elasticsearch import BadRequestError, Elasticsearch

from es_setup import mappings
from es_setup.keeping import called_by, steps_of
from es_setup.mappings import Mapping
from es_setup.shipped_files import HERE

FINAL = "index.final_pipeline"
CHECK = "face-check"
"""The final pipeline of our templates."""
LIMIT = "index.mapping.total_fields.limit"
NAME_LENGTH = "index.mapping.field_name_length.limit"
ADDED = ("index.mapping.total_fields.ignore_dynamic_beyond_limit", NAME_LENGTH)
"""Settings of our template `faces-settings` that an existing index can get while it is open."""


def lacking(es: Elasticsearch, index: str, final: str = CHECK) -> dict[str, str]:
    """The settings that ``index`` has no value for, its own or ours, with the values of our templates.

    Args:
        final: the final pipeline that it should have.
    """
    found = es.indices.get(index=index, flat_settings=True)[index]
    wanted = {FINAL: final} | _shipped()
    names = mappings.names(found.get("mappings", {}).get("properties", {}))
    if any(len(part) > int(wanted[NAME_LENGTH]) for name in names for part in name.split(".")):
        # Elasticsearch would refuse every later change of this mapping.
        del wanted[NAME_LENGTH]
    return {name: value for name, value in wanted.items() if name not in found["settings"]}


def unchecked(es: Elasticsearch, index: str, final: str = CHECK) -> str | None:
    """Why forged faces aren't refused: somebody's own final pipeline doesn't check them. None if they are."""
    settings = es.indices.get_settings(index=index, name=FINAL, flat_settings=True).body
    own = settings.get(index, {}).get("settings", {}).get(FINAL, final)
    if own == final or final in called_by(es, own) or any("face_check" in step for step in steps_of(es, own)):
        return None
    step = json.dumps({"pipeline": {"name": final}})
    return f"final_pipeline stays {own}, so forged faces are not refused: add the processor {step} to [{own}]"


def add_fields(es: Elasticsearch, index: str, properties: Mapping) -> None:
    """Maps fields of ours, also where senders' own have used up the limit: it grows by as many."""
    try:
        es.indices.put_mapping(index=index, properties=properties)
    except BadRequestError as error:
        if "total fields" not in str(error):
            raise
        found = es.indices.get_settings(
            index=index, name=LIMIT, flat_settings=True, include_defaults=True
        ).body[index]
        limit = int((found["settings"] | found.get("defaults", {}))[LIMIT])
        more = sum(1 for _ in mappings.fields(properties))
        es.indices.put_settings(index=index, settings={LIMIT: limit + more})
        es.indices.put_mapping(index=index, properties=properties)


def request(index: str, settings: dict[str, str]) -> str:
    """As in Dev Tools."""
    return f"PUT /{index}/_settings {json.dumps(settings)}"


def _shipped() -> dict[str, str]:
    body = json.loads((HERE / "component_templates" / "faces-settings.json").read_text())
    flat = _flat(body["template"]["settings"])
    return {name: flat[name] for name in ADDED}


def _flat(settings: dict[str, Any], above: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in settings.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{above}{name}.")
        else:
            found[above + name] = str(value).lower()
    return found
