"""Refusals that trying again doesn't change: the service has another model, another key, or isn't one."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Iterator
from typing import Any

from elasticsearch import ApiError, Elasticsearch
from PIL import Image

from es_setup.connection import innermost_reason
from es_setup.keeping import face_options
from es_setup.other_models import check_refusal
from faces.searchable import FaceField, NoFaces, Searchable, searchable
from ingest_service.errors import UserError

LASTING = re.compile(
    r"endpoint \[[^\]]*\] (?:is not configured"
    r"|cannot be used: (?!this node is shutting down)"
    r"|cannot answer: (?:TLS with |\[[^\]]*\] answered with status \[(?:400|401|403|404|405|409)\]))"
)
"""How the plugin's reasons begin (``EndpointFault``) where a retry doesn't help."""


BUSY = 429
"""The status with which the plugin refuses where an endpoint doesn't answer."""
PHOTO = "image"
"""The field in which `faces index` sends a photo."""


class ServiceUnfit(UserError):
    """The inference service can't answer this index's pipeline as both are now; the message says why."""


class OtherFields(UserError):
    """An index that keeps photos and faces elsewhere than an archive does; the message says what to do."""


def is_lasting(reason: str) -> bool:
    """Whether Elasticsearch's reason for a 429 will be the same until somebody changes a setting."""
    return bool(LASTING.search(reason))


def require_fit_service(es: Elasticsearch, index: str) -> None:
    """Asks Elasticsearch whether the service of an index's pipeline can answer it, as `why_unanswered` does.

    Raises:
        ServiceUnfit: it can't as both are set up now.
        OtherModel: it serves another model. A service that is busy or down isn't unfit.
    """
    reason = why_unanswered(es, index)
    if reason and is_lasting(reason):
        check_refusal(reason, index)
        raise ServiceUnfit(reason)


def why_unanswered(es: Elasticsearch, index: str) -> str | None:
    """Why the service of an index's pipeline doesn't answer Elasticsearch, which is asked by a search with a
    picture of one pixel; None if it answers. An index that doesn't exist yet, or has no vectors to search,
    isn't asked about, nor is one whose pipeline the user may not read."""
    try:
        where = searchable(es, index)
        for options in face_options_of(es, where):
            es.search(index=index, size=0, query=probe(where.fields[0], options))
    except NoFaces:
        return None
    except ApiError as error:
        # One pixel has no face, and the user may have no right to search: both say nothing of the service.
        reason = innermost_reason(error)
        return reason if error.status_code == BUSY or is_lasting(reason) else None
    return None


def require_our_fields(es: Elasticsearch, index: str) -> None:
    """
    Raises:
        OtherFields: the index's pipeline reads or writes other fields than those of an archive. Not raised
            where the user may not read the pipeline.
    """
    try:
        found = list(face_options_of(es, searchable(es, index)))
    except (NoFaces, ApiError):
        return
    for options in found:
        require_fields(index, options.get("field", PHOTO), options.get("target_field"))


def require_fields(index: str, field: str, target: str | None) -> None:
    """
    Args:
        field: with the photos of an index; target: the object that faces are written into, if any.

    Raises:
        OtherFields: they are elsewhere than in an archive.
    """
    if field != PHOTO or target:
        where = f" and writes faces below [{target}]" if target else ""
        raise OtherFields(
            f"the pipeline of [{index}] reads photos from [{field}]{where}, and `faces index` sends them "
            f"in [{PHOTO}] for indices like [faces]: send photos to [{index}] with requests"
        )


def face_options_of(es: Elasticsearch, where: Searchable) -> Iterator[dict[str, Any]]:
    """The options of the processors [face] of the indices' default pipelines.

    Raises:
        ApiError: the user may not read the settings or a pipeline.
    """
    settings = es.indices.get_settings(index=where.name, name="index.default_pipeline", flat_settings=True)
    names = {
        found["settings"]["index.default_pipeline"]
        for index, found in settings.items()
        if index in where.recorded and found["settings"]
    }
    for name in sorted(names):
        for pipeline in es.ingest.get_pipeline(id=name).values():
            yield from face_options(pipeline["processors"])


def probe(field: FaceField, options: dict[str, Any]) -> dict[str, Any]:
    image = base64.b64encode(pixel()).decode("ascii")
    face = {"image": image} | {name: options[name] for name in ("model", "endpoint") if name in options}
    builder = {"query_vector_builder": {"face": face}}
    knn: dict[str, Any] = {"knn": {"field": field.vector, "k": 1, "num_candidates": 1, **builder}}
    if field.nested:
        knn = {"nested": {"path": field.at("faces"), "ignore_unmapped": True, "query": knn}}
    return {"bool": {"filter": [{"terms": {"_index": list(field.indices)}}, knn]}}


def pixel() -> bytes:
    """A picture without a face, which costs next to nothing."""
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG")
    return buffer.getvalue()
