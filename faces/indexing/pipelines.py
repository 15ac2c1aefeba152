"""Whether an index finds faces, and which fields it takes."""

from __future__ import annotations

from typing import Any

from elasticsearch import ApiError, AuthorizationException, Elasticsearch

from es_setup.install import has_plugin
from es_setup.keeping import face_options, steps_of
from ingest_service.errors import UserError

OLDEST_MAJOR = 8
"""Of Elasticsearch's versions that have a plugin of ours."""


class NoPipeline(UserError):
    """The index has no pipeline that finds faces; the message says what to do."""


class NoGallery(UserError):
    """The index doesn't take portraits; the message says which does."""


def require_pipeline(es: Elasticsearch, index: str) -> None:
    """
    Raises:
        NoPipeline: ``index`` would store documents as they are, photos included.
    """
    if has_pipeline(es, index):
        return
    _require_version(es)
    if not _may_have_plugin(es):
        raise NoPipeline(
            "Elasticsearch lacks the plugin [ingest-face], which finds the faces: install it on every node "
            "(docs/install.md), then run `faces install`. Without it: `faces install --without-plugin`"
        )
    raise NoPipeline(
        f"[{index}] has no ingest pipeline that finds faces: run `faces install` first, or name an index "
        "like [faces]"
    )


def has_pipeline(es: Elasticsearch, index: str) -> bool:
    """Whether all indices of this name, or the one that is created by sending to it, have a pipeline."""
    return all(name not in (None, "_none") for name in _pipelines(es, index))


def require_gallery(es: Elasticsearch, index: str) -> None:
    """
    Raises:
        NoGallery: the pipeline of ``index`` takes photos of several people, or of none.
    """
    try:
        steps = [steps_of(es, name) for name in _pipelines(es, index) if name]
    except AuthorizationException:
        return  # The pipeline itself will say what it doesn't take.
    if not all(options.get("single_face") for options in face_options(steps)):
        raise NoGallery(f"[{index}] takes more than portraits: enroll people in an index like [face-gallery]")


def _pipelines(es: Elasticsearch, index: str) -> list[str | None]:
    """The default pipeline of each index behind a name, or of one that would be created."""
    if es.indices.exists(index=index):
        settings = [found["settings"] for found in es.indices.get_settings(index=index).values()]
    else:
        simulated = es.indices.simulate_index_template(name=index)
        settings = [simulated.get("template", {}).get("settings", {})]
    return [found.get("index", {}).get("default_pipeline") for found in settings]


def _require_version(es: Elasticsearch) -> None:
    """
    Raises:
        NoPipeline: this Elasticsearch is older than any that the plugin is for.
    """
    version = str(es.info()["version"]["number"])
    if int(version.partition(".")[0]) < OLDEST_MAJOR:
        raise NoPipeline(f"this is Elasticsearch {version}: photos need 8.19 or newer, see docs/install.md")


def _may_have_plugin(es: Elasticsearch) -> bool:
    try:
        return has_plugin(es)
    except ApiError:  # a user without the right to ask for nodes
        return True


def refused_fields(es: Elasticsearch, index: str, names: tuple[str, ...]) -> set[str]:
    """Those of ``names`` that an index refuses, because its mapping is strict and lacks them."""
    found = es.options(ignore_status=404).indices.get_mapping(index=index)
    mappings = [entry.get("mappings", {}) for entry in found.values() if isinstance(entry, dict)]
    return {name for name in names for mapping in mappings if _refuses(mapping, name)}


def _refuses(mapping: dict[str, Any], name: str) -> bool:
    dynamic: object = mapping.get("dynamic", True)
    for part in name.split("."):
        field = mapping.get("properties", {}).get(part)
        if field is None:
            return str(dynamic).lower() == "strict"
        mapping, dynamic = field, field.get("dynamic", dynamic)
    return False
